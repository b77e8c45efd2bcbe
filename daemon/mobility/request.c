/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mobility/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mobility/explain.h"
#include "mobility/internal.h"

#define INTEREST_TIME (24 * 3600 * USEC_PER_SEC)
#define UNUSED_TIME (60 * USEC_PER_SEC)
#define MAX_UNSHARED 8 /* addresses for one session alone, at home at once */
/* Who answers for every address does not keep us busy (RFC 7217 section 6). */
#define MAX_COLLISIONS 3
#define COLLISION_PAUSE (60 * USEC_PER_SEC)

/* Somewhere in the Internet: what is offered is for every destination. */
static const struct in6_addr anywhere = {.s6_addr = {0x20, 0x00, [15] = 1}};

static struct explain *choose(const struct engine *e, enum service_type type)
{
	const struct explain_request q = {.destination = anywhere, .has_type = true, .type = type};
	struct explain *x = malloc(sizeof(*x));

	if (x)
		engine_explain(e, &q, x);
	return x;
}

static const struct explain_candidate *chosen(const struct explain *x)
{
	return x && x->chosen >= 0 ? &x->candidate[x->chosen] : NULL;
}

static bool advertises(const struct router *r, const struct ip6_prefix *prefix)
{
	for (unsigned i = 0; i < r->n_prefixes; i++)
		if (prefix_equal(&r->prefix[i].prefix, prefix) && r->prefix[i].autonomous &&
		    r->prefix[i].on_link && r->prefix[i].preferred)
			return true;
	return false;
}

static bool is_contested(const struct link *l)
{
	return l->collided_epoch == l->epoch && l->n_collisions >= MAX_COLLISIONS &&
	       l->engine->now.mono < usec_add(l->collided_at, COLLISION_PAUSE);
}

static void note_collision(struct link *l)
{
	const usec_t now = l->engine->now.mono;

	if (l->collided_epoch != l->epoch || now >= usec_add(l->collided_at, COLLISION_PAUSE))
		l->n_collisions = 0;
	l->collided_epoch = l->epoch;
	l->collided_at = now;
	l->n_collisions++;
}

/* An address of our own can be made in the prefix: hosts make theirs there themselves. */
static bool can_make(const struct engine *e, const struct ip6_prefix *prefix)
{
	struct router *r;
	struct link *l;

	if (prefix->len != 64 || !anchor_best(e, prefix))
		return false;
	list_for_each(l, &e->links, node)
		list_for_each(r, &l->routers, node)
			if (l->up && l->conf->use && !is_contested(l) && router_usable(l, r) &&
			    advertises(r, prefix))
				return true;
	return false;
}

static bool knows_prefixes(const struct engine *e, const char *name)
{
	struct link *l;

	list_for_each(l, &e->links, node)
		if (strcmp(l->name, name) == 0)
			return link_knows_prefixes(l);
	return false;
}

/* The network itself keeps it, or it is the best that there is: an ordinary address that is given to those who ask. */
static bool is_given_as_it_is(const struct engine *e, const struct explain_candidate *c)
{
	return c->anchor[0] == '\0' || (!can_make(e, &c->prefix) && knows_prefixes(e, c->link));
}

/* --- making ------------------------------------------------------------------------------- */

static int make_address(struct engine *e, const struct ip6_prefix *prefix, enum service_type type,
			bool unshared, struct binding **ret)
{
	struct anchor *a = anchor_best(e, prefix);
	struct conf_home home = {.prefix = *prefix};
	struct binding *b;
	int r;

	if (!a)
		return -EADDRNOTAVAIL;
	prefix_random_address(e, prefix, &home.address);
	if ((r = binding_new(e, a, &home, &b)) < 0)
		return r;
	b->dynamic = b->on_request = true;
	b->unshared = unshared;
	b->service = type;
	engine_publish(e, OBJECT_BINDING, CHANGE_ADDED, b);
	binding_evaluate(b);
	log_info("%s made for sessions that ask for %s", ADDR_STR(&b->home),
		 service_type_str((int)type));
	*ret = b;
	return 0;
}

/* A home address that is only registered when somebody needs it: now. */
static void register_home(struct binding *b)
{
	struct engine *e = b->engine;

	if (b->state != BINDING_IDLE || !e->uplink)
		return;
	b->needed = true;
	b->hold_until = usec_add(e->now.mono, e->conf->hold_time);
	binding_evaluate(b);
}

static void look_for_anchors(struct engine *e)
{
	const struct conf_anchor *c;

	list_for_each(c, &e->conf->anchors, node)
		if (c->discover)
			discovery_wanted(e, c);
}

/* There is one already, though it may just be returning to its place. */
static bool is_made_here(const struct engine *e, const struct ip6_prefix *prefix,
			 enum service_type type)
{
	struct binding *b;

	list_for_each(b, &e->bindings, node)
		if (b->on_request && !b->unshared && !b->removed && b->service == type &&
		    prefix_equal(&b->home_prefix, prefix) && find_home_link(e, b))
			return true;
	return false;
}

static void prepare(struct engine *e, enum service_type type, bool now)
{
	struct explain *x = choose(e, type);
	const struct explain_candidate *c = chosen(x);
	struct binding *b = c ? engine_find_home(e, &c->source) : NULL;

	if (b && now)
		register_home(b);
	else if (c && !b && !is_given_as_it_is(e, c) && !is_made_here(e, &c->prefix, type))
		make_address(e, &c->prefix, type, false, &b);
	else if (!c && now)
		look_for_anchors(e);
	free(x);
}

