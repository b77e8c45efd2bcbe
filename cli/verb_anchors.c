/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include "ctl.h"

static json_int_t rank_of(const json_t *row)
{
	return json_integer_value(json_object_get(row, "rank"));
}

static int by_rank(const void *a, const void *b)
{
	json_int_t x = rank_of(*(json_t *const *)a), y = rank_of(*(json_t *const *)b);

	return (x > y) - (x < y);
}

/* The best first. */
static json_t *sorted(const json_t *rows)
{
	size_t n = json_array_size(rows);
	json_t **list = (json_t **)calloc(n + 1, sizeof(*list)), *result = json_array();

	if (!list)
		abort();
	for (size_t i = 0; i < n; i++)
		list[i] = json_array_get(rows, i);
	qsort(list, n, sizeof(*list), by_rank);
	for (size_t i = 0; i < n; i++)
		json_array_append(result, list[i]);
	free(list);
	return result;
}

int verb_anchors(struct ctl *c, char **args, int n)
{
	static const struct column columns[] = {
		{"NAME", "name", FORMAT_TEXT, false},
		{"ADDRESS", "address", FORMAT_TEXT, false},
		{"RANK", "rank", FORMAT_TEXT, true},
		{"HEALTH", "health", FORMAT_STATE, false},
		{"ROUND TRIP", "rtt_usec", FORMAT_DURATION, true},
		{"PREFERENCE", "preference", FORMAT_TEXT, true},
		{"ORIGIN", "origin", FORMAT_TEXT, false},
		{"STATUS", "last_status", FORMAT_TEXT, true},
		{"AUTHENTICATED", "authenticated", FORMAT_TEXT, false},
		{"LEAVING", "leaving", FORMAT_TEXT, false},
		{0}};
	json_auto_t *model = NULL, *found = NULL, *rows = NULL;
	int r = model_load(c, &model), selected;

	if (r != CTL_OK)
		return r;
	selected =
		output_select(json_object_get(model, "anchors"), "name", "anchor", args, n, &found);
	rows = sorted(found);
	if (c->json != JSON_MODE_OFF)
		r = output_json(c, rows);
	else if (n == 0 && json_array_size(rows) == 0)
		output_none(c, "anchors");
	else
		r = output_table(c, columns, rows);
	return r == CTL_OK ? selected : r;
}
