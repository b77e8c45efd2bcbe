/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What changes in the kernel, by netlink (libmnl): links, addresses, default routes, dead
 * neighbours. */
#include <errno.h>
#include <arpa/inet.h>
#include <net/if.h> /* before linux/if.h, which completes it */
#include <linux/if.h>
#include <linux/filter.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "net/internal.h"
#include "net/netlink.h"
#include "proto/nd.h"

#define RECEIVE_BUFFER (1 << 20)
#define RESYNC_AGAIN (100 * USEC_PER_MSEC)
#define DUMP_TRIES 5
#define ADDRESS_PROTO 11  /* IFA_PROTO, Linux 5.18 */
#define PROTO_KERNEL_RA 2 /* IFAPROT_KERNEL_RA */
#define ADDRESS_ATTR_MAX ADDRESS_PROTO

static void monitor_resync(struct net *n);

static bool is_own_device(const struct net *n, const char *name)
{
	size_t len = strlen(n->conf->device);

	return strncmp(name, n->conf->device, len) == 0 &&
	       (name[len] == '\0' || strcmp(name + len, "p") == 0);
}

/* A tunnel that is in use; what the plane itself has removed is not. */
static bool is_own_tunnel(const struct net *n, int ifindex)
{
	return n->plane->ops->owns && n->plane->ops->owns(n->plane, ifindex);
}

/* Taken away, set down, or made into something else?  A new interface is not set down: it is not up yet. */
static void on_own_link(struct net *n, const struct nlmsghdr *h)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(h);
	const struct plane_ops *ops = n->plane->ops;
	bool set_down = ifi->ifi_change != UINT32_MAX && (ifi->ifi_change & IFF_UP) &&
			!(ifi->ifi_flags & IFF_UP);

	if (h->nlmsg_type == RTM_DELLINK || set_down ||
	    (ops->is_changed && ops->is_changed(n->plane, h)))
		reconcile_soon(n, "a device");
}

/*
 * The carrier was away and is back already: either event was lost, or the kernel has made one of them.  What is at the other
 * end may be another network.
 */
static bool missed_loss(struct uplink *u, const struct nlattr **tb, bool up)
{
	uint32_t known = u->carrier_losses;
	bool is_new = !u->mtu;

	if (!tb[IFLA_CARRIER_DOWN_COUNT])
		return false;
	u->carrier_losses = mnl_attr_get_u32(tb[IFLA_CARRIER_DOWN_COUNT]);
	if (is_new || !up || u->carrier_losses == known)
		return false;
	log_debug("%s: the carrier was away for a moment", u->name);
	return true;
}

static void on_link(struct net *n, const struct nlmsghdr *h, struct instant now)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(h);
	const struct nlattr *tb[IFLA_MAX + 1];
	struct link_event ev = {.ifindex = ifi->ifi_index};
	struct uplink *u;
	bool other_mtu, lost;

	netlink_attributes(h, sizeof(*ifi), tb, IFLA_MAX);
	if (!tb[IFLA_IFNAME] || ifi->ifi_family != AF_UNSPEC)
		return;
	ev.name = mnl_attr_get_str(tb[IFLA_IFNAME]);
	if (is_own_device(n, ev.name) || is_own_tunnel(n, ev.ifindex)) {
		on_own_link(n, h);
		/* The kernel has given the routes into it another MTU as well. */
		if (is_own_device(n, ev.name) && tb[IFLA_MTU] &&
		    mnl_attr_get_u32(tb[IFLA_MTU]) != DEVICE_MTU)
			reconcile_soon(n, "a device");
		return;
	}
	if (ifi->ifi_flags & IFF_LOOPBACK)
		return;
	ev.removed = h->nlmsg_type == RTM_DELLINK;
	if (ev.removed)
		reconcile_hasten(n);
	u = ev.removed ? uplink_find(n, ifi->ifi_index)
		       : uplink_get(n, ifi->ifi_index, ev.name, ifi->ifi_type);
	if (!u || !u->usable_type)
		return;
	ev.up = (ifi->ifi_flags & IFF_UP) && (ifi->ifi_flags & IFF_LOWER_UP) &&
		!(ifi->ifi_flags & IFF_DORMANT);
	ev.mtu = tb[IFLA_MTU] ? mnl_attr_get_u32(tb[IFLA_MTU]) : 1500;
	lost = missed_loss(u, tb, ev.up);
	other_mtu = u->mtu && u->mtu != ev.mtu;
	u->mtu = ev.mtu;
	if (other_mtu || !ev.up) /* as the kernel does */
		u->advertised_mtu = 0;
	u->seen = true;
	u->down = !ev.up;
	if (other_mtu)
		path_follow_mtu(n, u);
	if (tb[IFLA_ADDRESS] && mnl_attr_get_payload_len(tb[IFLA_ADDRESS]) == sizeof(u->mac))
		memcpy(u->mac, mnl_attr_get_payload(tb[IFLA_ADDRESS]), sizeof(u->mac));
	if (lost) {
		ev.up = false;
		engine_link(n->engine, now, &ev);
		ev.up = true;
	}
	engine_link(n->engine, now, &ev);
	path_link_changed(n, u);
	if (ev.removed)
		uplink_remove(n, ifi->ifi_index);
}

