/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mobility/prefix.h"

#include <stdlib.h>
#include <string.h>

#include "mobility/internal.h"

DEFINE_STRTAB(prefix_state, "native", "registering", "remote", "draining", "lost");
DEFINE_STRTAB(prefix_origin, "router-advertisement", "address", "configuration");

static void prefix_free(struct prefix *p)
{
	list_remove(&p->node);
	free(p);
}

void prefixes_free(struct engine *e)
{
	struct prefix *p, *t;

	list_for_each_safe(p, t, &e->prefixes, node)
		prefix_free(p);
	list_for_each_safe(p, t, &e->left_prefixes, node)
		prefix_free(p);
}

static struct prefix *find_in(const struct list *list, const struct ip6_prefix *prefix)
{
	struct prefix *p;

	list_for_each(p, list, node)
		if (prefix_equal(&p->prefix, prefix))
			return p;
	return NULL;
}

struct prefix *prefix_find(const struct engine *e, const struct ip6_prefix *prefix)
{
	return find_in(&e->prefixes, prefix);
}

enum service_type prefix_service(const struct engine *e, const struct ip6_prefix *prefix)
{
	const struct prefix *known = prefix_find(e, prefix);

	if (!known)
		known = find_in(&e->left_prefixes, prefix);
	return properties_service(e, prefix, known);
}

void prefix_random_address(struct engine *e, const struct ip6_prefix *prefix, struct in6_addr *ret)
{
	struct in6_addr a = prefix->addr;

	e->ops->random(e->user, a.s6_addr + 8, 8);
	a.s6_addr[8] &= 0xfd; /* not derived from a universal identifier */
	*ret = a;
}

static bool has_address(const struct engine *e, const struct ip6_prefix *prefix)
{
	struct link_address *a;
	struct link *l;

	list_for_each(l, &e->links, node)
		list_for_each(a, &l->addresses, node)
			if (prefix_contains(prefix, &a->addr))
				return true;
	return false;
}

/* What was learnt of a prefix on its link decides what becomes of its addresses, which may be long after. */
static void leave(struct engine *e, struct prefix *p)
{
	list_remove(&p->node);
	p->link = NULL;
	p->anchor = NULL;
	list_append(&e->left_prefixes, &p->node);
}

static void forget_left(struct engine *e)
{
	struct prefix *p, *t;

	list_for_each_safe(p, t, &e->left_prefixes, node)
		if (!has_address(e, &p->prefix))
			prefix_free(p);
}

/* What links and bindings say of one prefix. */
struct wanted {
	struct ip6_prefix prefix;
	enum prefix_state state;
	enum prefix_origin origin;
	struct anchor *anchor; /* of its binding */
	struct link *link;
	unsigned sessions;
	bool has_lifetimes; /* else as they were */
	usec_t heard, valid_until, preferred_until;
};

static bool properties_differ(const struct prefix *a, const struct prefix *b)
{
	const struct properties *p = &a->properties, *q = &b->properties;

	return p->set != q->set || p->anchoring != q->anchoring || p->service != q->service ||
	       p->mobility != q->mobility || p->internet != q->internet ||
	       p->published != q->published || p->cost != q->cost ||
	       strcmp(p->anchor, q->anchor) != 0 ||
	       memcmp(a->source, b->source, sizeof(a->source)) != 0;
}

static bool prefix_deprecated(const struct engine *e, const struct prefix *p)
{
	return p->preferred_until <= e->now.mono;
}

/* Lifetimes are renewed all the time: that alone is no news. */
static bool differs(const struct prefix *a, const struct prefix *b)
{
	return a->state != b->state || a->link != b->link || a->anchor != b->anchor ||
	       a->origin != b->origin || a->sessions != b->sessions ||
	       strcmp(a->domain, b->domain) != 0 || properties_differ(a, b);
}

static void tell_state(struct engine *e, const struct prefix *p, const char *was, const char *is)
{
	engine_notify(
		e, &(struct event){.kind = EVENT_PREFIX_STATE, .priority = LOG_INFO, .prefix = p},
		"prefix %s: %s -> %s", PREFIX_STR(&p->prefix), was, is);
}

