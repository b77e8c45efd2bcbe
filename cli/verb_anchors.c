/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl.h"

int verb_anchors(struct ctl *c, char **args, int n)
{
	static const struct column columns[] = {
		{"NAME", "name", FORMAT_TEXT, false},
		{"ADDRESS", "address", FORMAT_TEXT, false},
		{"HEALTH", "health", FORMAT_STATE, false},
		{"ROUND TRIP", "rtt_usec", FORMAT_DURATION, true},
		{"STATUS", "last_status", FORMAT_TEXT, true},
		{"AUTHENTICATED", "authenticated", FORMAT_TEXT, false},
		{0}};
	static const struct list_spec spec = {"anchors", "anchor", "name", columns};

	return list_run(c, &spec, args, n);
}
