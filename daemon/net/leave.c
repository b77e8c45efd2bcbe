/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel autoconfigured at a place we have left: it does not notice by itself, and would go on choosing a source
 * address that is somewhere else, a router that is not there, and the link for hosts that are not on it any more.
 * Addresses stay, for their sessions; routes go, as their neighbours, known to be gone, would be tried again every minute.  The
 * next advertisement makes all good again.
 */
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/route/neighbour.h>
#include <netlink/route/route.h>

#include "net/address.h"
#include "net/internal.h"

/* Home agents are told of the new place first, and data follows; then there is nothing else to do for a while. */
#define LEAVE_AFTER (2 * USEC_PER_MSEC)

/* A route that the kernel has made of an advertisement; gateway: NULL = none, what is on the link. */
static int forget_route(struct net *n, int ifindex, struct nl_addr *dst, struct nl_addr *gateway)
{
	struct rtnl_route *route = rtnl_route_alloc();
	struct rtnl_nexthop *nh = rtnl_route_nh_alloc();
	int r = -NLE_NOMEM;

	if (route && nh) {
		rtnl_route_nh_set_ifindex(nh, ifindex);
		if (gateway)
			rtnl_route_nh_set_gateway(nh, gateway);
		rtnl_route_add_nexthop(route, nh);
		nh = NULL;
		rtnl_route_set_family(route, AF_INET6);
		rtnl_route_set_table(route, RT_TABLE_MAIN);
		rtnl_route_set_scope(route, RT_SCOPE_UNIVERSE);
		rtnl_route_set_protocol(route, gateway ? RTPROT_RA : RTPROT_KERNEL);
		r = rtnl_route_set_dst(route, dst);
		if (r == 0)
			r = rtnl_route_delete(n->rtnl, route, 0);
	}
	if (nh)
		rtnl_route_nh_free(nh);
	rtnl_route_put(route);
	return r;
}

/* Hosts of the prefix are not neighbours any more. */
static void forget_link(struct net *n, int ifindex, const struct in6_addr *addr, unsigned len)
{
	struct ip6_prefix prefix = prefix_make(addr, (uint8_t)len);
	struct nl_addr *dst = nl_addr_build(AF_INET6, &prefix.addr, sizeof(prefix.addr));

	if (dst) {
		nl_addr_set_prefixlen(dst, (int)len);
		forget_route(n, ifindex, dst, NULL);
	}
	nl_addr_put(dst);
}

static void leave_address(struct net *n, int ifindex, const struct in6_addr *addr)
{
	uint8_t plen = 128;
	int r = address_deprecate(ifindex, addr, &plen);

	log_debug("%s belongs to an earlier place: %s", ADDR_STR(addr),
		  r < 0 ? log_strerror(-r) : "deprecated");
	if (plen < 128)
		forget_link(n, ifindex, addr, plen);
}

/*
 * What was sent to the router while nobody knew better waits in its neighbour entry for an answer that will not come; TCP does
 * not send again what is still queued there.
 */
static void forget_neighbour(struct net *n, int ifindex, struct nl_addr *addr)
{
	struct rtnl_neigh *neighbour = rtnl_neigh_alloc();

	if (neighbour) {
		rtnl_neigh_set_ifindex(neighbour, ifindex);
		rtnl_neigh_set_dst(neighbour, addr);
		rtnl_neigh_delete(n->rtnl, neighbour, 0);
	}
	rtnl_neigh_put(neighbour);
}

/* Network managers that listen to advertisements themselves look after their routes too; those are not ours to change. */
static bool kernel_hears_routers(struct net *n, int ifindex)
{
	const struct uplink *u = uplink_find(n, ifindex);

	return u && sysctl_is_on(u->name, "accept_ra");
}

