/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel autoconfigured at a place we have left: it does not notice by itself, and would go on choosing a source
 * address that is somewhere else, a router that is not there, and the link for hosts that are not on it any more.
 * Addresses stay, for their sessions; routes go, as their neighbours, known to be gone, would be tried again every minute.  The
 * next advertisement makes all good again.
 */
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/route.h>

#include "net/internal.h"

/* Flags that a change of lifetimes would otherwise clear. */
#define KEPT_FLAGS (IFA_F_MANAGETEMPADDR | IFA_F_NOPREFIXROUTE)

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

struct wanted {
	struct net *net;
	int ifindex;
	const struct in6_addr *addr;
};

static void deprecate(struct nl_object *o, void *user)
{
	struct rtnl_addr *a = (struct rtnl_addr *)o;
	struct nl_addr *local = rtnl_addr_get_local(a);
	const struct wanted *w = user;
	int r;

	if (rtnl_addr_get_ifindex(a) != w->ifindex || !local ||
	    nl_addr_get_len(local) != sizeof(*w->addr) ||
	    memcmp(nl_addr_get_binary_addr(local), w->addr, sizeof(*w->addr)) != 0)
		return;
	rtnl_addr_set_preferred_lifetime(a, 0);
	rtnl_addr_unset_flags(a, ~(unsigned)KEPT_FLAGS);
	r = rtnl_addr_add(w->net->rtnl, a, NLM_F_REPLACE);
	log_debug("%s belongs to an earlier place: %s", ADDR_STR(w->addr),
		  r < 0 ? nl_geterror(r) : "deprecated");
	if (rtnl_addr_get_prefixlen(a) < 128)
		forget_link(w->net, w->ifindex, w->addr, (unsigned)rtnl_addr_get_prefixlen(a));
}

void net_leave_address(struct net *n, int ifindex, const struct in6_addr *addr)
{
	struct wanted w = {n, ifindex, addr};
	struct nl_cache *cache;

	if (rtnl_addr_alloc_cache(n->rtnl, &cache) < 0)
		return;
	nl_cache_foreach(cache, deprecate, &w);
	nl_cache_free(cache);
}

void net_leave_router(struct net *n, int ifindex, const struct in6_addr *router)
{
	struct nl_addr *gateway = nl_addr_build(AF_INET6, router, sizeof(*router));
	struct nl_addr *dst = nl_addr_build(AF_INET6, &in6addr_any, sizeof(in6addr_any));
	int r;

	if (dst && gateway) {
		nl_addr_set_prefixlen(dst, 0);
		r = forget_route(n, ifindex, dst, gateway);
		log_debug("router %s belongs to an earlier place: %s", ADDR_STR(router),
			  r < 0 ? nl_geterror(r) : "its route is gone");
	}
	nl_addr_put(dst);
	nl_addr_put(gateway);
}
