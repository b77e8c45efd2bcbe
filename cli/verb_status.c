/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "ctl.h"

/* What the word for the place means for the sessions of this host. */
static const char *place_words(const char *place, const json_t *status)
{
	bool anchored = json_is_true(json_object_get(status, "has_anchors"));

	if (strcmp(place, "starting") == 0)
		return "the daemon does not know its surroundings yet";
	if (strcmp(place, "offline") == 0)
		return "no network with IPv6 that could be used";
	if (strcmp(place, "home") == 0)
		return "every home address is on its own link, no tunnels";
	if (strcmp(place, "local") == 0)
		return anchored ? "no session needs an anchor"
				: "no anchor is known: sessions end when this network is left";
	return NULL;
}

static void show_place(const struct ctl *c, const json_t *status)
{
	const char *place = json_string_value(json_object_get(status, "place"));
	const char *words = place ? place_words(place, status) : NULL;
	char text[FORMAT_LEN];

	snprintf(text, sizeof(text), "%s%s%s%s", place ? place : "-", words ? " (" : "",
		 words ? words : "", words ? ")" : "");
	output_field(c, "Place", text, place);
}

static void show_applications(const struct ctl *c, const json_t *status)
{
	json_int_t n = json_integer_value(json_object_get(status, "applications"));
	char text[FORMAT_LEN];

	snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT " client%s, hooks %s", n,
		 n == 1 ? "" : "s",
		 json_is_true(json_object_get(status, "socket_hooks")) ? "yes" : "no");
	output_field(c, "Applications", text, NULL);
}

/* Once for all bindings that it is in the way of: whose words are under that key. */
static void show_obstacles(const struct ctl *c, const json_t *bindings, const char *title,
			   const char *key)
{
	const char *told = "";
	size_t i;
	json_t *b;

	json_array_foreach(bindings, i, b)
	{
		const char *words = json_string_value(json_object_get(b, key));

		if (!words || !words[0] || strcmp(words, told) == 0)
			continue;
		output_field(c, title, words, "wrong");
		told = words;
	}
}

/* What of a handover takes place one after the other, in a few words each. */
static void show_phases(const json_t *h)
{
	const struct phase *reached[N_PHASES];
	int n = phases_in_order(h, reached);

	printf("%17s  ", "");
	for (int i = 0; i < n; i++) {
		json_auto_t *at = json_integer(phase_time(h, reached[i]));
		char buf[FORMAT_LEN];

		printf("%s%s %s", i ? ", " : "", reached[i]->word,
		       format_value(FORMAT_DURATION, at, buf));
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
	if (strcmp(result, "running") == 0) {
		json_auto_t *since =
			json_integer((json_int_t)format_now() -
				     json_integer_value(json_object_get(h, "start_usec")));

		printf(" for %s\n", format_value(FORMAT_DURATION, since, total));
	} else {
		printf(" in %s\n",
		       format_value(FORMAT_DURATION, json_object_get(h, "total_usec"), total));
	}
	show_phases(h);
}

static int show(const struct ctl *c, const json_t *status)
{
	static const struct column columns[] = {
		{"HOME ADDRESS", "home_address", FORMAT_TEXT, false},
		{"ANCHOR", "anchor", FORMAT_TEXT, false},
		{"STATE", "state", FORMAT_STATE, false},
		{"CARE-OF ADDRESS", "care_of_address", FORMAT_TEXT, false},
		{"PROTECTED", "protection", FORMAT_TEXT, false},
		{"EXPIRES", "expires_usec", FORMAT_MOMENT, false},
		{"WAITING FOR", "waiting_for", FORMAT_TEXT, false},
		{0}};
	static const struct field fields[] = {
		{"Waiting for", "waiting_for", FORMAT_TEXT},
		{"Uplink", "uplink", FORMAT_TEXT},
		{"Router", "next_hop", FORMAT_TEXT},
		{"Care-of address", "care_of_address", FORMAT_TEXT},
		{"Sessions", "sessions", FORMAT_TEXT},
		{"In need", "sessions_in_need", FORMAT_TEXT},
		{"Data plane", "plane", FORMAT_TEXT},
		{"Started", "started_usec", FORMAT_MOMENT},
		{0},
	};
	const json_t *last = json_object_get(status, "last_handover");
	const json_t *bindings = json_object_get(status, "bindings");

	show_place(c, status);
	output_fields(c, fields, status);
	show_applications(c, status);
	show_obstacles(c, bindings, "Obstacle", "obstacle_words");
	show_obstacles(c, bindings, "Blocked", "protection_words");
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
	json_object_set_new(status, "has_anchors",
			    json_boolean(json_array_size(json_object_get(model, "anchors")) > 0));
	format_value(FORMAT_TEXT, json_object_get(status, "last_handover"), id);
	last = model_find(json_object_get(model, "handovers"), "id", id);
	if (last)
		json_object_set(status, "last_handover", last);
	else
		json_object_set_new(status, "last_handover", json_null());
	return c->json != JSON_MODE_OFF ? output_json(c, status) : show(c, status);
}
