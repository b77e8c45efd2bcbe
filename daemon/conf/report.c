/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf/report.h"

#include <errno.h>
#include <stdarg.h>

#include "base/log.h"

void conf_report(struct conf_errors *e, struct conf_where at, const char *fmt, ...)
{
	char message[1024], line[16] = "", all[1536];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	if (at.line)
		snprintf(line, sizeof(line), ":%u", at.line);
	snprintf(all, sizeof(all), "%s%s: %s", at.file, line, message);
	if (e->out)
		fprintf(e->out, "%s\n", all);
	else
		log_error("%s", all);
	if (e->n++ == 0)
		snprintf(e->first, sizeof(e->first), "%.250s", all);
}

void conf_report_file(struct conf_errors *e, const char *path, int r, size_t max)
{
	struct conf_where at = {path, 0};

	if (r == -EFBIG)
		conf_report(e, at, "larger than %zu octets", max);
	else if (r == -EBADFD)
		conf_report(e, at, "not a regular file");
	else
		conf_report(e, at, "cannot be read: %s", log_strerror(-r));
}

const char *quote_str(const char *s, struct quote_buf *buf)
{
	static const char more[] = "...\"";
	size_t n = 0, room = sizeof(buf->s) - sizeof(more);

	buf->s[n++] = '"';
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		bool plain = c >= 0x20 && c < 0x7f;

		if (n + (plain ? 1 : 4) > room) {
			memcpy(buf->s + n, more, sizeof(more));
			return buf->s;
		}
		if (plain)
			buf->s[n++] = (char)c;
		else
			n += (size_t)snprintf(buf->s + n, 5, "\\x%02x", c);
	}
	memcpy(buf->s + n, "\"", 2);
	return buf->s;
}
