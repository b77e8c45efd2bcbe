/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets that the BPF plane holds (map "held"): the newest of each flow that was sent while its link was down.  Sent by the
 * next path it saves its sender the wait for a timer, which with TCP is as long again as the host was away.
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include "loop/loop.h"
#include "net/bpf.h"
#include "net/plane_bpf.h"
#include "proto/ext.h"

#define NEXT_HEADER_AT 6 /* octets behind the start of the IPv6 header */

static bool is_empty(const struct plane_bpf *b)
{
	struct plane_held_key any;

	return bpf_map_next(b->fd[PIN_HELD], NULL, &any) < 0;
}

static bool is_old(const struct plane_held *h)
{
	return h->at_ns + PLANE_HELD_NS < loop_now().mono * 1000;
}

static void send_again(const struct plane_bpf *b, struct plane_held *h)
{
	const struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IPV6),
		.sll_ifindex = b->device,
		.sll_halen = ETH_ALEN,
	};

	if (h->at_ns != h->at_ns_too || h->len > sizeof(h->packet) ||
	    !ip6_set_checksum(h->packet, h->len))
		return;
	/* As with any packet, nobody is told of one that is lost. */
	(void)sendto(b->packet_fd, h->packet, h->len, 0, (const struct sockaddr *)&to, sizeof(to));
}

/* TCP looks for itself whether it has had a segment already, and waits longest for one that is lost. */
static bool may_come_twice(const struct plane_held *h)
{
	return h->packet[NEXT_HEADER_AT] == IPPROTO_TCP;
}

/* The next packet of its flow is about to come anyway: to be early is worth more than to arrive for certain. */
static bool is_of_stream(const struct plane_held *h)
{
	return h->row >= PLANE_STREAM_ROW && h->at_ns + PLANE_STREAM_NS > loop_now().mono * 1000;
}

/* One that nobody has said to be good, to somewhere else than the one that lost it. */
static void try_path(const struct plane_bpf *b, const struct plane_held_key *key,
		     struct plane_held *h, const struct plane_addr *coa)
{
	if (plane_addr_equal(&h->coa, coa))
		return;
	if (may_come_twice(h)) { /* once by each, which is kept with the packet */
		h->coa = *coa;
		bpf_map_put(b->fd[PIN_HELD], key, h);
		send_again(b, h);
	} else if (is_of_stream(h)) {
		bpf_map_delete(b->fd[PIN_HELD], key);
		send_again(b, h);
	}
}

void bpf_held_send(const struct plane_bpf *b, const struct path *path, bool good)
{
	const struct plane_addr coa = to_plane_addr(&path->coa);
	struct plane_held_key key = {.home = to_plane_addr(&path->home)};
	struct plane_held h;

	if (is_empty(b))
		return;
	for (; key.place < PLANE_HELD_FLOWS; key.place++) {
		if (bpf_map_get(b->fd[PIN_HELD], &key, &h) < 0)
			continue;
		if (is_old(&h)) {
			bpf_map_delete(b->fd[PIN_HELD], &key);
		} else if (good) {
			bpf_map_delete(b->fd[PIN_HELD], &key);
			send_again(b, &h);
		} else {
			try_path(b, &key, &h, &coa);
		}
	}
}

void bpf_held_discard(const struct plane_bpf *b, const struct plane_addr *home)
{
	struct plane_held_key key = {.home = *home};

	if (is_empty(b))
		return;
	for (; key.place < PLANE_HELD_FLOWS; key.place++)
		bpf_map_delete(b->fd[PIN_HELD], &key);
}
