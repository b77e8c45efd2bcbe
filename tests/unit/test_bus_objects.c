/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the objects show, and that the introspection documents say the same. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "test_bus_fixture.h"

TestSuite(bus_objects, .init = bus_setup, .fini = bus_teardown, .timeout = 30);

static const char *const interfaces[] = {"Manager", "Link",    "Prefix",
					 "Anchor",  "Binding", "Handover"};

static void add_prefix(void)
{
	struct prefix *p = (struct prefix *)calloc(1, sizeof(*p));

	cr_assert(prefix_parse("2001:db8:a::/64", &p->prefix) == 0);
	p->properties = (struct properties){
		.set = (1u << PROPERTY_ANCHORING) | (1u << PROPERTY_INTERNET) |
		       (1u << PROPERTY_COST),
		.anchoring = PREFIX_ANCHORED,
		.cost = 7,
	};
	p->source[PROPERTY_ANCHORING] = SOURCE_RA;
	p->source[PROPERTY_COST] = SOURCE_ADMINISTRATOR;
	strcpy(p->domain, "example.org");
	list_append(&fx.engine->prefixes, &p->node);
	bus_published(fx.bus, OBJECT_PREFIX, CHANGE_ADDED, p);
}

static struct link *add_link_with_attachment(void)
{
	struct link *l = bus_add_link(3, "eth0");
	struct link_address *a = (struct link_address *)calloc(1, sizeof(*a));
	struct router *r = (struct router *)calloc(1, sizeof(*r));

	list_append(&l->addresses, &a->node);
	list_append(&l->routers, &r->node);
	return l;
}

/* One object of each kind, by interface. */
static const char *const paths[] = {BUS_PATH,
				    BUS_PATH "/link/3",
				    BUS_PATH "/prefix/_32001_3adb8_3aa_3a_3a_2f64",
				    BUS_PATH "/anchor/north",
				    BUS_PATH "/binding/1",
				    BUS_PATH "/handover/1"};

static void add_everything(void)
{
	add_link_with_attachment();
	add_prefix();
	bus_add_handover()->phase[PHASE_BU] = 1500;
}

Test(bus_objects, escapes_names_like_sd_bus)
{
	char label[BUS_LABEL_LEN];

	path_escape("2001:db8::/32", label);
	cr_assert_str_eq(label, "_32001_3adb8_3a_3a_2f32");
	path_escape("north-1", label);
	cr_assert_str_eq(label, "north_2d1");
	path_escape("", label);
	cr_assert_str_eq(label, "_");
}

Test(bus_objects, shows_each_kind)
{
	struct binding *b = bus_first_binding();

	add_everything();
	b->state = BINDING_REGISTERED;
	cr_assert(addr_parse("2001:db8:b::5", &b->coa) == 0);
	cr_assert_str_eq(bus_get(BUS_PATH, "org.dmmd1.Manager", "Version"), DMMD_VERSION);
	cr_assert_str_eq(bus_get(BUS_PATH, "org.dmmd1.Manager", "Uplink"), "/");
	cr_assert_str_eq(bus_get(paths[1], "org.dmmd1.Link", "Name"), "eth0");
	cr_assert_str_eq(bus_get(paths[1], "org.dmmd1.Link", "State"), "down");
	cr_assert_str_eq(bus_get(paths[2], "org.dmmd1.Prefix", "Prefix"), "2001:db8:a::/64");
	cr_assert_str_eq(bus_get(paths[3], "org.dmmd1.Anchor", "Address"), "2001:db8:f::1");
	cr_assert_str_eq(bus_get(paths[3], "org.dmmd1.Anchor", "RttUSec"), "18446744073709551615",
			 "none");
	cr_assert_str_eq(bus_get("/org/dmmd1/binding/0", "org.dmmd1.Binding", "CareOfAddress"),
			 "2001:db8:b::5");
	cr_assert_str_eq(bus_get("/org/dmmd1/binding/0", "org.dmmd1.Binding", "State"),
			 "registered");
	cr_assert_str_eq(bus_get("/org/dmmd1/binding/0", "org.dmmd1.Binding", "Anchor"), paths[3]);
	cr_assert_str_eq(bus_get("/org/dmmd1/binding/0", "org.dmmd1.Binding", "Prefix"), paths[2]);
	cr_assert_str_eq(bus_get(paths[5], "org.dmmd1.Handover", "TotalUSec"), "1500");
	cr_assert_str_eq(
		bus_get("/org/freedesktop/LogControl1", "org.freedesktop.LogControl1", "LogLevel"),
		"err");
}

