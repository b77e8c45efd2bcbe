/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "ctl.h"

/* [2001:db8::1]:22; an address that is not there is any. */
static json_t *end_point(const json_t *row, const char *address, const char *port)
{
	const json_t *a = json_object_get(row, address);

	return json_sprintf(json_is_string(a) ? "[%s]:%" JSON_INTEGER_FORMAT
					      : "%s:%" JSON_INTEGER_FORMAT,
			    json_is_string(a) ? json_string_value(a) : "*",
			    json_integer_value(json_object_get(row, port)));
}

/* The last part of its path. */
static json_t *program_of(const json_t *row)
{
	const char *path = json_string_value(json_object_get(row, "executable"));
	const char *slash = path ? strrchr(path, '/') : NULL;

	return path ? json_string(slash ? slash + 1 : path) : json_null();
}

static void complete(json_t *row)
{
	if (json_integer_value(json_object_get(row, "pid")) == 0)
		json_object_set_new(row, "pid", json_null());
}

static int show(const struct ctl *c, const json_t *rows)
{
	static const struct column columns[] = {{"PROTOCOL", "protocol", FORMAT_TEXT, false},
						{"SOURCE", "from", FORMAT_TEXT, false},
						{"DESTINATION", "to", FORMAT_TEXT, false},
						{"UID", "uid", FORMAT_TEXT, true},
						{"PID", "pid", FORMAT_TEXT, true},
						{"PROGRAM", "program", FORMAT_TEXT, false},
						{"REQUESTED", "requested", FORMAT_TEXT, false},
						{"GRANTED", "granted", FORMAT_TEXT, false},
						{"IN NEED", "in_need", FORMAT_TEXT, false},
						{"RULE", "rule", FORMAT_TEXT, false},
						{"PREFIX", "prefix", FORMAT_TEXT, false},
						{"ANCHOR", "anchor", FORMAT_TEXT, false},
						{"PATH", "path_mode", FORMAT_TEXT, false},
						{"SENT", "bytes_sent", FORMAT_BYTES, true},
						{"RECEIVED", "bytes_received", FORMAT_BYTES, true},
						{0}};
	json_auto_t *shown = json_deep_copy(rows);
	json_t *row;
	size_t i;

	if (json_array_size(rows) == 0) {
		output_none(c, "sessions that have asked, or are on prefixes that were left");
		return CTL_OK;
	}
	json_array_foreach(shown, i, row)
	{
		json_object_set_new(row, "from", end_point(row, "source", "source_port"));
		json_object_set_new(row, "program", program_of(row));
		json_object_set_new(row, "to", end_point(row, "destination", "destination_port"));
	}
	return output_table(c, columns, shown);
}

int verb_sessions(struct ctl *c, char **args, int n)
{
	json_auto_t *rows = NULL;
	DBusMessageIter it;
	DBusMessage *reply;
	json_t *row;
	size_t i;
	int r = client_ask(c, "ListSessions", "aa{sv}", &reply);

	(void)args, (void)n;
	if (r != CTL_OK)
		return r;
	dbus_message_iter_init(reply, &it);
	rows = decode_value(&it);
	dbus_message_unref(reply);
	json_array_foreach(rows, i, row) complete(row);
	return c->json != JSON_MODE_OFF ? output_json(c, rows) : show(c, rows);
}
