/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl.h"

const struct phase phases[N_PHASES + 1] = {
	{"link_up", "link up", "link up"},
	{"ra", "router advertisement", "router"},
	{"address", "care-of address usable", "address"},
	{"bu", "binding update sent", "update"},
	{"ba", "binding acknowledged", "acknowledged"},
	{"data", "first data", "data"},
	{0},
};

static const json_t *time_of(const json_t *handover, const struct phase *p)
{
	return json_object_get(json_object_get(handover, "phases_usec"), p->key);
}

bool phase_reached(const json_t *handover, const struct phase *p)
{
	return time_of(handover, p) != NULL;
}

json_int_t phase_time(const json_t *handover, const struct phase *p)
{
	return json_integer_value(time_of(handover, p));
}

int phases_in_order(const json_t *handover, const struct phase *ret[static N_PHASES])
{
	int n = 0, at;

	/* Of two at the same time the one that comes first by its nature stays first. */
	for (const struct phase *p = phases; p->key; p++) {
		if (!phase_reached(handover, p))
			continue;
		for (at = n++;
		     at > 0 && phase_time(handover, ret[at - 1]) > phase_time(handover, p); at--)
			ret[at] = ret[at - 1];
		ret[at] = p;
	}
	return n;
}
