/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "mobility/internal.h"

/* Per link, and as many that the kernel uses: anybody on a link can claim to be one. */
#define MAX_ROUTERS 16

DEFINE_STRTAB(router_origin, "router-advertisement", "route");

void router_free(struct router *r)
{
	list_remove(&r->node);
	free(r);
}

/* Somebody has configured it: no advertisement changes that. */
static bool router_is_configured(const struct router *r)
{
	return r->has_route && !r->route_from_ra;
}

bool router_usable(const struct link *l, const struct router *r)
{
	if (!l->up || r->unreachable || r->epoch != l->epoch)
		return false;
	return router_is_configured(r) || (r->origin == ROUTER_ROUTE && r->has_route) ||
	       r->expires > l->engine->now.mono;
}

static bool router_advertises(const struct router *r, const struct in6_addr *addr)
{
	for (unsigned i = 0; i < r->n_prefixes; i++)
		if (r->prefix[i].valid && prefix_contains(&r->prefix[i].prefix, addr))
			return true;
	return false;
}

bool link_prefers(const struct link *l, const struct in6_addr *addr)
{
	struct router *r;

	list_for_each(r, &l->routers, node) {
		if (!router_usable(l, r))
			continue;
		for (unsigned i = 0; i < r->n_prefixes; i++)
			if (r->prefix[i].preferred && prefix_contains(&r->prefix[i].prefix, addr))
				return true;
	}
	return false;
}

bool router_confirms(const struct router *r, const struct link_address *a)
{
	/* A route alone says nothing of addresses that the kernel has given up. */
	return (r->origin == ROUTER_ROUTE && r->has_route && !a->deprecated) ||
	       (a->is_static && router_is_configured(r)) || router_advertises(r, &a->addr);
}

struct router *router_find(const struct link *l, const struct in6_addr *addr)
{
	struct router *r;

	list_for_each(r, &l->routers, node)
		if (addr_equal(&r->addr, addr))
			return r;
	return NULL;
}

/*
 * What advertisements alone have made makes room for other advertisements, here and in the kernel by itself: never a router
 * that somebody has configured, nor the one that we use.
 */
static void make_room(struct link *l, bool has_route)
{
	struct router *r, *oldest = NULL;
	unsigned n = 0;

	list_for_each(r, &l->routers, node) {
		if (r->has_route != has_route || router_is_configured(r))
			continue;
		n++;
		if (!addr_equal(&r->addr, &l->engine->next_hop) &&
		    (!oldest || r->heard < oldest->heard))
			oldest = r;
	}
	if (n >= MAX_ROUTERS && oldest)
		router_free(oldest);
}

static struct router *get_router(struct link *l, const struct in6_addr *addr)
{
	struct router *r = router_find(l, addr);

	if (r)
		return r;
	make_room(l, false);
	make_room(l, true);
	r = calloc(1, sizeof(*r));
	if (!r)
		return NULL;
	r->addr = *addr;
	r->metric = UINT32_MAX;
	list_append(&l->routers, &r->node);
	return r;
}

bool link_supports(const struct link *l, const struct link_address *a)
{
	struct router *r;

	if (a->confirmed_epoch != l->epoch)
		return false;
	list_for_each(r, &l->routers, node)
		if (router_usable(l, r) && router_confirms(r, a))
			return true;
	return false;
}

struct router *link_best_router(const struct link *l, const struct in6_addr *addr)
{
	struct router *r, *best = NULL;
	bool best_match = false;

	list_for_each(r, &l->routers, node) {
		bool match = addr && router_advertises(r, addr);

		if (!router_usable(l, r))
			continue;
		/* RFC 8028: who advertised the prefix is its first hop, whatever the preference. */
		if (!best || (match && !best_match) ||
		    (match == best_match && r->preference > best->preference)) {
			best = r;
			best_match = match;
		}
	}
	return best;
}

static usec_t prefix_end(const struct router *r, unsigned i)
{
	return r->prefix[i].valid == ND_INFINITE
		       ? USEC_INFINITY
		       : usec_add(r->prefix_heard[i], r->prefix[i].valid * USEC_PER_SEC);
}

static void drop_prefix(struct router *r, unsigned i)
{
	r->n_prefixes--;
	r->prefix[i] = r->prefix[r->n_prefixes];
	r->prefix_heard[i] = r->prefix_heard[r->n_prefixes];
	r->domain[i] = r->domain[r->n_prefixes];
}

static usec_t route_end(const struct router *r, unsigned i)
{
	return r->route[i].lifetime == ND_INFINITE
		       ? USEC_INFINITY
		       : usec_add(r->route_heard[i], r->route[i].lifetime * USEC_PER_SEC);
}

