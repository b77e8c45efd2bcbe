/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mobility messages in and out.
 *
 * Out: whole packets with our own headers (IPV6_HDRINCL), since the checksum covers the home
 * address, which the kernel would not use.  In: a raw socket for the Mobility Header; the data
 * plane has taken the type 2 routing header out and left a mark, so the destination is the home
 * address.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "net/bpf/plane.h"
#include "net/internal.h"
#include "proto/mh.h"

#ifndef SO_RCVMARK
#define SO_RCVMARK 75 /* Linux 5.19 */
#endif

int net_send(struct net *n, int ifindex, const struct ip6_packet *packet)
{
	union {
		char buf[CMSG_SPACE(sizeof(struct in6_pktinfo))];
		struct cmsghdr align;
	} control = {0};
	struct in6_pktinfo info = {.ipi6_ifindex = (unsigned)ifindex};
	const struct engine *e = n->engine;
	const struct binding *b;
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_addr = packet->dst};
	uint8_t buf[MH_MAX_LEN + IP6_HEADER_LEN + HAO_HEADER_LEN];
	struct uplink *u = uplink_find(n, ifindex);
	struct iovec iov = {.iov_base = buf};
	struct msghdr m = {
		.msg_name = &to,
		.msg_namelen = sizeof(to),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	int r;

	if (!u)
		return -ENODEV;
	r = uplink_attach(n, u); /* before the answer can come */
	if (r < 0)
		return r;
	r = ip6_packet_build(packet, buf, sizeof(buf));
	if (r < 0)
		return r;
	iov.iov_len = (size_t)r;
	if (addr_equal(&packet->src, &e->coa)) {
		/* The way of the data, not of the main table: that may still hold the on-link prefix
		 * of a link we have left, and with it the home agent. */
		r = n->plane->ops->set_source(n->plane, &packet->src, ifindex, &e->next_hop);
		if (r < 0)
			return r;
		info.ipi6_addr = packet->src;
		info.ipi6_ifindex = (unsigned)n->device;
	} else if ((b = engine_find_home(e, &packet->src))) {
		path_reach_agent(n, b->slot, &packet->dst, ifindex);
		info.ipi6_addr = packet->src;
	}
	c->cmsg_level = IPPROTO_IPV6;
	c->cmsg_type = IPV6_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA(c), &info, sizeof(info));
	if (sendmsg(n->raw_fd, &m, 0) < 0)
		return -errno;
	if (packet->has_home_option)
		return 0;
	/* The agent may still know the home address at another interface of ours, from an earlier
	 * stay, and would send its answer there. */
	nd_claim(n, u, &packet->src, &packet->dst);
	return nd_search(n, u, &packet->dst);
}

static void receive(struct net *n, struct msghdr *m, const uint8_t *buf, size_t len)
{
	const struct sockaddr_in6 *from = m->msg_name;
	struct message_event ev = {.src = from->sin6_addr, .mh = buf, .len = len};
	struct cmsghdr *c;
	uint32_t mark = 0;

	for (c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO)
			ev.dst = ((struct in6_pktinfo *)(void *)CMSG_DATA(c))->ipi6_addr;
		else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_MARK)
			memcpy(&mark, CMSG_DATA(c), sizeof(mark));
	}
	ev.has_rh2 = mark == PLANE_MARK_RH2;
	ev.rh2_unknown = !n->marks_known;
	engine_message(n->engine, loop_now(), &ev);
}

static int on_readable(sd_event_source *s, int fd, uint32_t revents, void *user)
{
	union {
		char buf[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(uint32_t))];
		struct cmsghdr align;
	} control;
	struct sockaddr_in6 from;
	uint8_t buf[MH_MAX_LEN];
	struct iovec iov = {buf, sizeof(buf)};
	struct net *n = user;
	ssize_t len;

	(void)s, (void)revents;
	for (unsigned i = 0; i < MESSAGES_PER_WAKEUP; i++) {
		struct msghdr m = {
			.msg_name = &from,
			.msg_namelen = sizeof(from),
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = control.buf,
			.msg_controllen = sizeof(control.buf),
		};

		len = recvmsg(fd, &m, 0);
		if (len < 0)
			return 0;
		if (!(m.msg_flags & MSG_TRUNC))
			receive(n, &m, buf, (size_t)len);
	}
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
