/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "outer.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <linux/filter.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/peer.h"

/* ICMP errors of earlier packets make a send fail that is not at fault. */
#define SEND_TRIES 4
#define MIN_MTU 1280
#define OUTER_HEADER_LEN 40

static int set_option(int fd, int option, int value)
{
	return setsockopt(fd, IPPROTO_IPV6, option, &value, sizeof(value));
}

int outer_fragment(int fd)
{
	return set_option(fd, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_WANT) < 0 ? -errno : 0;
}

static int refuse_all(int fd)
{
	struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
	struct sock_fprog program = {.len = 1, .filter = code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

int outer_open(const struct in6_addr *local, bool deaf)
{
	struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_addr = *local};
	int fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_IPV6);

	if (fd < 0)
		return -errno;
	peer_socket_buffers(fd);
	/* Without error queue the kernel takes no notice of Packet Too Big for a raw socket. */
	if ((deaf && refuse_all(fd) < 0) || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    set_option(fd, IPV6_RECVERR, 1) < 0 ||
	    set_option(fd, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO) < 0 ||
	    set_option(fd, IPV6_UNICAST_HOPS, OUTER_HOP_LIMIT) < 0) {
		int r = -errno;

		close(fd);
		return r;
	}
	return fd;
}

/* Empty the error queue; the path MTU that the newest "too big" tells, or 0. */
static unsigned drain_errors(int fd)
{
	unsigned mtu = 0;

	for (;;) {
		char control[512], data[64];
		struct iovec iov = {data, sizeof(data)};
		struct msghdr m = {.msg_iov = &iov,
				   .msg_iovlen = 1,
				   .msg_control = control,
				   .msg_controllen = sizeof(control)};

		if (recvmsg(fd, &m, MSG_ERRQUEUE) < 0)
			return mtu;
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
			struct sock_extended_err e;

			if (c->cmsg_level != IPPROTO_IPV6 || c->cmsg_type != IPV6_RECVERR)
				continue;
			memcpy(&e, CMSG_DATA(c), sizeof(e));
			if (e.ee_errno == EMSGSIZE)
				mtu = e.ee_info;
		}
	}
}

static int traffic_class(const uint8_t *inner)
{
	return (inner[0] & 0x0f) << 4 | inner[1] >> 4;
}

static ssize_t send_once(int fd, const struct in6_addr *to, const uint8_t *inner, size_t len)
{
	struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_addr = *to};
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {.room = {0}};
	struct iovec iov = {(void *)(uintptr_t)inner, len};
	struct msghdr m = {.msg_name = &a,
			   .msg_namelen = sizeof(a),
			   .msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control.room,
			   .msg_controllen = sizeof(control.room)};
	int tclass = traffic_class(inner);

	control.header.cmsg_level = IPPROTO_IPV6;
	control.header.cmsg_type = IPV6_TCLASS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &tclass, sizeof(tclass));
	return sendmsg(fd, &m, 0);
}

static int send_in_fragments(int fd, const struct in6_addr *to, const uint8_t *inner, size_t len)
{
	ssize_t n;
	int r;

	set_option(fd, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_WANT);
	n = send_once(fd, to, inner, len);
	r = n < 0 ? -errno : 0;
	set_option(fd, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO);
	return r;
}

int outer_send(int fd, const struct in6_addr *to, const uint8_t *inner, size_t len, bool fragment,
	       unsigned *ret_mtu)
{
	int r = 0;

	for (int i = 0; i < SEND_TRIES; i++) {
		unsigned mtu;

		if (send_once(fd, to, inner, len) >= 0)
			return 0;
		r = -errno;
		mtu = drain_errors(fd);
		if (r != -EMSGSIZE || mtu == 0)
			continue;
		if (len + OUTER_HEADER_LEN <= mtu)
			continue; /* the news of an earlier packet, this one fits */
		if (fragment)
			return send_in_fragments(fd, to, inner, len);
		*ret_mtu = mtu < MIN_MTU ? MIN_MTU : mtu;
		return r;
	}
	return r;
}

ssize_t outer_receive(int fd, uint8_t *buf, size_t cap, struct in6_addr *ret_source)
{
	struct sockaddr_in6 from = {0};
	socklen_t size = sizeof(from);
	ssize_t n = recvfrom(fd, buf, cap, 0, (struct sockaddr *)&from, &size);

	if (n < 0) {
		int r = -errno;

		/* A pending ICMP error: not the end of what can be read. */
		if (r != -EAGAIN && r != -EINTR)
			drain_errors(fd);
		return r;
	}
	*ret_source = from.sin6_addr;
	return n;
}
