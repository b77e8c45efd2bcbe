/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mobility messages in and out.
 *
 * Out: whole packets with our own headers (IPV6_HDRINCL), since the checksum covers the home
 * address, which the kernel would not use.  In: a raw socket for the Mobility Header; the data
 * plane has taken the type 2 routing header out and left a mark, so the destination is the home
 * address.  A plane that does not leaves that to routing_header.c.
 */
#include <errno.h>
#include <sys/socket.h>

#include "net/bpf/plane.h"
#include "net/datagram.h"
#include "net/internal.h"
#include "proto/mh.h"

#ifndef SO_RCVMARK
#define SO_RCVMARK 75 /* Linux 5.19 */
#endif

static void set_mark(int fd, uint32_t mark)
{
	if (setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0)
		log_debug("a message is not marked: %s", log_strerror(errno));
}

/* From the care-of address, but for what a home address sends that has just become one again: the plane has its tunnel still. */
static bool goes_as_data_do(const struct engine *e, const struct ip6_packet *packet)
{
	return addr_equal(&packet->src, &e->coa) &&
	       (packet->has_home_option ||
		(packet->next_header == IPPROTO_ICMPV6 && !engine_find_home(e, &packet->src)));
}

int net_send(struct net *n, int ifindex, const struct ip6_packet *packet)
{
	uint8_t buf[MH_MAX_LEN + IP6_HEADER_LEN + HAO_HEADER_LEN];
	struct uplink *u = uplink_find(n, ifindex);
	struct in6_addr route_source = in6addr_any;
	struct plane_way way = {.ifindex = ifindex};
	const struct engine *e = n->engine;
	const struct binding *b;
	int r, len;

	if (!u)
		return -ENODEV;
	r = uplink_attach(n, u); /* before the answer can come */
	if (r < 0)
		return r;
	len = ip6_packet_build(packet, buf, sizeof(buf));
	if (len < 0)
		return len;
	if (goes_as_data_do(e, packet)) {
		/* Not the way of the main table: that may still hold the on-link prefix of a link we
		 * have left, and with it the home agent. */
		r = n->plane->ops->set_source(n->plane, &packet->src, ifindex, &e->next_hop, &way);
		if (r < 0)
			return r;
		route_source = packet->src;
	} else if ((b = engine_find_home(e, &packet->src))) {
		path_reach_agent(n, b->slot, &packet->dst, ifindex);
		route_source = packet->src;
	}
	if (way.mark)
		set_mark(n->raw_fd, way.mark);
	r = datagram_send(n->raw_fd, &route_source, &packet->dst, way.ifindex, buf, (size_t)len);
	if (way.mark)
		set_mark(n->raw_fd, 0);
	if (r < 0 || packet->has_home_option || packet->next_header == IPPROTO_ICMPV6)
		return r;
	/* The agent may still know the home address at another interface of ours, from an earlier
	 * stay, and would send its answer there. */
	nd_claim(n, u, &packet->src, &packet->dst);
	return nd_search(n, u, &packet->dst);
}

void mobility_receive(struct net *n, const struct datagram *d)
{
	struct message_event ev = {
		.src = d->src,
		.dst = d->dst,
		.has_rh2 = d->mark == PLANE_MARK_RH2,
		.rh2_unknown = !n->marks_known,
		.mh = d->data,
		.len = d->len,
	};

	if (d->len <= MH_MAX_LEN)
		engine_message(n->engine, loop_now(), &ev);
}

static int on_readable(sd_event_source *s, int fd, uint32_t revents, void *user)
{
	struct net *n = user;

	(void)s, (void)revents;
	engine_hold(n->engine);
	datagrams_receive(n, fd, 0, MH_MAX_LEN, mobility_receive);
	engine_release(n->engine);
	leave_at_leisure(n);
	return 0;
}

int mobility_open(struct net *n)
{
	int on = 1, off = -1;

	n->raw_fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);
	n->mobility_fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, MH_NEXT_HEADER);
	if (n->raw_fd < 0 || n->mobility_fd < 0)
		return -errno;
	/* The engine verifies checksums itself; the kernel counts a wrong one and hides the
	 * message. */
	if (setsockopt(n->mobility_fd, IPPROTO_IPV6, IPV6_CHECKSUM, &off, sizeof(off)) < 0 ||
	    setsockopt(n->mobility_fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)) < 0)
		return -errno;
	n->marks_known = setsockopt(n->mobility_fd, SOL_SOCKET, SO_RCVMARK, &on, sizeof(on)) == 0;
	return net_watch(n, n->mobility_fd, on_readable);
}
