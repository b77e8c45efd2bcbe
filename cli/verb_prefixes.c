/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl.h"

int verb_prefixes(struct ctl *c, char **args, int n)
{
	static const struct column columns[] = {{"PREFIX", "prefix", FORMAT_TEXT, false},
						{"STATE", "state", FORMAT_STATE, false},
						{"ANCHORING", "anchoring", FORMAT_TEXT, false},
						{"SERVICE", "service_type", FORMAT_TEXT, false},
						{"ANCHOR", "anchor", FORMAT_TEXT, false},
						{"LINK", "link", FORMAT_TEXT, false},
						{"ORIGIN", "origin", FORMAT_TEXT, false},
						{"VALID", "valid_until_usec", FORMAT_MOMENT, false},
						{0}};
	static const struct list_spec spec = {"prefixes", "prefix", "prefix", columns};

	return list_run(c, &spec, args, n);
}
