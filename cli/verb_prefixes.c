/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "ctl.h"

/* Who said so, in a word; the whole names are in the details of a prefix. */
static const char *source_word(const char *source)
{
	static const struct {
		const char *source, *word;
	} words[] = {{"router-advertisement", "ra"},
		     {"prefix-property-option", "option"},
		     {"provisioning-domain", "domain"},
		     {"configuration", "config"}};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(words[i].source, source) == 0)
			return words[i].word;
	return source;
}

static const char *source_of(const json_t *prefix, const char *property)
{
	const json_t *said = json_object_get(json_object_get(prefix, "properties"), property);

	return json_string_value(json_object_get(said, "source"));
}

/* "anchored (ra)"; what nobody said is just the value that is assumed. */
static json_t *with_source(const json_t *prefix, const char *property, const char *otherwise)
{
	const json_t *said = json_object_get(json_object_get(prefix, "properties"), property);
	const char *source = source_of(prefix, property);
	char buf[FORMAT_LEN];

	if (!source)
		return json_incref(json_object_get(prefix, otherwise));
	format_value(FORMAT_TEXT, json_object_get(said, "value"), buf);
	return json_sprintf("%s (%s)", buf, source_word(source));
}

/* Those without a column of their own that somebody stated: "internet no (domain), cost 5 (option)". */
static json_t *others(const json_t *prefix)
{
	static const char *const keys[] = {"mobility", "internet", "published", "cost"};
	char text[FORMAT_LEN] = "";
	size_t n = 0;

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		json_auto_t *value = with_source(prefix, keys[i], keys[i]);
		const char *source = source_of(prefix, keys[i]);

		if (source && strcmp(source, "default") != 0 && n < sizeof(text))
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s %s", n ? ", " : "",
					      keys[i], json_string_value(value));
	}
	return n ? json_string(text) : json_null();
}

static int show_table(const struct ctl *c, const json_t *prefixes)
{
	static const struct column columns[] = {{"PREFIX", "prefix", FORMAT_TEXT, false},
						{"STATE", "state", FORMAT_STATE, false},
						{"ANCHORING", "anchoring", FORMAT_TEXT, false},
						{"SERVICE", "service_type", FORMAT_TEXT, false},
						{"ANCHOR", "anchor", FORMAT_TEXT, false},
						{"LINK", "link", FORMAT_TEXT, false},
						{"IN NEED", "sessions_in_need", FORMAT_TEXT, true},
						{"VALID", "valid_until_usec", FORMAT_MOMENT, false},
						{"ALSO", "others", FORMAT_TEXT, false},
						{0}};
	json_auto_t *rows = json_deep_copy(prefixes);
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		const json_t *prefix = json_array_get(prefixes, i);

		json_object_set_new(row, "anchoring",
				    with_source(prefix, "anchoring", "anchoring"));
		json_object_set_new(row, "service_type",
				    with_source(prefix, "service_type", "service_type"));
		json_object_set_new(row, "others", others(prefix));
	}
	return output_table(c, columns, rows);
}

static int show_properties(const struct ctl *c, json_t *properties)
{
	static const struct column columns[] = {{"PROPERTY", "property", FORMAT_TEXT, false},
						{"VALUE", "value", FORMAT_TEXT, false},
						{"SAID BY", "source", FORMAT_TEXT, false},
						{0}};
	json_auto_t *rows = json_array();
	const char *key;
	json_t *said;

	json_object_foreach(properties, key, said)
		json_array_append_new(rows, json_pack("{s:s,s:O,s:O}", "property", key, "value",
						      json_object_get(said, "value"), "source",
						      json_object_get(said, "source")));
	if (json_array_size(rows) == 0) {
		output_none(c, "properties known");
		return CTL_OK;
	}
	return output_table(c, columns, rows);
}

static int show_details(const struct ctl *c, const json_t *prefixes)
{
	static const struct field fields[] = {
		{"Prefix", "prefix", FORMAT_TEXT},
		{"State", "state", FORMAT_STATE},
		{"Origin", "origin", FORMAT_TEXT},
		{"Domain", "provisioning_domain", FORMAT_TEXT},
		{"Anchor", "anchor", FORMAT_TEXT},
		{"Link", "link", FORMAT_TEXT},
		{"Sessions in need", "sessions_in_need", FORMAT_TEXT},
		{"Valid", "valid_until_usec", FORMAT_MOMENT},
		{"Preferred", "preferred_until_usec", FORMAT_MOMENT},
		{0},
	};
	const json_t *row;
	size_t i;
	int r = CTL_OK;

	json_array_foreach(prefixes, i, row)
	{
		if (i)
			putchar('\n');
		output_fields(c, fields, row);
		putchar('\n');
		fflush(stdout);
		r = show_properties(c, json_object_get(row, "properties"));
		if (r != CTL_OK)
			break;
	}
	return r;
}

int verb_prefixes(struct ctl *c, char **args, int n)
{
	json_auto_t *model = NULL, *rows = NULL;
	int r = model_load(c, &model), found;

	if (r != CTL_OK)
		return r;
	found = output_select(json_object_get(model, "prefixes"), "prefix", "prefix", args, n,
			      &rows);
	if (c->json != JSON_MODE_OFF)
		r = output_json(c, rows);
	else if (n > 0)
		r = show_details(c, rows);
	else if (json_array_size(rows) == 0)
		output_none(c, "prefixes");
	else
		r = show_table(c, rows);
	return r == CTL_OK ? found : r;
}
