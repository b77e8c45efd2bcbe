/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes in the kernel by netlink (libnl-route-3): our device, rules, routes. */
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/route/link.h>
#include <netlink/route/link/inet6.h>
#include <netlink/route/link/veth.h>
#include <netlink/route/route.h>
#include <netlink/route/rule.h>
#include <stdio.h>

#include "net/address.h"
#include "net/internal.h"
#include "net/policy_rule.h"

#define MESSAGE_MAX 32768 /* what the kernel puts into one message of a dump at most */

static void put_nl_addr(struct nl_addr **a)
{
	if (*a)
		nl_addr_put(*a);
}
static void put_rtnl_link(struct rtnl_link **l)
{
	if (*l)
		rtnl_link_put(*l);
}
static void put_rtnl_rule(struct rtnl_rule **r)
{
	if (*r)
		rtnl_rule_put(*r);
}
static void put_rtnl_route(struct rtnl_route **r)
{
	if (*r)
		rtnl_route_put(*r);
}

/* libnl has error numbers of its own. */
static int to_errno(int nlerr)
{
	switch (-nlerr) {
	case 0:
		return 0;
	case NLE_EXIST:
		return -EEXIST;
	case NLE_OBJ_NOTFOUND:
		return -ENOENT;
	case NLE_NODEV:
		return -ENODEV;
	case NLE_PERM:
	case NLE_NOACCESS:
		return -EPERM;
	case NLE_NOMEM:
		return -ENOMEM;
	case NLE_NOADDR:
		return -EADDRNOTAVAIL;
	case NLE_OPNOTSUPP:
		return -EOPNOTSUPP;
	case NLE_BUSY:
		return -EBUSY;
	case NLE_INVAL:
		return -EINVAL;
	default:
		return nlerr < 0 ? -EIO : 0;
	}
}

static int gone_is_fine(int nlerr)
{
	int r = to_errno(nlerr);

	/* ESRCH, ENODEV and EADDRNOTAVAIL all say: it is not there. */
	return r == -ENOENT || r == -ENODEV || r == -EADDRNOTAVAIL ? 0 : r;
}

int rtnl_open(struct net *n)
{
	int r;

	n->rtnl = nl_socket_alloc();
	if (!n->rtnl)
		return -ENOMEM;
	r = nl_connect(n->rtnl, NETLINK_ROUTE);
	if (r < 0)
		return to_errno(r);
	/* Room for the longest there is, rather than to ask for the length of each first. */
	nl_socket_disable_msg_peek(n->rtnl);
	return to_errno(nl_socket_set_msg_buf_size(n->rtnl, MESSAGE_MAX));
}

/* Neither end gets addresses of its own: no link-local address, no router advertisements; who sends to every interface that
 * can do multicast leaves them out. */
static void plain(struct rtnl_link *l)
{
	rtnl_link_inet6_set_addr_gen_mode(l, IN6_ADDR_GEN_MODE_NONE);
	rtnl_link_set_flags(l, IFF_NOARP);
	rtnl_link_unset_flags(l, IFF_MULTICAST);
	rtnl_link_set_mtu(l, DEVICE_MTU);
}

static int bring_up(struct net *n, const char *name)
{
	_cleanup_(put_rtnl_link) struct rtnl_link *l = NULL, *change = rtnl_link_alloc();
	int r;

	if (!change)
		return -ENOMEM;
	r = rtnl_link_get_kernel(n->rtnl, 0, name, &l);
	if (r < 0)
		return to_errno(r);
	/* One after the other: of a single message the kernel reads the flags first, and would make an address. */
	plain(change);
	if ((r = rtnl_link_change(n->rtnl, l, change, 0)) < 0)
		return to_errno(r);
	rtnl_link_set_flags(change, IFF_UP);
	return to_errno(rtnl_link_change(n->rtnl, l, change, 0));
}

/* Its index, 0 = there is none. */
static int read_device(struct net *n, const char *name, uint8_t mac[6])
{
	_cleanup_(put_rtnl_link) struct rtnl_link *l = NULL;
	struct nl_addr *a;

	if (rtnl_link_get_kernel(n->rtnl, 0, name, &l) < 0)
		return 0;
	a = rtnl_link_get_addr(l);
	if (a && nl_addr_get_len(a) == 6)
		memcpy(mac, nl_addr_get_binary_addr(a), 6);
	return rtnl_link_get_ifindex(l);
}