/* The value of a property and who said so, as "value source". */
static const char *property_of_prefix(const char *name)
{
	static char buf[128];
	DBusMessage *reply = bus_call(paths[2], DBUS_INTERFACE_PROPERTIES, "Get",
				      "org.dmmd1.Prefix", "Properties", NULL);
	DBusMessageIter it, variant, array, entry, pair, value;
	const char *key, *text, *source;

	*buf = '\0';
	dbus_message_iter_init(reply, &it);
	dbus_message_iter_recurse(&it, &variant);
	for (dbus_message_iter_recurse(&variant, &array);
	     dbus_message_iter_get_arg_type(&array) == DBUS_TYPE_DICT_ENTRY;
	     dbus_message_iter_next(&array)) {
		dbus_message_iter_recurse(&array, &entry);
		dbus_message_iter_get_basic(&entry, &key);
		if (strcmp(key, name) != 0)
			continue;
		dbus_message_iter_next(&entry);
		dbus_message_iter_recurse(&entry, &pair);
		dbus_message_iter_recurse(&pair, &value);
		dbus_message_iter_next(&pair);
		dbus_message_iter_get_basic(&pair, &source);
		text = "";
		if (dbus_message_iter_get_arg_type(&value) == DBUS_TYPE_STRING)
			dbus_message_iter_get_basic(&value, &text);
		snprintf(buf, sizeof(buf), "%s %s", text, source);
	}
	dbus_message_unref(reply);
	return buf;
}

Test(bus_objects, tells_who_said_what_of_a_prefix)
{
	add_everything();
	cr_assert_str_eq(property_of_prefix("Anchoring"), "anchored router-advertisement");
	cr_assert_str_eq(property_of_prefix("Cost"), " configuration");
	cr_assert_str_eq(property_of_prefix("Internet"), " default");
	cr_assert_str_eq(property_of_prefix("Mobility"), "", "nobody said that");
	cr_assert_str_eq(bus_get(paths[2], "org.dmmd1.Prefix", "ProvisioningDomain"),
			 "example.org");
}

Test(bus_objects, shows_how_a_binding_is_needed)
{
	struct binding *b = bus_first_binding();

	bus_add_session(1, 0);
	b->dynamic = true;
	b->liveness.dead = true;
	b->liveness.rtt = 1500;
	cr_assert_str_eq(bus_get("/org/dmmd1/binding/0", "org.dmmd1.Binding", "Dynamic"), "true");
	cr_assert_str_eq(bus_get("/org/dmmd1/binding/0", "org.dmmd1.Binding", "SessionsInNeed"),
			 "1");
	cr_assert_str_eq(bus_get("/org/dmmd1/binding/0", "org.dmmd1.Binding", "PathDead"), "true");
	cr_assert_str_eq(bus_get("/org/dmmd1/binding/0", "org.dmmd1.Binding", "ProbeRttUSec"),
			 "1500");
	cr_assert_str_eq(bus_get(BUS_PATH, "org.dmmd1.Manager", "Sessions"), "1");
	cr_assert_str_eq(bus_get(paths[3], "org.dmmd1.Anchor", "Origin"), "configuration");
	cr_assert_str_eq(bus_get(paths[3], "org.dmmd1.Anchor", "Rank"), "1");
}