static void on_own_address(struct net *n, const struct nlmsghdr *h, const struct in6_addr *addr)
{
	if (h->nlmsg_type == RTM_DELADDR && engine_find_home(n->engine, addr))
		reconcile_soon(n, "an address");
}

/*
 * Made by the kernel from an advertisement, and kept by it.  Older kernels do not say so; network managers switch the prefix
 * route off when they do it themselves.
 */
static bool is_slaac(const struct nlattr **tb, uint32_t flags, uint8_t plen)
{
	if (tb[ADDRESS_PROTO])
		return mnl_attr_get_u8(tb[ADDRESS_PROTO]) == PROTO_KERNEL_RA;
	return plen == 64 && !(flags & (IFA_F_PERMANENT | IFA_F_NOPREFIXROUTE | IFA_F_TEMPORARY));
}

static void on_address(struct net *n, const struct nlmsghdr *h, struct instant now)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(h);
	const struct nlattr *tb[ADDRESS_ATTR_MAX + 1];
	struct address_event ev = {.ifindex = (int)ifa->ifa_index, .plen = ifa->ifa_prefixlen};
	const struct ifa_cacheinfo *life = NULL;
	uint32_t flags = ifa->ifa_flags;
	struct uplink *u;

	if (ifa->ifa_family == AF_INET)
		engine_ipv4(n->engine, now, ev.ifindex,
			    h->nlmsg_type == RTM_NEWADDR || ipv4_present(ev.ifindex));
	if (ifa->ifa_family != AF_INET6)
		return;
	netlink_attributes(h, sizeof(*ifa), tb, ADDRESS_ATTR_MAX);
	if (!tb[IFA_ADDRESS] || mnl_attr_get_payload_len(tb[IFA_ADDRESS]) != sizeof(ev.addr))
		return;
	memcpy(&ev.addr, mnl_attr_get_payload(tb[IFA_ADDRESS]), sizeof(ev.addr));
	if (ev.ifindex == n->device) {
		on_own_address(n, h, &ev.addr);
		return;
	}
	u = uplink_find(n, ev.ifindex);
	if (!u || !u->usable_type)
		return;
	if (addr_equal(&u->early, &ev.addr))
		new_address_known(n, u);
	if (tb[IFA_FLAGS])
		flags = mnl_attr_get_u32(tb[IFA_FLAGS]);
	if (tb[IFA_CACHEINFO] && mnl_attr_get_payload_len(tb[IFA_CACHEINFO]) >= sizeof(*life))
		life = mnl_attr_get_payload(tb[IFA_CACHEINFO]);
	ev.removed = h->nlmsg_type == RTM_DELADDR;
	ev.tentative = flags & IFA_F_TENTATIVE;
	ev.optimistic = flags & IFA_F_OPTIMISTIC;
	ev.duplicate = flags & IFA_F_DADFAILED;
	ev.deprecated = (flags & IFA_F_DEPRECATED) || (life && life->ifa_prefered == 0);
	ev.temporary = flags & IFA_F_TEMPORARY;
	ev.is_static = flags & IFA_F_PERMANENT;
	ev.is_slaac = is_slaac(tb, flags, ifa->ifa_prefixlen);
	ev.valid_until = life ? nd_lifetime_end(now.mono, life->ifa_valid) : USEC_INFINITY;
	if (addr_is_linklocal(&ev.addr)) {
		bool usable = !ev.removed && !ev.duplicate && (!ev.tentative || ev.optimistic);

		if (usable)
			u->linklocal = ev.addr;
		else if (addr_equal(&u->linklocal, &ev.addr))
			u->linklocal = in6addr_any;
	}
	if (ev.removed && engine_find_home(n->engine, &ev.addr))
		reconcile_soon(n, "an address");
	engine_address(n->engine, now, &ev);
}