static void put(struct engine *e, const struct wanted *w)
{
	struct prefix *p = prefix_find(e, &w->prefix);
	bool added = !p, was_deprecated;
	struct prefix before;

	if (!p)
		p = find_in(&e->left_prefixes, &w->prefix);
	if (!p) {
		p = calloc(1, sizeof(*p));
		if (!p)
			return;
		p->prefix = w->prefix;
		p->valid_until = p->preferred_until = USEC_INFINITY;
		list_init(&p->node);
	}
	if (added) {
		list_remove(&p->node);
		list_append(&e->prefixes, &p->node);
	}
	before = *p;
	was_deprecated = prefix_deprecated(e, p);
	p->wanted = true;
	p->state = w->state;
	p->origin = w->origin;
	p->link = w->link;
	p->sessions = w->sessions;
	if (w->has_lifetimes) {
		p->valid_until = w->valid_until;
		p->preferred_until = w->preferred_until;
	}
	properties_resolve(e, p);
	if (w->anchor)
		p->anchor = w->anchor;
	if (added || p->state != before.state)
		tell_state(e, p, added ? "new" : prefix_state_str((int)before.state),
			   prefix_state_str((int)p->state));
	if (added)
		engine_publish(e, OBJECT_PREFIX, CHANGE_ADDED, p);
	else if (differs(p, &before) || was_deprecated != prefix_deprecated(e, p))
		engine_publish(e, OBJECT_PREFIX, CHANGE_CHANGED, p);
}

static enum prefix_state state_of_binding(const struct binding *b)
{
	switch (b->state) {
	case BINDING_HOME:
		return path_alive(b->engine, &b->path) ? PREFIX_NATIVE : PREFIX_LOST;
	case BINDING_REGISTERED:
	case BINDING_UPDATING:
	case BINDING_RETURNING:
		if (b->liveness.dead)
			return PREFIX_LOST;
		return b->path.closed || b->drain_until ? PREFIX_DRAINING : PREFIX_REMOTE;
	case BINDING_REGISTERING:
		return b->anchor->health == ANCHOR_SILENT ? PREFIX_LOST : PREFIX_REGISTERING;
	case BINDING_IDLE:
		return b->engine->stopping ? PREFIX_DRAINING : PREFIX_REGISTERING;
	case BINDING_WITHDRAWING:
		return PREFIX_DRAINING;
	case BINDING_REFUSED:
	case BINDING_STATE_MAX:
		break;
	}
	return PREFIX_LOST;
}

static bool has_binding(const struct engine *e, const struct ip6_prefix *prefix)
{
	struct binding *b;

	list_for_each(b, &e->bindings, node)
		if (prefix_equal(&b->home_prefix, prefix))
			return true;
	return false;
}

/* One that has a binding is told of by that. */
static bool is_taken(const struct engine *e, const struct ip6_prefix *prefix)
{
	const struct prefix *known = prefix_find(e, prefix);

	return has_binding(e, prefix) || (known && known->wanted);
}

static void put_advertised(struct engine *e, struct link *l, const struct router *r, unsigned i)
{
	properties_attached(l, r, &r->prefix[i].prefix);
	if (is_taken(e, &r->prefix[i].prefix))
		return;
	put(e,
	    &(struct wanted){
		    .prefix = r->prefix[i].prefix,
		    .state = PREFIX_NATIVE,
		    .origin = PREFIX_FROM_RA,
		    .link = l,
		    .has_lifetimes = true,
		    .valid_until = nd_lifetime_end(r->prefix_heard[i], r->prefix[i].valid),
		    .preferred_until = nd_lifetime_end(r->prefix_heard[i], r->prefix[i].preferred),
	    });
}

