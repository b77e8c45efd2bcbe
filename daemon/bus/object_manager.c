/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.dmmd1.Manager: the daemon as a whole. */
#include <errno.h>

#include <stdlib.h>

#include "bus/field.h"

static void get_version(struct bus_out *out, const struct bus *b, const struct bus_property *p,
			const void *object)
{
	(void)b, (void)p, (void)object;
	out_string(out, DMMD_VERSION);
}

static void get_started(struct bus_out *out, const struct bus *b, const struct bus_property *p,
			const void *object)
{
	(void)p, (void)object;
	out_u64(out, b->started);
}

static void get_place(struct bus_out *out, const struct bus *b, const struct bus_property *p,
		      const void *object)
{
	(void)p, (void)object;
	out_string(out, engine_place(b->engine));
}

static void get_waiting_for(struct bus_out *out, const struct bus *b, const struct bus_property *p,
			    const void *object)
{
	const char *what = engine_waiting_for(b->engine);

	(void)p, (void)object;
	out_string(out, what ? what : "");
}

static void get_uplink(struct bus_out *out, const struct bus *b, const struct bus_property *p,
		       const void *object)
{
	(void)p, (void)object;
	out_path(out, PATH_OF(&bus_kind_link, b->engine->uplink));
}

/* The engine remembers where it was: coming back needs no signalling. */
static void get_care_of_address(struct bus_out *out, const struct bus *b,
				const struct bus_property *p, const void *object)
{
	(void)p, (void)object;
	out_addr(out, b->engine->uplink ? &b->engine->coa : &in6addr_any);
}

static void get_next_hop(struct bus_out *out, const struct bus *b, const struct bus_property *p,
			 const void *object)
{
	(void)p, (void)object;
	out_addr(out, b->engine->uplink ? &b->engine->next_hop : &in6addr_any);
}

static void get_last_handover(struct bus_out *out, const struct bus *b,
			      const struct bus_property *p, const void *object)
{
	const struct engine *e = b->engine;

	(void)p, (void)object;
	out_path(out, PATH_OF(&bus_kind_handover, engine_handover(e, e->n_handovers)));
}

static void get_sessions_in_need(struct bus_out *out, const struct bus *b,
				 const struct bus_property *p, const void *object)
{
	const struct binding *binding;
	unsigned n = 0;

	(void)p, (void)object;
	list_for_each(binding, &b->engine->bindings, node)
		n += binding->n_in_need;
	out_u32(out, n);
}

static void get_applications(struct bus_out *out, const struct bus *b, const struct bus_property *p,
			     const void *object)
{
	unsigned clients = 0;
	bool hooks;

	(void)p, (void)object;
	if (b->handlers.applications)
		b->handlers.applications(b->handlers.user, &clients, &hooks);
	out_u32(out, clients);
}

static void get_hooks(struct bus_out *out, const struct bus *b, const struct bus_property *p,
		      const void *object)
{
	unsigned clients;
	bool hooks = false;

	(void)p, (void)object;
	if (b->handlers.applications)
		b->handlers.applications(b->handlers.user, &clients, &hooks);
	out_bool(out, hooks);
}

static void get_plane(struct bus_out *out, const struct bus *b, const struct bus_property *p,
		      const void *object)
{
	(void)p, (void)object;
	out_string(out, b->handlers.plane ? b->handlers.plane : "");
}

