/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The path of one home address in the kernel:
 *
 *   dmm0     home address /128, deprecated, from the first day on; not while it is closed
 *   rule     from HOME lookup TABLE
 *   TABLE    default  via fe80::1 dev dmm0 mtu M    PATH_TUNNEL: the plane takes it from there
 *                                                   PATH_BLOCKED with wake: it drops it, and tells who waits
 *            default  dev TUNNEL mtu M              PATH_TUNNEL, with a plane that has devices for its tunnels
 *            default  via ROUTER dev LINK           PATH_HOME, with the home prefix on LINK
 *            unreachable default                    always, last: nothing leaks out unencapsulated
 *   local    HOME dev dmm0                          from the first closing on: nobody can bind the address then, but what
 *                                                   still comes in for a session that has just begun is not lost
 *
 * From one tunnel to the next, and from blocked to tunnel, only the plane changes: one map update.
 */
#include <errno.h>

#include "net/address.h"
#include "net/esp.h"
#include "net/internal.h"

static const struct ip6_prefix any_destination = {.len = 0};

/* Any address will do: the device has no neighbours.  One, so that the kernel keeps one entry. */
static const struct in6_addr device_gateway = {
	.s6_addr = {0xfe, 0x80, [15] = 1},
};

static uint32_t inner_mtu(const struct net *n, const struct path *p, uint32_t outer)
{
	return conf_esp_of(n->conf, &p->anchor) ? esp_inner_mtu(outer) : outer - TUNNEL_OVERHEAD;
}

uint32_t path_outer_mtu(const struct net *n, const struct path *p, uint32_t inner)
{
	return conf_esp_of(n->conf, &p->anchor) ? esp_outer_mtu(inner) : inner + TUNNEL_OVERHEAD;
}

static uint32_t tunnel_mtu(struct net *n, const struct installed *h, const struct path *p)
{
	struct uplink *u = uplink_find(n, p->ifindex);
	uint32_t outer = u && uplink_mtu(u) ? uplink_mtu(u) : 1500;

	if (h->learnt_mtu && h->learnt_mtu < outer)
		outer = h->learnt_mtu;
	return inner_mtu(n, p, outer);
}

/* Who comes to its table without a source address gets this one (policy_route.c); there is none while it is closed. */
static struct in6_addr source_of(const struct path *p)
{
	return p->closed ? in6addr_any : p->home;
}

static int route_device(struct net *n, unsigned slot, const struct in6_addr *source, int device,
			uint32_t mtu, bool add)
{
	struct rtnl_nexthop_spec nh = {
		.ifindex = device,
		.source = *source,
		.mtu = mtu,
		.metric = ROUTE_METRIC,
	};

	if (device == n->device)
		nh.gateway = device_gateway;
	return rtnl_route(n, slot, &any_destination, &nh, add);
}

static int route_home(struct net *n, const struct path *p, bool add)
{
	struct rtnl_nexthop_spec on_link = {.ifindex = p->ifindex, .metric = ROUTE_METRIC};
	struct rtnl_nexthop_spec router = on_link;
	int r;

	router.gateway = p->next_hop;
	router.source = source_of(p);
	r = rtnl_route(n, p->slot, &p->home_prefix, &on_link, add);
	if (r < 0 || addr_is_any(&p->next_hop))
		return r;
	return rtnl_route(n, p->slot, &any_destination, &router, add);
}

int path_device_route(struct net *n)
{
	int r = route_device(n, DEVICE_SLOT, &in6addr_any, n->device, 0, true);

	return r < 0 ? r : rtnl_device_rule(n, true);
}

/*
 * On our own device.  The route stays when the address is back: the kernel makes that of the address a moment later, and
 * packets would be lost in between.
 */
static int place_address(struct net *n, struct installed *h, const struct path *p)
{
	int r;

	if (!p->closed)
		return address_add(n->device, &p->home, false);
	if (!h->taken_in && (r = address_take_in(n->device, &p->home, true)) < 0)
		return r;
	h->taken_in = true;
	return address_remove(n->device, &p->home);
}

