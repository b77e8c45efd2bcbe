/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

/* Labels as an object; *text is left behind the closing brace. */
static json_t *parse_labels(const char **text)
{
	json_t *labels = json_object();
	char value[256];

	while (**text && **text != '}') {
		const char *name = ++*text; /* behind the brace or the comma */
		size_t len = strcspn(name, "="), n = 0;

		*text += len + (name[len] ? 2 : 0);
		for (; **text && **text != '"'; ++*text) {
			char c = **text == '\\' && (*text)[1] ? *++*text : **text;

			if (n + 1 < sizeof(value))
				value[n++] = c;
		}
		json_object_setn_new(labels, name, len, json_stringn(value, n));
		*text += **text == '"';
	}
	*text += **text == '}';
	return labels;
}

/* One sample: name, labels, value. */
static json_t *parse_sample(const char *line)
{
	size_t len = strcspn(line, "{ ");
	const char *rest = line + len;
	json_t *labels = *rest == '{' ? parse_labels(&rest) : json_object();
	json_t *value = strchr(rest, '.') ? json_real(strtod(rest, NULL))
					  : json_integer((json_int_t)strtoull(rest, NULL, 10));

	return json_pack("{s:s#,s:o,s:o}", "name", line, (int)len, "labels", labels, "value",
			 value);
}

static int show_json(const struct ctl *c, const char *text)
{
	json_auto_t *samples = json_array();
	char *copy = strdup(text), *next = copy, *line;

	if (!copy)
		abort();
	while ((line = strsep(&next, "\n")))
		if (*line && *line != '#')
			json_array_append_new(samples, parse_sample(line));
	free(copy);
	return output_json(c, samples);
}

/* A family as that of the old format: samples of one type have one name, which stands in its comments. */
static bool show_comment(const char *line, const char **suffix)
{
	static const struct {
		const char *type, *as, *suffix;
	} types[] = {{"counter", "counter", "_total"},
		     {"info", "gauge", "_info"},
		     {"stateset", "gauge", ""},
		     {"gauge", "gauge", ""},
		     {"summary", "summary", ""}};
	const char *name = strchr(line + 2, ' ');
	size_t len = name ? strcspn(name + 1, " ") : 0;

	if (!name || !name[1 + len])
		return true; /* the end */
	if (strncmp(line, "# HELP ", 7) == 0)
		return printf("# HELP %.*s%s%s\n", (int)len, name + 1, *suffix, name + 1 + len) >=
		       0;
	if (strncmp(line, "# TYPE ", 7) != 0)
		return true; /* units are in the names */
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (strcmp(name + len + 2, types[i].type) == 0) {
			*suffix = types[i].suffix;
			return printf("# TYPE %.*s%s %s\n", (int)len, name + 1, *suffix,
				      types[i].as) >= 0;
		}
	return false;
}

/* The text format 0.0.4 of Prometheus. */
static int show_prometheus(const char *text)
{
	char *copy = strdup(text), *next = copy, *line;
	const char *suffix = "";
	bool ok = copy;

	while (ok && (line = strsep(&next, "\n")))
		if (*line == '#')
			ok = show_comment(line, &suffix);
		else if (*line)
			ok = puts(line) != EOF;
	free(copy);
	if (!ok)
		complain("cannot write the output");
	return ok ? CTL_OK : CTL_ERROR;
}

int verb_metrics(struct ctl *c, char **args, int n)
{
	DBusMessage *reply;
	const char *text;
	int r = client_ask(c, "Metrics", "s", &reply);

	(void)args, (void)n;
	if (r != CTL_OK)
		return r;
	dbus_message_get_args(reply, NULL, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID);
	if (c->json != JSON_MODE_OFF)
		r = show_json(c, text);
	else if (c->prometheus)
		r = show_prometheus(text);
	else if (fputs(text, stdout) == EOF)
		r = CTL_ERROR;
	dbus_message_unref(reply);
	return r;
}