static const struct bus_property properties[] = {
	{"Version", "s", BUS_CONST, get_version, .doc = "Version of the daemon"},
	{"StartedUSec", "t", BUS_CONST, get_started, .doc = "When the daemon started"},
	{"Place", "s", BUS_EMITS, get_place,
	 .doc = "Where the host is: home, away, offline, starting, local (nothing registered: no "
		"anchor, or no need)"},
	{"WaitingFor", "s", BUS_EMITS, get_waiting_for,
	 .doc = "What is missing, in words; empty when nothing is"},
	{"Uplink", "o", BUS_EMITS, get_uplink, .doc = "The link in use, or /"},
	{"CareOfAddress", "s", BUS_EMITS, get_care_of_address,
	 .doc = "Current care-of address, empty if none"},
	{"NextHop", "s", BUS_EMITS, get_next_hop, .doc = "Current router, empty if none"},
	{"Handovers", "t", BUS_EMITS, FIELD(struct engine, n_handovers),
	 .doc = "Handovers since the start"},
	{"LastHandover", "o", BUS_EMITS, get_last_handover, .doc = "The newest handover, or /"},
	{"Sessions", "u", BUS_SILENT, FIELD(struct engine, n_sessions),
	 .doc = "Sessions that are kept an eye on: those on prefixes that were left"},
	{"SessionsInNeed", "u", BUS_SILENT, get_sessions_in_need,
	 .doc = "Of these, those whose address has to stay"},
	{"Applications", "u", BUS_SILENT, get_applications,
	 .doc = "Programs that are connected to the daemon to be given addresses"},
	{"Plane", "s", BUS_SILENT, get_plane, .doc = "The data plane: bpf, or kernel"},
	{"SocketHooks", "b", BUS_SILENT, get_hooks,
	 .doc = "Whether the kernel's socket hooks are in use"},
	{0}};

static int call_reload(struct bus_call *c)
{
	const struct bus_handlers *h = &c->b->handlers;
	char why[256] = "";
	int r = h->reload ? h->reload(h->user, why, sizeof(why)) : -EOPNOTSUPP;

	if (r == -EINVAL)
		return call_fail(
			c, BUS_NAME ".Error.InvalidConfiguration",
			"The configuration has errors, the log has all, and the old one is "
			"kept: %s",
			why);
	if (r == -EOPNOTSUPP && why[0])
		return call_fail(c, error_name(r), "The old configuration is kept: %s", why);
	if (r == 0)
		out_string(&c->out, why);
	return r;
}

static int call_metrics(struct bus_call *c)
{
	const struct bus_handlers *h = &c->b->handlers;
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *f;

	if (!h->metrics)
		return -EOPNOTSUPP;
	f = open_memstream(&text, &size);
	if (!f)
		return -ENOMEM;
	h->metrics(h->user, f);
	if (fclose(f) == EOF)
		return -ENOMEM;
	out_string(&c->out, text);
	return 0;
}

