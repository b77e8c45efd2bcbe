/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether what this folder has put into the kernel is there, and nothing else of the same name: one result for our device,
 * one for each home address, one for each uplink in use, one for the policy, then those of the plane.  Nothing is changed; what is found missing,
 * the reconciler has missed as well or could not put back.
 */
#include <errno.h>
#include <linux/if_addr.h>
#include <netlink/route/link.h>
#include <netlink/route/route.h>
#include <netlink/route/rule.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "net/address.h"
#include "net/internal.h"

void audit_add(struct audit *a, bool ok, const char *what, const char *fmt, ...)
{
	struct audit_result *r;
	va_list ap;

	if (a->n == a->max)
		return;
	r = &a->ret[a->n++];
	r->ok = ok;
	snprintf(r->what, sizeof(r->what), "%s", what);
	va_start(ap, fmt);
	vsnprintf(r->words, sizeof(r->words), fmt, ap);
	va_end(ap);
}

/* What the kernel has, read once for all paths. */
struct kernel {
	struct nl_cache *rules, *routes;
	struct address_info *address;
	size_t n_addresses;
	bool no_memory;
};

static void remember(const struct address_info *a, void *user)
{
	struct kernel *k = user;
	struct address_info *more;

	more = reallocarray(k->address, k->n_addresses + 1, sizeof(*more));
	k->no_memory = k->no_memory || !more;
	if (!more)
		return;
	k->address = more;
	k->address[k->n_addresses++] = *a;
}

static int read_kernel(struct net *n, struct kernel *k)
{
	int r = address_each(remember, k);

	if (r == 0 && k->no_memory)
		r = -ENOMEM;
	if (r == 0 && (rtnl_rule_alloc_cache(n->rtnl, AF_INET6, &k->rules) < 0 ||
		       rtnl_route_alloc_cache(n->rtnl, AF_INET6, 0, &k->routes) < 0))
		r = -EIO;
	return r;
}

static void forget_kernel(struct kernel *k)
{
	nl_cache_free(k->rules);
	nl_cache_free(k->routes);
	free(k->address);
}

static bool is_addr(struct nl_addr *a, const struct in6_addr *wanted)
{
	return a && nl_addr_get_len(a) == sizeof(*wanted) &&
	       memcmp(nl_addr_get_binary_addr(a), wanted, sizeof(*wanted)) == 0;
}

static bool has_address(const struct kernel *k, int ifindex, const struct in6_addr *addr)
{
	for (size_t i = 0; i < k->n_addresses; i++)
		if (k->address[i].ifindex == ifindex && addr_equal(&k->address[i].addr, addr) &&
		    !(k->address[i].flags & IFA_F_DADFAILED))
			return true;
	return false;
}

/* home NULL: that of the device. */
static bool has_rule(const struct net *n, const struct kernel *k, unsigned slot,
		     const struct in6_addr *home)
{
	struct nl_object *o;

	for (o = nl_cache_get_first(k->rules); o; o = nl_cache_get_next(o)) {
		struct rtnl_rule *r = (struct rtnl_rule *)o;

		if (rtnl_rule_get_prio(r) == n->conf->rule_priority + slot &&
		    rtnl_rule_get_table(r) == n->conf->route_table + slot &&
		    (home ? is_addr(rtnl_rule_get_src(r), home)
			  : rtnl_rule_get_oif(r) || rtnl_rule_get_mark(r)))
			return true;
	}
	return false;
}

