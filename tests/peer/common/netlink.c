/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netlink.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>

#define ANSWER_MAX 8192

struct netlink {
	struct mnl_socket *sock;
	unsigned sequence;
	char buf[MNL_NLMSG_HDRLEN + 512];
};

int netlink_open(struct netlink **ret)
{
	struct netlink *nl = calloc(1, sizeof(*nl));

	if (!nl)
		return -ENOMEM;
	nl->sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!nl->sock || mnl_socket_bind(nl->sock, 0, MNL_SOCKET_AUTOPID) < 0) {
		int r = -errno;

		netlink_close(nl);
		return r;
	}
	*ret = nl;
	return 0;
}

void netlink_close(struct netlink *nl)
{
	if (!nl)
		return;
	if (nl->sock)
		mnl_socket_close(nl->sock);
	free(nl);
}

static struct nlmsghdr *request(struct netlink *nl, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(nl->buf);

	h->nlmsg_type = type;
	h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	h->nlmsg_seq = ++nl->sequence;
	return h;
}

static int transact(struct netlink *nl, struct nlmsghdr *h)
{
	char answer[ANSWER_MAX];
	ssize_t n;

	if (mnl_socket_sendto(nl->sock, h, h->nlmsg_len) < 0)
		return -errno;
	n = mnl_socket_recvfrom(nl->sock, answer, sizeof(answer));
	if (n < 0)
		return -errno;
	if (mnl_cb_run(answer, (size_t)n, nl->sequence, mnl_socket_get_portid(nl->sock), NULL,
		       NULL) < 0)
		return -errno;
	return 0;
}

static int ignoring(int r, int harmless)
{
	return r == -harmless ? 0 : r;
}

int netlink_link_up(struct netlink *nl, int ifindex, unsigned queue_len)
{
	struct nlmsghdr *h = request(nl, RTM_NEWLINK, 0);
	struct ifinfomsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	struct nlattr *spec, *inet6;

	m->ifi_family = AF_UNSPEC;
	m->ifi_index = ifindex;
	m->ifi_flags = IFF_UP;
	m->ifi_change = IFF_UP;
	mnl_attr_put_u32(h, IFLA_TXQLEN, queue_len);
	spec = mnl_attr_nest_start(h, IFLA_AF_SPEC);
	inet6 = mnl_attr_nest_start(h, AF_INET6);
	mnl_attr_put_u8(h, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(h, inet6);
	mnl_attr_nest_end(h, spec);
	return transact(nl, h);
}

static int addr_change(struct netlink *nl, uint16_t type, uint16_t flags, int ifindex,
		       const struct in6_addr *a)
{
	struct nlmsghdr *h = request(nl, type, flags);
	struct ifaddrmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));

	m->ifa_family = AF_INET6;
	m->ifa_prefixlen = 128;
	m->ifa_flags = IFA_F_NODAD;
	m->ifa_index = (uint32_t)ifindex;
	mnl_attr_put(h, IFA_LOCAL, sizeof(*a), a);
	return transact(nl, h);
}

int netlink_addr_add(struct netlink *nl, int ifindex, const struct in6_addr *a)
{
	return ignoring(addr_change(nl, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, ifindex, a),
			EEXIST);
}

int netlink_addr_del(struct netlink *nl, int ifindex, const struct in6_addr *a)
{
	return ignoring(addr_change(nl, RTM_DELADDR, 0, ifindex, a), EADDRNOTAVAIL);
}

static int route_change(struct netlink *nl, uint16_t type, uint16_t flags,
			const struct ip6_prefix *dst, int ifindex)
{
	struct nlmsghdr *h = request(nl, type, flags);
	struct rtmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));

	m->rtm_family = AF_INET6;
	m->rtm_dst_len = dst->len;
	m->rtm_table = RT_TABLE_MAIN;
	m->rtm_protocol = RTPROT_STATIC;
	m->rtm_scope = RT_SCOPE_UNIVERSE;
	m->rtm_type = RTN_UNICAST;
	mnl_attr_put(h, RTA_DST, sizeof(dst->addr), &dst->addr);
	mnl_attr_put_u32(h, RTA_OIF, (uint32_t)ifindex);
	return transact(nl, h);
}

int netlink_route_add(struct netlink *nl, const struct ip6_prefix *dst, int ifindex)
{
	return route_change(nl, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, dst, ifindex);
}

int netlink_route_del(struct netlink *nl, const struct ip6_prefix *dst, int ifindex)
{
	return ignoring(route_change(nl, RTM_DELROUTE, 0, dst, ifindex), ESRCH);
}

static int proxy_change(struct netlink *nl, uint16_t type, uint16_t flags, int ifindex,
			const struct in6_addr *a)
{
	struct nlmsghdr *h = request(nl, type, flags);
	struct ndmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));

	m->ndm_family = AF_INET6;
	m->ndm_ifindex = ifindex;
	m->ndm_state = NUD_PERMANENT;
	m->ndm_flags = NTF_PROXY;
	mnl_attr_put(h, NDA_DST, sizeof(*a), a);
	return transact(nl, h);
}

int netlink_proxy_add(struct netlink *nl, int ifindex, const struct in6_addr *a)
{
	return proxy_change(nl, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, ifindex, a);
}

int netlink_proxy_del(struct netlink *nl, int ifindex, const struct in6_addr *a)
{
	return ignoring(proxy_change(nl, RTM_DELNEIGH, 0, ifindex, a), ENOENT);
}
