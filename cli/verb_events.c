/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl.h"

static json_int_t number_of(const json_t *event)
{
	return json_integer_value(json_object_get(event, "number"));
}

static int load(struct ctl *c, json_t **ret)
{
	DBusMessageIter it, array;
	DBusMessage *reply;
	json_t *rows;
	int r = client_ask(c, "ListEvents", "a(sssa{sv})", &reply);

	if (r != CTL_OK)
		return r;
	rows = json_array();
	dbus_message_iter_init(reply, &it);
	dbus_message_iter_recurse(&it, &array);
	for (; dbus_message_iter_get_arg_type(&array) != DBUS_TYPE_INVALID;
	     dbus_message_iter_next(&array))
		json_array_append_new(rows, event_decode_entry(&array));
	dbus_message_unref(reply);
	*ret = rows;
	return CTL_OK;
}

static int show_all(struct ctl *c, const json_t *rows, json_int_t *last)
{
	const json_t *event;
	int r = CTL_OK;
	size_t i;

	json_array_foreach(rows, i, event)
	{
		*last = number_of(event);
		r = event_show(c, event);
		if (r != CTL_OK)
			break;
	}
	return r;
}

/* Another daemon counts from 1, and has not waited for us. */
static int show_new_daemon(struct ctl *c, json_int_t *last)
{
	json_auto_t *rows = NULL;
	int r = load(c, &rows);

	*last = 0;
	if (r == CTL_NOT_RUNNING)
		return CTL_OK; /* it has gone again, which is told */
	return r == CTL_OK ? show_all(c, rows, last) : r;
}

/* Go on with what comes.  The list may have told the first of it already. */
static int follow(struct ctl *c, json_int_t last)
{
	DBusMessage *m;
	int r = CTL_OK;

	while (r == CTL_OK && client_next_signal(c, -1, &m) > 0) {
		int change = client_daemon_change(m);
		json_auto_t *event = change ? event_of_daemon(change > 0) : event_decode_signal(m);

		dbus_message_unref(m);
		if (event && (change || number_of(event) > last))
			r = event_show(c, event);
		if (r == CTL_OK && change > 0)
			r = show_new_daemon(c, &last);
	}
	return r == CTL_OK ? CTL_ERROR : r;
}

int verb_events(struct ctl *c, char **args, int n)
{
	json_auto_t *rows = NULL;
	json_int_t last = 0;
	int r = CTL_OK;

	(void)args, (void)n;
	if (c->follow)
		r = client_subscribe(c, "type='signal',sender='" CTL_SERVICE
					"',interface='" CTL_SERVICE ".Manager',member='Event'");
	if (r == CTL_OK)
		r = load(c, &rows);
	if (r != CTL_OK)
		return r;
	if (c->json != JSON_MODE_OFF && !c->follow)
		return output_json(c, rows);
	r = show_all(c, rows, &last);
	if (r == CTL_OK && c->follow)
		return follow(c, last);
	if (json_array_size(rows) == 0)
		output_none(c, "events");
	return r;
}
