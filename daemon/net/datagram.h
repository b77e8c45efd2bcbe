/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages on raw IPv6 sockets, with what the kernel tells about them. */
#pragma once

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h> /* before errqueue.h, which needs it */
#include <linux/errqueue.h>

struct net;

struct datagram {
	struct in6_addr src,
		dst; /* dst needs IPV6_RECVPKTINFO; on an error queue src is where it was sent to */
	int ifindex; /* IPV6_RECVPKTINFO, else 0 */
	int hop_limit;                         /* IPV6_RECVHOPLIMIT, else -1 */
	int traffic_class;                     /* IPV6_RECVTCLASS, else 0 */
	uint32_t mark;                         /* SO_RCVMARK, else 0 */
	const struct sock_extended_err *error; /* on an error queue */
	uint8_t *data;
	size_t len;
};

/*
 * Hand over what waits on the socket (flags: 0, or MSG_ERRQUEUE), at most MESSAGES_PER_WAKEUP; then timers and signals have
 * their turn.  What is longer than max is dropped.  The data are valid during the call, and may be changed in it.
 */
void datagrams_receive(struct net *n, int fd, int flags, size_t max,
		       void (*receive)(struct net *n, const struct datagram *d));

/* Send from an address (:: = let the kernel choose) out of an interface. */
int datagram_send(int fd, const struct in6_addr *src, const struct in6_addr *dst, int ifindex,
		  const void *data, size_t len);
