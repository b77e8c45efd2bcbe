/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "conf/value.h"

static const struct {
	const char *name;
	usec_t usec;
} units[] = {
	{"us", 1},
	{"usec", 1},
	{"ms", USEC_PER_MSEC},
	{"msec", USEC_PER_MSEC},
	{"s", USEC_PER_SEC},
	{"sec", USEC_PER_SEC},
	{"second", USEC_PER_SEC},
	{"seconds", USEC_PER_SEC},
	{"m", 60 * USEC_PER_SEC},
	{"min", 60 * USEC_PER_SEC},
	{"minute", 60 * USEC_PER_SEC},
	{"minutes", 60 * USEC_PER_SEC},
	{"h", 3600 * USEC_PER_SEC},
	{"hr", 3600 * USEC_PER_SEC},
	{"hour", 3600 * USEC_PER_SEC},
	{"hours", 3600 * USEC_PER_SEC},
	{"d", 86400 * USEC_PER_SEC},
	{"day", 86400 * USEC_PER_SEC},
	{"days", 86400 * USEC_PER_SEC},
};

/* Microseconds of a unit, or 0. */
static usec_t unit_usec(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (strlen(units[i].name) == len && memcmp(units[i].name, name, len) == 0)
			return units[i].usec;
	return 0;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Moves *s behind the digits; false when there are none or the number is too large. */
static bool take_number(const char **s, usec_t *ret)
{
	usec_t n = 0;

	if (!is_digit(**s))
		return false;
	for (; is_digit(**s); (*s)++)
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (usec_t)(**s - '0'), &n))
			return false;
	*ret = n;
	return true;
}

int timespan_parse(const char *s, usec_t *ret)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
	usec_t total = 0;
	unsigned parts = 0;

	do {
		usec_t whole, unit, fraction = 0, scale = 1;
		size_t len;

		if (!take_number(&s, &whole))
			return -EINVAL;
		if (*s == '.') {
			if (!is_digit(*++s))
				return -EINVAL;
			for (; is_digit(*s); s++) {
				if (scale == USEC_PER_SEC) /* finer than the result can be */
					continue;
				fraction = fraction * 10 + (usec_t)(*s - '0');
				scale *= 10;
			}
		}
		s += strspn(s, " \t");
		len = strspn(s, letters);
		unit = unit_usec(s, len);
		/* Seconds may go without a unit, but only alone: "1h 30" could be half an hour. */
		if (len == 0 && *s == '\0' && parts == 0)
			unit = USEC_PER_SEC;
		if (unit == 0)
			return -EINVAL;
		s += len;
		s += strspn(s, " \t");
		if (__builtin_mul_overflow(whole, unit, &whole) ||
		    __builtin_add_overflow(total, whole, &total) ||
		    __builtin_add_overflow(total, fraction * unit / scale, &total))
			return -EINVAL;
		parts++;
	} while (*s);
	*ret = total;
	return 0;
}
