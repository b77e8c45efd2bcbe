/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mobility/explain_rules.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "mobility/internal.h"
#include "proto/mh.h"

static void say(char *words, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(char *words, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, EXPLAIN_WORDS_MAX, fmt, ap);
	va_end(ap);
}

/* --- what cannot be used at all --------------------------------------------------------------- */

static const char *objection_to_link(const struct explain_option *o)
{
	const struct link_address *a = o->address;
	const struct link *l = o->link;

	if (!l->conf->use)
		return "its link is not used (Use=no in [Link])";
	if (!l->up)
		return "deprecated: its place was left, the link is down (E5)";
	if (a->duplicate)
		return "duplicate: another host on the link has the address";
	if (!a->confirmed_epoch)
		return "no router on the link has its prefix";
	if (!link_supports(l, a))
		return "deprecated: its place was left (E5)";
	if (a->tentative && !a->optimistic)
		return "tentative: duplicate address detection has not ended";
	return NULL;
}

static bool say_binding_state(const struct explain_question *q, struct explain_option *o)
{
	const struct binding *b = o->binding;
	char *words = o->c->words;

	switch (b->state) {
	case BINDING_HOME:
		if (path_alive(q->e, &b->path))
			return true;
		say(words, "lost: its home link is down");
		return false;
	case BINDING_REGISTERED:
	case BINDING_UPDATING:
	case BINDING_RETURNING:
		return true;
	case BINDING_IDLE:
		if (o->on_demand && q->e->uplink)
			return true;
		say(words, "not registered: there is no care-of address to register");
		return false;
	case BINDING_REGISTERING:
		say(words, "not registered yet: anchor %s has not answered", b->anchor->name);
		return false;
	case BINDING_WITHDRAWING:
		say(words, "being withdrawn: no new sessions (E4)");
		return false;
	case BINDING_REFUSED:
	case BINDING_STATE_MAX:
		break;
	}
	say(words, "lost: anchor %s refuses the binding (%s)", b->anchor->name,
	    b->last_status >= 0 ? ba_status_str((unsigned)b->last_status) : "unknown");
	return false;
}

static bool binding_usable(const struct explain_question *q, struct explain_option *o)
{
	const struct binding *b = o->binding;
	char *words = o->c->words;

	if (b->removed)
		say(words, "not configured any more");
	else if (b->unshared)
		say(words, "made for one session alone");
	else if (b->dynamic && b->service != SERVICE_FIXED &&
		 !(b->on_request && b->state == BINDING_HOME))
		say(words, "deprecated: its place was left, only sessions that it has go on (E5)");
	else if (b->path.closed)
		say(words, "being withdrawn: no new sessions (E4)");
	else if (!say_binding_state(q, o))
		return false;
	else if (!o->native && !q->e->uplink)
		say(words, "offline: no link has a care-of address");
	else if (!o->native && b->liveness.dead)
		say(words, "the tunnel to anchor %s is dead (E8)", b->anchor->name);
	else
		return true;
	return false;
}

static bool is_unique_local(const struct in6_addr *a)
{
	return (a->s6_addr[0] & 0xfe) == 0xfc;
}

/* Unique local addresses that nobody speaks of reach each other. */
static bool reaches(const struct explain_question *q, const struct explain_option *o)
{
	const struct prefix *p = o->prefix;

	if (!p || !properties_have(&p->properties, PROPERTY_INTERNET) || p->properties.internet ||
	    prefix_contains(&p->prefix, q->destination))
		return true;
	return p->source[PROPERTY_INTERNET] == SOURCE_INFERRED && is_unique_local(q->destination);
}

bool explain_usable(const struct explain_question *q, struct explain_option *o)
{
	const char *wrong;

	if (!o->link && !o->binding) {
		say(o->c->words, "the host has no address in it");
		return false;
	}
	if (o->binding && !binding_usable(q, o))
		return false;
	if (!o->binding && (wrong = objection_to_link(o))) {
		say(o->c->words, "%s", wrong);
		return false;
	}
	if (!reaches(q, o)) {
		say(o->c->words,
		    "reaches only its own network, not the destination (Internet=no, %s)",
		    property_source_str((int)o->prefix->source[PROPERTY_INTERNET]));
		return false;
	}
	return true;
}

/* --- what does not last as long as it should ------------------------------------------------ */

