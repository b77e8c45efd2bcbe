/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "mobility/internal.h"

/* RFC 4429: an optimistic address may send; a tentative one may not. */
static bool address_usable(const struct link *l, const struct link_address *a)
{
	return link_supports(l, a) && !a->duplicate && (!a->tentative || a->optimistic) &&
	       addr_is_routable(&a->addr) && !engine_find_home(l->engine, &a->addr);
}

/* One that is not deprecated; then keep the care-of address in use; else a stable one before a temporary one, the newest of those.
 */
static bool address_better(const struct engine *e, const struct link_address *a,
			   const struct link_address *b)
{
	if (a->deprecated != b->deprecated)
		return b->deprecated;
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
		if (!best || address_better(l->engine, a, best))
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
		if (link_is_home(l, &b->home_prefix) && (!found || l == b->link))
			found = l;
	}
	return found;
}

bool path_alive(const struct engine *e, const struct path *p)
{
	struct link *l = p->ifindex ? engine_find_link(e, p->ifindex) : NULL;
	struct link_address *a;

	if (!l || !l->up || p->mode == PATH_BLOCKED)
		return false;
	if (p->mode == PATH_HOME)
		return link_is_home(l, &p->home_prefix);
	list_for_each(a, &l->addresses, node)
		if (addr_equal(&a->addr, &p->coa))
			return link_supports(l, a) && !a->duplicate;
	return false;
}

static bool current_path_alive(const struct engine *e)
{
	struct path p = {.mode = PATH_TUNNEL, .coa = e->coa};

	if (!e->uplink)
		return false;
	p.ifindex = e->uplink->ifindex;
	return path_alive(e, &p);
}

void selection_run(struct engine *e)
{
	struct candidate best = {0}, c;
	struct link *l, *from = e->uplink;
	struct in6_addr from_coa = e->coa;
	bool have = false, moved, old_alive;
	struct binding *b;

	list_for_each(l, &e->links, node)
		if (link_candidate(l, &c) && (!have || candidate_better(&c, &best))) {
			best = c;
			have = true;
		}
	old_alive = current_path_alive(e);
	if (!have) {
		if (e->uplink) {
			log_notice("offline: no link has a usable care-of address");
			e->lost_at = e->now.mono;
			e->uplink = NULL;
			engine_publish(e, OBJECT_ENGINE, CHANGE_CHANGED, e);
		}
		/* e->coa stays: coming back to it needs no signalling (E13). */
		list_for_each(b, &e->bindings, node) {
			l = find_home_link(e, b);
			if (l && e->now.mono >= usec_add(l->ra_at, HOME_PATIENCE))
				binding_evaluate(b);
		}
		return;
	}

	moved = !addr_equal(&best.address->addr, &e->coa) || (from && best.link != from);
	if (from != best.link || moved || !addr_equal(&e->next_hop, &best.router->addr)) {
		e->uplink = best.link;
		e->coa = best.address->addr;
		e->next_hop = best.router->addr;
		if (moved) {
			log_notice("care-of address %s on %s", ADDR_STR(&e->coa), best.link->name);
			handover_begin(e, &from_coa, old_alive);
		}
		memcpy(e->left_link, best.link->name, sizeof(e->left_link));
		e->lost_at = 0;
		engine_publish(e, OBJECT_ENGINE, CHANGE_CHANGED, e);
	}
	list_for_each(b, &e->bindings, node)
		binding_evaluate(b);
	if (e->handover_open)
		handover_close(e);
}
