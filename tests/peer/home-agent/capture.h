/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reception of the tunnel's packets from a packet socket.  Between namespaces the kernel passes
 * packets on with checksums still to be filled in and segments still to be cut; only a packet
 * socket tells that, so that the TUN device can be told in turn.
 */
#pragma once

#include <linux/virtio_net.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

/* One inner packet, in the caller's buffer. */
struct inner_packet {
	struct in6_addr outer_source, outer_destination;
	struct virtio_net_hdr offload; /* what is still to be done, relative to `octets` */
	const uint8_t *octets;
	size_t len;
};

/* A socket that hears IPv6-in-IPv6 on all interfaces: its descriptor or -errno. */
int capture_open(void);

/* The next packet: 0, -EAGAIN when there is none, -EBADMSG for one that is malformed. */
int capture_receive(int fd, uint8_t *buf, size_t cap, struct inner_packet *ret);
