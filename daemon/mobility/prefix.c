/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mobility/prefix.h"

#include <stdlib.h>

#include "mobility/internal.h"

DEFINE_STRTAB(prefix_state, "native", "registering", "remote", "draining", "lost");
DEFINE_STRTAB(prefix_anchoring, "unknown", "local", "anchored");
DEFINE_STRTAB(prefix_origin, "router-advertisement", "address", "configuration");
DEFINE_STRTAB(service_type, "non-persistent", "graceful-replacement", "session-lasting", "fixed");

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
}

static struct prefix *find_prefix(const struct engine *e, const struct ip6_prefix *prefix)
{
	struct prefix *p;

	list_for_each(p, &e->prefixes, node)
		if (prefix_equal(&p->prefix, prefix))
			return p;
	return NULL;
}

/* What the table should say of one prefix. */
struct wanted {
	struct ip6_prefix prefix;
	enum prefix_state state;
	enum prefix_anchoring anchoring;
	enum prefix_origin origin;
	enum service_type service;
	struct anchor *anchor;
	struct link *link;
	usec_t valid_until, preferred_until;
};

static void put(struct engine *e, const struct wanted *w)
{
	struct prefix *p = find_prefix(e, &w->prefix);
	bool added = !p, changed;

	if (!p) {
		p = calloc(1, sizeof(*p));
		if (!p)
			return;
		p->prefix = w->prefix;
		list_append(&e->prefixes, &p->node);
	}
	p->wanted = true;
	changed = p->state != w->state || p->anchoring != w->anchoring || p->link != w->link ||
		  p->anchor != w->anchor || p->origin != w->origin || p->service != w->service;
	if (!added && p->state != w->state)
		log_info("prefix %s: %s -> %s", PREFIX_STR(&p->prefix),
			 prefix_state_str((int)p->state), prefix_state_str((int)w->state));
	p->state = w->state;
	p->anchoring = w->anchoring;
	p->origin = w->origin;
	p->service = w->service;
	p->anchor = w->anchor;
	p->link = w->link;
	p->valid_until = w->valid_until;
	p->preferred_until = w->preferred_until;
	if (added || changed)
		engine_publish(e, OBJECT_PREFIX, added ? CHANGE_ADDED : CHANGE_CHANGED, p);
}

static enum prefix_state state_of_binding(const struct binding *b)
{
	switch (b->state) {
	case BINDING_HOME:
		return path_alive(b->engine, &b->path) ? PREFIX_NATIVE : PREFIX_LOST;
	case BINDING_REGISTERED:
	case BINDING_UPDATING:
	case BINDING_RETURNING:
		return PREFIX_REMOTE;
	case BINDING_IDLE:
	case BINDING_REGISTERING:
		return PREFIX_REGISTERING;
	case BINDING_WITHDRAWING:
		return PREFIX_DRAINING;
	case BINDING_REFUSED:
	case BINDING_STATE_MAX:
		break;
	}
	return PREFIX_LOST;
}

static usec_t lifetime_end(usec_t heard, uint32_t seconds)
{
	return seconds == ND_INFINITE ? USEC_INFINITY : usec_add(heard, seconds * USEC_PER_SEC);
}

/* The administrator's word stands above what routers say of a prefix. */
static bool is_home_prefix(const struct engine *e, const struct ip6_prefix *prefix)
{
	struct binding *b;

	list_for_each(b, &e->bindings, node)
		if (prefix_equal(&b->home_prefix, prefix))
			return true;
	return false;
}

/* Prefixes of the link, as its routers advertise them; unauthenticated, so no more than "local". */
static bool is_taken(const struct engine *e, const struct ip6_prefix *prefix)
{
	const struct prefix *known = find_prefix(e, prefix);

	return is_home_prefix(e, prefix) || (known && known->wanted);
}

static void put_native(struct engine *e, struct link *l)
{
	struct link_address *a;
	struct router *r;

	list_for_each(r, &l->routers, node) {
		if (!router_usable(l, r))
			continue;
		for (unsigned i = 0; i < r->n_prefixes; i++)
			if (r->prefix[i].valid && !is_taken(e, &r->prefix[i].prefix))
				put(e, &(struct wanted){
					       .prefix = r->prefix[i].prefix,
					       .state = PREFIX_NATIVE,
					       .anchoring = PREFIX_LOCAL,
					       .origin = PREFIX_FROM_RA,
					       .link = l,
					       .valid_until = lifetime_end(r->prefix_heard[i],
									   r->prefix[i].valid),
					       .preferred_until = lifetime_end(
						       r->heard, r->prefix[i].preferred),
				       });
	}
	list_for_each(a, &l->addresses, node) {
		struct ip6_prefix p = prefix_make(&a->addr, a->plen);

		if (!addr_is_routable(&a->addr) || a->confirmed_epoch != l->epoch ||
		    a->plen == 128 || is_taken(e, &p))
			continue;
		put(e, &(struct wanted){
			       .prefix = p,
			       .state = PREFIX_NATIVE,
			       .anchoring = PREFIX_LOCAL,
			       .origin = PREFIX_FROM_ADDRESS,
			       .link = l,
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

/* One entry for all home addresses of a prefix. */
static void put_home(struct engine *e, const struct binding *first)
{
	struct wanted w = {
		.prefix = first->home_prefix,
		.state = PREFIX_LOST,
		.anchoring = PREFIX_ANCHORED,
		.origin = PREFIX_FROM_CONFIG,
		.service = SERVICE_FIXED,
		.anchor = first->anchor,
		.valid_until = USEC_INFINITY,
		.preferred_until = USEC_INFINITY,
	};
	const struct binding *b;

	list_for_each(b, &e->bindings, node) {
		if (!prefix_equal(&b->home_prefix, &w.prefix) || b->removed)
			continue;
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
		p = find_prefix(e, &b->home_prefix);
		if (!p || !p->wanted)
			put_home(e, b);
	}
	list_for_each_safe(p, t, &e->prefixes, node)
		if (!p->wanted) {
			engine_publish(e, OBJECT_PREFIX, CHANGE_REMOVED, p);
			prefix_free(p);
		}
}
