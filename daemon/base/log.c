/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static void write_all(const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(STDERR_FILENO, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return; /* nobody can be told */
		text += n;
		len -= (size_t)n;
	}
}

static struct {
	void (*soon)(void *user);
	void *user;
	size_t len;
	char text[4096];
} waiting;

void log_flush(void)
{
	write_all(waiting.text, waiting.len);
	waiting.len = 0;
}

static const int fatal[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
#define FATAL (sizeof(fatal) / sizeof(*fatal))
static struct sigaction earlier[FATAL];

/* Then as if we had not been here: what went wrong goes wrong again, what somebody sent is sent again. */
static void on_fatal(int number, siginfo_t *info, void *context)
{
	struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};

	(void)context;
	for (size_t i = 0; i < FATAL; i++)
		sigaction(fatal[i], &earlier[i], NULL);
	if (poll(&out, 1, 0) == 1) /* a reader that hangs may be the reason */
		log_flush();
	if (info->si_code <= 0)
		raise(number);
}

void log_defer(void (*soon)(void *user), void *user)
{
	const struct sigaction act = {.sa_sigaction = on_fatal, .sa_flags = SA_SIGINFO};

	log_flush();
	for (size_t i = 0; i < FATAL; i++) {
		if (soon && !waiting.soon)
			sigaction(fatal[i], &act, &earlier[i]);
		else if (!soon && waiting.soon)
			sigaction(fatal[i], &earlier[i], NULL);
	}
	waiting.soon = soon;
	waiting.user = user;
}

static void put(int level, const char *line, size_t len)
{
	bool first = !waiting.len;

	if (!waiting.soon || level <= LOG_WARNING || len > sizeof(waiting.text) - waiting.len) {
		log_flush();
		write_all(line, len);
		return;
	}
	memcpy(waiting.text + waiting.len, line, len);
	waiting.len += len;
	if (first)
		waiting.soon(waiting.user);
}

static int begin(char *line, size_t size, int level)
{
	if (to_journal)
		return snprintf(line, size, "<%d>", level);
	return snprintf(line, size, "%s: %s", prefix,
			level <= LOG_ERR       ? "error: "
			: level == LOG_WARNING ? "warning: "
					       : "");
}

void log_line(int level, const char *fmt, ...)
{
	char line[1100];
	size_t len;
	va_list ap;

	if (level > max_level)
		return;
	len = (size_t)begin(line, sizeof(line), level);
	va_start(ap, fmt);
	len += (size_t)vsnprintf(line + len, sizeof(line) - len, fmt, ap);
	va_end(ap);
	if (len > sizeof(line) - 2) /* cut */
		len = sizeof(line) - 2;
	line[len++] = '\n';
	put(level, line, len);
}
