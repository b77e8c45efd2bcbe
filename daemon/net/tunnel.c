/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/tunnel.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_tunnel.h>
#include <linux/ip6_tunnel.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "net/internal.h"
#include "net/netlink.h"

#define KIND "ip6tnl"
/*
 * A congestion mark inside is ECT(0) outside, whatever is asked for (RFC 3168 section 9.1.1, full functionality; RFC 6040 would
 * copy it): lost is only that the networks in between do not see it.  Only actions on each uplink could rewrite that.
 */
#define FLAGS (IP6_TNL_F_IGN_ENCAP_LIMIT | IP6_TNL_F_USE_ORIG_TCLASS | IP6_TNL_F_USE_ORIG_FLOWLABEL)

static struct nlmsghdr *link_message(void *buf, uint16_t type, uint16_t flags, int ifindex)
{
	struct nlmsghdr *h = netlink_message(buf, type, flags, sizeof(struct ifinfomsg));
	struct ifinfomsg *i = mnl_nlmsg_get_payload(h);

	i->ifi_family = AF_UNSPEC;
	i->ifi_index = ifindex;
	return h;
}

struct nlmsghdr *tunnel_add(void *buf, const struct tunnel_spec *s)
{
	struct nlmsghdr *h =
		link_message(buf, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, 0);
	struct nlattr *info, *data;

	mnl_attr_put_strz(h, IFLA_IFNAME, s->name);
	mnl_attr_put_u32(h, IFLA_MTU, DEVICE_MTU);
	info = mnl_attr_nest_start(h, IFLA_LINKINFO);
	mnl_attr_put_strz(h, IFLA_INFO_KIND, KIND);
	data = mnl_attr_nest_start(h, IFLA_INFO_DATA);
	mnl_attr_put(h, IFLA_IPTUN_LOCAL, sizeof(s->local), &s->local);
	mnl_attr_put(h, IFLA_IPTUN_REMOTE, sizeof(s->remote), &s->remote);
	mnl_attr_put_u32(h, IFLA_IPTUN_LINK, (uint32_t)s->link);
	mnl_attr_put_u8(h, IFLA_IPTUN_TTL, TUNNEL_HOP_LIMIT);
	mnl_attr_put_u8(h, IFLA_IPTUN_PROTO, IPPROTO_IPV6);
	mnl_attr_put_u32(h, IFLA_IPTUN_FLAGS, FLAGS);
	mnl_attr_put_u32(h, IFLA_IPTUN_FWMARK, s->mark);
	mnl_attr_nest_end(h, data);
	mnl_attr_nest_end(h, info);
	return h;
}

struct nlmsghdr *tunnel_plain(void *buf, int ifindex)
{
	struct nlmsghdr *h = link_message(buf, RTM_NEWLINK, NLM_F_ACK, ifindex);
	struct nlattr *families = mnl_attr_nest_start(h, IFLA_AF_SPEC);
	struct nlattr *ip6 = mnl_attr_nest_start(h, AF_INET6);

	mnl_attr_put_u8(h, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(h, ip6);
	mnl_attr_nest_end(h, families);
	return h;
}

struct nlmsghdr *tunnel_up(void *buf, int ifindex)
{
	struct nlmsghdr *h = link_message(buf, RTM_NEWLINK, NLM_F_ACK, ifindex);
	struct ifinfomsg *i = mnl_nlmsg_get_payload(h);

	i->ifi_flags = i->ifi_change = IFF_UP;
	return h;
}

struct nlmsghdr *tunnel_delete(void *buf, int ifindex)
{
	return link_message(buf, RTM_DELLINK, NLM_F_ACK, ifindex);
}

struct nlmsghdr *tunnel_get(void *buf, int ifindex)
{
	struct nlmsghdr *h =
		link_message(buf, RTM_GETLINK, ifindex ? NLM_F_ACK : NLM_F_DUMP, ifindex);
	struct nlattr *info;

