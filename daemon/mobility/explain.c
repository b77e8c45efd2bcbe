/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which source address a session would get now, and which rule decided against each of the others: those that cannot be used,
 * then those that do not last as long as asked for, then those that are not as good as another.
 */
#include "mobility/explain.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "conf/policy.h"
#include "mobility/explain_rules.h"
#include "mobility/internal.h"

struct work {
	struct explain_question q;
	struct explain *x;
	struct explain_option option[EXPLAIN_MAX_CANDIDATES];
};

static void say(char words[static EXPLAIN_WORDS_MAX], const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void say(char words[static EXPLAIN_WORDS_MAX], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, EXPLAIN_WORDS_MAX, fmt, ap);
	va_end(ap);
}

/* --- candidates ------------------------------------------------------------------------------- */

static const struct prefix *covering(const struct engine *e, const struct in6_addr *a)
{
	const struct prefix *p, *best = NULL;

	list_for_each(p, &e->prefixes, node)
		if (prefix_contains(&p->prefix, a) && (!best || p->prefix.len > best->prefix.len))
			best = p;
	return best;
}

static struct explain_option *add(struct work *w, const struct in6_addr *source,
				  const struct ip6_prefix *prefix)
{
	struct explain_option *o;

	if (w->x->n == EXPLAIN_MAX_CANDIDATES)
		return NULL;
	o = &w->option[w->x->n];
	memset(o, 0, sizeof(*o));
	o->c = &w->x->candidate[w->x->n++];
	memset(o->c, 0, sizeof(*o->c));
	o->c->source = *source;
	o->c->prefix = *prefix;
	return o;
}

static void complete(struct explain_option *o, const struct anchor *anchor,
		     const struct link *leaves_by, enum prefix_state without)
{
	o->anchor = anchor;
	o->c->state = o->prefix ? o->prefix->state : without;
	o->type = explain_promise(o);
	if (anchor)
		snprintf(o->c->anchor, sizeof(o->c->anchor), "%s", anchor->name);
	if (leaves_by)
		snprintf(o->c->link, sizeof(o->c->link), "%s", leaves_by->name);
}

static void add_native(struct work *w, const struct link *l, const struct link_address *a)
{
	const struct prefix *p = covering(w->q.e, &a->addr);
	struct ip6_prefix own = prefix_make(&a->addr, a->plen);
	struct explain_option *o = add(w, &a->addr, p ? &p->prefix : &own);

	if (!o)
		return;
	o->link = l;
	o->address = a;
	o->prefix = p;
	o->native = l->up && link_supports(l, a);
	complete(o, p ? p->anchor : NULL, l, PREFIX_LOST);
}

static void add_home(struct work *w, const struct binding *b)
{
	struct explain_option *o = add(w, &b->home, &b->home_prefix);

	if (!o)
		return;
	o->binding = b;
	o->prefix = prefix_find(w->q.e, &b->home_prefix);
	o->native = b->state == BINDING_HOME;
	o->on_demand = !b->dynamic && b->service != SERVICE_FIXED;
	o->c->tunnelled = !o->native;
	complete(o, b->anchor, o->native ? b->link : w->q.e->uplink, PREFIX_LOST);
}

static bool is_native_again(const struct engine *e, const struct binding *b)
{
	struct link *l;

	list_for_each(l, &e->links, node)
		if (b->dynamic && link_has_native(l, b))
			return true;
	return false;
}

static void add_addresses(struct work *w, bool here)
{
	struct link_address *a;
	struct link *l;

	list_for_each(l, &w->q.e->links, node)
		list_for_each(a, &l->addresses, node) {
			const struct binding *b = engine_find_home(w->q.e, &a->addr);

			if (addr_is_routable(&a->addr) && (l->up && link_supports(l, a)) == here &&
			    (!b || (b->dynamic && link_has_native(l, b))))
				add_native(w, l, a);
		}
}

static bool has_candidate(const struct work *w, const struct prefix *p)
{
	for (unsigned i = 0; i < w->x->n; i++)
		if (prefix_contains(&p->prefix, &w->x->candidate[i].source))
			return true;
	return false;
}