static void on_route(struct net *n, const struct nlmsghdr *h, struct instant now)
{
	const struct rtmsg *rt = mnl_nlmsg_get_payload(h);
	const struct nlattr *tb[RTA_MAX + 1];
	struct route_event ev = {.metric = ROUTE_METRIC};

	if (rt->rtm_family != AF_INET6 || multicast_route(n, h))
		return;
	if (rt->rtm_protocol == NET_PROTOCOL) {
		if (h->nlmsg_type == RTM_DELROUTE)
			reconcile_soon(n, "a route");
		return;
	}
	if (rt->rtm_dst_len || rt->rtm_table != RT_TABLE_MAIN || rt->rtm_type != RTN_UNICAST)
		return;
	netlink_attributes(h, sizeof(*rt), tb, RTA_MAX);
	if (!tb[RTA_OIF])
		return;
	ev.ifindex = (int)mnl_attr_get_u32(tb[RTA_OIF]);
	if (tb[RTA_GATEWAY] && mnl_attr_get_payload_len(tb[RTA_GATEWAY]) == sizeof(ev.gateway))
		memcpy(&ev.gateway, mnl_attr_get_payload(tb[RTA_GATEWAY]), sizeof(ev.gateway));
	if (tb[RTA_PRIORITY])
		ev.metric = mnl_attr_get_u32(tb[RTA_PRIORITY]);
	ev.from_ra = rt->rtm_protocol == RTPROT_RA;
	ev.removed = h->nlmsg_type == RTM_DELROUTE;
	engine_route(n->engine, now, &ev);
}

/* Somebody took a queue or a filter away: it may have been ours. */
static void on_tc(struct net *n, const struct nlmsghdr *h)
{
	const struct tcmsg *t = mnl_nlmsg_get_payload(h);
	struct uplink *u = uplink_find(n, t->tcm_ifindex);

	if (u && u->attached) {
		u->attached = false;
		u->want_attached = true;
	} else if (t->tcm_ifindex != n->device && t->tcm_ifindex != n->device_peer &&
		   !is_own_tunnel(n, t->tcm_ifindex)) {
		return;
	}
	reconcile_soon(n, "a program");
}

static void on_rule(struct net *n, const struct nlmsghdr *h)
{
	const struct rtmsg *rt = mnl_nlmsg_get_payload(h);

	if (policy_route_is_own(n, h))
		return;
	/* Flushing the rules of others takes ours along, without a protocol in the message of old
	 * kernels. */
	if (h->nlmsg_type == RTM_DELRULE && rt->rtm_family == AF_INET6)
		reconcile_soon(n, "a rule");
}

static void on_neighbour(struct net *n, const struct nlmsghdr *h, struct instant now)
{
	const struct ndmsg *nd = mnl_nlmsg_get_payload(h);
	const struct nlattr *tb[NDA_MAX + 1];
	struct in6_addr addr;

	if (nd->ndm_family != AF_INET6 || h->nlmsg_type != RTM_NEWNEIGH ||
	    nd->ndm_state != NUD_FAILED)
		return;
	netlink_attributes(h, sizeof(*nd), tb, NDA_MAX);
	if (!tb[NDA_DST] || mnl_attr_get_payload_len(tb[NDA_DST]) != sizeof(addr))
		return;
	memcpy(&addr, mnl_attr_get_payload(tb[NDA_DST]), sizeof(addr));
	engine_neighbour(n->engine, now, nd->ndm_ifindex, &addr, false);
}

static int on_message(const struct nlmsghdr *h, void *user)
{
	struct net *n = user;
	struct instant now = loop_now();

	switch (h->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		on_link(n, h, now);
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		on_address(n, h, now);
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		on_route(n, h, now);
		break;
	case RTM_NEWRULE:
	case RTM_DELRULE:
		on_rule(n, h);
		break;
	case RTM_DELQDISC:
	case RTM_DELTFILTER:
		on_tc(n, h);
		break;
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		on_neighbour(n, h, now);
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

/*
 * Neighbour entries change with every bit of traffic; only their failure concerns us.  The filter
 * runs in the kernel so that the rest does not even wake the daemon.  Loads are big-endian, netlink
 * is in host order.
 */
static int filter_neighbours(int fd)
{
	const size_t state = NLMSG_HDRLEN + offsetof(struct ndmsg, ndm_state);
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_type)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWNEIGH), 0, 2),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, state),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(NUD_FAILED), 1, 2),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELNEIGH), 1, 0),
		BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog prog = {.len = sizeof(code) / sizeof(*code), .filter = code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0 ? -errno : 0;
}

static int on_resync(sd_event_source *s, uint64_t usec, void *user)
{
	(void)s, (void)usec;
	monitor_resync(user);
	return 0;
}

/* What is still queued is older than what is about to be read: believed afterwards, it would undo the news. */
static void discard_queued(struct net *n)
{
	char buf[16384];

	for (unsigned i = 0; i < RECEIVE_BUFFER / sizeof(struct nlmsghdr); i++)
		if (mnl_socket_recvfrom(n->monitor, buf, sizeof(buf)) < 0 && errno == EAGAIN)
			return;
}

