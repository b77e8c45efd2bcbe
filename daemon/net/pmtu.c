/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What of the tunnels the data plane does not see: Packet Too Big, and packets that came in fragments.
 *
 * Path MTU (RFC 2473 section 7, RFC 8201): Packet Too Big about our outer packets
 * comes to the care-of address; the error queue of a raw socket for protocol 41 shows it.  The
 * route of every home address in that tunnel follows, and with it TCP's segment size.
 *
 * Such messages are unauthenticated.  They only ever lower the MTU, not below what every path
 * carries, and only for a packet that we could have sent; the next care-of address starts anew.
 */
#include <errno.h>
#include <time.h> /* before errqueue.h, which needs it */
#include <linux/errqueue.h>
#include <linux/icmpv6.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "net/internal.h"

static void too_big(struct net *n, const struct in6_addr *anchor, const uint8_t *inner, size_t len,
		    uint32_t mtu)
{
	struct in6_addr home;

	if (len < IP6_HEADER_LEN || inner[0] >> 4 != 6 || mtu < TUNNEL_OVERHEAD)
		return;
	memcpy(&home, inner + 8, sizeof(home));
	for (unsigned i = 0; i < CONF_MAX_HOMES; i++) {
		struct installed *h = &n->home[i];

		if (!h->present || h->path.mode != PATH_TUNNEL ||
		    !addr_equal(&h->path.home, &home) || !addr_equal(&h->path.anchor, anchor))
			continue;
		path_set_learnt_mtu(n, h, mtu);
	}
}

static void read_errors(struct net *n, int fd)
{
	union {
		char buf[512];
		struct cmsghdr align;
	} control;
	struct sockaddr_in6 to;
	uint8_t buf[256];
	struct iovec iov = {buf, sizeof(buf)};
	struct cmsghdr *c;
	ssize_t len;

	for (unsigned i = 0; i < MESSAGES_PER_WAKEUP; i++) {
		struct msghdr m = {
			.msg_name = &to,
			.msg_namelen = sizeof(to),
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = control.buf,
			.msg_controllen = sizeof(control.buf),
		};

		len = recvmsg(fd, &m, MSG_ERRQUEUE);
		if (len < 0)
			return;
		for (c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
			const struct sock_extended_err *e = (void *)CMSG_DATA(c);

			if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR &&
			    e->ee_origin == SO_EE_ORIGIN_ICMP6 && e->ee_type == ICMPV6_PKT_TOOBIG)
				too_big(n, &to.sin6_addr, buf, (size_t)len, e->ee_info);
		}
	}
}

/* As if it had come out of the tunnel: what is sent into the peer arrives on our device. */
static void inject(struct net *n, const uint8_t *inner, size_t len)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IPV6),
		.sll_ifindex = n->device_peer,
		.sll_halen = sizeof(n->device_mac),
	};

	memcpy(to.sll_addr, n->device_mac, sizeof(n->device_mac));
	if (sendto(n->packet_fd, inner, len, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		log_debug("a reassembled packet is lost: %s", log_strerror(errno));
}

static void reassembled(struct net *n, struct msghdr *m, const uint8_t *inner, size_t len)
{
	const struct sockaddr_in6 *from = m->msg_name;
	struct in6_addr coa = in6addr_any, home;
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO)
			coa = ((const struct in6_pktinfo *)(const void *)CMSG_DATA(c))->ipi6_addr;
	if (len < IP6_HEADER_LEN || inner[0] >> 4 != 6)
		return;
	memcpy(&home, inner + 24, sizeof(home));
	if (n->plane->ops->is_accepted(n->plane, &home, &from->sin6_addr, &coa))
		inject(n, inner, len);
}

static int on_packet(sd_event_source *s, int fd, uint32_t revents, void *user)
{
	union {
		char buf[CMSG_SPACE(sizeof(struct in6_pktinfo))];
		struct cmsghdr align;
	} control;
	static uint8_t buf[65536];
	struct iovec iov = {buf, sizeof(buf)};
	struct sockaddr_in6 from;
	ssize_t len;

	(void)s;
	if (revents & EPOLLERR)
		read_errors(user, fd);
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
		reassembled(user, &m, buf, (size_t)len);
	}
	return 0;
}

int pmtu_open(struct net *n)
{
	int on = 1;

	n->pmtu_fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_IPV6);
	if (n->pmtu_fd < 0)
		return -errno;
	if (setsockopt(n->pmtu_fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)) < 0 ||
	    setsockopt(n->pmtu_fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on)) < 0)
		return -errno;
	return net_watch(n, n->pmtu_fd, on_packet);
}