	if (!ifindex) {
		info = mnl_attr_nest_start(h, IFLA_LINKINFO);
		mnl_attr_put_strz(h, IFLA_INFO_KIND, KIND);
		mnl_attr_nest_end(h, info);
	}
	return h;
}

/* Attributes inside another one by type, up to max. */
struct nested {
	const struct nlattr **tb;
	unsigned max;
};

static int put_nested(const struct nlattr *a, void *user)
{
	struct nested *n = user;

	if (mnl_attr_get_type(a) <= n->max)
		n->tb[mnl_attr_get_type(a)] = a;
	return MNL_CB_OK;
}

static void parse_nested(const struct nlattr *a, const struct nlattr **tb, unsigned max)
{
	struct nested n = {tb, max};

	memset(tb, 0, sizeof(*tb) * (max + 1));
	if (a)
		mnl_attr_parse_nested(a, put_nested, &n);
}

/* false: not there, or of another size. */
static bool get(const struct nlattr *a, void *ret, size_t size)
{
	if (!a || mnl_attr_get_payload_len(a) < size)
		return false;
	memcpy(ret, mnl_attr_get_payload(a), size);
	return true;
}

bool tunnel_parse(const struct nlmsghdr *h, struct tunnel_info *ret)
{
	const struct ifinfomsg *i = mnl_nlmsg_get_payload(h);
	const struct nlattr *tb[IFLA_STATS64 + 1], *info[IFLA_INFO_DATA + 1];
	const struct nlattr *data[IFLA_IPTUN_FWMARK + 1];
	struct tunnel_info t = {0};
	uint32_t link = 0;

	if (h->nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(h) < sizeof(*i))
		return false;
	netlink_attributes(h, sizeof(*i), tb, IFLA_STATS64);
	parse_nested(tb[IFLA_LINKINFO], info, IFLA_INFO_DATA);
	if (!tb[IFLA_IFNAME] || mnl_attr_validate(tb[IFLA_IFNAME], MNL_TYPE_NUL_STRING) < 0 ||
	    !info[IFLA_INFO_KIND] ||
	    mnl_attr_validate(info[IFLA_INFO_KIND], MNL_TYPE_NUL_STRING) < 0 ||
	    strcmp(mnl_attr_get_str(info[IFLA_INFO_KIND]), KIND) != 0)
		return false;
	parse_nested(info[IFLA_INFO_DATA], data, IFLA_IPTUN_FWMARK);
	if (!get(data[IFLA_IPTUN_LOCAL], &t.spec.local, sizeof(t.spec.local)) ||
	    !get(data[IFLA_IPTUN_REMOTE], &t.spec.remote, sizeof(t.spec.remote)))
		return false;
	get(data[IFLA_IPTUN_LINK], &link, sizeof(link));
	get(data[IFLA_IPTUN_FWMARK], &t.spec.mark, sizeof(t.spec.mark));
	get(tb[IFLA_STATS64], &t.counters, sizeof(t.counters));
	snprintf(t.name, sizeof(t.name), "%s", mnl_attr_get_str(tb[IFLA_IFNAME]));
	t.spec.link = (int)link;
	t.ifindex = i->ifi_index;
	t.up = i->ifi_flags & IFF_UP;
	*ret = t;
	return true;
}

struct nlmsghdr *link_note(void *buf, int ifindex, const char *text)
{
	struct nlmsghdr *h = link_message(buf, RTM_NEWLINK, NLM_F_ACK, ifindex);