static void drop_route(struct router *r, unsigned i)
{
	r->n_routes--;
	r->route[i] = r->route[r->n_routes];
	r->route_heard[i] = r->route_heard[r->n_routes];
}

void routers_expire(struct link *l)
{
	struct router *r, *t;

	list_for_each_safe(r, t, &l->routers, node) {
		for (unsigned i = r->n_prefixes; i-- > 0;)
			if (prefix_end(r, i) <= l->engine->now.mono)
				drop_prefix(r, i);
		for (unsigned i = r->n_routes; i-- > 0;)
			if (route_end(r, i) <= l->engine->now.mono)
				drop_route(r, i);
		if (r->origin == ROUTER_RA && !r->has_route && r->expires <= l->engine->now.mono)
			router_free(r);
	}
}

usec_t routers_next_expiry(const struct link *l)
{
	usec_t next = USEC_INFINITY;
	struct router *r;

	list_for_each(r, &l->routers, node) {
		if (r->origin == ROUTER_RA && r->expires > l->engine->now.mono && r->expires < next)
			next = r->expires;
		for (unsigned i = 0; i < r->n_prefixes; i++) {
			usec_t end = prefix_end(r, i);

			if (end > l->engine->now.mono && end < next)
				next = end;
		}
	}
	return next;
}

bool link_knows_prefixes(const struct link *l)
{
	return l->ra_at || l->engine->now.mono >= usec_add(l->up_since, ROUTER_PROBE_TIME);
}

void routers_reattach(struct link *l)
{
	struct router *r;

	list_for_each(r, &l->routers, node)
		if (r->has_route && !r->route_from_ra) {
			r->epoch = l->epoch;
			r->unreachable = false;
		}
}

void engine_route(struct engine *e, struct instant now, const struct route_event *ev)
{
	struct link *l = engine_find_link(e, ev->ifindex);
	struct router *r;

	e->now = now;
	if (!l)
		return;
	if (ev->removed) {
		r = router_find(l, &ev->gateway);
		if (!r)
			return;
		r->has_route = false;
		if (r->origin == ROUTER_ROUTE)
			router_free(r);
	} else {
		bool known = router_find(l, &ev->gateway) != NULL;

		r = get_router(l, &ev->gateway);
		if (!r)
			return;
		r->has_route = r->route_seen = true;
		r->metric = ev->metric;
		r->route_from_ra = ev->from_ra;
		if (!known)
			r->origin = ROUTER_ROUTE;
		/* A route that the kernel learnt from an advertisement says nothing of this
		 * attachment: the advertisement does, and we hear it ourselves.  At start it is all
		 * there is. */
		if (r->origin == ROUTER_ROUTE && (!ev->from_ra || !e->started)) {
			r->epoch = l->epoch;
			r->unreachable = false;
		}
		link_confirm_addresses(l);
	}
	link_update_state(l);
	engine_settle(e);
}

void engine_neighbour(struct engine *e, struct instant now, int ifindex,
		      const struct in6_addr *addr, bool reachable)
{
	struct link *l = engine_find_link(e, ifindex);
	struct router *r = l ? router_find(l, addr) : NULL;

	e->now = now;
	if (!r || r->unreachable == !reachable)
		return;
	r->unreachable = !reachable;
	if (r->epoch != l->epoch)
		return; /* of an earlier attachment: nobody counts on it */
	log_info("%s: router %s is %s", l->name, ADDR_STR(addr),
		 reachable ? "reachable again" : "unreachable");
	if (!reachable) {
		l->solicits_sent = 0;
		link_solicit(l);
	}
	link_update_state(l);
	engine_settle(e);
}

static unsigned longest_unheard(const usec_t *heard, unsigned n)
{
	unsigned oldest = 0;

	for (unsigned i = 1; i < n; i++)
		if (heard[i] < heard[oldest])
			oldest = i;
	return oldest;
}

/* Where a prefix of the router is kept; an unknown one takes the place of the one longest unheard if there is no room. */
static unsigned place_of_prefix(struct router *r, const struct ip6_prefix *p, bool *ret_known)
{
	for (unsigned i = 0; i < r->n_prefixes; i++) {
		if (prefix_equal(&r->prefix[i].prefix, p)) {
			*ret_known = true;
			return i;
		}
	}
	*ret_known = false;
	if (r->n_prefixes < ND_MAX_PREFIXES)
		return r->n_prefixes++;
	return longest_unheard(r->prefix_heard, r->n_prefixes);
}

/*
 * An advertisement need not carry all prefixes of its router (RFC 4861 section 6.2.3): those it does not mention stay.  True if
 * it had an unknown one, and left out a known one: perhaps we have moved to another router of the same address.
 */
static bool merge_prefixes(struct router *r, const struct nd_router_advert *ra,
			   struct domain *domain, usec_t now)
{
	unsigned known = 0, before = r->n_prefixes;
	bool news = false;

