/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log lines to standard error, each with its syslog level in front (sd-daemon(3)) when standard
 * error is the journal, so that `journalctl -p` works without linking the journal protocol.
 *
 * Library code logs at debug level; what a user must know is logged once, where it is decided.
 * Keys never get here: nothing takes key bytes as an argument.
 */
#pragma once

#include <stdbool.h>
#include <syslog.h>

void log_init(const char *ident, int max_level);
void log_set_max_level(int level);
int log_get_max_level(void);
/* The level of a name ("err", "warning", "info", "debug", ...), or -EINVAL. */
int log_level_parse(const char *name);
const char *log_level_str(int level);

/*
 * From now on lines below LOG_WARNING may wait: soon() is called for the first of them, and whoever that is calls log_flush()
 * when there is nothing more urgent.  Signals that end the program write them, too.  NULL: no line waits any more.
 */
void log_defer(void (*soon)(void *user), void *user);
void log_flush(void);

void log_line(int level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_notice(...) log_line(LOG_NOTICE, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_error(...) log_line(LOG_ERR, __VA_ARGS__)

/* Log and hand the (negative) errno on:  return log_errno(r, "%s: cannot open", name); */
#define log_errno(r, fmt, ...) \
	({ \
		int _r = (r); \
		log_line(LOG_ERR, fmt ": %s", ##__VA_ARGS__, log_strerror(-_r)); \
		_r; \
	})
const char *log_strerror(int errnum);
