/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets of a host, the packets they exchange with a correspondent, and what becomes of those. */
#pragma once

#include "host.h"

struct sock {
	struct list node; /* of host.sockets */
	struct host *host;
	struct session_info info;
	enum service_type service; /* what it wants */
	usec_t opened, interval;   /* of its packets */
	usec_t sent_at, answered_at;
	usec_t disturbed_at; /* a packet was lost for reasons that are nobody's fault */
	bool told;           /* its owner has been told that the address is gone */
	uint64_t sent, answered, native_up, tunnel_up;
	uint64_t cookie;
};

struct sock *sock_open(struct host *h, const struct in6_addr *source, enum service_type service,
		       uint16_t port, usec_t interval);
void sock_close(struct sock *s);
struct sock *sock_find(struct host *h, uint64_t cookie);
/* Does the policy of the host give it more than nothing? */
bool sock_in_need(const struct sock *s);
void sockets_free(struct host *h);

/* An ICMPv6 echo request by the way of the host's own packets. */
int host_echo(struct host *h, int ifindex, const struct in6_addr *src, const struct in6_addr *dst,
	      uint16_t identifier, uint16_t sequence);
