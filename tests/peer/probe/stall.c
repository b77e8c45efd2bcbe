/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stall.h"

#include <stdlib.h>

void stalls_start(struct stalls *s, usec_t threshold, usec_t now)
{
	s->threshold = threshold;
	s->last = now;
}

void stalls_free(struct stalls *s)
{
	free(s->list);
	*s = (struct stalls){0};
}

void stalls_progress(struct stalls *s, usec_t now)
{
	if (s->threshold > 0 && now - s->last > s->threshold) {
		if (!s->list)
			s->list = calloc(STALLS_MAX, sizeof(*s->list));
		if (s->list && s->n < STALLS_MAX)
			s->list[s->n++] = (struct stall){.start = s->last, .end = now};
	}
	s->last = now;
}

json_t *stalls_json(const struct stalls *s, const char *direction)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < s->n; i++)
		json_array_append_new(list, json_pack("{s:s, s:I, s:I}", "direction", direction,
						      "start_us", (json_int_t)s->list[i].start,
						      "end_us", (json_int_t)s->list[i].end));
	return list;
}