void monitor_resync_later(struct net *n)
{
	loop_timer_set(n->resync, usec_add(loop_now().mono, RESYNC_AGAIN));
}

/*
 * Everything anew.  A dump that was interrupted by changes is no basis for removing what it did not mention: it is made
 * again, and if the storm goes on, later.
 */
static void monitor_resync(struct net *n)
{
	struct uplink *u, *t;
	int r;

	discard_queued(n);
	list_for_each(u, &n->uplinks, node)
		u->seen = false;
	engine_resync(n->engine, loop_now(), true);
	engine_hold(n->engine); /* what is settled for half of a dump is settled in vain */
	r = monitor_dump(n);
	if (r == 0)
		engine_resync(n->engine, loop_now(), false);
	engine_release(n->engine);
	if (r < 0) {
		monitor_resync_later(n);
		return;
	}
	list_for_each_safe(u, t, &n->uplinks, node) {
		u->want_attached = u->want_attached || u->attached;
		u->attached = false;
		if (!u->seen)
			uplink_remove(n, u->ifindex);
	}
	reconcile_soon(n, "something");
}

static int on_readable(sd_event_source *s, int fd, uint32_t revents, void *user)
{
	struct net *n = user;
	char buf[16384];
	ssize_t len = 0;

	(void)s, (void)fd, (void)revents;
	/* A burst of events in one pass, but timers must not wait for a storm to end. */
	for (unsigned i = 0; i < MESSAGES_PER_WAKEUP; i++) {
		len = mnl_socket_recvfrom(n->monitor, buf, sizeof(buf));
		if (len <= 0)
			break;
		mnl_cb_run(buf, (size_t)len, 0, 0, on_message, n);
	}
	if (len < 0 && errno == ENOBUFS) {
		log_notice("netlink events were lost: reading everything again");
		monitor_resync(n);
	}
	return 0;
}

int monitor_open(struct net *n)
{
	static const int groups[] = {RTNLGRP_LINK,       RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_ROUTE,
				     RTNLGRP_IPV6_RULE,  RTNLGRP_NEIGH,       RTNLGRP_TC,
				     RTNLGRP_IPV4_IFADDR};
	int size = RECEIVE_BUFFER, fd, r;

	n->monitor = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!n->monitor)
		return -errno;
	fd = mnl_socket_get_fd(n->monitor);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	r = filter_neighbours(fd);
	if (r < 0)
		return r;
	if (mnl_socket_bind(n->monitor, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	for (unsigned i = 0; i < sizeof(groups) / sizeof(*groups); i++)
		if (mnl_socket_setsockopt(n->monitor, NETLINK_ADD_MEMBERSHIP, (void *)&groups[i],
					  sizeof(groups[i])) < 0)
			return -errno;
	r = loop_timer_new(n->ev, on_resync, n, &n->resync);
	return r < 0 ? r : net_watch(n, fd, on_readable);
}

static int dump_one(struct net *n, uint16_t type, unsigned header, unsigned char family)
{
	struct mnl_socket *s = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	char buf[16384];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	ssize_t len;
	int r;

	if (!s)
		return -errno;
	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	h->nlmsg_seq = ++n->monitor_seq;
	*(unsigned char *)mnl_nlmsg_put_extra_header(h, header) = family;
	r = mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0 ||
			    mnl_socket_sendto(s, h, h->nlmsg_len) < 0
		    ? -errno
		    : MNL_CB_OK;
	while (r == MNL_CB_OK) {
		len = mnl_socket_recvfrom(s, buf, sizeof(buf));
		if (len < 0) {
			r = -errno;
			break;
		}
		r = mnl_cb_run(buf, (size_t)len, n->monitor_seq, mnl_socket_get_portid(s),
			       on_message, n);
		if (r < 0)
			r = -errno;
	}
	mnl_socket_close(s);
	return r;
}

/* Changes while it runs interrupt a dump (EINTR): it is made again. */
static int dump(struct net *n, uint16_t type, unsigned header, unsigned char family)
{
	int r = -EINTR;

	for (unsigned i = 0; i < DUMP_TRIES && r == -EINTR; i++)
		r = dump_one(n, type, header, family);
	return r;
}

int monitor_dump(struct net *n)
{
	int r;

	if ((r = dump(n, RTM_GETLINK, sizeof(struct ifinfomsg), AF_UNSPEC)) < 0 ||
	    (r = dump(n, RTM_GETADDR, sizeof(struct ifaddrmsg), AF_INET6)) < 0 ||
	    (r = dump(n, RTM_GETADDR, sizeof(struct ifaddrmsg), AF_INET)) < 0 ||
	    (r = dump(n, RTM_GETROUTE, sizeof(struct rtmsg), AF_INET6)) < 0)
		return r;
	return 0;
}