	mnl_attr_put_str(h, IFLA_IFALIAS, text);
	return h;
}

struct note {
	char *text;
	size_t size;
};

static int take_note(const struct nlmsghdr *h, void *user)
{
	const struct nlattr *tb[IFLA_IFALIAS + 1];
	struct note *n = user;

	if (h->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	netlink_attributes(h, sizeof(struct ifinfomsg), tb, IFLA_IFALIAS);
	if (tb[IFLA_IFALIAS])
		snprintf(n->text, n->size, "%.*s", (int)mnl_attr_get_payload_len(tb[IFLA_IFALIAS]),
			 (const char *)mnl_attr_get_payload(tb[IFLA_IFALIAS]));
	return MNL_CB_OK;
}

int link_read_note(int ifindex, char *ret, size_t size)
{
	struct note n = {ret, size};
	char buf[TUNNEL_MESSAGE_SIZE];

	ret[0] = '\0';
	return netlink_talk(link_message(buf, RTM_GETLINK, NLM_F_ACK, ifindex), take_note, &n);
}

static int take_index(const struct nlmsghdr *h, void *user)
{
	if (h->nlmsg_type == RTM_NEWLINK)
		*(int *)user = ((const struct ifinfomsg *)mnl_nlmsg_get_payload(h))->ifi_index;
	return MNL_CB_OK;
}

int link_index(const char *name)
{
	char buf[TUNNEL_MESSAGE_SIZE];
	struct nlmsghdr *h = link_message(buf, RTM_GETLINK, NLM_F_ACK, 0);
	int ifindex = 0;

	mnl_attr_put_strz(h, IFLA_IFNAME, name);
	return netlink_talk(h, take_index, &ifindex) < 0 ? 0 : ifindex;
}

static int take_sent(const struct nlmsghdr *h, void *user)
{
	const struct nlattr *tb[IFLA_STATS64 + 1];
	struct rtnl_link_stats64 s;

	if (h->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	netlink_attributes(h, sizeof(struct ifinfomsg), tb, IFLA_STATS64);
	if (get(tb[IFLA_STATS64], &s, sizeof(s)))
		*(uint64_t *)user = s.tx_packets;
	return MNL_CB_OK;
}

uint64_t link_sent_packets(int ifindex)
{
	char buf[TUNNEL_MESSAGE_SIZE];
	uint64_t n = 0;

	netlink_talk(link_message(buf, RTM_GETLINK, NLM_F_ACK, ifindex), take_sent, &n);
	return n;
}

struct nlmsghdr *mark_rule(void *buf, bool add, uint32_t priority, uint32_t table, uint32_t mark)
{
	struct nlmsghdr *h = netlink_message(buf, add ? RTM_NEWRULE : RTM_DELRULE,
					     NLM_F_ACK | (add ? NLM_F_CREATE | NLM_F_EXCL : 0),
					     sizeof(struct fib_rule_hdr));
	struct fib_rule_hdr *rule = mnl_nlmsg_get_payload(h);

	rule->family = AF_INET6;
	rule->action = FR_ACT_TO_TBL;
	mnl_attr_put_u32(h, FRA_PRIORITY, priority);
	mnl_attr_put_u32(h, FRA_TABLE, table);
	mnl_attr_put_u32(h, FRA_FWMARK, mark);
	mnl_attr_put_u32(h, FRA_FWMASK, UINT32_MAX);
	mnl_attr_put_u8(h, FRA_PROTOCOL, NET_PROTOCOL);
	return h;
}

static struct nlmsghdr *route_message(void *buf, uint16_t type, uint16_t flags, uint32_t table)
{
	struct nlmsghdr *h = netlink_message(buf, type, flags | NLM_F_ACK, sizeof(struct rtmsg));

	*(struct rtmsg *)mnl_nlmsg_get_payload(h) = (struct rtmsg){
		.rtm_family = AF_INET6,
		.rtm_protocol = NET_PROTOCOL,
		.rtm_scope = RT_SCOPE_UNIVERSE,
		.rtm_type = RTN_UNICAST,
	};
	mnl_attr_put_u32(h, RTA_TABLE, table);
	mnl_attr_put_u32(h, RTA_PRIORITY, ROUTE_METRIC);
	return h;
}

struct nlmsghdr *mark_route(void *buf, uint32_t table, int ifindex, const struct in6_addr *next_hop)
{
	struct nlmsghdr *h = route_message(buf, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, table);
	struct rtmsg *rt = mnl_nlmsg_get_payload(h);

	mnl_attr_put_u32(h, RTA_OIF, (uint32_t)ifindex);
	if (!addr_is_any(next_hop)) {
		mnl_attr_put(h, RTA_GATEWAY, sizeof(*next_hop), next_hop);
		rt->rtm_flags = RTNH_F_ONLINK;
	}
	return h;
}

struct nlmsghdr *unmark_route(void *buf, uint32_t table)
{
	return route_message(buf, RTM_DELROUTE, 0, table);
}
