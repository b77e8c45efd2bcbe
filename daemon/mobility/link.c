/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mobility/link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mobility/internal.h"

/* RFC 4861 section 10 */
#define RTR_SOLICITATION_INTERVAL (4 * USEC_PER_SEC)
#define MAX_RTR_SOLICITATIONS 3
#define FLAP_WINDOW (30 * USEC_PER_SEC)
#define FLAPS_FREE 3 /* a walk through a building looks like that */
#define FLAP_SETTLE (1 * USEC_PER_SEC)

DEFINE_STRTAB(link_state, "down", "soliciting", "configuring", "attached");

static struct link *link_new(struct engine *e, int ifindex, const char *name)
{
	struct link *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->engine = e;
	l->ifindex = ifindex;
	snprintf(l->name, sizeof(l->name), "%s", name);
	l->conf = conf_link_find(e->conf, name);
	l->epoch = 1;
	l->solicit_timer = l->probe_deadline = USEC_INFINITY;
	list_init(&l->addresses);
	list_init(&l->routers);
	list_append(&e->links, &l->node);
	engine_publish(e, OBJECT_LINK, CHANGE_ADDED, l);
	return l;
}

static void link_free(struct link *l)
{
	struct link_address *a, *ta;
	struct router *r, *tr;

	list_for_each_safe(a, ta, &l->addresses, node)
		free(a);
	list_for_each_safe(r, tr, &l->routers, node)
		router_free(r);
	list_remove(&l->node);
	free(l);
}

void links_free(struct engine *e)
{
	struct link *l, *t;

	list_for_each_safe(l, t, &e->links, node)
		link_free(l);
}

const char *link_waiting_for(const struct link *l)
{
	struct link_address *a;

	switch (l->state) {
	case LINK_DOWN:
		return "carrier";
	case LINK_SOLICITING:
		if (l->solicits_sent < MAX_RTR_SOLICITATIONS)
			return "a router advertisement";
		return l->has_ipv4 ? "IPv6: this network has IPv4 only"
				   : "a router: none answers, this network has no IPv6";
	case LINK_CONFIGURING:
		list_for_each(a, &l->addresses, node)
			if (!addr_is_linklocal(&a->addr)) {
				if (a->duplicate)
					return "an address that is not a duplicate";
				if (a->tentative)
					return "duplicate address detection";
			}
		return "an address in an advertised prefix";
	case LINK_ATTACHED:
	case LINK_STATE_MAX:
		break;
	}
	return NULL;
}

bool link_is_captive(const struct link *l)
{
	struct router *r;

	list_for_each(r, &l->routers, node)
		if (router_usable(l, r) && r->captive_portal)
			return true;
	return false;
}

void engine_ipv4(struct engine *e, struct instant now, int ifindex, bool present)
{
	struct link *l = engine_find_link(e, ifindex);

	e->now = now;
	if (!l || l->has_ipv4 == present)
		return;
	l->has_ipv4 = present;
	engine_publish(e, OBJECT_LINK, CHANGE_CHANGED, l);
}

void link_update_state(struct link *l)
{
	enum link_state s = LINK_SOLICITING;
	struct candidate c;

	if (!l->up)
		s = LINK_DOWN;
	else if (link_candidate(l, &c))
		s = LINK_ATTACHED;
	else if (link_best_router(l, NULL))
		s = LINK_CONFIGURING;
	if (s == LINK_ATTACHED && l->address_at == 0)
		l->address_at = l->engine->now.mono;
	if (s == l->state)
		return;
	log_debug("%s: %s -> %s", l->name, link_state_str((int)l->state), link_state_str((int)s));
	l->state = s;
	engine_publish(l->engine, OBJECT_LINK, CHANGE_CHANGED, l);
}

/* Ask for routers now, and again until one answers (at most three times in a row). */
void link_solicit(struct link *l)
{
	if (!l->engine->started || !l->up || !l->conf->use)
		return;
	l->engine->ops->solicit(l->engine->user, l->ifindex);
	registration_rehearse(l->engine);
	l->solicits_sent++;
	l->solicit_timer = l->solicits_sent < MAX_RTR_SOLICITATIONS
				   ? usec_add(l->engine->now.mono, RTR_SOLICITATION_INTERVAL)
				   : USEC_INFINITY;
}

static void link_detach(struct link *l)
{
	l->epoch++;
	binding_trust_link(l);
	l->solicits_sent = 0;
	l->solicit_timer = l->probe_deadline = USEC_INFINITY;
	l->ra_at = l->address_at = 0;
}

