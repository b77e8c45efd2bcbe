/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel autoconfigured at a place we have left: it does not notice by itself, and would go on choosing a source
 * address that is somewhere else and a router that is not there.  Nothing is removed: sessions keep their address, and
 * the next advertisement makes either good again.
 */
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <netlink/route/addr.h>
#include <netlink/route/neighbour.h>

#include "net/internal.h"

/* Flags that a change of lifetimes would otherwise clear. */
#define KEPT_FLAGS (IFA_F_MANAGETEMPADDR | IFA_F_NOPREFIXROUTE)

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
	struct nl_addr *dst = nl_addr_build(AF_INET6, router, sizeof(*router));
	struct rtnl_neigh *neighbour = rtnl_neigh_alloc();

	if (dst && neighbour) {
		rtnl_neigh_set_ifindex(neighbour, ifindex);
		rtnl_neigh_set_dst(neighbour, dst);
		rtnl_neigh_set_state(neighbour, NUD_FAILED);
		rtnl_neigh_add(n->rtnl, neighbour, NLM_F_CREATE | NLM_F_REPLACE);
	}
	rtnl_neigh_put(neighbour);
	nl_addr_put(dst);
}
