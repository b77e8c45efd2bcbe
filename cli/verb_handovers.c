/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "ctl.h"

static const struct column columns[] = {
	{"ID", "id", FORMAT_TEXT, true},
	{"START", "start_real_usec", FORMAT_STAMP, false},
	{"MODE", "mode", FORMAT_TEXT, false},
	{"RESULT", "result", FORMAT_STATE, false},
	{"FROM", "from_link", FORMAT_TEXT, false},
	{"TO", "to_link", FORMAT_TEXT, false},
	{"CARE-OF ADDRESS", "to_care_of_address", FORMAT_TEXT, false},
	{"BINDINGS", "bindings", FORMAT_TEXT, true},
	{"TOTAL", "total_usec", FORMAT_DURATION, true},
	{0}};

/* Rows {phase, at_usec, step_usec} in the order of time, then those not reached; a step is the time since the row before. */
static json_t *phase_rows(const json_t *handover)
{
	const struct phase *reached[N_PHASES], *p;
	json_int_t before = 0, at;
	json_t *rows = json_array();
	int n = phases_in_order(handover, reached);

	for (int i = 0; i < n; i++) {
		at = phase_time(handover, reached[i]);
		json_array_append_new(rows, json_pack("{s:s,s:I,s:I}", "phase", reached[i]->title,
						      "at_usec", at, "step_usec",
						      at > before ? at - before : 0));
		before = at > before ? at : before;
	}
	for (p = phases; p->key; p++)
		if (!phase_reached(handover, p))
			json_array_append_new(rows, json_pack("{s:s,s:n,s:n}", "phase", p->title,
							      "at_usec", "step_usec"));
	return rows;
}

static void show_fields(const struct ctl *c, const json_t *h)
{
	static const struct field fields[] = {
		{"Handover", "id", FORMAT_TEXT},
		{"Start", "start_real_usec", FORMAT_STAMP},
		{"Mode", "mode", FORMAT_TEXT},
		{"Result", "result", FORMAT_STATE},
		{"From", "from_link", FORMAT_TEXT},
		{"From address", "from_care_of_address", FORMAT_TEXT},
		{"To", "to_link", FORMAT_TEXT},
		{"To address", "to_care_of_address", FORMAT_TEXT},
		{"Bindings", "bindings", FORMAT_TEXT},
		{"Acknowledged", "acknowledged", FORMAT_TEXT},
		{"Refused", "refused", FORMAT_TEXT},
		{"Messages sent", "messages_sent", FORMAT_TEXT},
		{"Messages received", "messages_received", FORMAT_TEXT},
		{"Total", "total_usec", FORMAT_DURATION},
		{0},
	};

	output_fields(c, fields, h);
	putchar('\n');
	fflush(stdout);
}

static int show_one(const struct ctl *c, const json_t *h)
{
	static const struct column phase_columns[] = {{"PHASE", "phase", FORMAT_TEXT, false},
						      {"AT", "at_usec", FORMAT_DURATION, true},
						      {"STEP", "step_usec", FORMAT_DURATION, true},
						      {0}};
	json_auto_t *rows = phase_rows(h);

	show_fields(c, h);
	return output_table(c, phase_columns, rows);
}

int verb_handovers(struct ctl *c, char **args, int n)
{
	static const struct list_spec spec = {"handovers", "handover", "handovers", "id", columns};
	json_auto_t *model = NULL, *rows = NULL;
	int r;

	if (n == 0)
		return list_run(c, &spec, args, n);
	if (args[0][strspn(args[0], "0123456789")] != '\0') {
		complain("\"%s\" is no handover: they have numbers", args[0]);
		return CTL_USAGE;
	}
	r = model_load(c, &model);
	if (r != CTL_OK)
		return r;
	r = output_select(json_object_get(model, "handovers"), "id", "handover", args, n, &rows);
	if (r != CTL_OK)
		return r;
	if (c->json != JSON_MODE_OFF)
		return output_json(c, json_array_get(rows, 0));
	return show_one(c, json_array_get(rows, 0));
}