/* Those that can be used first: there is room for so many. */
static void collect(struct work *w)
{
	const struct prefix *p;
	struct explain_option *o;
	struct binding *b;

	add_addresses(w, true);
	list_for_each(b, &w->q.e->bindings, node)
		if (!is_native_again(w->q.e, b))
			add_home(w, b);
	add_addresses(w, false);
	list_for_each(p, &w->q.e->prefixes, node) {
		if (has_candidate(w, p) || !(o = add(w, &in6addr_any, &p->prefix)))
			continue;
		o->prefix = p;
		complete(o, p->anchor, p->link, p->state);
	}
}

/* --- the decision ------------------------------------------------------------------------------- */

static struct explain_option *best_of(struct work *w)
{
	char words[EXPLAIN_WORDS_MAX];
	struct explain_option *best = NULL;

	for (unsigned i = 0; i < w->x->n; i++) {
		struct explain_option *o = &w->option[i];

		if (!o->out && (!best || explain_compare(&w->q, o, best, words) > 0))
			best = o;
	}
	return best;
}

static void say_chosen(const struct work *w, struct explain_option *o)
{
	const struct explain_candidate *c = o->c;
	char *words = o->c->words;

	if (o->native && o->binding && o->binding->on_request)
		say(words,
		    "made on %s for sessions that ask: no tunnel, and anchor %s keeps it after a "
		    "move",
		    c->link, c->anchor);
	else if (o->native && o->binding)
		say(words, "home address on its home link %s: no tunnel", c->link);
	else if (!o->native)
		say(words, "home address: through anchor %s%s%s", c->anchor,
		    c->link[0] ? " by " : "", c->link);
	else if (w->x->granted == SERVICE_NON_PERSISTENT)
		say(words, "native on %s: no tunnel, no signalling", c->link);
	else if (o->anchor)
		say(words, "native on %s: no tunnel, and anchor %s keeps it after a move%s",
		    c->link, c->anchor,
		    w->x->granted == SERVICE_GRACEFUL_REPLACEMENT ? " for a while" : "");
	else
		say(words, "native on %s, and the network keeps it %s", c->link,
		    w->x->granted == SERVICE_GRACEFUL_REPLACEMENT ? "for a while" : "in place");
}

static struct explain_option *decide(struct work *w)
{
	struct explain_option *best;

	for (unsigned i = 0; i < w->x->n; i++) {
		struct explain_option *o = &w->option[i];

		o->out = !explain_usable(&w->q, o) || !explain_suits(&w->q, o);
	}
	best = best_of(w);
	for (unsigned i = 0; best && i < w->x->n; i++)
		if (&w->option[i] != best && !w->option[i].out)
			explain_compare(&w->q, best, &w->option[i], w->option[i].c->words);
	return best;
}

/* --- in words ----------------------------------------------------------------------------------- */

static const struct explain_option *find_home(const struct work *w)
{
	for (unsigned i = 0; i < w->x->n; i++)
		if (w->option[i].binding && !w->option[i].binding->dynamic)
			return &w->option[i];
	return NULL;
}

static const struct explain_option *find_native(const struct work *w)
{
	for (unsigned i = 0; i < w->x->n; i++)
		if (w->option[i].native && !w->option[i].binding)
			return &w->option[i];
	return NULL;
}

static void say_none(struct work *w)
{
	const struct explain_option *home = find_home(w), *native = find_native(w);
	char *words = w->x->words;

	if (!w->q.e->uplink && !native)
		say(words, "No address: no link has one that can be used (offline).");
	else if (w->q.asked && w->q.type == SERVICE_FIXED && home)
		say(words, "No fixed address. Home address %s: %.120s.", ADDR_STR(&home->c->source),
		    home->c->words);
	else if (w->q.asked && w->q.type == SERVICE_FIXED)
		say(words,
		    "No fixed address: no home address is configured. HomeAddress= in an [Anchor] "
		    "section would give one.");
	else if (w->q.asked && w->q.type != SERVICE_NON_PERSISTENT && native && home)
		say(words,
		    "No address lasts: nothing keeps %s after a move. Home address %s: %.80s.",
		    PREFIX_STR(&native->c->prefix), ADDR_STR(&home->c->source), home->c->words);
	else if (w->q.asked && w->q.type != SERVICE_NON_PERSISTENT && native)
		say(words,
		    "No address lasts: nothing keeps %s after a move. An [Anchor] section whose "
		    "Prefix= "
		    "covers it, or that has a HomeAddress=, would help.",
		    PREFIX_STR(&native->c->prefix));
	else
		say(words, "No address can be used for this destination.");
}

