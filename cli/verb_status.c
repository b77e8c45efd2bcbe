/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "ctl.h"

/* What of a handover takes place one after the other, in a few words each. */
static void show_phases(const json_t *h)
{
	static const struct {
		const char *key, *words;
	} phases[] = {
		{"link_up", "link up"}, {"ra", "router"},       {"address", "address"},
		{"bu", "update"},       {"ba", "acknowledged"}, {"data", "data"},
	};
	const json_t *reached = json_object_get(h, "phases_usec");
	const char *separator = "";
	char buf[FORMAT_LEN];

	printf("%17s  ", "");
	for (size_t i = 0; i < sizeof(phases) / sizeof(*phases); i++) {
		const json_t *at = json_object_get(reached, phases[i].key);

		if (!at)
			continue;
		printf("%s%s %s", separator, phases[i].words,
		       format_value(FORMAT_DURATION, at, buf));
		separator = ", ";
	}
	putchar('\n');
}

static void show_handover(const struct ctl *c, const json_t *h)
{
	char id[FORMAT_LEN], mode[FORMAT_LEN], from[FORMAT_LEN], to[FORMAT_LEN];
	char when[FORMAT_LEN], result[FORMAT_LEN], total[FORMAT_LEN];

	printf("%17s: number %s, %s, %s -> %s, %s: ", "Last handover",
	       format_value(FORMAT_TEXT, json_object_get(h, "id"), id),
	       format_value(FORMAT_TEXT, json_object_get(h, "mode"), mode),
	       format_value(FORMAT_TEXT, json_object_get(h, "from_link"), from),
	       format_value(FORMAT_TEXT, json_object_get(h, "to_link"), to),
	       format_value(FORMAT_MOMENT, json_object_get(h, "start_usec"), when));
	format_value(FORMAT_TEXT, json_object_get(h, "result"), result);
	output_coloured(c, format_colour(result), result);
	printf(" in %s\n", format_value(FORMAT_DURATION, json_object_get(h, "total_usec"), total));
	show_phases(h);
}

static int show(const struct ctl *c, const json_t *status)
{
	static const struct column columns[] = {
		{"HOME ADDRESS", "home_address", FORMAT_TEXT, false},
		{"ANCHOR", "anchor", FORMAT_TEXT, false},
		{"STATE", "state", FORMAT_STATE, false},
		{"CARE-OF ADDRESS", "care_of_address", FORMAT_TEXT, false},
		{"EXPIRES", "expires_usec", FORMAT_MOMENT, false},
		{"WAITING FOR", "waiting_for", FORMAT_TEXT, false},
		{0}};
	static const struct {
		const char *title, *key;
		enum format format;
	} fields[] = {
		{"Place", "place", FORMAT_STATE},
		{"Waiting for", "waiting_for", FORMAT_TEXT},
		{"Uplink", "uplink", FORMAT_TEXT},
		{"Router", "next_hop", FORMAT_TEXT},
		{"Care-of address", "care_of_address", FORMAT_TEXT},
		{"Started", "started_usec", FORMAT_MOMENT},
	};
	const json_t *last = json_object_get(status, "last_handover");
	const json_t *bindings = json_object_get(status, "bindings");
	char buf[FORMAT_LEN];

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		const json_t *v = json_object_get(status, fields[i].key);

		output_field(c, fields[i].title, format_value(fields[i].format, v, buf),
			     fields[i].format == FORMAT_STATE ? json_string_value(v) : NULL);
	}
	if (json_is_object(last))
		show_handover(c, last);
	if (json_array_size(bindings) == 0)
		return CTL_OK;
	putchar('\n');
	fflush(stdout);
	return output_table(c, columns, bindings);
}

int verb_status(struct ctl *c, char **args, int n)
{
	json_auto_t *model = NULL, *status = NULL;
	json_t *last;
	char id[FORMAT_LEN];
	int r = model_load(c, &model);

	(void)args, (void)n;
	if (r != CTL_OK)
		return r;
	status = json_deep_copy(json_object_get(model, "manager"));
	json_object_set(status, "bindings", json_object_get(model, "bindings"));
	format_value(FORMAT_TEXT, json_object_get(status, "last_handover"), id);
	last = model_find(json_object_get(model, "handovers"), "id", id);
	if (last)
		json_object_set(status, "last_handover", last);
	else
		json_object_set_new(status, "last_handover", json_null());
	return c->json != JSON_MODE_OFF ? output_json(c, status) : show(c, status);
}