static bool is_made(enum service_type type)
{
	return type == SERVICE_SESSION_LASTING || type == SERVICE_GRACEFUL_REPLACEMENT;
}

void requests_update(struct engine *e)
{
	if (!e->offers_due)
		return;
	e->offers_due = false;
	for (int type = 0; e->uplink && !e->stopping && type < SERVICE_TYPE_MAX; type++)
		if (is_made(type) && e->interest[type] > e->now.mono)
			prepare(e, type, false);
	engine_publish(e, OBJECT_OFFERS, CHANGE_CHANGED, e);
}

void request_collided(struct engine *e, const struct in6_addr *address)
{
	struct binding *b = engine_find_home(e, address);

	if (!b || !b->on_request || b->state != BINDING_HOME)
		return;
	log_warning("%s is used by another host on %s as well: it is given up", ADDR_STR(&b->home),
		    b->link ? b->link->name : "its link");
	if (b->link)
		note_collision(b->link);
	b->removed = true;
}

/* --- asking ------------------------------------------------------------------------------- */

void engine_want(struct engine *e, struct instant now, enum service_type type)
{
	e->now = now;
	if (!e->started || e->stopping || type == SERVICE_NON_PERSISTENT)
		return;
	e->interest[type] = usec_add(now.mono, INTEREST_TIME);
	prepare(e, type, true);
	engine_settle(e);
}

/* Those for one session alone whose session is over. */
static unsigned reclaim(struct engine *e)
{
	struct binding *b;
	unsigned n = 0;

	list_for_each(b, &e->bindings, node) {
		if (!b->unshared || b->removed || b->state != BINDING_HOME)
			continue;
		if (b->given_until > e->now.mono || !need_close(b))
			n++;
		else
			b->removed = true;
	}
	return n;
}

int engine_want_new(struct engine *e, struct instant now, enum service_type type,
		    struct in6_addr *ret)
{
	struct binding *b = NULL;
	const struct explain_candidate *c;
	struct explain *x;
	int r = -EADDRNOTAVAIL;

	e->now = now;
	if (!e->started || e->stopping || !e->uplink || !is_made(type))
		return -EADDRNOTAVAIL;
	if (reclaim(e) >= MAX_UNSHARED)
		return -ENOSPC;
	x = choose(e, type);
	c = chosen(x);
	if (c && can_make(e, &c->prefix))
		r = make_address(e, &c->prefix, type, true, &b);
	free(x);
	if (r < 0)
		return r;
	b->given_until = usec_add(now.mono, UNUSED_TIME);
	*ret = b->home;
	engine_settle(e);
	return 0;
}

/* --- offering ----------------------------------------------------------------------------- */

static bool is_usable(const struct binding *b)
{
	switch (b->state) {
	case BINDING_HOME:
		return true;
	case BINDING_REGISTERED:
	case BINDING_UPDATING:
	case BINDING_RETURNING:
		return !b->dynamic;
	default:
		return false;
	}
}

static struct offer offer_of(const struct binding *b)
{
	const struct engine *e = b->engine;
	const struct link *by = b->state == BINDING_HOME ? b->link : e->uplink;
	bool graceful = b->service == SERVICE_GRACEFUL_REPLACEMENT && b->state != BINDING_HOME;
	bool on_demand = !b->dynamic && b->state == BINDING_IDLE && b->service != SERVICE_FIXED;

	return (struct offer){
		.source = b->home,
		.prefix = b->home_prefix,
		.type = b->service,
		.on_demand = on_demand,
		.draining = b->path.closed || !(is_usable(b) || on_demand),
		.tunnelled = b->path.mode == PATH_TUNNEL,
		.ifindex = by ? by->ifindex : 0,
		.valid_until = graceful ? usec_add(b->left_at, e->conf->grace_time) : USEC_INFINITY,
	};
}

static int offer_find(const struct offers *o, const struct in6_addr *source)
{
	for (unsigned i = 0; i < o->n; i++)
		if (addr_equal(&o->offer[i].source, source))
			return (int)i;
	return -1;
}

static int offer_add(struct offers *o, struct offer one)
{
	if (o->n == OFFERS_MAX)
		return -1;
	o->offer[o->n] = one;
	return (int)o->n++;
}

/* What a socket that asks for the type is given now. */
static int best_for(const struct engine *e, struct offers *o, enum service_type type)
{
	struct explain *x = choose(e, type);
	const struct explain_candidate *c = chosen(x);
	struct link_address *a;
	struct link *l;
	int at = -1;

	if (c && (at = offer_find(o, &c->source)) < 0 && is_given_as_it_is(e, c))
		list_for_each(l, &e->links, node)
			if ((a = link_find_address(l, &c->source)))
				at = offer_add(o, (struct offer){
							  .source = c->source,
							  .prefix = c->prefix,
							  .type = x->granted,
							  .ifindex = l->ifindex,
							  .valid_until = a->valid_until,
						  });
	free(x);
	return at;
}

void engine_offers(const struct engine *e, struct offers *ret)
{
	const struct binding *b;

	ret->n = 0;
	for (int type = 0; type < SERVICE_TYPE_MAX; type++)
		ret->best[type] = -1;
	if (!e->started || e->stopping)
		return;
	list_for_each(b, &e->bindings, node)
		if (!b->removed && !b->parked)
			offer_add(ret, offer_of(b));
	for (int type = SERVICE_GRACEFUL_REPLACEMENT; type < SERVICE_TYPE_MAX; type++)
		ret->best[type] = best_for(e, ret, type);
}