	for (unsigned i = 0; i < ra->n_prefixes; i++) {
		bool is_known;
		unsigned at = place_of_prefix(r, &ra->prefix[i].prefix, &is_known);

		if (is_known)
			known++;
		else
			news = true;
		r->prefix[at] = ra->prefix[i];
		r->prefix_heard[at] = now;
		r->domain[at] = domain; /* of the last advertisement that had it (RFC 8801) */
	}
	return news && known < before;
}

/* As with prefixes, routes that are not mentioned stay; a lifetime of 0 takes one back (RFC 4191). */
static void merge_routes(struct router *r, const struct nd_router_advert *ra, usec_t now)
{
	for (unsigned i = 0; i < ra->n_routes; i++) {
		unsigned at = 0;

		while (at < r->n_routes &&
		       !prefix_equal(&r->route[at].prefix, &ra->route[i].prefix))
			at++;
		if (at == r->n_routes && !ra->route[i].lifetime)
			continue;
		if (at == ND_MAX_ROUTES)
			at = longest_unheard(r->route_heard, r->n_routes);
		else if (at == r->n_routes)
			r->n_routes++;
		r->route[at] = ra->route[i];
		r->route_heard[at] = now;
		if (!r->route[at].lifetime)
			drop_route(r, at);
	}
}

void router_forget_prefixes(struct router *r, usec_t asked)
{
	for (unsigned i = r->n_prefixes; i-- > 0;)
		if (r->prefix_heard[i] < asked)
			drop_prefix(r, i);
}

/* True if it looks as if the router were another one now. */
static bool router_learn(struct router *r, const struct link *l, const struct nd_router_advert *ra)
{
	usec_t now = l->engine->now.mono;

	if (r->epoch != l->epoch || r->remembered)
		r->n_prefixes = r->n_routes = 0;
	r->remembered = false;
	r->has_mac = ra->lladdr_len == sizeof(r->mac);
	memcpy(r->mac, ra->lladdr, sizeof(r->mac));
	r->origin = ROUTER_RA;
	r->expires = usec_add(now, ra->router_lifetime * USEC_PER_SEC);
	r->epoch = l->epoch;
	r->heard = now;
	r->unreachable = false;
	r->home_agent = ra->home_agent;
	r->preference = ra->preference;
	r->captive_portal = ra->captive_portal;
	merge_routes(r, ra, now);
	return merge_prefixes(r, ra, domain_heard(l->engine, l, &ra->domain), now);
}

bool router_is_hearsay(const struct router *r)
{
	return r->origin == ROUTER_RA || r->route_from_ra;
}

static bool others_are_here(const struct link *l, const struct router *r)
{
	struct router *other;

	list_for_each(other, &l->routers, node)
		if (other != r && router_is_hearsay(other) && router_usable(l, other) &&
		    other->heard + USEC_PER_SEC < l->engine->now.mono)
			return true;
	return false;
}

void engine_router_advert(struct engine *e, struct instant now, int ifindex,
			  const struct in6_addr *router, const struct nd_router_advert *ra)
{
	struct link *l = engine_find_link(e, ifindex);
	bool was_known, moved;
	struct router *r;

	e->now = now;
	if (!l || !l->up || !l->conf->use)
		return;
	routers_expire(l);
	discovery_advert(e, ra);
	r = router_find(l, router);
	if (ra->router_lifetime == 0) { /* no default router (any more) */
		if (!r || r->origin != ROUTER_RA)
			return;
		r->expires = now.mono;
		if (!router_is_configured(r))
			r->n_prefixes = 0;
		/* Anybody can say so in its name: if it is there, it answers. */
		if (l->solicit_timer == USEC_INFINITY && l->solicits_sent == 0)
			link_solicit(l);
	} else {
		was_known = r && r->epoch == l->epoch && r->origin == ROUTER_RA;
		r = get_router(l, router);
		if (!r)
			return;
		moved = router_learn(r, l, ra);
		l->solicit_timer = USEC_INFINITY;
		l->solicits_sent = 0;
		/* A new router beside one already heard here, or other prefixes: did we move without
		 * losing the carrier?  Who is still present answers a solicitation (compare RFC 6059
		 * section 5.3). */
		if (e->started && l->probe_deadline == USEC_INFINITY &&
		    (moved || (!was_known && others_are_here(l, r)))) {
			e->ops->solicit(e->user, l->ifindex);
			l->probe_deadline = usec_add(now.mono, ROUTER_PROBE_TIME);
		}
		if (l->ra_at == 0)
			l->ra_at = now.mono;
	}
	link_confirm_addresses(l);
	link_update_state(l);
	engine_settle(e); /* signalling first */
	link_leave_earlier(l);
}
