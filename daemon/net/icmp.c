/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ICMPv6 for the engine: echo requests out; their answers, errors about what we sent, home agent discovery and mobile prefix
 * advertisements in.  The kernel hands over what is for us and has a right checksum, and answers none of these itself.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/icmpv6.h>
#include <linux/ipv6.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "net/bpf/plane.h"
#include "net/datagram.h"
#include "net/internal.h"
#include "proto/nd.h"

#define MAX_MESSAGE 2048

/* Packet Too Big is for pmtu.c, which sees whose packet it was. */
static const uint8_t types[] = {
	ICMPV6_DEST_UNREACH, ICMPV6_PARAMPROB, ICMPV6_ECHO_REPLY, ICMP6_DHAAD_REPLY, ICMP6_MPA,
};

/* Of a packet of so many octets, or of the largest that the path of a home address is thought to carry. */
static size_t icmp_length(const struct net *n, const struct in6_addr *src, size_t octets)
{
	for (unsigned i = 0; i < CONF_MAX_HOMES; i++)
		if (n->home[i].present && addr_equal(&n->home[i].path.home, src) &&
		    n->home[i].mtu && octets > n->home[i].mtu)
			octets = n->home[i].mtu;
	if (octets > IP6_HEADER_LEN + MAX_MESSAGE)
		octets = IP6_HEADER_LEN + MAX_MESSAGE;
	return octets > IP6_HEADER_LEN ? octets - IP6_HEADER_LEN : 0;
}

void net_limit_mtu(struct net *n, const struct in6_addr *home, uint32_t octets)
{
	for (unsigned i = 0; i < CONF_MAX_HOMES; i++)
		if (n->home[i].present && addr_equal(&n->home[i].path.home, home) &&
		    n->home[i].path.mode == PATH_TUNNEL)
			path_set_learnt_mtu(n, &n->home[i],
					    path_outer_mtu(n, &n->home[i].path, octets));
}

int net_echo(struct net *n, int ifindex, const struct in6_addr *src, const struct in6_addr *dst,
	     uint16_t identifier, uint16_t sequence, size_t octets)
{
	uint8_t icmp[MAX_MESSAGE] = {0};
	int r = icmp6_echo_build(identifier, sequence, icmp, sizeof(icmp));
	size_t len = icmp_length(n, src, octets);
	struct ip6_packet p = {
		.src = *src,
		.dst = *dst,
		.hop_limit = 64,
		.next_header = IPPROTO_ICMPV6,
		.payload = icmp,
		.payload_len = len > (size_t)r ? len : (size_t)r,
	};

	if (r < 0)
		return r;
	if (!ifindex)
		return datagram_send(n->icmp_fd, src, dst, 0, icmp, p.payload_len);
	/* From the care-of address, as the signalling: the kernel may not have the route yet. */
	icmp6_set_checksum(src, dst, icmp, p.payload_len);
	return net_send(n, ifindex, &p);
}

void icmp_receive(struct net *n, const struct datagram *d)
{
	const struct icmp_event ev = {
		.ifindex = d->ifindex,
		.src = d->src,
		.dst = d->dst,
		.has_rh2 = d->mark == PLANE_MARK_RH2,
		.rh2_unknown = !n->marks_known,
		.icmp = d->data,
		.len = d->len,
	};

	engine_icmp(n->engine, loop_now(), &ev);
}

static int on_readable(sd_event_source *s, int fd, uint32_t revents, void *user)
{
	(void)s, (void)revents;
	datagrams_receive(user, fd, 0, MAX_MESSAGE, icmp_receive);
	return 0;
}

/*
 * Answers to echo requests of others, and errors about what is not signalling, are for them: with each ping of anybody the
 * daemon would wake up.
 */
static int filter_others(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, offsetof(struct icmp6hdr, icmp6_type)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ICMPV6_ECHO_REPLY, 0, 3),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct icmp6hdr, icmp6_identifier)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, ECHO_PATH, 0, 6),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, ECHO_SIZE, 5, 4),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, ICMPV6_INFOMSG_MASK, 3, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS,
			 sizeof(struct icmp6hdr) + offsetof(struct ipv6hdr, nexthdr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_DSTOPTS, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_MH, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog prog = {.len = sizeof(code) / sizeof(*code), .filter = code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0 ? -errno : 0;
}

/* After mobility_open(): what it finds out about marks holds here, too. */
int icmp_open(struct net *n)
{
	struct icmp6_filter filter;
	int on = 1, r;

	n->icmp_fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMPV6);
	if (n->icmp_fd < 0)
		return -errno;
	memset(&filter, 0xff, sizeof(filter)); /* a set bit blocks (RFC 3542 section 3.2) */
	for (unsigned i = 0; i < sizeof(types); i++)
		filter.data[types[i] / 32] &= ~(1u << types[i] % 32);
	if (setsockopt(n->icmp_fd, IPPROTO_ICMPV6, ICMPV6_FILTER, &filter, sizeof(filter)) < 0 ||
	    setsockopt(n->icmp_fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)) < 0 ||
	    (n->marks_known && setsockopt(n->icmp_fd, SOL_SOCKET, SO_RCVMARK, &on, sizeof(on)) < 0))
		return -errno;
	r = filter_others(n->icmp_fd);
	return r < 0 ? r : net_watch(n, n->icmp_fd, on_readable);
}