static const char *ailment(const struct anchor *a)
{
	if (a->leaving)
		return "is going out of service";
	if (a->health == ANCHOR_SILENT)
		return "does not answer";
	return a->health == ANCHOR_REFUSING ? "refuses" : NULL;
}

static bool kept_by_network(const struct explain_option *o)
{
	return o->prefix && o->prefix->properties.mobility == PREFIX_MOBILITY_NETWORK &&
	       o->prefix->source[PROPERTY_MOBILITY] >= SOURCE_PVD;
}

enum service_type explain_promise(const struct explain_option *o)
{
	const struct prefix *p = o->prefix;

	if (o->binding && o->native && o->binding->on_request && o->anchor && ailment(o->anchor))
		return SERVICE_NON_PERSISTENT;
	if (o->binding)
		return o->binding->service;
	if (!p)
		return SERVICE_NON_PERSISTENT;
	if (kept_by_network(o) && p->service < SERVICE_SESSION_LASTING)
		return SERVICE_SESSION_LASTING;
	if (p->anchoring == PREFIX_ANCHORED && !kept_by_network(o) &&
	    (!o->anchor || ailment(o->anchor)))
		return SERVICE_NON_PERSISTENT;
	return p->service;
}

/* Why sessions on a native address end with a move, for a prefix that is not kept in place. */
static void say_why_short(struct explain_option *o)
{
	const struct anchor *a = o->anchor;

	if (!o->prefix || o->prefix->anchoring != PREFIX_ANCHORED)
		say(o->c->words, "%s prefix: the session would end with the next move (E2)",
		    o->prefix && o->prefix->anchoring == PREFIX_ANCHORING_UNKNOWN
			    ? "not known to be anchored, so as good as a local"
			    : "local");
	else if (!a)
		say(o->c->words, "anchored, but no home agent that serves it is known (E2)");
	else if (ailment(a))
		say(o->c->words, "anchored, but its anchor %s %s (E2)", a->name, ailment(a));
	else
		say(o->c->words, "%s: weaker than asked for (E2)", service_type_str((int)o->type));
}

static unsigned rank_lasting(const struct explain_option *o)
{
	if (o->native)
		return 0;
	return o->on_demand && o->binding->state == BINDING_IDLE ? 2 : 1;
}

bool explain_suits(const struct explain_question *q, struct explain_option *o)
{
	bool home = o->binding && !o->binding->dynamic;

	if (o->binding && o->binding->on_request &&
	    (!q->asked || q->type == SERVICE_NON_PERSISTENT)) {
		say(o->c->words, "made for sessions that ask for %s, not for others (E1)",
		    service_type_str((int)o->binding->service));
		return false;
	}
	if (!q->asked) {
		if (!o->native || home) {
			say(o->c->words, "a home address: for programs that bind to it or ask for "
					 "it, not by itself (E1)");
			return false;
		}
		return true;
	}
	switch (q->type) {
	case SERVICE_NON_PERSISTENT:
		o->rank = !o->native;
		return true;
	case SERVICE_GRACEFUL_REPLACEMENT:
		o->rank = o->type == SERVICE_GRACEFUL_REPLACEMENT ? 0 : 1 + rank_lasting(o);
		break;
	case SERVICE_SESSION_LASTING:
		o->rank = rank_lasting(o);
		break;
	case SERVICE_FIXED:
		if (o->type < SERVICE_FIXED) {
			say(o->c->words, "%s: not fixed, only a home address is (E2)",
			    service_type_str((int)o->type));
			return false;
		}
		o->rank = home ? 0 : 1;
		break;
	case SERVICE_TYPE_MAX:
		break;
	}
	if (o->type >= q->type)
		return true;
	say_why_short(o);
	return false;
}

/* --- what is not as good as another ------------------------------------------------------------- */

typedef int (*explain_rule)(const struct explain_question *q, const struct explain_option *a,
			    const struct explain_option *b, char *words);

static int by_destination(const struct explain_question *q, const struct explain_option *a,
			  const struct explain_option *b, char *words)
{
	say(words, "%s is the destination itself (RFC 6724 rule 1)", ADDR_STR(&a->c->source));
	return (int)addr_equal(&a->c->source, q->destination) -
	       (int)addr_equal(&b->c->source, q->destination);
}

static bool is_deprecated(const struct explain_question *q, const struct explain_option *o)
{
	if (o->address && o->address->deprecated)
		return true;
	return o->prefix && o->prefix->preferred_until <= q->e->now.mono;
}

