/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.dmmd1.Binding: an entry of the binding update list. */
#include <stdio.h>

#include "bus/field.h"

static void get_home_prefix(struct bus_out *out, const struct bus *b, const struct bus_property *p,
			    const void *object)
{
	(void)b, (void)p;
	out_string(out, PREFIX_STR(&((const struct binding *)object)->home_prefix));
}

static void get_anchor(struct bus_out *out, const struct bus *b, const struct bus_property *p,
		       const void *object)
{
	(void)b, (void)p;
	out_path(out, PATH_OF(&bus_kind_anchor, ((const struct binding *)object)->anchor));
}

static void get_prefix(struct bus_out *out, const struct bus *b, const struct bus_property *p,
		       const void *object)
{
	const struct binding *binding = (const struct binding *)object;
	const struct prefix *prefix, *found = NULL;

	(void)p;
	list_for_each(prefix, &b->engine->prefixes, node)
		if (prefix_equal(&prefix->prefix, &binding->home_prefix))
			found = prefix;
	out_path(out, PATH_OF(&bus_kind_prefix, found));
}

static void get_link(struct bus_out *out, const struct bus *b, const struct bus_property *p,
		     const void *object)
{
	(void)b, (void)p;
	out_path(out, PATH_OF(&bus_kind_link, ((const struct binding *)object)->link));
}

static void get_waiting_for(struct bus_out *out, const struct bus *b, const struct bus_property *p,
			    const void *object)
{
	const char *what = binding_waiting_for((const struct binding *)object);

	(void)b, (void)p;
	out_string(out, what ? what : "");
}

static void get_obstacle_words(struct bus_out *out, const struct bus *b,
			       const struct bus_property *p, const void *object)
{
	char words[320];

	(void)b, (void)p;
	out_string(out, obstacle_words((const struct binding *)object, words, sizeof(words)));
}

static const char *read_protection(const struct bus *b, const void *object, const char **ret_words)
{
	*ret_words = NULL;
	if (!b->handlers.protection)
		return "no";
	return b->handlers.protection(b->handlers.user, (const struct binding *)object, ret_words);
}

static void get_protection(struct bus_out *out, const struct bus *b, const struct bus_property *p,
			   const void *object)
{
	const char *words;

	(void)p;
	out_string(out, read_protection(b, object, &words));
}

static void get_protection_words(struct bus_out *out, const struct bus *b,
				 const struct bus_property *p, const void *object)
{
	const char *words;

	(void)p;
	read_protection(b, object, &words);
	out_string(out, words ? words : "");
}

static void read_traffic(const struct bus *b, const void *object, uint64_t *received,
			 uint64_t *sent)
{
	*received = *sent = 0;
	if (b->handlers.traffic)
		b->handlers.traffic(b->handlers.user, (const struct binding *)object, received,
				    sent);
}

static void get_received(struct bus_out *out, const struct bus *b, const struct bus_property *p,
			 const void *object)
{
	uint64_t received, sent;

	(void)p;
	read_traffic(b, object, &received, &sent);
	out_u64(out, received);
}

static void get_sent(struct bus_out *out, const struct bus *b, const struct bus_property *p,
		     const void *object)
{
	uint64_t received, sent;

	(void)p;
	read_traffic(b, object, &received, &sent);
	out_u64(out, sent);
}

