/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl.h"

int verb_bindings(struct ctl *c, char **args, int n)
{
	static const struct column columns[] = {
		{"HOME ADDRESS", "home_address", FORMAT_TEXT, false},
		{"ANCHOR", "anchor", FORMAT_TEXT, false},
		{"STATE", "state", FORMAT_STATE, false},
		{"CARE-OF ADDRESS", "care_of_address", FORMAT_TEXT, false},
		{"LINK", "link", FORMAT_TEXT, false},
		{"IN NEED", "sessions_in_need", FORMAT_TEXT, true},
		{"HELD UNTIL", "hold_until_usec", FORMAT_MOMENT, false},
		{"EXPIRES", "expires_usec", FORMAT_MOMENT, false},
		{"REFRESH", "refresh_at_usec", FORMAT_MOMENT, false},
		{"PATH", "path_mode", FORMAT_TEXT, false},
		{"PROTECTED", "protection", FORMAT_TEXT, false},
		{"RECEIVED", "received_bytes", FORMAT_BYTES, true},
		{"SENT", "sent_bytes", FORMAT_BYTES, true},
		{"WAITING FOR", "waiting_for", FORMAT_TEXT, false},
		{0}};
	static const struct list_spec spec = {"bindings", "home address", "bindings",
					      "home_address", columns};

	return list_run(c, &spec, args, n);
}
