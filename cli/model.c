/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl.h"

static const struct {
	const char *interface, *rows, *name; /* name: key by which others refer to it */
} kinds[] = {
	{CTL_SERVICE ".Link", "links", "name"},
	{CTL_SERVICE ".Prefix", "prefixes", "prefix"},
	{CTL_SERVICE ".Anchor", "anchors", "name"},
	{CTL_SERVICE ".Binding", "bindings", "home_address"},
	{CTL_SERVICE ".Handover", "handovers", "id"},
};
#define N_KINDS (sizeof(kinds) / sizeof(*kinds))

/* Take one object of GetManagedObjects: into its rows, and its name into `names` by path. */
static void take_object(json_t *model, json_t *names, DBusMessageIter *entry)
{
	DBusMessageIter interfaces, interface, properties;
	const char *path, *name;

	dbus_message_iter_get_basic(entry, &path);
	dbus_message_iter_next(entry);
	dbus_message_iter_recurse(entry, &interfaces);
	for (; dbus_message_iter_get_arg_type(&interfaces) != DBUS_TYPE_INVALID;
	     dbus_message_iter_next(&interfaces)) {
		dbus_message_iter_recurse(&interfaces, &interface);
		dbus_message_iter_get_basic(&interface, &name);
		dbus_message_iter_next(&interface);
		properties = interface;
		for (size_t i = 0; i < N_KINDS; i++) {
			json_t *row;

			if (strcmp(kinds[i].interface, name) != 0)
				continue;
			row = decode_value(&properties);
			json_object_set(names, path, json_object_get(row, kinds[i].name));
			json_array_append_new(json_object_get(model, kinds[i].rows), row);
		}
	}
}

static int load_objects(struct ctl *c, json_t *model, json_t *names)
{
	DBusMessageIter it, array, entry;
	DBusMessage *reply;
	int r;

	r = client_call(c, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", NULL, &reply);
	if (r != CTL_OK)
		return r;
	if (!dbus_message_has_signature(reply, "a{oa{sa{sv}}}")) {
		dbus_message_unref(reply);
		complain("the daemon's answer is not understood");
		return CTL_ERROR;
	}
	dbus_message_iter_init(reply, &it);
	dbus_message_iter_recurse(&it, &array);
	for (; dbus_message_iter_get_arg_type(&array) != DBUS_TYPE_INVALID;
	     dbus_message_iter_next(&array)) {
		dbus_message_iter_recurse(&array, &entry);
		take_object(model, names, &entry);
	}
	dbus_message_unref(reply);
	return CTL_OK;
}

static int load_manager(struct ctl *c, json_t *model)
{
	DBusMessageIter it;
	DBusMessage *reply;
	int r = client_call(c, DBUS_INTERFACE_PROPERTIES, "GetAll", CTL_SERVICE ".Manager", &reply);

	if (r != CTL_OK)
		return r;
	if (!dbus_message_has_signature(reply, "a{sv}")) {
		dbus_message_unref(reply);
		complain("the daemon's answer is not understood");
		return CTL_ERROR;
	}
	dbus_message_iter_init(reply, &it);
	json_object_set_new(model, "manager", decode_value(&it));
	dbus_message_unref(reply);
	return CTL_OK;
}

/* Each property of a prefix is told as value and source. */
static void name_parts(json_t *prefix)
{
	json_t *pair;
	const char *key;

	json_object_foreach(json_object_get(prefix, "properties"), key, pair)
	{
		json_t *parts = json_pack("{s:O,s:O}", "value", json_array_get(pair, 0), "source",
					  json_array_get(pair, 1));

		json_object_set_new(json_object_get(prefix, "properties"), key, parts);
	}
}

/*
 * Replace the paths of other objects by their names, the status that stands for none, and the total of what goes on still, which is
 * the time of some phase.
 */
static void resolve(json_t *row, const json_t *names)
{
	const char *result = json_string_value(json_object_get(row, "result"));
	const json_t *status = json_object_get(row, "last_status");
	const char *key;
	json_t *value;
	void *next;

	json_object_foreach_safe(row, next, key, value)
	{
		const char *s = json_string_value(value);

		if (s && strncmp(s, CTL_PATH "/", strlen(CTL_PATH "/")) == 0) {
			json_t *name = json_object_get(names, s);

			if (name)
				json_object_set(row, key, name);
			else
				json_object_set_new(row, key, json_null());
		}
	}
	if (json_integer_value(status) < 0)
		json_object_set_new(row, "last_status", json_null());
	if (result && strcmp(result, "running") == 0)
		json_object_set_new(row, "total_usec", json_null());
}

static int by_id(const void *a, const void *b)
{
	json_int_t x = json_integer_value(json_object_get(*(json_t *const *)a, "id"));
	json_int_t y = json_integer_value(json_object_get(*(json_t *const *)b, "id"));

	return (x > y) - (x < y);
}

static void sort_handovers(json_t *model)
{
	json_t *rows = json_object_get(model, "handovers"), *sorted = json_array();
	size_t n = json_array_size(rows);
	json_t **list = (json_t **)calloc(n + 1, sizeof(*list));

	if (!list)
		abort();
	for (size_t i = 0; i < n; i++)
		list[i] = json_array_get(rows, i);
	qsort(list, n, sizeof(*list), by_id);
	for (size_t i = 0; i < n; i++)
		json_array_append(sorted, list[i]);
	free(list);
	json_object_set_new(model, "handovers", sorted);
}

int model_load(struct ctl *c, json_t **ret)
{
	json_auto_t *model = json_object(), *names = json_object();
	json_t *row;
	size_t n;
	int r;

	for (size_t i = 0; i < N_KINDS; i++)
		json_object_set_new(model, kinds[i].rows, json_array());
	r = load_manager(c, model);
	if (r == CTL_OK)
		r = load_objects(c, model, names);
	if (r != CTL_OK)
		return r;
	resolve(json_object_get(model, "manager"), names);
	for (size_t i = 0; i < N_KINDS; i++)
		json_array_foreach(json_object_get(model, kinds[i].rows), n, row)
			resolve(row, names);
	json_array_foreach(json_object_get(model, "prefixes"), n, row) name_parts(row);
	sort_handovers(model);
	*ret = TAKE_PTR(model);
	return CTL_OK;
}

json_t *model_find(json_t *rows, const char *key, const char *value)
{
	char number[32];
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		const json_t *v = json_object_get(row, key);

		if (json_is_string(v) && strcmp(json_string_value(v), value) == 0)
			return row;
		snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(v));
		if (json_is_integer(v) && strcmp(number, value) == 0)
			return row;
	}
	return NULL;
}
