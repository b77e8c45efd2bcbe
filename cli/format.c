/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/usec.h"
#include "ctl.h"

#define MINUTE (60 * USEC_PER_SEC)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

uint64_t format_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

static void format_moment(uint64_t t, char *buf)
{
	uint64_t now = format_now();
	uint64_t d = t > now ? t - now : now - t;
	char span[64];

	if (d < MINUTE)
		snprintf(span, sizeof(span), "%" PRIu64 "s", d / USEC_PER_SEC);
	else if (d < HOUR)
		snprintf(span, sizeof(span), "%" PRIu64 "min %" PRIu64 "s", d / MINUTE,
			 d % MINUTE / USEC_PER_SEC);
	else if (d < DAY)
		snprintf(span, sizeof(span), "%" PRIu64 "h %" PRIu64 "min", d / HOUR,
			 d % HOUR / MINUTE);
	else
		snprintf(span, sizeof(span), "%" PRIu64 "d %" PRIu64 "h", d / DAY, d % DAY / HOUR);
	snprintf(buf, FORMAT_LEN, t > now ? "in %s" : "%s ago", span);
}

static void format_duration(int64_t d, char *buf)
{
	double ms = (double)d / (double)USEC_PER_MSEC;

	if (ms < 10000 && ms > -10000)
		snprintf(buf, FORMAT_LEN, "%.1f ms", ms);
	else
		snprintf(buf, FORMAT_LEN, "%.1f s", ms / 1000);
}

static void format_bytes(uint64_t n, char *buf)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double v = (double)n;
	int unit = -1;

	while (v >= 1024 && unit < 5) {
		v /= 1024;
		unit++;
	}
	if (unit < 0)
		snprintf(buf, FORMAT_LEN, "%" PRIu64 " B", n);
	else
		snprintf(buf, FORMAT_LEN, "%.1f %s", v, units[unit]);
}

static void format_stamp(uint64_t t, char *buf)
{
	time_t seconds = (time_t)(t / USEC_PER_SEC);
	struct tm tm;
	size_t n;

	localtime_r(&seconds, &tm);
	n = strftime(buf, FORMAT_LEN, "%F %T", &tm);
	snprintf(buf + n, FORMAT_LEN - n, ".%06" PRIu64, t % USEC_PER_SEC);
}

static void format_text(const json_t *v, char *buf)
{
	if (json_is_string(v))
		snprintf(buf, FORMAT_LEN, "%s", json_string_value(v));
	else if (json_is_integer(v))
		snprintf(buf, FORMAT_LEN, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	else
		snprintf(buf, FORMAT_LEN, "%s", json_is_true(v) ? "yes" : "no");
}

const char *format_value(enum format f, const json_t *v, char buf[static FORMAT_LEN])
{
	json_int_t n = json_integer_value(v);

	if (!v || json_is_null(v)) {
		snprintf(buf, FORMAT_LEN, "-");
		return buf;
	}
	switch (json_is_integer(v) ? f : FORMAT_TEXT) {
	case FORMAT_TEXT:
	case FORMAT_STATE:
		format_text(v, buf);
		break;
	case FORMAT_MOMENT:
		format_moment((uint64_t)n, buf);
		break;
	case FORMAT_DURATION:
		format_duration(n, buf);
		break;
	case FORMAT_BYTES:
		format_bytes((uint64_t)n, buf);
		break;
	case FORMAT_STAMP:
		format_stamp((uint64_t)n, buf);
		break;
	}
	return buf;
}

const char *format_colour(const char *state)
{
	static const struct {
		const char *colour, *states[12];
	} colours[] = {
		{"green",
		 {"home", "away", "attached", "native", "remote", "reachable", "registered", "done",
		  "ok"}},
		{"yellow",
		 {"starting", "soliciting", "configuring", "registering", "draining", "updating",
		  "returning", "withdrawing", "running", "superseded"}},
		{"red", {"offline", "lost", "silent", "refusing", "refused", "failed", "wrong"}},
		{"darkgray", {"down", "idle", "untried"}},
	};

	for (size_t i = 0; state && i < sizeof(colours) / sizeof(*colours); i++)
		for (const char *const *s = colours[i].states; *s; s++)
			if (strcmp(*s, state) == 0)
				return colours[i].colour;
	return NULL;
}