static int install_base(struct net *n, struct installed *h, const struct path *p)
{
	struct rtnl_nexthop_spec blocked = {.metric = ROUTE_METRIC_BLOCKED};
	int r;

	if ((r = rtnl_route(n, p->slot, &any_destination, &blocked, true)) < 0)
		return log_errno(r, "cannot add a route to table %u",
				 n->conf->route_table + p->slot);
	if ((r = rtnl_rule(n, p->slot, &p->home, true)) < 0)
		return log_errno(r, "cannot add the rule for %s", ADDR_STR(&p->home));
	if ((r = place_address(n, h, p)) < 0)
		return log_errno(r, "cannot %s %s %s %s", p->closed ? "remove" : "add",
				 ADDR_STR(&p->home), p->closed ? "from" : "to", n->conf->device);
	return 0;
}

/* Where the home address is to be on a link of others, 0 = nowhere. */
static int claimed_link(const struct path *p)
{
	return p->closed ? 0 : p->claimed_ifindex;
}

/* To a plane that tunnels its packets, or drops them and makes them known. */
static bool goes_into_device(const struct path *p)
{
	return p->mode == PATH_TUNNEL || (p->mode == PATH_BLOCKED && p->wake);
}

/* Which one: that of the plane's tunnel, or ours. */
static int choose_device(struct net *n, const struct path *p)
{
	if (p->mode == PATH_TUNNEL && n->plane->ops->device_for)
		return n->plane->ops->device_for(n->plane, p);
	return n->device;
}

static void unroute(struct net *n, struct installed *h, const struct path *p)
{
	if (h->device)
		route_device(n, p->slot, &in6addr_any, h->device, 0, false);
	h->device = 0;
	if (p->mode == PATH_HOME)
		route_home(n, p, false);
}

static void unclaim(const struct net *n, int ifindex, const struct in6_addr *home)
{
	address_remove_ours(ifindex, home);
	address_take_in(ifindex, home, false);
	nd_listen(n, ifindex, home, false);
}

/* What only the old path needs; the default route has been replaced in place by then. */
static void leave(struct net *n, struct installed *h, const struct path *now)
{
	const struct path *old = &h->path;
	struct rtnl_nexthop_spec on_link = {.ifindex = old->ifindex, .metric = ROUTE_METRIC};

	if (old->mode == PATH_HOME && (now->mode != PATH_HOME || now->ifindex != old->ifindex))
		rtnl_route(n, old->slot, &old->home_prefix, &on_link, false);
	if (now->mode == PATH_BLOCKED && !now->wake)
		unroute(n, h, old);
	if (claimed_link(old) && claimed_link(old) != claimed_link(now))
		unclaim(n, claimed_link(old), &old->home);
}

static int claim(const struct net *n, const struct path *p)
{
	int r;

	if (!claimed_link(p))
		return 0;
	nd_listen(n, claimed_link(p), &p->home, true);
	r = address_add(claimed_link(p), &p->home, p->dad);
	if (r < 0 || !p->dad)
		return r;
	/* The kernel itself delivers nothing to it before duplicate address detection begins, as with nd_listen(). */
	return address_take_in(claimed_link(p), &p->home, true);
}

/* A path that is blocked keeps the MTU of its last tunnel: the next one likely has the same. */
static uint32_t choose_mtu(struct net *n, struct installed *h, const struct path *p)
{
	if (p->mode == PATH_BLOCKED && h->mtu)
		return h->mtu;
	if (h->path.mode != PATH_TUNNEL || !addr_equal(&h->path.coa, &p->coa))
		h->learnt_mtu = 0;
	return tunnel_mtu(n, h, p);
}

/* Nothing can leave by it yet, or any more. */
static bool is_down(struct net *n, const struct path *p)
{
	const struct uplink *u = uplink_find(n, p->ifindex);

	return p->mode == PATH_TUNNEL && (!u || u->down || p->unannounced);
}

static int set_plane_path(struct net *n, const struct path *p)
{
	return n->plane->ops->set_path(n->plane, p, is_down(n, p));
}

static int enter(struct net *n, struct installed *h, const struct path *p, bool force)
{
	const struct in6_addr source = source_of(p);
	const struct path *old = &h->path;
	struct uplink *u;
	uint32_t mtu;
	int r, device;

	if (force || claimed_link(p) != claimed_link(old))
		if ((r = claim(n, p)) < 0)
			return r;
	if (p->mode == PATH_HOME) {
		if ((r = route_home(n, p, true)) < 0)
			return r;
		h->device = 0; /* replaced */
		return set_plane_path(n, p);
	}
	/* The plane first: a handover is this one update, or the route to its next tunnel. */
	if ((r = set_plane_path(n, p)) < 0 || !goes_into_device(p))
		return r;
	mtu = choose_mtu(n, h, p);
	device = choose_device(n, p);
	if (force || device != h->device || mtu != h->mtu)
		if ((r = route_device(n, p->slot, &source, device, mtu, true)) < 0)
			return r;
	h->device = device;
	h->mtu = mtu;
	u = uplink_find(n, p->ifindex);
	return u ? uplink_attach(n, u) : 0;
}

