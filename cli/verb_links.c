/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl.h"

static int show_table(const struct ctl *c, const json_t *links)
{
	static const struct column columns[] = {{"NAME", "name", FORMAT_TEXT, false},
						{"INDEX", "index", FORMAT_TEXT, true},
						{"STATE", "state", FORMAT_STATE, false},
						{"USED", "used", FORMAT_TEXT, false},
						{"PREFERENCE", "preference", FORMAT_TEXT, true},
						{"SINCE", "up_since_usec", FORMAT_MOMENT, false},
						{"WAITING FOR", "waiting_for", FORMAT_TEXT, false},
						{0}};

	return output_table(c, columns, links);
}

static int show_list(const struct ctl *c, const struct column *columns, const json_t *rows,
		     const char *what)
{
	putchar('\n');
	fflush(stdout);
	if (json_array_size(rows))
		return output_table(c, columns, rows);
	output_none(c, what);
	return CTL_OK;
}

static int show_lists(const struct ctl *c, const json_t *link)
{
	static const struct column addresses[] = {{"ADDRESS", "address", FORMAT_TEXT, false},
						  {"LENGTH", "prefix_length", FORMAT_TEXT, true},
						  {"STATE", "state", FORMAT_TEXT, false},
						  {"CONFIRMED", "confirmed", FORMAT_TEXT, false},
						  {"TEMPORARY", "temporary", FORMAT_TEXT, false},
						  {"STATIC", "static", FORMAT_TEXT, false},
						  {"SINCE", "since_usec", FORMAT_MOMENT, false},
						  {0}};
	static const struct column routers[] = {{"ROUTER", "address", FORMAT_TEXT, false},
						{"ORIGIN", "origin", FORMAT_TEXT, false},
						{"REACHABLE", "reachable", FORMAT_TEXT, false},
						{"ROUTE", "has_route", FORMAT_TEXT, false},
						{"HOME AGENT", "home_agent", FORMAT_TEXT, false},
						{"METRIC", "metric", FORMAT_TEXT, true},
						{"PREFERENCE", "preference", FORMAT_TEXT, false},
						{"HEARD", "heard_usec", FORMAT_MOMENT, false},
						{"EXPIRES", "expires_usec", FORMAT_MOMENT, false},
						{0}};
	int r = show_list(c, addresses, json_object_get(link, "addresses"), "addresses");

	return r == CTL_OK ? show_list(c, routers, json_object_get(link, "routers"), "routers") : r;
}

static int show_details(const struct ctl *c, const json_t *links)
{
	static const struct field fields[] = {
		{"Link", "name", FORMAT_TEXT},
		{"Index", "index", FORMAT_TEXT},
		{"State", "state", FORMAT_STATE},
		{"Waiting for", "waiting_for", FORMAT_TEXT},
		{"Up", "up", FORMAT_TEXT},
		{"Since", "up_since_usec", FORMAT_MOMENT},
		{"Used", "used", FORMAT_TEXT},
		{"Preference", "preference", FORMAT_TEXT},
		{"MTU", "mtu", FORMAT_TEXT},
		{"Attachment", "attachment", FORMAT_TEXT},
		{0},
	};
	const json_t *row;
	size_t i;
	int r = CTL_OK;

	json_array_foreach(links, i, row)
	{
		if (i)
			putchar('\n');
		output_fields(c, fields, row);
		r = show_lists(c, row);
		if (r != CTL_OK)
			break;
	}
	return r;
}

int verb_links(struct ctl *c, char **args, int n)
{
	json_auto_t *model = NULL, *rows = NULL;
	int r = model_load(c, &model), found;

	if (r != CTL_OK)
		return r;
	found = output_select(json_object_get(model, "links"), "name", "link", args, n, &rows);
	if (c->json != JSON_MODE_OFF)
		r = output_json(c, rows);
	else if (n > 0)
		r = show_details(c, rows);
	else if (json_array_size(rows) == 0)
		output_none(c, "links");
	else
		r = show_table(c, rows);
	return r == CTL_OK ? found : r;
}