Test(bus_objects, manages_all_but_its_own)
{
	DBusMessage *reply;

	add_everything();
	reply = bus_call(BUS_PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", NULL);
	cr_assert_str_eq(dbus_message_get_signature(reply), "a{oa{sa{sv}}}");
	/* a link, a prefix, an anchor, two bindings, a handover */
	cr_assert(bus_entries(reply, 0) == 6);
	dbus_message_unref(reply);
}

Test(bus_objects, survives_names_that_are_not_text)
{
	bus_add_link(9, "et\xffh");
	cr_assert_str_eq(bus_get("/org/dmmd1/link/9", "org.dmmd1.Link", "Name"), "et?h");
	bus_settle();
	cr_assert(bus_signal_count("StateChanged") == 1);
}

static char *generated(const char *interface)
{
	char name[64];
	size_t size;
	char *text;
	FILE *f = open_memstream(&text, &size);

	snprintf(name, sizeof(name), "org.dmmd1.%s", interface);
	cr_assert(bus_write_introspection(f, name) == 0);
	fclose(f);
	return text;
}

/* Run with DMMD_UPDATE=1 to write the files after a change of the tables. */
Test(bus_objects, introspection_is_what_we_install)
{
	for (size_t i = 0; i < sizeof(interfaces) / sizeof(*interfaces); i++) {
		_cleanup_free_ char *now = generated(interfaces[i]);
		_cleanup_free_ char *file = (char *)calloc(1, strlen(now) + 2);
		char path[96];
		FILE *f;

		snprintf(path, sizeof(path), "systemd/org.dmmd1.%s.xml", interfaces[i]);
		if (getenv("DMMD_UPDATE")) {
			f = fopen(path, "w");
			cr_assert(f);
			fputs(now, f);
			fclose(f);
		}
		f = fopen(path, "r");
		cr_assert(f, "%s", path);
		fread(file, 1, strlen(now) + 1, f);
		fclose(f);
		cr_assert_str_eq(file, now, "%s differs from the tables", path);
	}
	cr_assert(bus_write_introspection(stderr, "org.dmmd1.Nothing") == -ENOENT);
}

/* Without its explanations, the installed document is part of the live one. */
Test(bus_objects, introspection_is_what_the_objects_say)
{
	add_everything();
	for (size_t i = 0; i < sizeof(interfaces) / sizeof(*interfaces); i++) {
		_cleanup_free_ char *text = generated(interfaces[i]);
		DBusMessage *reply =
			bus_call(paths[i], DBUS_INTERFACE_INTROSPECTABLE, "Introspect", NULL);
		char *line, *next = strstr(text, "  <interface");
		bool comment = false;

		while ((line = strsep(&next, "\n")) && strcmp(line, "</node>") != 0) {
			comment = comment || strstr(line, "<!--");
			cr_assert(comment || strstr(bus_arg(reply, 0), line), "%s: %s", paths[i],
				  line);
			comment = comment && !strstr(line, "-->");
		}
		dbus_message_unref(reply);
	}
}

/* Every value has the type that its property declares. */
Test(bus_objects, values_have_the_declared_types)
{
	add_everything();
	for (size_t i = 0; i < sizeof(interfaces) / sizeof(*interfaces); i++) {
		struct bus_object *o = registry_find_path(fx.bus, paths[i]);

		cr_assert(o, "%s", paths[i]);
		for (const struct bus_property *p = o->kind->interface->properties; p->name; p++) {
			DBusMessage *reply = bus_call(paths[i], DBUS_INTERFACE_PROPERTIES, "Get",
						      o->kind->interface->name, p->name, NULL);
			_cleanup_text_ char *signature = NULL;
			DBusMessageIter it, variant;

			cr_assert(p - o->kind->interface->properties < BUS_MAX_PROPERTIES);
			cr_assert(dbus_message_iter_init(reply, &it));
			dbus_message_iter_recurse(&it, &variant);
			signature = dbus_message_iter_get_signature(&variant);
			cr_assert_str_eq(signature, p->signature, "%s", p->name);
			cr_assert(p->doc && !strstr(p->doc, "--"), "%s", p->name);
			dbus_message_unref(reply);
		}
	}
}

Test(bus_objects, introspection_leads_from_the_root)
{
	static const struct {
		const char *path, *children;
	} nodes[] = {
		{"/", "<node name=\"org\"/>"},
		{"/org", "<node name=\"dmmd1\"/>\n  <node name=\"freedesktop\"/>"},
		{"/org/dmmd1", "<node name=\"anchor\"/>\n  <node name=\"binding\"/>"},
		{"/org/dmmd1/binding", "<node name=\"0\"/>\n  <node name=\"1\"/>"},
	};

	for (size_t i = 0; i < sizeof(nodes) / sizeof(*nodes); i++) {
		DBusMessage *reply =
			bus_call(nodes[i].path, DBUS_INTERFACE_INTROSPECTABLE, "Introspect", NULL);

		cr_assert(strstr(bus_arg(reply, 0), nodes[i].children), "%s", bus_arg(reply, 0));
		dbus_message_unref(reply);
	}
}