/* ifindex 0: the unreachable one; gateway :: none. */
static bool has_route(const struct net *n, const struct kernel *k, unsigned slot,
		      const struct ip6_prefix *dst, int ifindex, const struct in6_addr *gateway,
		      uint32_t mtu)
{
	struct nl_object *o;

	for (o = nl_cache_get_first(k->routes); o; o = nl_cache_get_next(o)) {
		struct rtnl_route *r = (struct rtnl_route *)o;
		struct nl_addr *to = rtnl_route_get_dst(r);
		struct rtnl_nexthop *nh = rtnl_route_nexthop_n(r, 0);
		uint32_t found = 0;

		if (rtnl_route_get_table(r) != n->conf->route_table + slot || !to ||
		    nl_addr_get_prefixlen(to) != dst->len || (dst->len && !is_addr(to, &dst->addr)))
			continue;
		if (!ifindex && rtnl_route_get_type(r) == RTN_UNREACHABLE)
			return true;
		if (!ifindex || !nh || rtnl_route_nh_get_ifindex(nh) != ifindex)
			continue;
		rtnl_route_get_metric(r, RTAX_MTU, &found);
		if ((!mtu || mtu == found) &&
		    (addr_is_any(gateway) || is_addr(rtnl_route_nh_get_gateway(nh), gateway)))
			return true;
	}
	return false;
}