/* Now that the path is known: take away what a former run had for another one. */
static void finish_adoption(struct net *n, const struct path *p)
{
	struct uplink *u;

	list_for_each(u, &n->uplinks, node) {
		struct rtnl_nexthop_spec on_link = {.ifindex = u->ifindex, .metric = ROUTE_METRIC};

		if (u->ifindex != claimed_link(p))
			unclaim(n, u->ifindex, &p->home);
		if (p->mode != PATH_HOME || u->ifindex != p->ifindex)
			rtnl_route(n, p->slot, &p->home_prefix, &on_link, false);
		if (p->mode == PATH_BLOCKED) /* no route has replaced it */
			rtnl_route(n, p->slot, &any_destination, &on_link, false);
	}
	if (p->mode == PATH_BLOCKED && !p->wake) {
		struct rtnl_nexthop_spec whichever = {.metric = ROUTE_METRIC};

		rtnl_route(n, p->slot, &any_destination, &whichever, false);
	}
}

static void route_agent(struct net *n, const struct installed *h, unsigned slot, bool add)
{
	struct rtnl_nexthop_spec on_link = {.ifindex = h->agent_ifindex, .metric = ROUTE_METRIC};
	struct ip6_prefix host = prefix_make(&h->agent, 128);
	int r = rtnl_route(n, slot, &host, &on_link, add);

	if (r < 0)
		log_errno(r, "cannot %s the route to %s", add ? "add" : "remove",
			  ADDR_STR(&h->agent));
}

void path_reach_agent(struct net *n, unsigned slot, const struct in6_addr *agent, int ifindex)
{
	struct installed *h = &n->home[slot];

	if (!h->present) /* no rule leads to the table yet, and nobody would take it out again */
		return;
	if (h->agent_ifindex == ifindex && addr_equal(&h->agent, agent))
		return;
	if (h->agent_ifindex)
		route_agent(n, h, slot, false);
	h->agent_ifindex = ifindex;
	h->agent = *agent;
	route_agent(n, h, slot, true);
}

static void pause_if_down(struct net *n, struct installed *h)
{
	h->paused = h->present && is_down(n, &h->path);
	if (h->paused)
		n->plane->ops->pause(n->plane, &h->path);
}

static int path_install(struct net *n, struct installed *h, const struct path *p)
{
	bool fresh = !h->present;
	int r;

	policy_route_before(n, h, p);
	if (fresh)
		*h = (struct installed){
			.stale = h->stale,
			.path = {.slot = p->slot,
				 .home = p->home,
				 .home_prefix = p->home_prefix,
				 .closed = p->closed},
		};
	if (fresh)
		r = install_base(n, h, p);
	else
		r = p->closed != h->path.closed ? place_address(n, h, p) : 0;
	if (r < 0)
		return r;
	h->present = true;
	if (fresh && p->adopt) {
		h->adopted = true;
		h->path = *p;
		return 0;
	}
	/* With the address its routes get it, or lose it, as their source. */
	r = enter(n, h, p, fresh || p->closed != h->path.closed);
	if (r < 0)
		return r;
	if (!fresh)
		leave(n, h, p);
	if (h->stale || h->adopted) {
		finish_adoption(n, p);
		if (n->plane->ops->settle)
			n->plane->ops->settle(n->plane, &p->home);
	}
	h->stale = h->adopted = false;
	if (h->agent_ifindex && (p->mode != PATH_TUNNEL || !p->claimed_ifindex)) {
		route_agent(n, h, p->slot, false);
		h->agent_ifindex = 0;
	}
	h->path = *p;
	h->good = false;
	pause_if_down(n, h);
	return 0;
}

/* The routes of a home link that has been left, or of an earlier run, lead to whoever is there now. */
static void leave_native(struct net *n, struct installed *h)
{
	struct path blocked = h->path;

	if (!h->present || (h->path.mode != PATH_HOME && !h->adopted))
		return;
	blocked.mode = PATH_BLOCKED;
	blocked.adopt = blocked.wake = false;
	blocked.ifindex = blocked.claimed_ifindex = 0;
	path_install(n, h, &blocked);
}

