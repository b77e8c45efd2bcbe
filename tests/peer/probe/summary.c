/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "summary.h"

#include <errno.h>
#include <stdio.h>

#include "base/log.h"

int summary_write(const struct probe_options *o, json_t *summary)
{
	int r = 0;

	json_dumpf(summary, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9));
	putchar('\n');
	fflush(stdout);
	if (o->log_path &&
	    json_dump_file(summary, o->log_path, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) < 0)
		r = log_errno(errno ? -errno : -EIO, "%s", o->log_path);
	json_decref(summary);
	return r;
}
