/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Path MTU of the tunnels (RFC 2473 section 7, RFC 8201): Packet Too Big about our outer packets
 * comes to the care-of address; the error queue of a raw socket for protocol 41 shows it.  The
 * route of every home address in that tunnel follows, and with it TCP's segment size.
 *
 * Such messages are unauthenticated.  They only ever lower the MTU, not below what every path
 * carries, and only for a packet that we could have sent; the next care-of address starts anew.
 */
#include <errno.h>
#include <time.h> /* before errqueue.h, which needs it */
#include <linux/errqueue.h>
#include <linux/filter.h>
#include <linux/icmpv6.h>
#include <string.h>
#include <sys/socket.h>

#include "net/internal.h"

static void too_big(struct net *n, const struct in6_addr *anchor, const uint8_t *inner, size_t len,
		    uint32_t mtu)
{
	struct in6_addr home;

	if (len < IP6_HEADER_LEN || inner[0] >> 4 != 6)
		return;
	memcpy(&home, inner + 8, sizeof(home));
	for (unsigned i = 0; i < CONF_MAX_HOMES; i++) {
		struct installed *h = &n->home[i];

		if (!h->present || h->path.mode != PATH_TUNNEL ||
		    !addr_equal(&h->path.home, &home) || !addr_equal(&h->path.anchor, anchor))
			continue;
		log_info("path MTU to anchor %s is %u", ADDR_STR(anchor), mtu);
		path_set_learnt_mtu(n, h, mtu);
	}
}

static int on_readable(sd_event_source *s, int fd, uint32_t revents, void *user)
{
	union {
		char buf[512];
		struct cmsghdr align;
	} control;
	struct sockaddr_in6 to;
	uint8_t buf[256];
	struct iovec iov = {buf, sizeof(buf)};
	struct net *n = user;
	struct cmsghdr *c;
	ssize_t len;

	(void)s, (void)revents;
	for (;;) {
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
			return 0;
		for (c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
			const struct sock_extended_err *e = (void *)CMSG_DATA(c);

			if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR &&
			    e->ee_origin == SO_EE_ORIGIN_ICMP6 && e->ee_type == ICMPV6_PKT_TOOBIG)
				too_big(n, &to.sin6_addr, buf, (size_t)len, e->ee_info);
		}
	}
}

int pmtu_open(struct net *n)
{
	/* Only errors are wanted, none of the packets. */
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog prog = {.len = 1, .filter = &nothing};
	int on = 1;

	n->pmtu_fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_IPV6);
	if (n->pmtu_fd < 0)
		return -errno;
	if (setsockopt(n->pmtu_fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0 ||
	    setsockopt(n->pmtu_fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on)) < 0)
		return -errno;
	return net_watch(n, n->pmtu_fd, on_readable);
}