static int by_deprecation(const struct explain_question *q, const struct explain_option *a,
			  const struct explain_option *b, char *words)
{
	say(words, "deprecated: not to be used by new sessions (RFC 6724 rule 3)");
	return (int)is_deprecated(q, b) - (int)is_deprecated(q, a);
}

static int by_type(const struct explain_question *q, const struct explain_option *a,
		   const struct explain_option *b, char *words)
{
	if (!b->native)
		say(words, "%s: a tunnel to anchor %s, %s is better (%s)",
		    b->on_demand && b->binding->state == BINDING_IDLE ? "on demand" : "remote",
		    b->anchor ? b->anchor->name : "",
		    !a->native                          ? "one that is there"
		    : q->type == SERVICE_NON_PERSISTENT ? "a native prefix"
							: "a native anchored prefix",
		    q->type == SERVICE_NON_PERSISTENT ? "E1" : "E2");
	else if (q->type == SERVICE_FIXED)
		say(words, "fixed, but a home address comes first (E2)");
	else
		say(words, "%s: more than asked for", service_type_str((int)b->type));
	return b->rank < a->rank ? -1 : b->rank > a->rank;
}

/* What only those have who asked goes on after a move without the others. */
static int by_request(const struct explain_question *q, const struct explain_option *a,
		      const struct explain_option *b, char *words)
{
	if (!q->asked || !a->native || !b->native)
		return 0;
	say(words, "shared with sessions that did not ask: %s was made for those that do",
	    ADDR_STR(&a->c->source));
	return (int)(a->binding && a->binding->on_request) -
	       (int)(b->binding && b->binding->on_request);
}

/* How specific a route the link has: the destination is on it, or a router has said so (RFC 4191). */
static int route_length(const struct link *l, const struct in6_addr *to)
{
	struct router *r;
	int best = 0;

	list_for_each(r, &l->routers, node) {
		if (!router_usable(l, r))
			continue;
		for (unsigned i = 0; i < r->n_prefixes; i++)
			if (r->prefix[i].on_link && r->prefix[i].prefix.len > best &&
			    prefix_contains(&r->prefix[i].prefix, to))
				best = r->prefix[i].prefix.len;
		for (unsigned i = 0; i < r->n_routes; i++)
			if (r->route[i].prefix.len > best &&
			    prefix_contains(&r->route[i].prefix, to))
				best = r->route[i].prefix.len;
	}
	return best;
}

static bool on_two_links(const struct explain_option *a, const struct explain_option *b)
{
	return a->native && b->native && a->link && b->link && a->link != b->link;
}

static int by_route(const struct explain_question *q, const struct explain_option *a,
		    const struct explain_option *b, char *words)
{
	if (!on_two_links(a, b))
		return 0;
	say(words, "link %s: %s has the more specific route to the destination", b->link->name,
	    a->link->name);
	return route_length(a->link, q->destination) - route_length(b->link, q->destination);
}

static int by_uplink(const struct explain_question *q, const struct explain_option *a,
		     const struct explain_option *b, char *words)
{
	int ours, theirs;

	if (!on_two_links(a, b))
		return 0;
	ours = a->link->conf->preference;
	theirs = b->link->conf->preference;
	if (ours > theirs)
		say(words, "link %s: lower preference, %d against %d of %s (E1)", b->link->name,
		    theirs, ours, a->link->name);
	else
		say(words, "link %s: %s is the uplink (E1)", b->link->name, a->link->name);
	if (a->link == q->e->uplink || b->link == q->e->uplink)
		return a->link == q->e->uplink ? 1 : -1;
	return ours - theirs;
}

/* What need not last leaves alone what others could need. */
static int by_need(const struct explain_question *q, const struct explain_option *a,
		   const struct explain_option *b, char *words)
{
	if (!q->asked || q->type != SERVICE_NON_PERSISTENT)
		return 0;
	say(words, "anchored: a local prefix will do for a session that need not last");
	return (int)(b->prefix && b->prefix->anchoring == PREFIX_ANCHORED) -
	       (int)(a->prefix && a->prefix->anchoring == PREFIX_ANCHORED);
}

