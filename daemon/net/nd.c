/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Neighbour Discovery on our own sockets: router advertisements are overheard (accept_ra stays
 * whatever it is), solicitations and unsolicited advertisements are sent as frames, at once,
 * whatever state addresses are in.
 */
#include <errno.h>
#include <linux/icmpv6.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/neighbour.h>
#include <string.h>
#include <sys/socket.h>

#include "net/datagram.h"
#include "net/internal.h"
#include "net/netlink.h"
#include "proto/nd.h"

#define ND_HOP_LIMIT 255
#define ROUTER_ADVERT 134
#define NEIGHBOUR_ADVERT 136
#define MAX_ADVERT 2048

static const struct in6_addr all_nodes = {.s6_addr = {0xff, 2, [15] = 1}};
static const struct in6_addr all_routers = {.s6_addr = {0xff, 2, [15] = 2}};

/* The group that only the owner of an address is in, as a rule (RFC 4291 section 2.7.1). */
static struct in6_addr solicited_node(const struct in6_addr *addr)
{
	struct in6_addr group = {.s6_addr = {0xff, 2, [11] = 1, 0xff}};

	memcpy(group.s6_addr + 13, addr->s6_addr + 13, 3);
	return group;
}

/* mac: of the destination; NULL = it is a group. */
static int send_frame(struct net *n, const struct uplink *u, const struct in6_addr *src,
		      const struct in6_addr *dst, const uint8_t *mac, uint8_t *icmp, size_t len)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IPV6),
		.sll_ifindex = u->ifindex,
	};
	uint8_t packet[IP6_HEADER_LEN + 128];
	struct ip6_packet p = {
		.src = *src,
		.dst = *dst,
		.hop_limit = ND_HOP_LIMIT,
		.next_header = IPPROTO_ICMPV6,
		.payload = icmp,
		.payload_len = len,
	};
	int r;

	icmp6_set_checksum(src, dst, icmp, len);
	r = ip6_packet_build(&p, packet, sizeof(packet));
	if (r < 0)
		return r;
	if (uplink_has_mac(u)) {
		to.sll_halen = sizeof(u->mac);
		if (mac) {
			memcpy(to.sll_addr, mac, sizeof(u->mac));
		} else { /* RFC 2464 section 7 */
			to.sll_addr[0] = to.sll_addr[1] = 0x33;
			memcpy(to.sll_addr + 2, dst->s6_addr + 12, 4);
		}
	}
	if (sendto(n->packet_fd, packet, (size_t)r, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	return 0;
}

int net_solicit(struct net *n, int ifindex)
{
	struct uplink *u = uplink_find(n, ifindex);
	uint8_t icmp[64];
	bool with_source;
	int r;

	if (!u)
		return -ENODEV;
	if (uplink_sysctl(u, SYSCTL_DISABLE_IPV6))
		return -EADDRNOTAVAIL;
	with_source = !addr_is_any(&u->linklocal);
	r = nd_router_solicit_build(with_source && uplink_has_mac(u) ? u->mac : NULL,
				    sizeof(u->mac), icmp, sizeof(icmp));
	if (r < 0)
		return r;
	r = send_frame(n, u, with_source ? &u->linklocal : &in6addr_any, &all_routers, NULL, icmp,
		       (size_t)r);
	if (r < 0)
		log_debug("%s: cannot send a router solicitation: %s", u->name, log_strerror(-r));
	/* Behind the solicitation there is time for this; an answer takes longer. */
	uplink_attach(n, u);
	return r;
}

/*
 * The kernel asks too, but from a link-local address, which a link that has just come up may not have for a second.  The
 * answer to this one goes to all nodes and completes the kernel's entry, on which the update waits.
 */
int nd_search(struct net *n, const struct uplink *u, const struct in6_addr *agent)
{
	const struct in6_addr group = solicited_node(agent);
	uint8_t icmp[64];
	int r;

	if (!uplink_has_mac(u))
		return 0;
	r = nd_neighbour_solicit_build(agent, NULL, 0, icmp, sizeof(icmp));
	if (r < 0)
		return r;
	return send_frame(n, u, &in6addr_any, &group, NULL, icmp, (size_t)r);
}

/* Neighbour advertisements answer the kernel, too, again and again: they are let in only while one is waited for. */
static int let_in(const struct net *n, bool neighbours)
{
	struct icmp6_filter filter;

	memset(&filter, 0xff, sizeof(filter)); /* a set bit blocks (RFC 3542 section 3.2) */
	filter.data[ROUTER_ADVERT / 32] &= ~(1u << ROUTER_ADVERT % 32);
	if (neighbours)
		filter.data[NEIGHBOUR_ADVERT / 32] &= ~(1u << NEIGHBOUR_ADVERT % 32);
	return setsockopt(n->nd_fd, IPPROTO_ICMPV6, ICMPV6_FILTER, &filter, sizeof(filter)) < 0
		       ? -errno
		       : 0;
}

int net_probe_router(struct net *n, int ifindex, const struct in6_addr *router,
		     const uint8_t mac[6])
{
	struct uplink *u = uplink_find(n, ifindex);
	uint8_t icmp[64];
	int len, r;

	if (!u || addr_is_any(&u->linklocal) || !uplink_has_mac(u))
		return -EADDRNOTAVAIL;
	len = nd_neighbour_solicit_build(router, u->mac, sizeof(u->mac), icmp, sizeof(icmp));
	if (len < 0)
		return len;
	if (!n->nd_probing && (r = let_in(n, true)) < 0)
		return r;
	n->nd_probing = true;
	return send_frame(n, u, &u->linklocal, router, mac, icmp, (size_t)len);
}

/*
 * The kernel joins the group itself, but only when duplicate address detection begins, a moment later: who asks for the
 * address in between would ask again only after a second.
 */
void nd_listen(const struct net *n, int ifindex, const struct in6_addr *address, bool on)
{
	struct ipv6_mreq group = {
		.ipv6mr_multiaddr = solicited_node(address),
		.ipv6mr_interface = (unsigned)ifindex,
	};

	if (setsockopt(n->icmp_fd, IPPROTO_IPV6, on ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP, &group,
		       sizeof(group)) < 0)
		log_debug("group of %s: %s", ADDR_STR(address), log_strerror(errno));
}

/* From the link-local address if there is one: the home address need not be ours here yet. */
static int claim(struct net *n, const struct uplink *u, const struct in6_addr *home,
		 const struct in6_addr *to)
{
	const struct in6_addr *src = addr_is_any(&u->linklocal) ? home : &u->linklocal;
	uint8_t icmp[64];
	int r;

	if (!uplink_has_mac(u))
		return 0;
	r = nd_neighbour_advert_build(home, u->mac, sizeof(u->mac), icmp, sizeof(icmp));
	if (r < 0)
		return r;
	return send_frame(n, u, src, to, NULL, icmp, (size_t)r);
}

int nd_claim(struct net *n, const struct uplink *u, const struct in6_addr *home,
	     const struct in6_addr *agent)
{
	const struct in6_addr group = solicited_node(agent);

	return claim(n, u, home, &group);
}

int net_announce(struct net *n, int ifindex, const struct in6_addr *home)
{
	struct uplink *u = uplink_find(n, ifindex);

	return u ? claim(n, u, home, &all_nodes) : -ENODEV;
}

/* By the kernel: it knows the node's link-layer address, since we have just sent to it. */
int net_answer(struct net *n, int ifindex, const struct in6_addr *home, const struct in6_addr *to)
{
	struct uplink *u = uplink_find(n, ifindex);
	uint8_t icmp[64];
	int r;

	if (!u || addr_is_any(&u->linklocal) || !uplink_has_mac(u))
		return -EADDRNOTAVAIL;
	r = nd_neighbour_advert_build(home, u->mac, sizeof(u->mac), icmp, sizeof(icmp));
	if (r < 0)
		return r;
	return datagram_send(n->nd_fd, &u->linklocal, to, ifindex, icmp, (size_t)r);
}

/*
 * The kernel has forgotten where the router is when the carrier went, and while duplicate address detection runs it does not ask
 * (RFC 4429 section 3.2).  As after an advertisement it may use what is known, and then tests it.
 */
int net_found_router(int ifindex, const struct in6_addr *router, const uint8_t mac[6])
{
	struct nlmsghdr *h;
	struct ndmsg *nd;
	char buf[256];

	h = netlink_message(buf, RTM_NEWNEIGH, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE,
			    sizeof(*nd));
	nd = mnl_nlmsg_get_payload(h);
	nd->ndm_family = AF_INET6;
	nd->ndm_ifindex = ifindex;
	nd->ndm_state = NUD_STALE;
	nd->ndm_flags = NTF_ROUTER;
	mnl_attr_put(h, NDA_DST, sizeof(*router), router);
	mnl_attr_put(h, NDA_LLADDR, 6, mac);
	return netlink_talk(h, NULL, NULL);
}

/* A router that was asked on its own, by its link-layer address. */
static void receive_neighbour(struct net *n, const struct datagram *d)
{
	struct nd_neighbour_advert na;

	if (nd_neighbour_advert_parse(d->data, d->len, &na) == 0 && na.router && na.solicited &&
	    addr_equal(&na.target, &d->src))
		engine_router_answer(n->engine, loop_now(), d->ifindex, &d->src,
				     na.has_lladdr ? na.lladdr : NULL);
}

/* Hop limit 255 and a link-local source: it comes from this link (RFC 4861 section 6.1.2). */
static void receive(struct net *n, const struct datagram *d)
{
	struct in6_addr address;
	struct nd_router_advert ra;

	if (d->hop_limit != ND_HOP_LIMIT || !addr_is_linklocal(&d->src))
		return;
	if (d->len && d->data[0] == NEIGHBOUR_ADVERT) {
		receive_neighbour(n, d);
		return;
	}
	if (nd_router_advert_parse(d->data, d->len, n->conf->property_option, &ra) < 0)
		return;
	if (n->nd_probing && let_in(n, false) == 0)
		n->nd_probing = false;
	uplink_advertised_mtu(n, d->ifindex, ra.mtu);
	engine_hold(n->engine);
	engine_router_advert(n->engine, loop_now(), d->ifindex, &d->src, &ra);
	new_address_look(n, d->ifindex, &ra, &address);
	engine_release(n->engine);
	new_address_listen(n, d->ifindex, &address);
}

static int on_readable(sd_event_source *s, int fd, uint32_t revents, void *user)
{
	(void)s, (void)revents;
	datagrams_receive(user, fd, 0, MAX_ADVERT, receive);
	return 0;
}

int nd_open(struct net *n)
{
	int on = 1, hops = ND_HOP_LIMIT;

	n->packet_fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	n->nd_fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMPV6);
	if (n->packet_fd < 0 || n->nd_fd < 0)
		return -errno;
	if (let_in(n, false) < 0 ||
	    setsockopt(n->nd_fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof(hops)) < 0 ||
	    setsockopt(n->nd_fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)) < 0 ||
	    setsockopt(n->nd_fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &on, sizeof(on)) < 0)
		return -errno;
	return net_watch(n, n->nd_fd, on_readable);
}