static void note(char *words, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void note(char *words, size_t size, const char *fmt, ...)
{
	size_t used = strlen(words);
	va_list ap;

	if (used)
		used += (size_t)snprintf(words + used, size - used, ", ");
	if (used >= size)
		return;
	va_start(ap, fmt);
	vsnprintf(words + used, size - used, fmt, ap);
	va_end(ap);
}

static void check_addresses(const struct net *n, const struct kernel *k, const struct path *p,
			    char *words, size_t size)
{
	bool there = has_address(k, n->device, &p->home);

	if (p->closed && there)
		note(words, size, "it is on %s though it is closed", n->conf->device);
	if (!p->closed && !there)
		note(words, size, "it is not on %s", n->conf->device);
	if (!p->closed && p->claimed_ifindex && !has_address(k, p->claimed_ifindex, &p->home))
		note(words, size, "it is not on its home link");
}

static void check_routes(const struct net *n, const struct kernel *k, const struct installed *h,
			 char *words, size_t size)
{
	static const struct ip6_prefix any = {.len = 0};
	const struct path *p = &h->path;
	unsigned table = n->conf->route_table + p->slot;

	if (!has_rule(n, k, p->slot, &p->home))
		note(words, size, "its rule %u is missing", n->conf->rule_priority + p->slot);
	if (!has_route(n, k, p->slot, &any, 0, &in6addr_any, 0))
		note(words, size, "table %u does not end unreachable", table);
	if (p->adopt)
		return;
	if ((p->mode == PATH_TUNNEL || (p->mode == PATH_BLOCKED && p->wake)) &&
	    !has_route(n, k, p->slot, &any, h->device, &in6addr_any, h->mtu))
		note(words, size, "table %u has no route into the %s with MTU %u", table,
		     h->device == n->device ? "device" : "tunnel", h->mtu);
	if (p->mode == PATH_HOME &&
	    (!has_route(n, k, p->slot, &p->home_prefix, p->ifindex, &in6addr_any, 0) ||
	     (!addr_is_any(&p->next_hop) &&
	      !has_route(n, k, p->slot, &any, p->ifindex, &p->next_hop, 0))))
		note(words, size, "table %u lacks the routes of the home link", table);
}

static void audit_path(struct net *n, const struct kernel *k, const struct installed *h,
		       struct audit *a)
{
	const struct path *p = &h->path;
	const char *plane = p->adopt || h->paused ? NULL : n->plane->ops->check_path(n->plane, p);
	char what[64 + ADDR_STRLEN], words[sizeof(a->ret->words)] = "";

	snprintf(what, sizeof(what), "path of %s (%s)", ADDR_STR(&p->home),
		 path_mode_str((int)p->mode));
	check_addresses(n, k, p, words, sizeof(words));
	check_routes(n, k, h, words, sizeof(words));
	if (plane)
		note(words, sizeof(words), "%s", plane);
	if (h->error)
		audit_add(a, false, what, "another one (%s) cannot be set up: %s; see the log",
			  path_mode_str((int)h->wanted.mode), log_strerror(-h->error));
	else if (words[0])
		audit_add(a, false, what, "%.150s" AUDIT_REPAIR_HELPS, words);
	else
		audit_add(a, true, what, "%s%s", p->adopt ? "of an earlier run" : "",
			  p->closed ? "closed" : "");
}

static bool is_up(struct net *n, const char *name, int ifindex)
{
	struct rtnl_link *l;
	bool up;

	if (rtnl_link_get_kernel(n->rtnl, 0, name, &l) < 0)
		return false;
	up = rtnl_link_get_ifindex(l) == ifindex && (rtnl_link_get_flags(l) & IFF_UP);
	rtnl_link_put(l);
	return up;
}

static void audit_device(struct net *n, const struct kernel *k, struct audit *a)
{
	static const struct ip6_prefix any = {.len = 0};
	char words[sizeof(a->ret->words)] = "", peer[IFNAMSIZ + 1], what[IFNAMSIZ + 8];

	snprintf(what, sizeof(what), "device %s", n->conf->device);
	snprintf(peer, sizeof(peer), "%sp", n->conf->device);
	if (!is_up(n, n->conf->device, n->device) || !is_up(n, peer, n->device_peer))
		note(words, sizeof(words),
		     "%s or %s is missing, down, or not the one that dmmd made", n->conf->device,
		     peer);
	else if (n->plane->ops->check_attached &&
		 (!n->plane->ops->check_attached(n->plane, n->device, true) ||
		  !n->plane->ops->check_attached(n->plane, n->device_peer, true)))
		note(words, sizeof(words), "its program is missing: nothing can be tunnelled");
	if (!n->plane->ops->device_for && /* else the plane has ways of its own */
	    (!has_rule(n, k, DEVICE_SLOT, NULL) ||
	     !has_route(n, k, DEVICE_SLOT, &any, n->device, &in6addr_any, 0)))
		note(words, sizeof(words), "the rule or route of signalling is missing");
	if (words[0])
		audit_add(a, false, what, "%.150s" AUDIT_REPAIR_HELPS, words);
	else
		audit_add(a, true, what, "%s", "");
}

static bool is_used(const struct net *n, int ifindex)
{
	for (unsigned i = 0; i < CONF_MAX_HOMES; i++)
		if (n->home[i].present && n->home[i].path.mode == PATH_TUNNEL &&
		    n->home[i].path.ifindex == ifindex)
			return true;
	return false;
}

static void audit_uplinks(struct net *n, struct audit *a)
{
	struct uplink *u;
	char what[IFNAMSIZ + 16];

	list_for_each(u, &n->uplinks, node) {
		if (!u->attached && !is_used(n, u->ifindex))
			continue;
		snprintf(what, sizeof(what), "program on %s", u->name);
		if (n->plane->ops->check_attached(n->plane, u->ifindex, uplink_has_mac(u)))
			audit_add(a, true, what, "%s", "");
		else
			audit_add(a, false, what,
				  "missing: nothing tunnelled comes in by %s" AUDIT_REPAIR_HELPS,
				  u->name);
	}
}

unsigned net_audit(struct net *n, struct audit_result *ret, unsigned max)
{
	struct audit a = {.ret = ret, .max = max};
	struct kernel k = {0};
	int r = read_kernel(n, &k);

	if (r < 0) {
		audit_add(&a, false, "kernel", "cannot be read (%s); try again", log_strerror(-r));
	} else {
		audit_device(n, &k, &a);
		for (unsigned i = 0; i < CONF_MAX_HOMES; i++)
			if (n->home[i].present)
				audit_path(n, &k, &n->home[i], &a);
		if (n->plane->ops->check_attached)
			audit_uplinks(n, &a);
		reconcile_audit(n, &a);
		policy_route_audit(n, &a);
	}
	audit_add(&a, true, "data plane", "%s", n->plane->ops->name);
	n->plane->ops->audit(n->plane, n->conf, &a);
	forget_kernel(&k);
	return a.n;
}