/*
 * The carrier is back.  The more often it came and went of late, the longer it has to stay before a link that works is left
 * for this one; a move to it when nothing else works is not delayed.
 */
static void link_damp(struct link *l)
{
	usec_t now = l->engine->now.mono, settle = l->conf->settle_time, penalty;

	l->flaps = l->down_at && now - l->down_at < FLAP_WINDOW ? l->flaps + 1 : 0;
	if (l->flaps > FLAPS_FREE) {
		unsigned shift = l->flaps - FLAPS_FREE - 1;

		penalty = FLAP_SETTLE << (shift < 5 ? shift : 5);
		settle = penalty > settle ? penalty : settle;
	}
	l->settled_at = usec_add(now, settle);
}

void engine_link(struct engine *e, struct instant now, const struct link_event *ev)
{
	struct link *l = engine_find_link(e, ev->ifindex);

	e->now = now;
	if (ev->removed) {
		if (!l)
			return;
		l->up = false;
		link_detach(l);
		link_update_state(l);
		engine_settle(e); /* moves everything off it */
		engine_publish(e, OBJECT_LINK, CHANGE_REMOVED, l);
		binding_forget_link(e, l);
		link_free(l);
		return;
	}
	if (!l) {
		l = link_new(e, ev->ifindex, ev->name);
		if (!l)
			return;
	}
	if (strcmp(l->name, ev->name) != 0) {
		snprintf(l->name, sizeof(l->name), "%s", ev->name);
		l->conf = conf_link_find(e->conf, l->name);
	}
	l->seen = true;
	l->mtu = ev->mtu;
	if (ev->up != l->up) {
		l->up = ev->up;
		if (ev->up) {
			l->up_since = now.mono;
			link_damp(l);
			routers_reattach(l);
			link_confirm_addresses(l);
			link_solicit(l);
			link_probe_routers(l);
		} else {
			l->down_at = now.mono;
			link_detach(l);
		}
	}
	link_update_state(l);
	engine_settle(e);
}

struct link_address *link_find_address(const struct link *l, const struct in6_addr *addr)
{
	struct link_address *a;

	list_for_each(a, &l->addresses, node)
		if (addr_equal(&a->addr, addr))
			return a;
	return NULL;
}

/* Mark every address whose prefix this attachment has shown to be here. */
void link_confirm_addresses(struct link *l)
{
	struct link_address *a;
	struct router *r;

	list_for_each(a, &l->addresses, node) {
		list_for_each(r, &l->routers, node) {
			if (router_usable(l, r) && router_confirms(r, a))
				a->confirmed_epoch = l->epoch;
		}
	}
}

/* Is it as usable as before?  Lifetimes alone are renewed all the time. */
static bool is_news(const struct link_address *a, const struct address_event *ev)
{
	return a->tentative != ev->tentative || a->optimistic != ev->optimistic ||
	       a->duplicate != ev->duplicate || a->deprecated != ev->deprecated;
}

static void forget_address(struct link *l, struct link_address *a)
{
	struct engine *e = l->engine;

	list_remove(&a->node);
	need_address_gone(e, l, a);
	orphan_gone(e, &a->addr);
	free(a);
	e->offers_due = true;
}

void engine_address(struct engine *e, struct instant now, const struct address_event *ev)
{
	struct link *l = engine_find_link(e, ev->ifindex);
	struct link_address *a;

	e->now = now;
	if (!l)
		return;
	a = link_find_address(l, &ev->addr);
	if (ev->removed) {
		if (!a)
			return;
		forget_address(l, a);
	} else {
		if (!a) {
			a = calloc(1, sizeof(*a));
			if (!a)
				return;
			a->addr = ev->addr;
			a->since = now.mono;
			list_append(&l->addresses, &a->node);
			e->offers_due = true;
		}
		e->offers_due |= is_news(a, ev);
		a->seen = true;
		a->plen = ev->plen;
		a->tentative = ev->tentative;
		a->optimistic = ev->optimistic;
		a->early = ev->early;
		a->duplicate = ev->duplicate;
		a->deprecated = ev->deprecated;
		a->given_up &= ev->deprecated;
		a->temporary = ev->temporary;
		a->is_static = ev->is_static;
		a->is_slaac = ev->is_slaac;
		a->valid_until = ev->valid_until;
		link_confirm_addresses(l);
	}
	if (ev->duplicate && !ev->removed)
		request_collided(e, &ev->addr);
	if (!ev->removed && !ev->tentative)
		binding_claimed(e, l, &ev->addr);
	link_update_state(l);
	engine_settle(e);
}