int path_set(struct net *n, struct installed *h, const struct path *p)
{
	int r = path_install(n, h, p);

	if (r < 0 && p->mode == PATH_TUNNEL)
		leave_native(n, h);
	h->error = r;
	if (r < 0)
		h->wanted = *p;
	return r;
}

void path_confirm(struct net *n, struct installed *h)
{
	h->good = h->paused; /* the engine learns of the link first */
	if (h->present && !h->paused && n->plane->ops->confirm_path)
		n->plane->ops->confirm_path(n->plane, &h->path);
}

void path_link_changed(struct net *n, const struct uplink *u)
{
	for (unsigned i = 0; i < CONF_MAX_HOMES; i++) {
		struct installed *h = &n->home[i];

		if (!h->present || h->path.mode != PATH_TUNNEL || h->path.ifindex != u->ifindex ||
		    h->paused == u->down)
			continue;
		pause_if_down(n, h);
		if (h->paused)
			h->good = false;
		else if (set_plane_path(n, &h->path) < 0)
			reconcile_soon(n, "a path");
		else if (h->good)
			path_confirm(n, h);
	}
}

void path_remove(struct net *n, struct installed *h)
{
	struct rtnl_nexthop_spec blocked = {.metric = ROUTE_METRIC_BLOCKED};
	struct path p = h->path;

	h->error = 0;
	if (!h->present)
		return;
	policy_route_before(n, h, NULL);
	h->present = false;
	if (h->agent_ifindex)
		route_agent(n, h, p.slot, false);
	h->agent_ifindex = 0;
	/* Nobody can bind it any more when its packets are no longer kept in. */
	address_remove(n->device, &p.home);
	if (h->taken_in)
		address_take_in(n->device, &p.home, false);
	if (claimed_link(&p))
		unclaim(n, claimed_link(&p), &p.home);
	n->plane->ops->forget(n->plane, &p.home);
	rtnl_rule(n, p.slot, &p.home, false);
	unroute(n, h, &p);
	rtnl_route(n, p.slot, &any_destination, &blocked, false);
}

int path_repair(struct net *n, struct installed *h)
{
	struct path wanted = h->wanted;
	int r = 0;

	if (h->present) {
		r = h->taken_in ? address_take_in(n->device, &h->path.home, true) : 0;
		if (r == 0)
			r = install_base(n, h, &h->path);
	}
	if (r == 0 && h->error)
		return path_set(n, h, &wanted);
	if (r == 0 && h->present && !h->path.adopt)
		r = enter(n, h, &h->path, true);
	pause_if_down(n, h);
	if (r == 0 && h->good && !h->paused) /* it could not be set when the link came up */
		path_confirm(n, h);
	return r;
}

static int set_route_mtu(struct net *n, struct installed *h)
{
	const struct in6_addr source = source_of(&h->path);
	uint32_t mtu = tunnel_mtu(n, h, &h->path);
	int r;

	if (mtu == h->mtu)
		return 0;
	r = route_device(n, h->path.slot, &source, h->device, mtu, true);
	if (r < 0)
		return r;
	h->mtu = mtu;
	log_debug("%s: path MTU of the tunnel is %u", ADDR_STR(&h->path.home),
		  path_outer_mtu(n, &h->path, mtu));
	return 0;
}

void path_follow_mtu(struct net *n, const struct uplink *u)
{
	for (unsigned i = 0; i < CONF_MAX_HOMES; i++) {
		struct installed *h = &n->home[i];

		if (!h->present || !h->device || h->path.mode != PATH_TUNNEL ||
		    h->path.ifindex != u->ifindex)
			continue;
		if (set_route_mtu(n, h) < 0)
			reconcile_soon(n, "a route");
	}
}

int path_set_learnt_mtu(struct net *n, struct installed *h, uint32_t outer_mtu)
{
	/* Down only: who forges such messages must not be able to undo a right one. */
	if (outer_mtu >= MIN_OUTER_MTU && inner_mtu(n, &h->path, outer_mtu) >= h->mtu)
		return 0;
	h->learnt_mtu = outer_mtu < MIN_OUTER_MTU ? MIN_OUTER_MTU : outer_mtu;
	return set_route_mtu(n, h);
}
