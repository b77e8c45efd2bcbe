/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The outer side of the tunnel: a raw protocol-41 socket for each of our addresses.  It sends,
 * knows the path MTU, and receives what came in fragments; everything else comes by capture.h.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define OUTER_HOP_LIMIT 64

/*
 * A socket for packets from and to our address: its descriptor or -errno.  With `deaf` it only
 * sends.
 */
int outer_open(const struct in6_addr *local, bool deaf);

/* What does not fit leaves in fragments: the kernel does not tell how much of a packet IPsec takes. */
int outer_fragment(int fd);

/*
 * Send one inner packet with its traffic class on the outer one.  Where it does not fit: -EMSGSIZE
 * and the path MTU in *ret_mtu, or, with `fragment`, in fragments.
 */
int outer_send(int fd, const struct in6_addr *to, const uint8_t *inner, size_t len, bool fragment,
	       unsigned *ret_mtu);

/* The next inner packet and its outer source; -EAGAIN when there is none. */
ssize_t outer_receive(int fd, uint8_t *buf, size_t cap, struct in6_addr *ret_source);