/* Never confirmed, as one that came and was left while the machine slept: after this long nobody will. */
static bool has_had_its_time(const struct link *l, const struct link_address *a)
{
	usec_t since = a->since > l->ra_at ? a->since : l->ra_at;

	return l->ra_at && usec_add(since, ROUTER_PROBE_TIME) <= l->engine->now.mono;
}

/*
 * A router has shown what is here now.  What the kernel autoconfigured at an earlier attachment stays valid for those who use
 * it, but new sessions must not start from an address, or by a router, that is somewhere else.
 */
void link_leave_earlier(struct link *l)
{
	const struct engine *e = l->engine;
	struct link_address *a;
	struct router *r;

	if (!e->started || !link_best_router(l, NULL))
		return;
	list_for_each(a, &l->addresses, node)
		if (a->is_slaac && !a->deprecated && !link_supports(l, a) &&
		    (a->confirmed_epoch || has_had_its_time(l, a))) {
			a->given_up = true;
			e->ops->leave_address(e->user, l->ifindex, &a->addr);
		}
	list_for_each(r, &l->routers, node) {
		if (router_usable(l, r)) {
			r->left = false;
		} else if ((r->origin == ROUTER_RA || r->route_from_ra) && !r->left) {
			r->left = true;
			e->ops->leave_router(e->user, l->ifindex, &r->addr);
		}
	}
}

bool engine_has_left(const struct engine *e, int ifindex, const struct in6_addr *addr,
		     bool is_router)
{
	const struct link *l = engine_find_link(e, ifindex);
	const struct link_address *a;
	const struct router *r;

	if (!l)
		return false;
	if (!is_router) {
		a = link_find_address(l, addr);
		return a && !link_supports(l, a);
	}
	r = router_find(l, addr);
	return !r || !router_usable(l, r);
}

static void resync_begin(struct engine *e)
{
	struct link_address *a;
	struct router *r;
	struct link *l;

	list_for_each(l, &e->links, node) {
		l->seen = false;
		list_for_each(a, &l->addresses, node)
			a->seen = false;
		list_for_each(r, &l->routers, node)
			r->route_seen = false;
	}
}

static void resync_link(struct link *l)
{
	struct link_address *a, *ta;
	struct router *r, *tr;

	list_for_each_safe(a, ta, &l->addresses, node)
		if (!a->seen)
			forget_address(l, a);
	list_for_each_safe(r, tr, &l->routers, node)
		if (r->has_route && !r->route_seen) {
			r->has_route = false;
			if (r->origin == ROUTER_ROUTE)
				router_free(r);
		}
	link_update_state(l);
}

void engine_resync(struct engine *e, struct instant now, bool begin)
{
	struct link *l, *t;

	e->now = now;
	if (begin) {
		resync_begin(e);
		return;
	}
	list_for_each_safe(l, t, &e->links, node) {
		if (l->seen)
			resync_link(l);
		else
			engine_link(e, now,
				    &(struct link_event){.ifindex = l->ifindex, .removed = true});
	}
	engine_settle(e);
}

usec_t link_next_timer(const struct link *l)
{
	usec_t next = routers_next_expiry(l);

	if (l->solicit_timer < next)
		next = l->solicit_timer;
	if (l->state == LINK_CONFIGURING && l->ra_at &&
	    usec_add(l->ra_at, HOME_PATIENCE) > l->engine->now.mono &&
	    usec_add(l->ra_at, HOME_PATIENCE) < next)
		next = usec_add(l->ra_at, HOME_PATIENCE);
	if (l->up && l != l->engine->uplink && l->settled_at > l->engine->now.mono &&
	    l->settled_at < next)
		next = l->settled_at;
	return l->probe_deadline < next ? l->probe_deadline : next;
}

void link_timer(struct link *l)
{
	struct router *r;

	if (l->engine->now.mono >= l->solicit_timer) {
		l->solicit_timer = USEC_INFINITY;
		link_solicit(l);
	}
	if (l->engine->now.mono >= l->probe_deadline) {
		/* Routers that did not answer beside the new one are not on this link any more. */
		usec_t asked = usec_sub(l->probe_deadline, ROUTER_PROBE_TIME);

		l->probe_deadline = USEC_INFINITY;
		list_for_each(r, &l->routers, node) {
			if (!router_is_hearsay(r))
				continue;
			if (r->heard < asked)
				r->unreachable = true;
			router_forget_prefixes(r, asked);
		}
	}
	routers_expire(l);
	link_leave_earlier(l);
	link_update_state(l);
}
