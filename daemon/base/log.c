/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strtab.h"

static const char *const level_names[] = {"emerg",   "alert",  "crit", "err",
					  "warning", "notice", "info", "debug"};
#define LEVELS (sizeof(level_names) / sizeof(*level_names))

static int max_level = LOG_INFO;
static bool to_journal;
static const char *prefix = "";

void log_init(const char *ident, int level)
{
	to_journal = getenv("JOURNAL_STREAM") != NULL;
	prefix = ident;
	max_level = level;
}

void log_set_max_level(int level)
{
	max_level = level;
}

int log_get_max_level(void)
{
	return max_level;
}

int log_level_parse(const char *name)
{
	int v = strtab_value(level_names, LEVELS, name);

	return v < 0 ? -EINVAL : v;
}

const char *log_level_str(int level)
{
	return strtab_name(level_names, LEVELS, level);
}

const char *log_strerror(int errnum)
{
	const char *s = strerrordesc_np(errnum);

	return s ? s : "unknown error";
}

void log_line(int level, const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	if (level > max_level)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (to_journal)
		fprintf(stderr, "<%d>%s\n", level, line);
	else
		fprintf(stderr, "%s: %s%s\n", prefix,
			level <= LOG_ERR       ? "error: "
			: level == LOG_WARNING ? "warning: "
					       : "",
			line);
}
