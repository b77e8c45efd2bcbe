/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl.h"

int verb_links(struct ctl *c, char **args, int n)
{
	static const struct column columns[] = {{"NAME", "name", FORMAT_TEXT, false},
						{"INDEX", "index", FORMAT_TEXT, true},
						{"STATE", "state", FORMAT_STATE, false},
						{"USED", "used", FORMAT_TEXT, false},
						{"PREFERENCE", "preference", FORMAT_TEXT, true},
						{"SINCE", "up_since_usec", FORMAT_MOMENT, false},
						{"WAITING FOR", "waiting_for", FORMAT_TEXT, false},
						{0}};
	static const struct list_spec spec = {"links", "link", "links", "name", columns};

	return list_run(c, &spec, args, n);
}