static const struct bus_property properties[] = {
	{"HomeAddress", "s", BUS_CONST, FIELD(struct binding, home), .doc = "Home address"},
	{"HomePrefix", "s", BUS_CONST, get_home_prefix, .doc = "Its home prefix, address/length"},
	{"Slot", "u", BUS_CONST, FIELD(struct binding, slot),
	 .doc = "Number of the entry: chooses route table and rules"},
	{"Anchor", "o", BUS_EMITS, get_anchor, .doc = "The home agent"},
	{"Prefix", "o", BUS_EMITS, get_prefix, .doc = "The prefix it belongs to, or /"},
	{"State", "s", BUS_EMITS, FIELD_ENUM(struct binding, state, binding_state_str),
	 .doc = "idle, registering, registered, updating, returning, home, withdrawing, refused"},
	{"WaitingFor", "s", BUS_EMITS, get_waiting_for,
	 .doc = "What is missing, in words; empty when nothing is"},
	{"CareOfAddress", "s", BUS_EMITS, FIELD(struct binding, coa),
	 .doc = "Care-of address last sent, empty if none"},
	{"Link", "o", BUS_EMITS, get_link,
	 .doc = "The link of that care-of address, or the home link, or /"},
	{"Registered", "b", BUS_EMITS, FIELD(struct binding, registered),
	 .doc = "The home agent holds a binding, as far as is known"},
	{"RegisteredCareOfAddress", "s", BUS_EMITS, FIELD(struct binding, registered_coa),
	 .doc = "Care-of address it acknowledged last"},
	{"ExpiresUSec", "t", BUS_EMITS, FIELD_USEC(struct binding, expires),
	 .doc = "End of the lifetime it granted"},
	{"RefreshAtUSec", "t", BUS_EMITS, FIELD_USEC(struct binding, refresh_at),
	 .doc = "Next refresh"},
	{"Sequence", "u", BUS_SILENT, FIELD(struct binding, sequence),
	 .doc = "Sequence number last sent"},
	{"Outstanding", "u", BUS_SILENT, FIELD(struct binding, n_outstanding),
	 .doc = "Binding updates that may still be acknowledged"},
	{"Retries", "u", BUS_EMITS, FIELD(struct binding, retries),
	 .doc = "Retransmissions of the running exchange"},
	{"RetransmitAtUSec", "t", BUS_SILENT, FIELD_USEC(struct binding, retransmit_at),
	 .doc = "Next retransmission"},
	{"RetryAtUSec", "t", BUS_EMITS, FIELD_USEC(struct binding, retry_at),
	 .doc = "Next attempt after a refusal"},
	{"LastStatus", "i", BUS_EMITS, FIELD(struct binding, last_status),
	 .doc = "Status of the last binding acknowledgement (RFC 6275 section 6.1.8), -1 = none"},
	{"PathMode", "s", BUS_EMITS, FIELD_ENUM(struct binding, path.mode, path_mode_str),
	 .doc = "What packets from the home address take: blocked, tunnel, native"},
	{"NextHop", "s", BUS_EMITS, FIELD(struct binding, path.next_hop),
	 .doc = "Router they are handed to"},
	{"ServiceType", "s", BUS_EMITS, FIELD_ENUM(struct binding, service, service_type_str),
	 .doc = "Service it gives; fixed: needed whether or not there are sessions"},
	{"Dynamic", "b", BUS_CONST, FIELD(struct binding, dynamic),
	 .doc = "Made when a native prefix was left, and goes when nobody needs it any more"},
	{"SessionsInNeed", "u", BUS_EMITS, FIELD(struct binding, n_in_need),
	 .doc = "Sessions whose address has to stay"},
	{"HoldUntilUSec", "t", BUS_EMITS, FIELD_USEC(struct binding, hold_until),
	 .doc = "Nobody is in need any more; it is withdrawn then, unless a session comes"},
	{"PathDead", "b", BUS_EMITS, FIELD(struct binding, liveness.dead),
	 .doc = "Probes through the tunnel are not answered"},
	{"Obstacle", "s", BUS_EMITS, FIELD_ENUM(struct binding, obstacle.kind, obstacle_kind_str),
	 .doc = "What is in the way to its anchor: none, unreachable, signalling (protocol 135 is "
		"blocked), tunnel "
		"(protocol 41), mtu (large packets vanish)"},
	{"ObstacleWords", "s", BUS_EMITS, get_obstacle_words,
	 .doc = "The same with what can be done about it; empty when there is none"},
	{"Protection", "s", BUS_SILENT, get_protection,
	 .doc = "Of the payload in its tunnel: no, esp, or blocked: PayloadProtection=esp cannot "
		"be "
		"had, and nothing goes through"},
	{"ProtectionWords", "s", BUS_SILENT, get_protection_words,
	 .doc = "What is in the way of esp; empty when nothing is"},
	{"ProbesUnanswered", "u", BUS_SILENT, FIELD(struct binding, liveness.unanswered),
	 .doc = "Of the last ones, in a row"},
	{"ProbeAnsweredUSec", "t", BUS_SILENT, FIELD_USEC(struct binding, liveness.probe_answered),
	 .doc = "When a probe was answered last"},
	{"ProbeRttUSec", "t", BUS_SILENT, FIELD_USEC(struct binding, liveness.rtt),
	 .doc = "Round trip of the last probe that was answered"},
	{"ReceivedBytes", "t", BUS_SILENT, get_received,
	 .doc = "Octets received through the tunnel"},
	{"SentBytes", "t", BUS_SILENT, get_sent, .doc = "Octets sent through the tunnel"},
	{0}};

static const struct bus_interface interface = {
	.name = "org.dmmd1.Binding",
	.doc = "An entry of the binding update list (RFC 6275 section 11.1): a home address at its "
	       "home agent.",
	.properties = properties};

static void name(const void *object, char buf[static BUS_NAME_LEN])
{
	snprintf(buf, BUS_NAME_LEN, "%s", ADDR_STR(&((const struct binding *)object)->home));
}

static void label(const void *object, char buf[static BUS_LABEL_LEN])
{
	snprintf(buf, BUS_LABEL_LEN, "%u", ((const struct binding *)object)->slot);
}

static const char *state(const struct engine *e, const void *object)
{
	(void)e;
	return binding_state_str(((const struct binding *)object)->state);
}

static void describe(FILE *f, const void *object, bool latest)
{
	const struct binding *b = (const struct binding *)object;
	const char *what = binding_waiting_for(b);

	if (b->anchor)
		fprintf(f, ", at %s", b->anchor->name);
	if (latest && !addr_is_any(&b->coa))
		fprintf(f, ", care-of address %s", ADDR_STR(&b->coa));
	if (latest && what)
		fprintf(f, ", waiting for: %s", what);
}

const struct bus_kind bus_kind_binding = {
	.noun = "binding",
	.interface = &interface,
	.name = name,
	.label = label,
	.state = state,
	.describe = describe,
};
