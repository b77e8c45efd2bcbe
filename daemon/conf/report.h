/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How errors of the configuration are told: "file:line: message", to a stream or the log. */
#pragma once

#include "conf/conf.h"

struct conf_where {
	const char *file;
	unsigned line; /* 0: the file as a whole */
};

void conf_report(struct conf_errors *e, struct conf_where at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Why file_read() or dropins_list() failed with -errno. */
void conf_report_file(struct conf_errors *e, const char *path, int r, size_t max);

/*
 * What somebody wrote, in quotation marks, fit for a terminal and a log: shortened, everything but
 * printable ASCII escaped.
 */
struct quote_buf {
	char s[80];
};
const char *quote_str(const char *s, struct quote_buf *buf);
#define QUOTED(s) quote_str((s), &(struct quote_buf){{0}})
