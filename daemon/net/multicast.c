/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Multicast keeps away from our devices.  The kernel gives each interface a route for all groups, whether it can do multicast
 * or not, and of several takes any for who sends without saying where: it would go into our device instead of the network.
 * The route of each of ours is taken away as soon as it is told of.
 */
#include <errno.h>
#include <linux/rtnetlink.h>

#include "net/internal.h"
#include "net/netlink.h"

#define GROUPS_LEN 8 /* ff00::/8 */

static const struct in6_addr groups = {.s6_addr = {0xff}};

static bool is_own(const struct net *n, int ifindex)
{
	return ifindex == n->device || ifindex == n->device_peer ||
	       (n->plane->ops->owns && n->plane->ops->owns(n->plane, ifindex));
}

static int remove_route(int ifindex)
{
	char buf[256];
	struct nlmsghdr *h = netlink_message(buf, RTM_DELROUTE, NLM_F_ACK, sizeof(struct rtmsg));
	struct rtmsg *rt = mnl_nlmsg_get_payload(h);

	rt->rtm_family = AF_INET6;
	rt->rtm_dst_len = GROUPS_LEN;
	rt->rtm_table = RT_TABLE_LOCAL;
	rt->rtm_type = RTN_MULTICAST;
	mnl_attr_put(h, RTA_DST, sizeof(groups), &groups);
	mnl_attr_put_u32(h, RTA_OIF, (uint32_t)ifindex);
	return netlink_talk(h, NULL, NULL);
}

bool multicast_route(const struct net *n, const struct nlmsghdr *h)
{
	const struct rtmsg *rt = mnl_nlmsg_get_payload(h);
	const struct nlattr *tb[RTA_OIF + 1];
	int ifindex, r;

	if (rt->rtm_table != RT_TABLE_LOCAL || rt->rtm_dst_len != GROUPS_LEN)
		return false;
	netlink_attributes(h, sizeof(*rt), tb, RTA_OIF);
	if (h->nlmsg_type != RTM_NEWROUTE || !tb[RTA_OIF])
		return true;
	ifindex = (int)mnl_attr_get_u32(tb[RTA_OIF]);
	r = is_own(n, ifindex) ? remove_route(ifindex) : 0;
	if (r < 0 && r != -ESRCH)
		log_errno(r, "cannot keep multicast away from interface %d", ifindex);
	return true;
}
