/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.dmmd1.Link: a network interface with its current attachment. */
#include <stdio.h>

#include "bus/field.h"

static const char *address_state(const struct link_address *a)
{
	if (a->duplicate)
		return "duplicate";
	if (a->optimistic)
		return "optimistic";
	if (a->tentative)
		return "tentative";
	return a->deprecated ? "deprecated" : "usable";
}

static const char *const preferences[] = {"low", "medium", "high"};

static const char *preference_name(enum nd_preference p)
{
	return p < 0 ? preferences[0] : p > 0 ? preferences[2] : preferences[1];
}

static void get_waiting_for(struct bus_out *out, const struct bus *b, const struct bus_property *p,
			    const void *object)
{
	const char *what = link_waiting_for((const struct link *)object);

	(void)b, (void)p;
	out_string(out, what ? what : "");
}

static void get_used(struct bus_out *out, const struct bus *b, const struct bus_property *p,
		     const void *object)
{
	const struct link *l = (const struct link *)object;

	(void)b, (void)p;
	out_bool(out, l->conf && l->conf->use);
}

static void get_preference(struct bus_out *out, const struct bus *b, const struct bus_property *p,
			   const void *object)
{
	const struct link *l = (const struct link *)object;

	(void)b, (void)p;
	out_i32(out, l->conf ? l->conf->preference : 0);
}

static void get_addresses(struct bus_out *out, const struct bus *b, const struct bus_property *p,
			  const void *object)
{
	const struct link *l = (const struct link *)object;
	const struct link_address *a;
	struct bus_out list, dict;

	(void)b, (void)p;
	out_open(out, &list, DBUS_TYPE_ARRAY, "a{sv}");
	list_for_each(a, &l->addresses, node) {
		out_open(&list, &dict, DBUS_TYPE_ARRAY, "{sv}");
		out_entry_addr(&dict, "Address", &a->addr);
		out_entry_u32(&dict, "PrefixLength", a->plen);
		out_entry_string(&dict, "State", address_state(a));
		out_entry_bool(&dict, "Confirmed",
			       a->confirmed_epoch && a->confirmed_epoch == l->epoch);
		out_entry_bool(&dict, "Temporary", a->temporary);
		out_entry_bool(&dict, "Static", a->is_static);
		out_entry_usec(&dict, "SinceUSec", a->since);
		out_close(&list, &dict);
	}
	out_close(out, &list);
}

static void get_routers(struct bus_out *out, const struct bus *b, const struct bus_property *p,
			const void *object)
{
	const struct link *l = (const struct link *)object;
	const struct router *r;
	struct bus_out list, dict;

	(void)b, (void)p;
	out_open(out, &list, DBUS_TYPE_ARRAY, "a{sv}");
	list_for_each(r, &l->routers, node) {
		out_open(&list, &dict, DBUS_TYPE_ARRAY, "{sv}");
		out_entry_addr(&dict, "Address", &r->addr);
		out_entry_string(&dict, "Origin", router_origin_str(r->origin));
		out_entry_bool(&dict, "Reachable", !r->unreachable);
		out_entry_bool(&dict, "HasRoute", r->has_route);
		out_entry_bool(&dict, "HomeAgent", r->home_agent);
		out_entry_u32(&dict, "Metric", r->metric);
		out_entry_string(&dict, "Preference", preference_name(r->preference));
		out_entry_usec(&dict, "HeardUSec", r->heard);
		out_entry_usec(&dict, "ExpiresUSec", r->expires);
		out_close(&list, &dict);
	}
	out_close(out, &list);
}

static const struct bus_property properties[] = {
	{"Index", "i", BUS_CONST, FIELD(struct link, ifindex), .doc = "Interface index"},
	{"Name", "s", BUS_EMITS, FIELD(struct link, name), .doc = "Interface name"},
	{"State", "s", BUS_EMITS, FIELD_ENUM(struct link, state, link_state_str),
	 .doc = "down, soliciting, configuring, attached"},
	{"WaitingFor", "s", BUS_EMITS, get_waiting_for,
	 .doc = "What is missing to be attached, in words; empty when attached"},
	{"Up", "b", BUS_EMITS, FIELD(struct link, up),
	 .doc = "Administratively up and with carrier"},
	{"Used", "b", BUS_EMITS, get_used, .doc = "May be an uplink (Use= of its [Link] section)"},
	{"Preference", "i", BUS_EMITS, get_preference,
	 .doc = "Preference= of its [Link] section, higher is better"},
	{"MTU", "u", BUS_EMITS, FIELD(struct link, mtu), .doc = "Octets"},
	{"Attachment", "u", BUS_EMITS, FIELD(struct link, epoch),
	 .doc = "Number of the attachment, counted from 1 and rising when the carrier is lost"},
	{"UpSinceUSec", "t", BUS_EMITS, FIELD_USEC(struct link, up_since),
	 .doc = "When it came up"},
	{"Addresses", "aa{sv}", BUS_EMITS, get_addresses,
	 .doc = "Address (s), PrefixLength (u), State (s: usable, deprecated, tentative, "
		"optimistic, duplicate), Confirmed (b: by this attachment), Temporary (b), "
		"Static (b), SinceUSec (t)"},
	{"Routers", "aa{sv}", BUS_SILENT, get_routers,
	 .doc = "Address (s), Origin (s), Reachable (b), HasRoute (b), HomeAgent (b), Metric (u), "
		"Preference (s: low, medium, high), HeardUSec (t), ExpiresUSec (t)"},
	{0}};

static const struct bus_interface interface = {
	.name = "org.dmmd1.Link",
	.doc = "A network interface with its current attachment: carrier, routers, addresses.",
	.properties = properties};

static void name(const void *object, char buf[static BUS_NAME_LEN])
{
	snprintf(buf, BUS_NAME_LEN, "%s", ((const struct link *)object)->name);
}

static void label(const void *object, char buf[static BUS_LABEL_LEN])
{
	snprintf(buf, BUS_LABEL_LEN, "%d", ((const struct link *)object)->ifindex);
}

static const char *state(const struct engine *e, const void *object)
{
	(void)e;
	return link_state_str(((const struct link *)object)->state);
}

static void describe(FILE *f, const void *object, bool latest)
{
	const char *what = link_waiting_for((const struct link *)object);

	if (latest && what)
		fprintf(f, ", waiting for: %s", what);
}

const struct bus_kind bus_kind_link = {
	.noun = "link",
	.interface = &interface,
	.name = name,
	.label = label,
	.state = state,
	.describe = describe,
};
