/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proto/date.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>

#define DAYS_TO_1970 719162 /* from 0001-01-01 */

/* Exactly n digits with a value in lo..hi; -1 otherwise. */
static int number(const char **s, int n, int lo, int hi)
{
	int v = 0;

	for (; n > 0; n--, (*s)++) {
		if (!isdigit((unsigned char)**s))
			return -1;
		v = v * 10 + (**s - '0');
	}
	return v >= lo && v <= hi ? v : -1;
}

static bool skip(const char **s, char upper)
{
	if (toupper((unsigned char)**s) != upper)
		return false;
	(*s)++;
	return true;
}

static bool leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month - 1] + (month == 2 && leap(year));
}

/* Days since 1970. */
static int64_t days_before(int year, int month, int day)
{
	int64_t past = year - 1;
	int64_t days = past * 365 + past / 4 - past / 100 + past / 400 + day - 1;

	for (int m = 1; m < month; m++)
		days += days_in(year, m);
	return days - DAYS_TO_1970;
}

static bool parse_day(const char **s, int64_t *ret_seconds)
{
	int year, month, day;

	if ((year = number(s, 4, 1, 9999)) < 0 || !skip(s, '-') ||
	    (month = number(s, 2, 1, 12)) < 0 || !skip(s, '-') ||
	    (day = number(s, 2, 1, days_in(year, month))) < 0)
		return false;
	*ret_seconds = days_before(year, month, day) * 86400;
	return true;
}

/* A second of 60 is a leap second, and the same as the first one of the next minute. */
static bool parse_time(const char **s, int64_t *ret_seconds, usec_t *ret_fraction)
{
	usec_t weight = USEC_PER_SEC / 10;
	int hour, minute, second;

	if ((hour = number(s, 2, 0, 23)) < 0 || !skip(s, ':') ||
	    (minute = number(s, 2, 0, 59)) < 0 || !skip(s, ':') ||
	    (second = number(s, 2, 0, 60)) < 0)
		return false;
	*ret_seconds = hour * 3600 + minute * 60 + second;
	*ret_fraction = 0;
	if (!skip(s, '.'))
		return true;
	if (!isdigit((unsigned char)**s))
		return false;
	for (; isdigit((unsigned char)**s); (*s)++, weight /= 10)
		*ret_fraction += weight * (usec_t)(**s - '0');
	return true;
}

static bool parse_offset(const char **s, int64_t *ret_seconds)
{
	bool west = **s == '-';
	int hour, minute;

	*ret_seconds = 0;
	if (skip(s, 'Z'))
		return true;
	if ((!skip(s, '+') && !skip(s, '-')) || (hour = number(s, 2, 0, 23)) < 0 || !skip(s, ':') ||
	    (minute = number(s, 2, 0, 59)) < 0)
		return false;
	*ret_seconds = (hour * 3600 + minute * 60) * (west ? -1 : 1);
	return true;
}

int date_parse(const char *s, usec_t *ret)
{
	int64_t day, time, offset, seconds;
	usec_t fraction;

	if (!parse_day(&s, &day) || !skip(&s, 'T') || !parse_time(&s, &time, &fraction) ||
	    !parse_offset(&s, &offset) || *s)
		return -EINVAL;
	seconds = day + time - offset;
	*ret = seconds < 0 ? 0 : (usec_t)seconds * USEC_PER_SEC + fraction;
	return 0;
}
