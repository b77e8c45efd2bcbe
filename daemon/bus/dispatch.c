/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Method calls: find object, interface and method in the tables, check the arguments, answer. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "bus/internal.h"

static int call_managed_objects(struct bus_call *c);
static int call_introspect(struct bus_call *c);

static const struct bus_method object_manager_methods[] = {{.name = "GetManagedObjects",
							    .out = {{"objects", "a{oa{sa{sv}}}"}},
							    .call = call_managed_objects,
							    .informs = true},
							   {0}};

static const struct bus_signal object_manager_signals[] = {
	{.name = "InterfacesAdded", .args = {{"object", "o"}, {"interfaces", "a{sa{sv}}"}}},
	{.name = "InterfacesRemoved", .args = {{"object", "o"}, {"interfaces", "as"}}},
	{0}};

const struct bus_interface bus_object_manager = {.name = "org.freedesktop.DBus.ObjectManager",
						 .methods = object_manager_methods,
						 .signals = object_manager_signals};

static const struct bus_method introspectable_methods[] = {
	{.name = "Introspect", .out = {{"data", "s"}}, .call = call_introspect}, {0}};

const struct bus_interface bus_introspectable = {.name = DBUS_INTERFACE_INTROSPECTABLE,
						 .methods = introspectable_methods};

/* libdbus answers these two before we see them. */
static const struct bus_method peer_methods[] = {
	{.name = "Ping"}, {.name = "GetMachineId", .out = {{"machine_uuid", "s"}}}, {0}};

const struct bus_interface bus_peer = {.name = DBUS_INTERFACE_PEER, .methods = peer_methods};

void object_interfaces(const struct bus_object *o,
		       const struct bus_interface *list[static BUS_MAX_INTERFACES])
{
	unsigned n = 0;

	if (o) {
		list[n++] = o->kind->interface;
		list[n++] = &bus_properties;
		if (o->kind == &bus_kind_manager)
			list[n++] = &bus_object_manager;
	}
	list[n++] = &bus_introspectable;
	list[n++] = &bus_peer;
	list[n] = NULL;
}

static bool append_managed(struct bus_object *o, void *user)
{
	struct bus_call *c = (struct bus_call *)user;
	struct bus_out entry;

	if (strncmp(o->path, BUS_PATH "/", strlen(BUS_PATH "/")) != 0 || !object_resolve(c->b, o))
		return false;
	out_open(&c->out, &entry, DBUS_TYPE_DICT_ENTRY, NULL);
	out_path(&entry, o->path);
	properties_append_interfaces(&entry, c->b, o);
	out_close(&c->out, &entry);
	return false;
}

static int call_managed_objects(struct bus_call *c)
{
	struct bus_out reply = c->out;

	out_open(&reply, &c->out, DBUS_TYPE_ARRAY, "{oa{sa{sv}}}");
	registry_each(c->b, append_managed, c);
	out_close(&reply, &c->out);
	c->out = reply;
	return 0;
}

static int call_introspect(struct bus_call *c)
{
	_cleanup_free_ char *xml = NULL;
	int r = introspect_object(c->b, dbus_message_get_path(c->message), c->object, &xml);

	if (r < 0)
		return r;
	out_string(&c->out, xml);
	return 0;
}

/* Does the path lead to an object, as "/org" does? */
static bool leads_to(struct bus_object *o, void *user)
{
	const char *path = (const char *)user;
	size_t n = strlen(path);

	return strcmp(path, "/") == 0 || (strncmp(o->path, path, n) == 0 && o->path[n] == '/');
}

static const struct bus_method *find_method(const struct bus_interface *i, const char *name)
{
	for (const struct bus_method *m = i->methods; m && m->name; m++)
		if (strcmp(m->name, name) == 0)
			return m;
	return NULL;
}

static int find(struct bus_call *c, const struct bus_method **ret)
{
	const char *path = dbus_message_get_path(c->message);
	const char *interface = dbus_message_get_interface(c->message);
	const char *member = dbus_message_get_member(c->message);
	const struct bus_interface *list[BUS_MAX_INTERFACES];
	bool known = !interface;

	registry_refresh(c->b);
	c->object = registry_find_path(c->b, path);
	if (!c->object && !registry_each(c->b, leads_to, (void *)path))
		return call_fail(c, DBUS_ERROR_UNKNOWN_OBJECT, "There is no object %.100s", path);
	object_interfaces(c->object, list);
	for (int i = 0; list[i]; i++) {
		const struct bus_method *m;

		if (interface && strcmp(interface, list[i]->name) != 0)
			continue;
		known = true;
		m = find_method(list[i], member);
		if (m && m->call) {
			*ret = m;
			return 0;
		}
	}
	if (!known)
		return call_fail(c, DBUS_ERROR_UNKNOWN_INTERFACE,
				 "The object has no interface %.100s", interface);
	return call_fail(c, DBUS_ERROR_UNKNOWN_METHOD, "The object has no method %.100s", member);
}

static int check_arguments(struct bus_call *c, const struct bus_method *m)
{
	char expected[32] = "";
	size_t n = 0;

	for (int i = 0; i < BUS_MAX_ARGS && m->in[i].name; i++)
		n += (size_t)snprintf(expected + n, sizeof(expected) - n, "%s", m->in[i].signature);
	if (strcmp(dbus_message_get_signature(c->message), expected) == 0)
		return 0;
	return call_fail(c, DBUS_ERROR_INVALID_ARGS, "%s takes arguments of type \"%s\"", m->name,
			 expected);
}

static void run(struct bus *b, DBusMessage *message, const uid_t *uid)
{
	struct bus_call c = {.b = b, .message = message, .uid = uid ? *uid : (uid_t)-1};
	_cleanup_message_ DBusMessage *reply = NULL;
	const struct bus_method *m = NULL;
	int r;

	r = find(&c, &m);
	if (r >= 0)
		r = check_arguments(&c, m);
	if (r >= 0 && m->access != BUS_ANYONE && !uid) {
		caller_identify(b, message);
		return;
	}
	if (r >= 0 && m->access == BUS_ROOT && c.uid != 0)
		r = call_fail(&c, error_name(-EACCES), "Only root may do this");
	if (r >= 0) {
		reply = dbus_message_new_method_return(message);
		r = reply ? 0 : -ENOMEM;
	}
	if (r >= 0) {
		out_to_message(&c.out, reply);
		if (m->informs && b->handlers.refresh)
			b->handlers.refresh(b->handlers.user);
		r = m->call(&c);
		if (r >= 0 && m->informs)
			listener_add(b, message);
	}
	if (r == BUS_ANSWERED_LATER)
		return;
	if (r >= 0 && c.out.failed)
		r = -ENOMEM;
	if (r < 0)
		send_error(b, message, c.error_name ? c.error_name : error_name(r),
			   c.error_name ? c.error_text : log_strerror(-r));
	else if (!dbus_message_get_no_reply(message))
		send_message(b, TAKE_PTR(reply));
}

void dispatch_call(struct bus *b, DBusMessage *m)
{
	run(b, m, NULL);
}

void dispatch_known(struct bus *b, DBusMessage *m, uid_t uid)
{
	run(b, m, &uid);
}