int rtnl_device_create(struct net *n, const char *name, const uint8_t mac[6])
{
	_cleanup_(put_rtnl_link) struct rtnl_link *l = rtnl_link_veth_alloc();
	_cleanup_(put_nl_addr) struct nl_addr *addr = nl_addr_build(AF_LLC, mac, 6);
	struct rtnl_link *peer;
	char peer_name[IFNAMSIZ];
	uint8_t peer_mac[6];
	int r;

	if (!l || !addr)
		return -ENOMEM;
	snprintf(peer_name, sizeof(peer_name), "%sp", name);
	n->device = read_device(n, name, n->device_mac);
	if (!n->device) {
		peer = rtnl_link_veth_get_peer(l);
		rtnl_link_set_name(l, name);
		rtnl_link_set_addr(l, addr); /* given, so that nobody else chooses one */
		rtnl_link_set_name(peer, peer_name);
		rtnl_link_put(peer);
		r = rtnl_link_add(n->rtnl, l, NLM_F_CREATE | NLM_F_EXCL);
		if (r < 0)
			return to_errno(r);
		n->device_made = true;
	}
	n->device_peer = read_device(n, peer_name, peer_mac);
	if ((r = bring_up(n, peer_name)) < 0 || (r = bring_up(n, name)) < 0)
		return r;
	n->device = read_device(n, name, n->device_mac);
	return n->device ? 0 : -ENODEV;
}

int rtnl_device_delete(struct net *n)
{
	_cleanup_(put_rtnl_link) struct rtnl_link *l = rtnl_link_alloc();

	if (!l)
		return -ENOMEM;
	rtnl_link_set_ifindex(l, n->device);
	return gone_is_fine(rtnl_link_delete(n->rtnl, l));
}

int rtnl_rule(struct net *n, unsigned slot, const struct in6_addr *home, bool add)
{
	_cleanup_(put_rtnl_rule) struct rtnl_rule *rule = rtnl_rule_alloc();
	_cleanup_(put_nl_addr) struct nl_addr *src = nl_addr_build(AF_INET6, home, sizeof(*home));
	int r;

	if (!rule || !src)
		return -ENOMEM;
	nl_addr_set_prefixlen(src, 128);
	rtnl_rule_set_family(rule, AF_INET6);
	rtnl_rule_set_prio(rule, n->conf->rule_priority + slot);
	rtnl_rule_set_table(rule, n->conf->route_table + slot);
	rtnl_rule_set_action(rule, FR_ACT_TO_TBL);
	rtnl_rule_set_protocol(rule, NET_PROTOCOL);
	if ((r = rtnl_rule_set_src(rule, src)) < 0)
		return to_errno(r);
	if (!add)
		return gone_is_fine(rtnl_rule_delete(n->rtnl, rule, 0));
	r = to_errno(rtnl_rule_add(n->rtnl, rule, NLM_F_CREATE | NLM_F_EXCL));
	return r == -EEXIST ? 0 : r;
}

int rtnl_device_rule(struct net *n, bool add)
{
	_cleanup_(put_rtnl_rule) struct rtnl_rule *rule = rtnl_rule_alloc();
	int r;

	if (!rule)
		return -ENOMEM;
	rtnl_rule_set_family(rule, AF_INET6);
	rtnl_rule_set_prio(rule, n->conf->rule_priority + DEVICE_SLOT);
	rtnl_rule_set_table(rule, n->conf->route_table + DEVICE_SLOT);
	rtnl_rule_set_action(rule, FR_ACT_TO_TBL);
	rtnl_rule_set_protocol(rule, NET_PROTOCOL);
	if ((r = rtnl_rule_set_oif(rule, n->conf->device)) < 0)
		return to_errno(r);
	if (!add)
		return gone_is_fine(rtnl_rule_delete(n->rtnl, rule, 0));
	r = to_errno(rtnl_rule_add(n->rtnl, rule, NLM_F_CREATE | NLM_F_EXCL));
	return r == -EEXIST ? 0 : r;
}