static void leave_router(struct net *n, int ifindex, struct nl_addr *router)
{
	struct nl_addr *dst = nl_addr_build(AF_INET6, &in6addr_any, sizeof(in6addr_any));
	int r = 0;

	if (dst && kernel_hears_routers(n, ifindex)) {
		nl_addr_set_prefixlen(dst, 0);
		r = forget_route(n, ifindex, dst, router);
	}
	nl_addr_put(dst);
	log_debug("a router belongs to an earlier place: %s",
		  r < 0 ? nl_geterror(r) : "it is forgotten");
}

/* What is to be left, when what hurries has been done. */
struct departure {
	struct list node;
	int ifindex;
	bool is_router, done;
	bool switched; /* paths have changed since */
	struct in6_addr addr;
};

static void depart(struct net *n, struct departure *d)
{
	struct nl_addr *router;

	if (!d->is_router) {
		leave_address(n, d->ifindex, &d->addr);
		return;
	}
	router = nl_addr_build(AF_INET6, &d->addr, sizeof(d->addr));
	if (!router)
		return;
	if (!d->done)
		leave_router(n, d->ifindex, router);
	forget_neighbour(n, d->ifindex, router);
	nl_addr_put(router);
}

static void departure_free(struct departure *d)
{
	list_remove(&d->node);
	free(d);
}

/*
 * Until the paths have changed over, packets go on to the old router and fill its neighbour entry again; they count against
 * the buffers of their sockets, and the senders would wait until it gives up.  So it is forgotten once more after that.
 */
static int on_leave(sd_event_source *s, uint64_t now, void *user)
{
	struct net *n = user;
	struct departure *d, *next;

	(void)s, (void)now;
	list_for_each_safe(d, next, &n->departures, node) {
		bool left = engine_has_left(n->engine, d->ifindex, &d->addr, d->is_router);

		if (left)
			depart(n, d);
		d->done = true;
		if (!left || !d->is_router || d->switched)
			departure_free(d);
	}
	return 0;
}

static void leave_soon(struct net *n)
{
	if (!n->leave && loop_timer_new(n->ev, on_leave, n, &n->leave) < 0)
		log_warning("what belongs to an earlier place cannot be left: out of memory");
	else if (sd_event_source_get_enabled(n->leave, NULL) == SD_EVENT_OFF)
		loop_timer_set(n->leave, usec_add(loop_now().mono, LEAVE_AFTER));
}

void leave_at_leisure(struct net *n)
{
	if (!list_empty(&n->departures) && sd_event_source_get_enabled(n->leave, NULL) > 0)
		loop_timer_set(n->leave, 0);
}

/* Those that wait for paths wait for the next ones now. */
static void leave_add(struct net *n, int ifindex, const struct in6_addr *addr, bool is_router)
{
	struct departure *d, *next;

	list_for_each_safe(d, next, &n->departures, node) {
		if (d->done)
			departure_free(d);
		else if (d->ifindex == ifindex && d->is_router == is_router &&
			 addr_equal(&d->addr, addr))
			return; /* asked for with each advertisement until the kernel has done it */
	}
	d = calloc(1, sizeof(*d));
	if (!d)
		return;
	d->ifindex = ifindex;
	d->addr = *addr;
	d->is_router = is_router;
	list_append(&n->departures, &d->node);
	leave_soon(n);
}

void net_leave_address(struct net *n, int ifindex, const struct in6_addr *addr)
{
	leave_add(n, ifindex, addr, false);
}

void net_leave_router(struct net *n, int ifindex, const struct in6_addr *router)
{
	leave_add(n, ifindex, router, true);
}

void leave_path_changed(struct net *n)
{
	struct departure *d;

	list_for_each(d, &n->departures, node) {
		if (d->done && !d->switched)
			leave_soon(n);
		d->switched = true;
	}
}

void leave_free(struct net *n)
{
	struct departure *d, *next;

	sd_event_source_disable_unref(n->leave);
	list_for_each_safe(d, next, &n->departures, node)
		departure_free(d);
}
