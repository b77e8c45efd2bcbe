/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.dmmd1.Anchor: a home agent, how it behaves and what it answered. */
#include <stdio.h>

#include "bus/field.h"

static void get_name(struct bus_out *out, const struct bus *b, const struct bus_property *p,
		     const void *object)
{
	(void)b, (void)p;
	out_string(out, ((const struct anchor *)object)->name);
}

static void get_section(struct bus_out *out, const struct bus *b, const struct bus_property *p,
			const void *object)
{
	const struct anchor *a = (const struct anchor *)object;

	(void)b, (void)p;
	out_string(out, a->conf ? a->conf->name : "");
}

static void get_prefix(struct bus_out *out, const struct bus *b, const struct bus_property *p,
		       const void *object)
{
	const struct anchor *a = (const struct anchor *)object;

	(void)b, (void)p;
	out_string(out, a->has_prefix ? PREFIX_STR(&a->prefix) : "");
}

/* The engine compares those that serve a prefix; shown is the place among all. */
static void get_rank(struct bus_out *out, const struct bus *b, const struct bus_property *p,
		     const void *object)
{
	const struct anchor *a = (const struct anchor *)object, *other;
	unsigned rank = 1;

	(void)p;
	list_for_each(other, &b->engine->anchors, node)
		rank += other != a && anchor_better(other, a);
	out_u32(out, rank);
}

static void get_counters(struct bus_out *out, const struct bus *b, const struct bus_property *p,
			 const void *object)
{
	const struct anchor_counters *n = &((const struct anchor *)object)->n;
	const struct {
		const char *name;
		uint64_t value;
	} counters[] = {
		{"BindingUpdatesSent", n->bu_sent},
		{"BindingUpdatesRetransmitted", n->bu_retransmitted},
		{"AcknowledgementsReceived", n->ba_received},
		{"AcknowledgementsAccepted", n->ba_accepted},
		{"AcknowledgementsRejected", n->ba_rejected},
		{"DroppedAuthentication", n->dropped_auth},
		{"DroppedUnexpected", n->dropped_unexpected},
		{"DroppedMalformed", n->dropped_malformed},
		{"ProbesSent", n->probes_sent},
		{"ProbesAnswered", n->probes_answered},
		{"Switches", n->switches},
		{"Revocations", n->revocations},
	};
	struct bus_out dict, entry;

	(void)b, (void)p;
	out_open(out, &dict, DBUS_TYPE_ARRAY, "{st}");
	for (size_t i = 0; i < sizeof(counters) / sizeof(*counters); i++) {
		out_open(&dict, &entry, DBUS_TYPE_DICT_ENTRY, NULL);
		out_string(&entry, counters[i].name);
		out_u64(&entry, counters[i].value);
		out_close(&dict, &entry);
	}
	out_close(out, &dict);
}

static const struct bus_property properties[] = {
	{"Name", "s", BUS_CONST, get_name,
	 .doc = "Name of its [Anchor] section; the second and later home agents of one section "
		"have :2, :3 ... behind it"},
	{"Section", "s", BUS_CONST, get_section, .doc = "Name of its [Anchor] section"},
	{"Address", "s", BUS_EMITS, FIELD(struct anchor, address),
	 .doc = "Address of the home agent"},
	{"Origin", "s", BUS_EMITS, FIELD_ENUM(struct anchor, origin, anchor_origin_str),
	 .doc = "How it was found: configuration, router-advertisement, dhaad, dns, switch"},
	{"FoundUSec", "t", BUS_SILENT, FIELD_USEC(struct anchor, found),
	 .doc = "When it was heard of last"},
	{"Prefix", "s", BUS_EMITS, get_prefix,
	 .doc = "The prefix it was found to serve; empty: those of its section"},
	{"Preference", "i", BUS_EMITS, FIELD(struct anchor, preference),
	 .doc = "As configured or advertised, higher is better"},
	{"Rank", "u", BUS_SILENT, get_rank,
	 .doc = "Place among all anchors by health, round trip and preference, 1 is the best; for "
		"a session those count that serve its prefix"},
	{"Leaving", "b", BUS_EMITS, FIELD(struct anchor, leaving),
	 .doc = "It has asked us to go elsewhere (RFC 5142): nothing new is registered there"},
	{"PrefixDiscovery", "s", BUS_EMITS,
	 FIELD_ENUM(struct anchor, prefix_discovery, anchor_ability_str),
	 .doc = "It answers mobile prefix solicitations: unknown, yes, no"},
	{"Switching", "s", BUS_EMITS, FIELD_ENUM(struct anchor, switching, anchor_ability_str),
	 .doc = "It sends home agent switch messages (RFC 5142): unknown, yes, no"},
	{"Revocation", "s", BUS_EMITS, FIELD_ENUM(struct anchor, revocation, anchor_ability_str),
	 .doc = "It revokes bindings (RFC 5846): unknown, yes, no"},
	{"Health", "s", BUS_EMITS, FIELD_ENUM(struct anchor, health, anchor_health_str),
	 .doc = "untried, reachable, silent, refusing"},
	{"LastStatus", "i", BUS_EMITS, FIELD(struct anchor, last_status),
	 .doc = "Status of the last binding acknowledgement (RFC 6275 section 6.1.8), -1 = none"},
	{"RttUSec", "t", BUS_SILENT, FIELD_USEC(struct anchor, rtt),
	 .doc = "Round trip of binding updates, smoothed"},
	{"LastRttUSec", "t", BUS_SILENT, FIELD_USEC(struct anchor, rtt_last),
	 .doc = "The last round trip"},
	{"ClockOffsetUSec", "x", BUS_SILENT, FIELD(struct anchor, clock_offset),
	 .doc = "Its clock minus ours, as learnt from a rejected time stamp"},
	{"Authenticated", "b", BUS_EMITS, FIELD(struct anchor, has_sa),
	 .doc = "Binding updates to it are authenticated (RFC 4285)"},
	{"Counters", "a{st}", BUS_SILENT, get_counters,
	 .doc = "BindingUpdatesSent, BindingUpdatesRetransmitted, AcknowledgementsReceived, "
		"AcknowledgementsAccepted, AcknowledgementsRejected, DroppedAuthentication, "
		"DroppedUnexpected, DroppedMalformed, ProbesSent, ProbesAnswered, Switches, "
		"Revocations"},
	{0}};

static const struct bus_interface interface = {
	.name = "org.dmmd1.Anchor",
	.doc = "A home agent that serves one or more home addresses.",
	.properties = properties};

static void name(const void *object, char buf[static BUS_NAME_LEN])
{
	snprintf(buf, BUS_NAME_LEN, "%s", ((const struct anchor *)object)->name);
}

static void label(const void *object, char buf[static BUS_LABEL_LEN])
{
	path_escape(((const struct anchor *)object)->name, buf);
}

static const char *state(const struct engine *e, const void *object)
{
	(void)e;
	return anchor_health_str(((const struct anchor *)object)->health);
}

const struct bus_kind bus_kind_anchor = {
	.noun = "anchor",
	.interface = &interface,
	.name = name,
	.label = label,
	.state = state,
};