static void put_native(struct engine *e, struct link *l)
{
	struct link_address *a;
	struct router *r;

	list_for_each(r, &l->routers, node) {
		if (!router_usable(l, r))
			continue;
		for (unsigned i = 0; i < r->n_prefixes; i++)
			if (r->prefix[i].valid)
				put_advertised(e, l, r, i);
	}
	list_for_each(a, &l->addresses, node) {
		struct ip6_prefix p = prefix_make(&a->addr, a->plen);

		if (!addr_is_routable(&a->addr) || a->confirmed_epoch != l->epoch ||
		    a->plen == 128 || is_taken(e, &p))
			continue;
		put(e, &(struct wanted){
			       .prefix = p,
			       .state = PREFIX_NATIVE,
			       .origin = PREFIX_FROM_ADDRESS,
			       .link = l,
			       .has_lifetimes = true,
			       .valid_until = a->valid_until,
			       .preferred_until = a->valid_until,
		       });
	}
}

/* The better of two states: one address that works is enough for the prefix to be there. */
static bool state_better(enum prefix_state a, enum prefix_state b)
{
	static const enum prefix_state order[] = {PREFIX_NATIVE, PREFIX_REMOTE, PREFIX_REGISTERING,
						  PREFIX_DRAINING, PREFIX_LOST};
	unsigned i = 0;

	while (order[i] != a && order[i] != b)
		i++;
	return order[i] == a && a != b;
}

/* One that was native keeps its origin and its lifetimes when it has been left. */
static enum prefix_origin origin_of(const struct engine *e, const struct binding *b)
{
	const struct prefix *known = prefix_find(e, &b->home_prefix);

	if (!b->dynamic)
		return PREFIX_FROM_CONFIG;
	return known ? known->origin : PREFIX_FROM_RA;
}

/* The latest that routers here have said. */
static void take_lifetimes(struct wanted *w, const struct link *l)
{
	const struct router *r;

	list_for_each(r, &l->routers, node) {
		if (!router_usable(l, r))
			continue;
		for (unsigned i = 0; i < r->n_prefixes; i++) {
			if (!prefix_equal(&r->prefix[i].prefix, &w->prefix) ||
			    (w->has_lifetimes && r->prefix_heard[i] <= w->heard))
				continue;
			w->has_lifetimes = true;
			w->heard = r->prefix_heard[i];
			w->valid_until = nd_lifetime_end(w->heard, r->prefix[i].valid);
			w->preferred_until = nd_lifetime_end(w->heard, r->prefix[i].preferred);
		}
	}
}

/* One entry for all home addresses of a prefix. */
static void put_bound(struct engine *e, const struct binding *first)
{
	struct wanted w = {
		.prefix = first->home_prefix,
		.state = PREFIX_LOST,
		.origin = origin_of(e, first),
		.anchor = first->anchor,
	};
	const struct binding *b;

	list_for_each(b, &e->bindings, node) {
		if (!prefix_equal(&b->home_prefix, &w.prefix) || b->removed)
			continue;
		w.sessions += b->n_in_need;
		if (!b->dynamic)
			w.origin = PREFIX_FROM_CONFIG;
		if (b->home_heard) { /* its home agent's word */
			w.has_lifetimes = true;
			w.heard = b->home_heard;
			w.valid_until = nd_lifetime_end(b->home_heard, b->home_valid);
			w.preferred_until = nd_lifetime_end(b->home_heard, b->home_preferred);
		}
		if (b->state == BINDING_HOME && b->link)
			take_lifetimes(&w, b->link);
		if (state_better(state_of_binding(b), w.state)) {
			w.state = state_of_binding(b);
			w.anchor = b->anchor;
			w.link = b->state == BINDING_HOME ? b->link : NULL;
		}
	}
	put(e, &w);
}

void prefixes_update(struct engine *e)
{
	struct prefix *p, *t;
	struct binding *b;
	struct link *l;

	list_for_each(p, &e->prefixes, node)
		p->wanted = false;
	list_for_each(l, &e->links, node)
		if (l->up && l->conf->use)
			put_native(e, l);
	list_for_each(b, &e->bindings, node) {
		p = prefix_find(e, &b->home_prefix);
		if (!p || !p->wanted)
			put_bound(e, b);
	}
	list_for_each_safe(p, t, &e->prefixes, node)
		if (!p->wanted) {
			tell_state(e, p, prefix_state_str((int)p->state), "gone");
			engine_publish(e, OBJECT_PREFIX, CHANGE_REMOVED, p);
			leave(e, p);
		}
	forget_left(e);
}
