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
