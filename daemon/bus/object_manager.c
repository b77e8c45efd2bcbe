/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.dmmd1.Manager: the daemon as a whole. */
#include <errno.h>

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

static void get_last_handover(struct bus_out *out, const struct bus *b,
			      const struct bus_property *p, const void *object)
{
	const struct engine *e = b->engine;

	(void)p, (void)object;
	out_path(out, PATH_OF(&bus_kind_handover, engine_handover(e, e->n_handovers)));
}

static const struct bus_property properties[] = {
	{"Version", "s", BUS_CONST, get_version, .doc = "Version of the daemon"},
	{"StartedUSec", "t", BUS_CONST, get_started, .doc = "When the daemon started"},
	{"Place", "s", BUS_EMITS, get_place,
	 .doc = "Where the host is: home, away, offline, starting, local (no anchor configured)"},
	{"WaitingFor", "s", BUS_EMITS, get_waiting_for,
	 .doc = "What is missing, in words; empty when nothing is"},
	{"Uplink", "o", BUS_EMITS, get_uplink, .doc = "The link in use, or /"},
	{"CareOfAddress", "s", BUS_EMITS, FIELD(struct engine, coa),
	 .doc = "Current care-of address, empty if none"},
	{"NextHop", "s", BUS_EMITS, FIELD(struct engine, next_hop),
	 .doc = "Current router, empty if none"},
	{"Handovers", "t", BUS_EMITS, FIELD(struct engine, n_handovers),
	 .doc = "Handovers since the start"},
	{"LastHandover", "o", BUS_EMITS, get_last_handover, .doc = "The newest handover, or /"},
	{0}};

static int call_reload(struct bus_call *c)
{
	const struct bus_handlers *h = &c->b->handlers;
	int r = h->reload ? h->reload(h->user) : -EOPNOTSUPP;

	if (r == -EINVAL)
		return call_fail(c, BUS_NAME ".Error.InvalidConfiguration",
				 "The configuration has errors, see the log; the old one is kept");
	return r;
}

static const struct bus_method methods[] = {
	{.name = "Reload",
	 .call = call_reload,
	 .privileged = true,
	 .doc = "Read the configuration again; answers when it is in force"},
	{0}};

static const struct bus_signal signals[] = {
	{.name = "Event",
	 .args = {{"kind", "s"}, {"text", "s"}, {"details", "a{sv}"}},
	 .doc = "Something changed its state.  kind: place, link, prefix, anchor, binding, "
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