static int add_nexthop(struct rtnl_route *route, const struct rtnl_nexthop_spec *spec)
{
	struct rtnl_nexthop *nh = rtnl_route_nh_alloc();
	_cleanup_(put_nl_addr) struct nl_addr *gw = NULL;

	if (!nh)
		return -ENOMEM;
	rtnl_route_nh_set_ifindex(nh, spec->ifindex);
	if (!addr_is_any(&spec->gateway)) {
		gw = nl_addr_build(AF_INET6, &spec->gateway, sizeof(spec->gateway));
		if (!gw) {
			rtnl_route_nh_free(nh);
			return -ENOMEM;
		}
		rtnl_route_nh_set_gateway(nh, gw);
		rtnl_route_nh_set_flags(nh, RTNH_F_ONLINK);
	}
	rtnl_route_add_nexthop(route, nh);
	return 0;
}

static int add_with_source(struct net *n, struct rtnl_route *route, const struct in6_addr *source)
{
	_cleanup_(put_nl_addr) struct nl_addr *from =
		nl_addr_build(AF_INET6, source, sizeof(*source));
	int r;

	if (!from)
		return -ENOMEM;
	if ((r = rtnl_route_set_pref_src(route, from)) < 0)
		return to_errno(r);
	return to_errno(rtnl_route_add(n->rtnl, route, NLM_F_CREATE | NLM_F_REPLACE));
}

int rtnl_route(struct net *n, unsigned slot, const struct ip6_prefix *dst,
	       const struct rtnl_nexthop_spec *spec, bool add)
{
	_cleanup_(put_rtnl_route) struct rtnl_route *route = rtnl_route_alloc();
	_cleanup_(put_nl_addr) struct nl_addr *to =
		nl_addr_build(AF_INET6, &dst->addr, sizeof(dst->addr));
	int r;

	if (!route || !to)
		return -ENOMEM;
	nl_addr_set_prefixlen(to, dst->len);
	rtnl_route_set_family(route, AF_INET6);
	rtnl_route_set_table(route, n->conf->route_table + slot);
	rtnl_route_set_protocol(route, NET_PROTOCOL);
	rtnl_route_set_scope(route, RT_SCOPE_UNIVERSE);
	rtnl_route_set_priority(route, spec->metric);
	if ((r = rtnl_route_set_dst(route, to)) < 0)
		return to_errno(r);
	if (spec->ifindex)
		r = add_nexthop(route, spec);
	else
		r = to_errno(rtnl_route_set_type(route, RTN_UNREACHABLE));
	if (r < 0)
		return r;
	if (spec->mtu)
		rtnl_route_set_metric(route, RTAX_MTU, spec->mtu);
	if (!add)
		return gone_is_fine(rtnl_route_delete(n->rtnl, route, 0));
	if (!addr_is_any(&spec->source)) {
		r = add_with_source(n, route, &spec->source);
		if (r != -EINVAL)
			return r;
		/* Somebody has just removed the address: the reconciler brings back both. */
		rtnl_route_set_pref_src(route, NULL);
	}
	return to_errno(rtnl_route_add(n->rtnl, route, NLM_F_CREATE | NLM_F_REPLACE));
}

static bool slot_is_kept(const struct net *n, const struct engine *keep, uint32_t slot)
{
	const struct binding *b;

	(void)n;
	if (keep)
		list_for_each(b, &keep->bindings, node)
			if (b->slot == slot)
				return true;
	return false;
}

struct sweep {
	struct net *net;
	const struct engine *keep;
	struct nl_cache *rules;
};

static bool has_home_rule(const struct sweep *s, const struct binding *b)
{
	const struct conf *conf = s->net->conf;
	struct nl_object *o;

	for (o = nl_cache_get_first(s->rules); o; o = nl_cache_get_next(o)) {
		struct rtnl_rule *rule = (struct rtnl_rule *)o;
		struct nl_addr *src = rtnl_rule_get_src(rule);

		if (rtnl_rule_get_prio(rule) == conf->rule_priority + b->slot && src &&
		    nl_addr_get_len(src) == sizeof(b->home) &&
		    memcmp(nl_addr_get_binary_addr(src), &b->home, sizeof(b->home)) == 0)
			return true;
	}
	return false;
}

