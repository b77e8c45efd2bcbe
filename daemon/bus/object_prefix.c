/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.dmmd1.Prefix: a prefix the host has or had. */
#include <stdio.h>

#include "bus/field.h"

static void get_prefix(struct bus_out *out, const struct bus *b, const struct bus_property *p,
		       const void *object)
{
	(void)b, (void)p;
	out_string(out, PREFIX_STR(&((const struct prefix *)object)->prefix));
}

static void get_anchor(struct bus_out *out, const struct bus *b, const struct bus_property *p,
		       const void *object)
{
	(void)b, (void)p;
	out_path(out, PATH_OF(&bus_kind_anchor, ((const struct prefix *)object)->anchor));
}

static void get_link(struct bus_out *out, const struct bus *b, const struct bus_property *p,
		     const void *object)
{
	(void)b, (void)p;
	out_path(out, PATH_OF(&bus_kind_link, ((const struct prefix *)object)->link));
}

static void append_value(struct bus_out *out, enum property which, const struct properties *v)
{
	switch (which) {
	case PROPERTY_ANCHORING:
		out_string(out, prefix_anchoring_str((int)v->anchoring));
		break;
	case PROPERTY_ANCHOR:
		out_string(out, v->anchor);
		break;
	case PROPERTY_SERVICE:
		out_string(out, service_type_str((int)v->service));
		break;
	case PROPERTY_MOBILITY:
		out_string(out, prefix_mobility_str((int)v->mobility));
		break;
	case PROPERTY_INTERNET:
		out_bool(out, v->internet);
		break;
	case PROPERTY_PUBLISHED:
		out_bool(out, v->published);
		break;
	case PROPERTY_COST:
		out_u32(out, v->cost);
		break;
	case PROPERTY_MAX:
		break;
	}
}

static void append_property(struct bus_out *dict, const struct prefix *prefix, enum property which)
{
	static const struct {
		const char *name, *signature;
	} kinds[PROPERTY_MAX] = {
		[PROPERTY_ANCHORING] = {"Anchoring", "s"},
		[PROPERTY_ANCHOR] = {"Anchor", "s"},
		[PROPERTY_SERVICE] = {"ServiceType", "s"},
		[PROPERTY_MOBILITY] = {"Mobility", "s"},
		[PROPERTY_INTERNET] = {"Internet", "b"},
		[PROPERTY_PUBLISHED] = {"Published", "b"},
		[PROPERTY_COST] = {"Cost", "u"},
	};
	struct bus_out entry, pair, value;

	out_open(dict, &entry, DBUS_TYPE_DICT_ENTRY, NULL);
	out_string(&entry, kinds[which].name);
	out_open(&entry, &pair, DBUS_TYPE_STRUCT, NULL);
	out_open(&pair, &value, DBUS_TYPE_VARIANT, kinds[which].signature);
	append_value(&value, which, &prefix->properties);
	out_close(&pair, &value);
	out_string(&pair, property_source_str((int)prefix->source[which]));
	out_close(&entry, &pair);
	out_close(dict, &entry);
}

static void get_properties(struct bus_out *out, const struct bus *b, const struct bus_property *p,
			   const void *object)
{
	const struct prefix *prefix = (const struct prefix *)object;
	struct bus_out dict;

	(void)b, (void)p;
	out_open(out, &dict, DBUS_TYPE_ARRAY, "{s(vs)}");
	for (enum property which = 0; which < PROPERTY_MAX; which++)
		if (properties_have(&prefix->properties, which))
			append_property(&dict, prefix, which);
	out_close(out, &dict);
}

static const struct bus_property properties[] = {
	{"Prefix", "s", BUS_CONST, get_prefix, .doc = "Address/length"},
	{"State", "s", BUS_EMITS, FIELD_ENUM(struct prefix, state, prefix_state_str),
	 .doc = "native, registering, remote, draining, lost"},
	{"Anchoring", "s", BUS_EMITS, FIELD_ENUM(struct prefix, anchoring, prefix_anchoring_str),
	 .doc = "unknown, local, anchored"},
	{"Origin", "s", BUS_EMITS, FIELD_ENUM(struct prefix, origin, prefix_origin_str),
	 .doc = "router-advertisement, address, configuration"},
	{"ServiceType", "s", BUS_EMITS, FIELD_ENUM(struct prefix, service, service_type_str),
	 .doc = "Session continuity its addresses offer (RFC 8653): non-persistent, "
		"graceful-replacement, session-lasting, fixed"},
	{"Properties", "a{s(vs)}", BUS_EMITS, get_properties,
	 .doc = "What is said of it, each with who said so (default, inferred, "
		"router-advertisement, prefix-property-option, provisioning-domain, binding, "
		"configuration; of two the later in this list counts): Anchoring (s), Anchor (s: "
		"name or address), ServiceType (s), Mobility (s: unknown, none, host, network), "
		"Internet (b), Published (b), Cost (u); what nobody said is left out"},
	{"ProvisioningDomain", "s", BUS_EMITS, FIELD(struct prefix, domain),
	 .doc = "Name of its provisioning domain (RFC 8801), empty if none"},
	{"SessionsInNeed", "u", BUS_EMITS, FIELD(struct prefix, sessions),
	 .doc = "Sessions whose address has to stay; 0 while it is native, since nobody looks"},
	{"Anchor", "o", BUS_EMITS, get_anchor, .doc = "The anchor that serves it, or /"},
	{"Link", "o", BUS_EMITS, get_link, .doc = "The link where it is native, or /"},
	{"ValidUntilUSec", "t", BUS_SILENT, FIELD_USEC(struct prefix, valid_until),
	 .doc = "End of the valid lifetime"},
	{"PreferredUntilUSec", "t", BUS_SILENT, FIELD_USEC(struct prefix, preferred_until),
	 .doc = "End of the preferred lifetime"},
	{0}};

static const struct bus_interface interface = {
	.name = "org.dmmd1.Prefix",
	.doc = "An IPv6 prefix the host has, or had at an earlier place.",
	.properties = properties};

static void name(const void *object, char buf[static BUS_NAME_LEN])
{
	snprintf(buf, BUS_NAME_LEN, "%s", PREFIX_STR(&((const struct prefix *)object)->prefix));
}

static void label(const void *object, char buf[static BUS_LABEL_LEN])
{
	path_escape(PREFIX_STR(&((const struct prefix *)object)->prefix), buf);
}

static const char *state(const struct engine *e, const void *object)
{
	(void)e;
	return prefix_state_str(((const struct prefix *)object)->state);
}

const struct bus_kind bus_kind_prefix = {
	.noun = "prefix",
	.interface = &interface,
	.name = name,
	.label = label,
	.state = state,
};
