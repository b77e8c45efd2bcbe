/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Type 2 routing headers (RFC 6275 section 6.4) where the data plane leaves them to us.
 *
 * A raw socket for routing headers sees each packet before the kernel looks at the header.  What a home agent sends to one of
 * our home addresses is taken from there; the kernel, if it has Mobile IPv6, then drops the packet silently, since nobody has
 * told it to expect one.  So it needs no state of ours, and that of other programs is not touched.
 */
#include <errno.h>
#include <sys/socket.h>

#include "net/bpf/plane.h"
#include "net/datagram.h"
#include "net/internal.h"
#include "proto/mh.h"
#include "proto/nd.h"

#define TYPE_2 2
#define HEADER_LEN 24
#define ICMPV6_HEADER_LEN 8

static void receive(struct net *n, const struct datagram *d)
{
	const uint8_t *h = d->data;
	struct datagram inner = *d;

	if (d->len <= HEADER_LEN || h[1] != 2 || h[2] != TYPE_2 || h[3] != 1)
		return;
	memcpy(&inner.dst, h + 8, sizeof(inner.dst));
	if (!n->plane->ops->is_accepted(n->plane, &inner.dst, &d->src, &d->dst))
		return;
	inner.data += HEADER_LEN;
	inner.len -= HEADER_LEN;
	inner.mark = PLANE_MARK_RH2;
	if (h[0] == MH_NEXT_HEADER)
		mobility_receive(n, &inner);
	else if (h[0] == IPPROTO_ICMPV6 && inner.len >= ICMPV6_HEADER_LEN &&
		 inner.data[0] == ICMP6_MPA &&
		 icmp6_checksum_ok(&inner.src, &inner.dst, inner.data, inner.len))
		icmp_receive(n, &inner);
}

static int on_readable(sd_event_source *s, int fd, uint32_t revents, void *user)
{
	(void)s, (void)revents;
	datagrams_receive(user, fd, 0, SIZE_MAX, receive);
	return 0;
}

int routing_header_open(struct net *n)
{
	int on = 1;

	n->routing_fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ROUTING);
	if (n->routing_fd < 0 ||
	    setsockopt(n->routing_fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)) < 0)
		return -errno;
	n->marks_known = true;
	return net_watch(n, n->routing_fd, on_readable);
}