/* To a table that is not that of a home address any more, or of another one than before. */
static bool leads_to_stranger(const struct sweep *s, struct rtnl_rule *rule)
{
	uint32_t table = rtnl_rule_get_table(rule), slot = table - s->net->conf->route_table;
	const struct binding *b;

	if (rtnl_rule_get_action(rule) != FR_ACT_TO_TBL)
		return false;
	list_for_each(b, &s->keep->bindings, node)
		if (b->slot == slot)
			return !has_home_rule(s, b);
	return true;
}

static void sweep_rule(struct nl_object *o, void *user)
{
	struct rtnl_rule *rule = (struct rtnl_rule *)o;
	const struct sweep *s = user;
	uint32_t slot = rtnl_rule_get_prio(rule) - s->net->conf->rule_priority;
	const struct binding *b;
	struct nl_addr *src;
	uint8_t protocol = 0;

	if (rtnl_rule_get_family(rule) != AF_INET6 || rtnl_rule_get_protocol(rule, &protocol) < 0 ||
	    protocol != NET_PROTOCOL || slot > POLICY_END || (s->keep && slot == DEVICE_SLOT))
		return;
	/* policy_route.c takes over what an earlier run has left, unless it leads nowhere. */
	if (s->keep && slot > DEVICE_SLOT && !leads_to_stranger(s, rule))
		return;
	src = rtnl_rule_get_src(rule);
	if (s->keep && src)
		list_for_each(b, &s->keep->bindings, node)
			if (b->slot == slot && nl_addr_get_len(src) == sizeof(b->home) &&
			    memcmp(nl_addr_get_binary_addr(src), &b->home, sizeof(b->home)) == 0)
				return;
	rtnl_rule_delete(s->net->rtnl, rule, 0);
}

static void sweep_route(struct nl_object *o, void *user)
{
	struct rtnl_route *route = (struct rtnl_route *)o;
	const struct sweep *s = user;
	uint32_t slot = rtnl_route_get_table(route) - s->net->conf->route_table;

	if (rtnl_route_get_protocol(route) != NET_PROTOCOL)
		return;
	/* Of an address that was closed (path.c) there is nothing to keep. */
	if (rtnl_route_get_table(route) != RT_TABLE_LOCAL &&
	    (slot > DEVICE_SLOT || (s->keep && slot == DEVICE_SLOT) ||
	     slot_is_kept(s->net, s->keep, slot)))
		return;
	rtnl_route_delete(s->net->rtnl, route, 0);
}

struct stray {
	struct net *net;
	const struct engine *keep;
	int ifindex; /* 0 = none found */
	struct in6_addr addr;
};

/* On our device everything is ours; elsewhere what carries our mark. */
static void find_stray(const struct address_info *a, void *user)
{
	struct stray *s = user;

	if (a->ifindex != s->net->device && a->protocol != NET_PROTOCOL)
		return;
	if (a->plen != 128) /* none that we make */
		return;
	if (s->keep && engine_find_home(s->keep, &a->addr))
		return;
	s->ifindex = a->ifindex;
	s->addr = a->addr;
}

static void sweep_addresses(struct net *n, const struct engine *keep)
{
	struct stray s = {n, keep, 0, in6addr_any};

	/* One by one: a removal in the middle would interrupt the listing. */
	while (address_each(find_stray, &s) == 0 && s.ifindex) {
		if (address_remove(s.ifindex, &s.addr) < 0)
			return;
		s.ifindex = 0;
	}
}

void rtnl_sweep(struct net *n, const struct engine *keep)
{
	struct sweep s = {.net = n, .keep = keep};
	struct nl_cache *c;

	if (rtnl_rule_alloc_cache(n->rtnl, AF_INET6, &c) == 0) {
		s.rules = c;
		nl_cache_foreach(c, sweep_rule, &s);
		nl_cache_free(c);
	}
	if (rtnl_route_alloc_cache(n->rtnl, AF_INET6, 0, &c) == 0) {
		nl_cache_foreach(c, sweep_route, &s);
		nl_cache_free(c);
	}
	sweep_addresses(n, keep);
}