static const struct bus_method methods[] = {
	{.name = "ListSessions",
	 .out = {{"sessions", "aa{sv}"}},
	 .call = call_list_sessions,
	 .access = BUS_KNOWN,
	 .doc = "The sessions on addresses of home agents and on prefixes that were left, and "
		"those "
		"that asked for a service and had to start without it; root and the user of the "
		"daemon see all, others their own.  Cookie (t: the kernel's name of the socket, "
		"SO_COOKIE), Protocol (s: tcp, udp), Source (s), SourcePort (u), Destination (s), "
		"DestinationPort (u), Listening (b), UID (u), PID (u: 0 if it cannot be seen), "
		"Executable (s: likewise), BytesSent (t: what the other end has acknowledged), "
		"BytesReceived (t: both for TCP alone), "
		"Requested (s: service type), Granted (s), InNeed (b: its address has to stay), "
		"Rule (s: of the policy, empty if none matched), RuleWhere (s: file:line), "
		"HomeAddress (s), Prefix (s), Anchor (s: name), PathMode (s: tunnel, native, "
		"blocked), SinceUSec (t: when it came to notice)"},
	{.name = "ListEvents",
	 .out = {{"events", "a(sssa{sv})"}},
	 .call = call_list_events,
	 .access = BUS_KNOWN,
	 .doc = "The last 256 events, oldest first, with the arguments of the signal Event.  "
		"Events about a session also have Protocol, Source, SourcePort, Destination, "
		"DestinationPort and PID, for its user, root and the user of the daemon"},
	{.name = "Explain",
	 .in = {{"destination", "s"},
		{"port", "q"},
		{"protocol", "s"},
		{"type", "s"},
		{"uid", "u"}},
	 .out = {{"answer", "a{sv}"}},
	 .call = call_explain,
	 .doc = "Which source address, prefix, anchor and path a session would get now.  port 0: "
		"any; protocol: tcp, udp, or empty for tcp; type: service type, or empty to let "
		"policy decide.  Requested (s), Granted (s: empty if nothing can be had), AskedBy "
		"(s: what decided the type), Words (s), Candidates (aa{sv}: Source (s), Prefix "
		"(s), State (s: of the prefix), Anchor (s), Link (s), Tunnelled (b), Chosen (b), "
		"Words (s: why, or which rule decided against it))"},
	{.name = "Metrics",
	 .out = {{"text", "s"}},
	 .call = call_metrics,
	 .doc = "All counters as OpenMetrics 1.0 text"},
	{.name = "Test",
	 .out = {{"findings", "a(sbs)"}},
	 .call = call_test,
	 .access = BUS_KNOWN,
	 .doc = "Test every path, kernel object, key and anchor; answers when all probes are "
		"answered or after two seconds.  Each finding: what, whether it is as it should "
		"be, and in words what was found"},
	{.name = "Subscribe",
	 .call = call_subscribe,
	 .doc = "From now on Event and StateChanged are sent, until the caller's connection ends "
		"or it calls Unsubscribe.  Without any subscriber they are not.  "
		"PropertiesChanged, InterfacesAdded and InterfacesRemoved are sent while there is "
		"a connection that subscribed or has read a property or the objects"},
	{.name = "Unsubscribe", .call = call_unsubscribe, .doc = "Takes Subscribe back"},
	{.name = "Reload",
	 .out = {{"later", "s"}},
	 .call = call_reload,
	 .access = BUS_ROOT,
	 .doc = "Read the configuration again; answers when it is in force.  later: the names of "
		"options that were changed and take effect at the next start, \"\" = none"},
	{0}};

static const struct bus_signal signals[] = {
	{.name = "Event",
	 .args = {{"kind", "s"}, {"priority", "s"}, {"text", "s"}, {"details", "a{sv}"}},
	 .doc = "For subscribers: something happened.  kind: uplink, offline, prefix-state, "
		"binding-state, "
		"binding-refused, binding-revoked, binding-withdrawn, anchor-found, "
		"anchor-health, anchor-switch, path-dead, path-alive, session-lost, handover, "
		"obstacle, "
		"forged.  priority: as of syslog (err, warning, notice, info, debug).  text: a "
		"sentence for people.  details: Number (t: from 1), TimeUSec (t), TimeRealUSec "
		"(t), and as far as it "
		"is about one Link (s: name), Prefix (s), Anchor (s: name), HomeAddress (s), "
		"Handover (t: number), and of a session Cookie (t) and UID (u)"},
	{.name = "StateChanged",
	 .args = {{"kind", "s"}, {"text", "s"}, {"details", "a{sv}"}},
	 .doc = "For subscribers: an object changed its state.  kind: place, link, prefix, anchor, "
		"binding, "
		"handover, or lost (more happened at once than could be kept).  text: one line "
		"for people.  details: Change (s: added, changed, removed), Object (s: name), "
		"Path (o), OldState (s), NewState (s), TimeUSec (t), TimeRealUSec (t)"},
	{0}};

static const struct bus_interface interface = {
	.name = "org.dmmd1.Manager",
	.doc = "The daemon as a whole.  Everywhere: times are microseconds of CLOCK_BOOTTIME "
	       "unless "
	       "the name says Real, durations are microseconds, and the greatest value of either "
	       "stands for none or never.",
	.properties = properties,
	.methods = methods,
	.signals = signals};

static void name(const void *object, char buf[static BUS_NAME_LEN])
{
	(void)object;
	snprintf(buf, BUS_NAME_LEN, "dmmd");
}

static const char *state(const struct engine *e, const void *object)
{
	(void)object;
	return engine_place(e);
}

const struct bus_kind bus_kind_manager = {
	.noun = "place",
	.interface = &interface,
	.name = name,
	.state = state,
};
