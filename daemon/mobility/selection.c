/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "mobility/internal.h"

/* RFC 4429: an optimistic address may send; a tentative one may not.  A temporary one waits: the stable one may be told later. */
static bool may_send(const struct link_address *a)
{
	return !a->tentative || (a->optimistic && !a->temporary);
}

static bool address_usable(const struct link *l, const struct link_address *a)
{
	const struct binding *b = engine_find_home(l->engine, &a->addr);

	return link_supports(l, a) && !a->duplicate && may_send(a) && addr_is_routable(&a->addr) &&
	       (!b || (b->dynamic && !b->on_request &&
		       (b->state == BINDING_HOME || link_has_native(l, b))));
}

static const struct link_address *own_address(const struct link *l, const struct binding *b)
{
	const struct link_address *a;

	if (b->on_request || b->path.claimed_ifindex == l->ifindex)
		return NULL; /* that one is ours */
	a = link_find_address(l, &b->home);
	return a && !a->duplicate ? a : NULL;
}

bool link_has_address(const struct link *l, const struct binding *b)
{
	return own_address(l, b) != NULL;
}

bool link_has_native(const struct link *l, const struct binding *b)
{
	const struct link_address *a = own_address(l, b);

	return a && link_supports(l, a) && (!a->tentative || a->optimistic);
}

/* Of a place seen again the kernel takes its addresses up one by one: what its router says of them all holds at once. */
static bool is_deprecated(const struct link *l, const struct link_address *a)
{
	return a->deprecated && !(a->given_up && link_prefers(l, &a->addr));
}

/* One that is not deprecated; then keep the care-of address in use; else a stable one before a temporary one, the newest of those.
 */
static bool address_better(const struct link *l, const struct link_address *a,
			   const struct link_address *b)
{
	const struct engine *e = l->engine;
	bool old_a = is_deprecated(l, a), old_b = is_deprecated(l, b);

	if (old_a != old_b)
		return old_b;
	if (addr_equal(&a->addr, &e->coa) || addr_equal(&b->addr, &e->coa))
		return addr_equal(&a->addr, &e->coa);
	if (a->temporary != b->temporary)
		return b->temporary;
	return a->since > b->since;
}

bool link_candidate(const struct link *l, struct candidate *ret)
{
	struct link_address *a, *best = NULL;
	struct router *r;

	if (!l->up || !l->conf->use)
		return false;
	list_for_each(a, &l->addresses, node) {
		if (!address_usable(l, a) || !link_best_router(l, &a->addr))
			continue;
		if (!best || address_better(l, a, best))
			best = a;
	}
	if (!best)
		return false;
	r = link_best_router(l, &best->addr);
	*ret = (struct candidate){.link = (struct link *)l, .address = best, .router = r};
	return true;
}

/*
 * Configured preference, then what the host itself prefers (metric of the default route, router
 * preference of RFC 4191), then the newest attachment: the user has just gone there.
 */
static bool candidate_better(const struct candidate *a, const struct candidate *b)
{
	if (a->link->conf->preference != b->link->conf->preference)
		return a->link->conf->preference > b->link->conf->preference;
	if (a->router->metric != b->router->metric)
		return a->router->metric < b->router->metric;
	if (a->router->preference != b->router->preference)
		return a->router->preference > b->router->preference;
	return a->link->up_since > b->link->up_since;
}

static bool link_is_home(const struct link *l, const struct ip6_prefix *home_prefix)
{
	struct router *r;

	if (!l->up || !l->conf->use)
		return false;
	list_for_each(r, &l->routers, node) {
		if (!router_usable(l, r))
			continue;
		for (unsigned i = 0; i < r->n_prefixes; i++)
			if (r->prefix[i].on_link && r->prefix[i].valid &&
			    prefix_equal(&r->prefix[i].prefix, home_prefix))
				return true;
	}
	return false;
}

struct link *find_home_link(const struct engine *e, const struct binding *b)
{
	struct link *l, *found = NULL;

	list_for_each(l, &e->links, node) {
		if (l == b->doubted && e->now.mono < b->doubted_until)
			continue;
		if ((link_is_home(l, &b->home_prefix) || (b->dynamic && link_has_native(l, b))) &&
		    (!found || l == b->link))
			found = l;
	}
	return found;
}

bool path_alive(const struct engine *e, const struct path *p)
{
	struct link *l = p->ifindex ? engine_find_link(e, p->ifindex) : NULL;
	const struct link_address *a;

	if (!l || !l->up || p->mode == PATH_BLOCKED)
		return false;
	if (p->mode == PATH_HOME)
		return link_is_home(l, &p->home_prefix);
	a = link_find_address(l, &p->coa);
	return a && link_supports(l, a) && !a->duplicate;
}