static void say_outcome(struct work *w, const struct explain_option *best)
{
	const char *asked = service_type_str((int)w->x->requested);
	char *words = w->x->words;

	if (w->x->granted >= w->x->requested)
		say(words, "%s from %s: %s.", asked, ADDR_STR(&best->c->source), best->c->words);
	else
		say(words,
		    "%s is wanted by policy, but nothing keeps %s after a move: sessions of "
		    "programs that do not "
		    "ask themselves end with it.",
		    asked, ADDR_STR(&best->c->source));
}

/* Who says which type it is to be? */
static void find_type(struct work *w, const struct explain_request *r)
{
	struct session_info s = {
		.protocol = r->protocol ? r->protocol : IPPROTO_TCP,
		.destination = r->destination,
		.destination_port = r->port,
		.uid = r->uid,
	};
	const struct policy_rule *rule, *maybe;
	struct session_owner nobody = {0};
	bool known = true; /* there is no such session yet: nobody to look for */

	if (r->has_type) {
		w->x->requested = r->type;
		say(w->x->asked_by, "the request");
		return;
	}
	rule = policy_match(w->q.e, &s, &nobody, &known);
	maybe = policy_match_any_owner(w->q.e, &s);
	w->x->requested = policy_service(rule);
	if (policy_excludes(&s))
		say(w->x->asked_by, "no rule: never in need, whatever the policy says");
	else if (rule && maybe == rule)
		say(w->x->asked_by, "rule %s (%.120s)", rule->name, rule->where);
	else if (rule)
		say(w->x->asked_by, "rule %s; %s for its own programs", rule->name, maybe->name);
	else if (maybe)
		say(w->x->asked_by, "no rule; rule %s for its own programs", maybe->name);
	else
		say(w->x->asked_by, "no rule");
}

/* Interface-local and link-local groups stay where they are (RFC 4291 section 2.7). */
static bool leaves_the_link(const struct in6_addr *a)
{
	return addr_is_multicast(a) ? (a->s6_addr[1] & 0x0f) > 2 : addr_is_routable(a);
}

void engine_explain(const struct engine *e, const struct explain_request *r, struct explain *ret)
{
	struct explain_option *best;
	struct work w;

	/* add() clears the candidates that there are: room for all of them is much to clear at each move. */
	memset(ret, 0, offsetof(struct explain, candidate));
	w.q = (struct explain_question){
		.e = e, .destination = &r->destination, .kernel = &r->kernel};
	w.x = ret;
	ret->chosen = -1;
	find_type(&w, r);
	ret->granted = SERVICE_NON_PERSISTENT;
	w.q.type = ret->requested;
	w.q.asked = r->has_type;
	if (!leaves_the_link(&r->destination)) {
		say(ret->words,
		    "%s never leaves the link or the host: it is no matter of mobility.",
		    ADDR_STR(&r->destination));
		return;
	}
	if (addr_is_multicast(&r->destination)) { /* groups are joined where the host is */
		w.q.type = ret->requested = SERVICE_NON_PERSISTENT;
		w.q.asked = false;
	}
	collect(&w);
	best = decide(&w);
	if (!best) {
		say_none(&w);
		return;
	}
	ret->chosen = (int)(best->c - ret->candidate);
	best->c->chosen = true;
	ret->granted = best->type < ret->requested ? best->type : ret->requested;
	say_chosen(&w, best);
	say_outcome(&w, best);
}
