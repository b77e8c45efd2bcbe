/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "event.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/addr.h"
#include "peer.h"

static FILE *out;

int event_log_open(const char *path)
{
	if (!path)
		return 0;
	out = fopen(path, "ae");
	if (!out)
		return -errno;
	setvbuf(out, NULL, _IOLBF, 0);
	return 0;
}

void event_log_close(void)
{
	if (out)
		fclose(out);
	out = NULL;
}

bool event_log_is_open(void)
{
	return out;
}

void event_log_write(const char *name, const char *fmt, ...)
{
	json_t *line = json_pack("{s:I, s:s}", "t_us", (json_int_t)peer_now(), "event", name);
	json_t *more = NULL;
	va_list ap;

	if (fmt) {
		va_start(ap, fmt);
		more = json_vpack_ex(NULL, 0, fmt, ap);
		va_end(ap);
	}
	json_object_update(line, more);
	json_dumpf(line, out, JSON_COMPACT);
	fputc('\n', out);
	json_decref(line);
	json_decref(more);
}

json_t *json_addr(const struct in6_addr *a)
{
	return json_string(ADDR_STR(a));
}