static bool current_path_alive(const struct engine *e)
{
	struct path p = {.mode = PATH_TUNNEL, .coa = e->coa};

	if (!e->uplink)
		return false;
	p.ifindex = e->uplink->ifindex;
	return path_alive(e, &p);
}

/*
 * A link that has just come up may go again: one that works is not left for it before it has settled.  With no other that
 * works there is nothing to wait for.
 */
static bool stays(const struct engine *e, const struct candidate *best, struct candidate *current)
{
	return e->uplink && best->link != e->uplink && e->now.mono < best->link->settled_at &&
	       link_candidate(e->uplink, current);
}

/* Those that return home first: a care-of address may be an address that its anchor still tunnels. */
static void evaluate_bindings(struct engine *e)
{
	struct binding *b;

	list_for_each(b, &e->bindings, node)
		if (find_home_link(e, b))
			binding_evaluate(b);
	list_for_each(b, &e->bindings, node)
		if (!find_home_link(e, b))
			binding_evaluate(b);
}

/* Those that are known to be in need do not wait until the kernel has told who else is. */
static void evaluate_needed(struct engine *e)
{
	struct binding *b;

	list_for_each(b, &e->bindings, node)
		if (find_home_link(e, b))
			return;
	list_for_each(b, &e->bindings, node)
		if (binding_needed(b) && !b->removed)
			binding_evaluate(b);
}

static void went_offline(struct engine *e)
{
	struct event ev = {.kind = EVENT_OFFLINE, .priority = LOG_NOTICE, .link = e->uplink};

	engine_notify(e, &ev, "offline: no link has a usable care-of address");
	handover_check_data(e);
	e->lost_at = e->now.mono;
	e->uplink = NULL;
	engine_publish(e, OBJECT_ENGINE, CHANGE_CHANGED, e);
}

static void went_to(struct engine *e, const struct candidate *c, bool old_alive)
{
	struct event ev = {.kind = EVENT_UPLINK, .priority = LOG_NOTICE, .link = c->link};
	struct in6_addr from = e->coa;

	e->coa = c->address->addr;
	handover_begin(e, &from, old_alive);
	need_moved(e);
	evaluate_needed(e);
	engine_notify(e, &ev, "care-of address %s on %s", ADDR_STR(&e->coa), c->link->name);
}

/* To where the host was: nothing needs to be signalled (E13). */
static void came_back(struct engine *e)
{
	struct event ev = {.kind = EVENT_UPLINK, .priority = LOG_NOTICE, .link = e->uplink};
	struct binding *b;

	list_for_each(b, &e->bindings, node)
		binding_confirm_path(b);
	engine_notify(e, &ev, "care-of address %s on %s again", ADDR_STR(&e->coa), e->uplink->name);
}

void selection_run(struct engine *e)
{
	struct candidate best = {0}, c;
	struct link *l, *from = e->uplink;
	bool have = false, moved, back, old_alive;
	struct binding *b;

	list_for_each(l, &e->links, node)
		if (link_candidate(l, &c) && (!have || candidate_better(&c, &best))) {
			best = c;
			have = true;
		}
	old_alive = current_path_alive(e);
	if (!have) {
		/* Not by the uplink: that may have gone while nothing was settled. */
		if (!e->lost_at && !addr_is_any(&e->coa))
			went_offline(e);
		/* e->coa stays: coming back to it needs no signalling (E13). */
		list_for_each(b, &e->bindings, node) {
			l = find_home_link(e, b);
			if (l && e->now.mono >= usec_add(l->ra_at, HOME_PATIENCE))
				binding_evaluate(b);
		}
		return;
	}

	if (stays(e, &best, &c))
		best = c;
	moved = !addr_equal(&best.address->addr, &e->coa) || (from && best.link != from);
	back = !from && !moved;
	if (from != best.link || moved || !addr_equal(&e->next_hop, &best.router->addr)) {
		e->uplink = best.link;
		e->next_hop = best.router->addr;
		if (moved)
			went_to(e, &best, old_alive);
		memcpy(e->left_link, best.link->name, sizeof(e->left_link));
		e->lost_at = 0;
		engine_publish(e, OBJECT_ENGINE, CHANGE_CHANGED, e);
	}
	need_update(e);
	evaluate_bindings(e);
	if (back)
		came_back(e);
	if (e->handover_open)
		handover_close(e);
	if (moved) { /* signalling first */
		discovery_moved(e);
		anchors_moved(e);
		anchors_left(e);
	}
	/* From an optimistic address neighbours are not asked for: the kernel would hold the echo back (RFC 4429). */
	if (e->measure_due && !best.address->tentative)
		anchors_measure(e);
}
