/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/datagram.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "net/internal.h"

static void read_control(struct msghdr *m, struct datagram *d)
{
	const struct in6_pktinfo *info;
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_MARK) {
			memcpy(&d->mark, CMSG_DATA(c), sizeof(d->mark));
		} else if (c->cmsg_level != IPPROTO_IPV6) {
			continue;
		} else if (c->cmsg_type == IPV6_PKTINFO) {
			info = (const void *)CMSG_DATA(c);
			d->dst = info->ipi6_addr;
			d->ifindex = (int)info->ipi6_ifindex;
		} else if (c->cmsg_type == IPV6_HOPLIMIT) {
			memcpy(&d->hop_limit, CMSG_DATA(c), sizeof(d->hop_limit));
		} else if (c->cmsg_type == IPV6_TCLASS) {
			memcpy(&d->traffic_class, CMSG_DATA(c), sizeof(d->traffic_class));
		} else if (c->cmsg_type == IPV6_RECVERR) {
			d->error = (const void *)CMSG_DATA(c);
		}
	}
}

void datagrams_receive(struct net *n, int fd, int flags, size_t max,
		       void (*receive)(struct net *n, const struct datagram *d))
{
	static uint8_t buf[65536]; /* one thread, and nobody keeps it */
	union {
		char buf[512];
		struct cmsghdr align;
	} control;
	struct sockaddr_in6 from;
	struct iovec iov = {buf, sizeof(buf)};
	ssize_t len;

	for (unsigned i = 0; i < MESSAGES_PER_WAKEUP; i++) {
		struct msghdr m = {
			.msg_name = &from,
			.msg_namelen = sizeof(from),
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = control.buf,
			.msg_controllen = sizeof(control.buf),
		};
		struct datagram d = {.hop_limit = -1, .data = buf};

		len = recvmsg(fd, &m, flags);
		if (len < 0)
			return;
		if ((size_t)len > max)
			continue;
		d.src = from.sin6_addr;
		d.len = (size_t)len;
		read_control(&m, &d);
		receive(n, &d);
	}
}

int datagram_send(int fd, const struct in6_addr *src, const struct in6_addr *dst, int ifindex,
		  const void *data, size_t len)
{
	union {
		char buf[CMSG_SPACE(sizeof(struct in6_pktinfo))];
		struct cmsghdr align;
	} control = {0};
	struct in6_pktinfo info = {.ipi6_addr = *src, .ipi6_ifindex = (unsigned)ifindex};
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_addr = *dst};
	struct iovec iov = {(void *)data, len};
	struct msghdr m = {
		.msg_name = &to,
		.msg_namelen = sizeof(to),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = IPPROTO_IPV6;
	c->cmsg_type = IPV6_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA(c), &info, sizeof(info));
	return sendmsg(fd, &m, 0) < 0 ? -errno : 0;
}
