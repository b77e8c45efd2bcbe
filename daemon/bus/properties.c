/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.freedesktop.DBus.Properties, and what signals need of it. */
#include <errno.h>
#include <string.h>

#include "bus/internal.h"

static void append(struct bus_out *dict, const struct bus *b, const struct bus_property *p,
		   const void *object)
{
	struct out_entry e;

	out_entry_open(dict, &e, p->name, p->signature);
	p->get(&e.variant, b, p, (const char *)object + p->offset);
	out_entry_close(dict, &e);
}

void properties_append(struct bus_out *out, const struct bus *b, const struct bus_object *o)
{
	const void *object = object_resolve(b, o);
	struct bus_out dict;

	out_open(out, &dict, DBUS_TYPE_ARRAY, "{sv}");
	for (const struct bus_property *p = o->kind->interface->properties; object && p->name; p++)
		append(&dict, b, p, object);
	out_close(out, &dict);
}

void properties_append_interfaces(struct bus_out *out, const struct bus *b,
				  const struct bus_object *o)
{
	struct bus_out interfaces, entry;

	out_open(out, &interfaces, DBUS_TYPE_ARRAY, "{sa{sv}}");
	out_open(&interfaces, &entry, DBUS_TYPE_DICT_ENTRY, NULL);
	out_string(&entry, o->kind->interface->name);
	properties_append(&entry, b, o);
	out_close(&interfaces, &entry);
	out_close(out, &interfaces);
}

uint64_t properties_refresh(const struct bus *b, struct bus_object *o)
{
	const struct bus_property *properties = o->kind->interface->properties;
	const void *object = object_resolve(b, o);
	uint64_t changed = 0;

	for (unsigned i = 0; object && i < BUS_MAX_PROPERTIES && properties[i].name; i++) {
		const struct bus_property *p = &properties[i];
		struct bus_out value;

		if (p->emits != BUS_EMITS)
			continue;
		out_to_hash(&value);
		p->get(&value, b, p, (const char *)object + p->offset);
		if (value.hash != o->hashes[i])
			changed |= UINT64_C(1) << i;
		o->hashes[i] = value.hash;
	}
	return changed;
}

void properties_append_changed(struct bus_out *out, const struct bus *b, const struct bus_object *o,
			       uint64_t changed)
{
	const struct bus_property *properties = o->kind->interface->properties;
	const void *object = object_resolve(b, o);
	struct bus_out dict;

	out_open(out, &dict, DBUS_TYPE_ARRAY, "{sv}");
	for (unsigned i = 0; object && i < BUS_MAX_PROPERTIES && properties[i].name; i++)
		if (changed & UINT64_C(1) << i)
			append(&dict, b, &properties[i], object);
	out_close(out, &dict);
}

static const struct bus_property *property_find(const struct bus_interface *i, const char *name)
{
	for (const struct bus_property *p = i->properties; p && p->name; p++)
		if (strcmp(p->name, name) == 0)
			return p;
	return NULL;
}

/* 0 if the object has that interface; *ret_own tells whether it is the one with properties. */
static int check_interface(struct bus_call *c, const char *name, bool *ret_own)
{
	const struct bus_interface *list[BUS_MAX_INTERFACES];

	object_interfaces(c->object, list);
	for (int i = 0; list[i]; i++)
		if (strcmp(list[i]->name, name) == 0) {
			*ret_own = list[i] == c->object->kind->interface;
			return 0;
		}
	return call_fail(c, DBUS_ERROR_UNKNOWN_INTERFACE, "%s has no interface \"%.80s\"",
			 c->object->kind->noun, name);
}

/* Find what Get and Set name; `names` is left behind both strings. */
static int find(struct bus_call *c, DBusMessageIter *names, const struct bus_property **ret)
{
	const char *interface, *name;
	const struct bus_property *p = NULL;
	bool own = true;
	int r;

	dbus_message_iter_init(c->message, names);
	dbus_message_iter_get_basic(names, &interface);
	dbus_message_iter_next(names);
	dbus_message_iter_get_basic(names, &name);
	dbus_message_iter_next(names);
	/* No interface named: any that has the property. */
	if (*interface && (r = check_interface(c, interface, &own)) < 0)
		return r;
	if (own)
		p = property_find(c->object->kind->interface, name);
	if (!p)
		return call_fail(c, DBUS_ERROR_UNKNOWN_PROPERTY, "%s has no property \"%.80s\"",
				 c->object->kind->noun, name);
	*ret = p;
	return 0;
}

static int call_get(struct bus_call *c)
{
	const void *object = object_resolve(c->b, c->object);
	const struct bus_property *p;
	struct bus_out variant;
	DBusMessageIter names;
	int r = find(c, &names, &p);

	if (r < 0)
		return r;
	out_open(&c->out, &variant, DBUS_TYPE_VARIANT, p->signature);
	p->get(&variant, c->b, p, (const char *)object + p->offset);
	out_close(&c->out, &variant);
	return 0;
}

static int call_get_all(struct bus_call *c)
{
	const char *interface;
	DBusMessageIter it;
	struct bus_out dict;
	bool own = true;
	int r;

	dbus_message_iter_init(c->message, &it);
	dbus_message_iter_get_basic(&it, &interface);
	if (*interface && (r = check_interface(c, interface, &own)) < 0)
		return r;
	if (own) {
		properties_append(&c->out, c->b, c->object);
	} else {
		out_open(&c->out, &dict, DBUS_TYPE_ARRAY, "{sv}");
		out_close(&c->out, &dict);
	}
	return 0;
}

static int call_set(struct bus_call *c)
{
	_cleanup_text_ char *signature = NULL;
	const struct bus_property *p;
	DBusMessageIter it, value;
	int r = find(c, &it, &p);

	if (r < 0)
		return r;
	if (!p->set)
		return call_fail(c, DBUS_ERROR_PROPERTY_READ_ONLY, "%s is read only", p->name);
	dbus_message_iter_recurse(&it, &value);
	signature = dbus_message_iter_get_signature(&value);
	if (!signature)
		return -ENOMEM;
	if (strcmp(signature, p->signature) != 0)
		return call_fail(c, DBUS_ERROR_INVALID_ARGS, "%s is of type %s", p->name,
				 p->signature);
	return p->set(c, &value);
}

static const struct bus_method methods[] = {
	{.name = "Get",
	 .in = {{"interface", "s"}, {"name", "s"}},
	 .out = {{"value", "v"}},
	 .call = call_get,
	 .informs = true},
	{.name = "GetAll",
	 .in = {{"interface", "s"}},
	 .out = {{"properties", "a{sv}"}},
	 .call = call_get_all,
	 .informs = true},
	{.name = "Set",
	 .in = {{"interface", "s"}, {"name", "s"}, {"value", "v"}},
	 .call = call_set,
	 .access = BUS_ROOT},
	{0}};

static const struct bus_signal signals[] = {{.name = "PropertiesChanged",
					     .args = {{"interface", "s"},
						      {"changed_properties", "a{sv}"},
						      {"invalidated_properties", "as"}}},
					    {0}};

const struct bus_interface bus_properties = {
	.name = DBUS_INTERFACE_PROPERTIES, .methods = methods, .signals = signals};
