/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

#define KEY_LEN 64

void decode_key(const char *name, char *key, size_t size)
{
	size_t n = 0;

	for (const char *p = name; *p && n + 6 < size; p++) {
		bool starts = isupper((unsigned char)*p) && p > name &&
			      (!isupper((unsigned char)p[-1]) || islower((unsigned char)p[1]));

		if (strncmp(p, "USec", 4) == 0) {
			memcpy(key + n, "_usec", 5);
			n += 5;
			p += 3;
			continue;
		}
		if (starts)
			key[n++] = '_';
		key[n++] = (char)tolower((unsigned char)*p);
	}
	key[n] = '\0';
}

static json_t *decode_dict(DBusMessageIter *array)
{
	json_t *o = json_object();

	for (; dbus_message_iter_get_arg_type(array) != DBUS_TYPE_INVALID;
	     dbus_message_iter_next(array)) {
		DBusMessageIter entry;
		char key[KEY_LEN];
		const char *name;

		dbus_message_iter_recurse(array, &entry);
		dbus_message_iter_get_basic(&entry, &name);
		dbus_message_iter_next(&entry);
		decode_key(name, key, sizeof(key));
		json_object_set_new(o, key, decode_value(&entry));
	}
	return o;
}

static json_t *decode_array(DBusMessageIter *it)
{
	DBusMessageIter sub;
	json_t *a;

	dbus_message_iter_recurse(it, &sub);
	if (dbus_message_iter_get_element_type(it) == DBUS_TYPE_DICT_ENTRY)
		return decode_dict(&sub);
	a = json_array();
	for (; dbus_message_iter_get_arg_type(&sub) != DBUS_TYPE_INVALID;
	     dbus_message_iter_next(&sub))
		json_array_append_new(a, decode_value(&sub));
	return a;
}

static json_t *decode_struct(DBusMessageIter *it)
{
	json_t *a = json_array();
	DBusMessageIter sub;

	dbus_message_iter_recurse(it, &sub);
	for (; dbus_message_iter_get_arg_type(&sub) != DBUS_TYPE_INVALID;
	     dbus_message_iter_next(&sub))
		json_array_append_new(a, decode_value(&sub));
	return a;
}

json_t *decode_value(DBusMessageIter *it)
{
	DBusMessageIter variant;
	DBusBasicValue v;
	int type = dbus_message_iter_get_arg_type(it);

	if (dbus_type_is_basic(type))
		dbus_message_iter_get_basic(it, &v);
	switch (type) {
	case DBUS_TYPE_VARIANT:
		dbus_message_iter_recurse(it, &variant);
		return decode_value(&variant);
	case DBUS_TYPE_ARRAY:
		return decode_array(it);
	case DBUS_TYPE_STRUCT:
		return decode_struct(it);
	case DBUS_TYPE_STRING:
		return *v.str ? json_string(v.str) : json_null();
	case DBUS_TYPE_OBJECT_PATH:
		return strcmp(v.str, "/") ? json_string(v.str) : json_null();
	case DBUS_TYPE_BOOLEAN:
		return json_boolean(v.bool_val);
	case DBUS_TYPE_INT32:
		return json_integer(v.i32);
	case DBUS_TYPE_UINT32:
		return json_integer(v.u32);
	case DBUS_TYPE_INT64:
		return json_integer(v.i64);
	case DBUS_TYPE_UINT64:
		return v.u64 > INT64_MAX ? json_null() : json_integer((json_int_t)v.u64);
	default:
		/* A type of a newer daemon. */
		return json_null();
	}
}