/* Those of the default table (RFC 6724 section 2.1) that are in use. */
static unsigned label(const struct in6_addr *a)
{
	if (is_unique_local(a))
		return 13;
	if (a->s6_addr[0] == 0x20 && a->s6_addr[1] == 0x02)
		return 2;
	return a->s6_addr[0] == 0x20 && a->s6_addr[1] == 0x01 && !a->s6_addr[2] && !a->s6_addr[3]
		       ? 5
		       : 1;
}

static int by_label(const struct explain_question *q, const struct explain_option *a,
		    const struct explain_option *b, char *words)
{
	unsigned to = label(q->destination);

	say(words, "another kind of address than the destination (RFC 6724 rule 6)");
	return (int)(label(&a->c->source) == to) - (int)(label(&b->c->source) == to);
}

static unsigned milliseconds(usec_t t)
{
	return (unsigned)((t + USEC_PER_MSEC / 2) / USEC_PER_MSEC);
}

static int by_anchor(const struct explain_question *q, const struct explain_option *a,
		     const struct explain_option *b, char *words)
{
	const struct anchor *x = a->anchor, *y = b->anchor;

	if (!q->asked || q->type == SERVICE_NON_PERSISTENT || !x || !y || x == y)
		return 0;
	if (ailment(y))
		say(words, "its anchor %s %s (E7)", y->name, ailment(y));
	else if (x->rtt && y->rtt && x->rtt < y->rtt)
		say(words, "its anchor %s is farther, %u ms against %u ms (E7)", y->name,
		    milliseconds(y->rtt), milliseconds(x->rtt));
	else
		say(words, "its anchor %s is less preferred than %s (E7)", y->name, x->name);
	return (int)anchor_better(x, y) - (int)anchor_better(y, x);
}

static uint32_t cost(const struct explain_option *o)
{
	return o->prefix ? o->prefix->properties.cost : 0;
}

static int by_cost(const struct explain_question *q, const struct explain_option *a,
		   const struct explain_option *b, char *words)
{
	(void)q;
	say(words, "costs more, %u against %u", cost(b), cost(a));
	return cost(a) < cost(b) ? 1 : -(cost(a) > cost(b));
}

/* The host's own sessions prefer temporary addresses; those that are to last do not. */
static int by_stability(const struct explain_question *q, const struct explain_option *a,
			const struct explain_option *b, char *words)
{
	bool lasting = q->asked && q->type != SERVICE_NON_PERSISTENT;
	int temporary = (int)(a->address && a->address->temporary) -
			(int)(b->address && b->address->temporary);

	say(words, "%s",
	    lasting ? "temporary: it may end before the session"
		    : "a temporary address tells less of the host (RFC 6724 rule 7)");
	return lasting ? -temporary : temporary;
}

static int shared_bits(const struct explain_question *q, const struct explain_option *o)
{
	int n = 0;

	while (n < o->c->prefix.len &&
	       !((q->destination->s6_addr[n / 8] ^ o->c->source.s6_addr[n / 8]) & (0x80 >> n % 8)))
		n++;
	return n;
}

static int by_likeness(const struct explain_question *q, const struct explain_option *a,
		       const struct explain_option *b, char *words)
{
	say(words, "shares fewer bits with the destination (RFC 6724 rule 8)");
	return shared_bits(q, a) - shared_bits(q, b);
}

/* It has an order of its own among equals. */
static int by_kernel(const struct explain_question *q, const struct explain_option *a,
		     const struct explain_option *b, char *words)
{
	say(words, "as good as %s, which the kernel takes", ADDR_STR(&a->c->source));
	return (int)addr_equal(q->kernel, &a->c->source) -
	       (int)addr_equal(q->kernel, &b->c->source);
}

static int by_place(const struct explain_question *q, const struct explain_option *a,
		    const struct explain_option *b, char *words)
{
	(void)q;
	say(words, "as good as %s, which stands before it", ADDR_STR(&a->c->source));
	return a->c < b->c ? 1 : -1;
}

int explain_compare(const struct explain_question *q, const struct explain_option *a,
		    const struct explain_option *b, char words[static EXPLAIN_WORDS_MAX])
{
	static const explain_rule rules[] = {
		by_destination, by_deprecation, by_type,    by_route,  by_uplink,
		by_label,       by_need,        by_request, by_anchor, by_cost,
		by_stability,   by_likeness,    by_kernel,  by_place,
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(rules) / sizeof(*rules); i++)
		r = rules[i](q, a, b, words);
	return r;
}
