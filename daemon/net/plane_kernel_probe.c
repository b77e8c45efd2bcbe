/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does the kernel have what the kernel plane needs?  It is asked to make such things, which are removed at once: where they are
 * modules, that loads them.
 */
#include <errno.h>
#include <linux/pkt_cls.h>
#include <linux/xfrm.h>
#include <stdio.h>
#include <string.h>

#include "net/netlink.h"
#include "net/plane_kernel.h"
#include "net/tc.h"

/* Nobody has these addresses (RFC 6666). */
static const struct in6_addr one = {.s6_addr = {1, [15] = 1}};
static const struct in6_addr other = {.s6_addr = {1, [15] = 2}};

/* A type 2 routing header from one to other: only a kernel with Mobile IPv6 knows what that is. */
static int add_state(void)
{
	char buf[TUNNEL_MESSAGE_SIZE];
	struct nlmsghdr *h = netlink_message(buf, XFRM_MSG_NEWSA, NLM_F_CREATE | NLM_F_ACK,
					     sizeof(struct xfrm_usersa_info));
	struct xfrm_usersa_info *s = mnl_nlmsg_get_payload(h);

	s->family = s->sel.family = AF_INET6;
	s->id.proto = IPPROTO_ROUTING;
	s->mode = XFRM_MODE_ROUTEOPTIMIZATION;
	memcpy(&s->saddr, &one, sizeof(one));
	memcpy(&s->id.daddr, &other, sizeof(other));
	s->lft.soft_byte_limit = s->lft.hard_byte_limit = XFRM_INF;
	s->lft.soft_packet_limit = s->lft.hard_packet_limit = XFRM_INF;
	mnl_attr_put(h, XFRMA_COADDR, sizeof(other), &other);
	return netlink_talk_to(NETLINK_XFRM, h, NULL, NULL);
}

static void delete_state(void)
{
	char buf[TUNNEL_MESSAGE_SIZE];
	struct nlmsghdr *h =
		netlink_message(buf, XFRM_MSG_DELSA, NLM_F_ACK, sizeof(struct xfrm_usersa_id));
	struct xfrm_usersa_id *id = mnl_nlmsg_get_payload(h);

	id->family = AF_INET6;
	id->proto = IPPROTO_ROUTING;
	memcpy(&id->daddr, &other, sizeof(other));
	mnl_attr_put(h, XFRMA_SRCADDR, sizeof(one), &one);
	netlink_talk_to(NETLINK_XFRM, h, NULL, NULL);
}

static int probe_mobile_ip(void)
{
	int r = add_state();

	if (r == 0)
		delete_state();
	return r == -EEXIST ? 0 : r;
}

/* -EEXIST: somebody else's, or left by a probe that was interrupted; the kernel knows what it is in any case. */
static int make_tunnel(char name[IFNAMSIZ])
{
	struct tunnel_spec s = {.name = name, .local = one, .remote = other};
	char buf[TUNNEL_MESSAGE_SIZE];

	return netlink_talk(tunnel_add(buf, &s), NULL, NULL);
}

static int probe_filter(int ifindex)
{
	struct match m = {.n = 0};

	match_end(&m, (uint32_t)TC_ACT_UNSPEC);
	return tc_attach_classic(ifindex, TC_INGRESS, m.code, m.n, "dmm_probe");
}

void kernel_probe(const struct plane_kernel *k, char *why, size_t size)
{
	char name[IFNAMSIZ], buf[TUNNEL_MESSAGE_SIZE];
	int ifindex, r;

	why[0] = '\0';
	if (snprintf(name, sizeof(name), "%stx", k->device) >= (int)sizeof(name)) {
		snprintf(why, size, "Device=%s leaves no room for a number behind it", k->device);
		return;
	}
	if ((r = make_tunnel(name)) < 0 && r != -EEXIST) {
		snprintf(why, size, "no ip6_tunnel (CONFIG_IPV6_TUNNEL): %s", log_strerror(-r));
		return;
	}
	ifindex = (int)if_nametoindex(name);
	r = ifindex ? probe_filter(ifindex) : 0;
	if (ifindex)
		netlink_talk(tunnel_delete(buf, ifindex), NULL, NULL);
	if (r < 0)
		snprintf(why, size, "no filters (CONFIG_NET_SCH_INGRESS, CONFIG_NET_CLS_BPF): %s",
			 log_strerror(-r));
	else if ((r = probe_mobile_ip()) < 0)
		snprintf(why, size, "no Mobile IPv6 (CONFIG_IPV6_MIP6, CONFIG_XFRM_USER): %s",
			 log_strerror(-r));
}
