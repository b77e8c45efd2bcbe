/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets that the BPF plane holds (map "held"): the newest of each flow that was sent while its path led nowhere.  Sent once
 * more by the next path it saves its sender the wait for a timer, which with TCP is as long again as the host was away.
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include "loop/loop.h"
#include "net/bpf.h"
#include "net/plane_bpf.h"
#include "proto/ext.h"

#define HELD_TIME (60 * USEC_PER_SEC) /* nobody waits for what is older */

static bool is_empty(const struct plane_bpf *b)
{
	struct plane_held_key any;

	return bpf_map_next(b->fd[PIN_HELD], NULL, &any) < 0;
}

static void send_again(const struct plane_bpf *b, struct plane_held *h)
{
	const struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IPV6),
		.sll_ifindex = b->device,
		.sll_halen = ETH_ALEN,
	};

	if (h->at_ns != h->at_ns_too || usec_add(h->at_ns / 1000, HELD_TIME) < loop_now().mono ||
	    h->len > sizeof(h->packet) || !ip6_set_checksum(h->packet, h->len))
		return;
	/* As with any packet, nobody is told of one that is lost. */
	(void)sendto(b->packet_fd, h->packet, h->len, 0, (const struct sockaddr *)&to, sizeof(to));
}

void bpf_held_send(struct plane_bpf *b, const struct plane_addr *home)
{
	struct plane_held_key key = {.home = *home};
	struct plane_held h[PLANE_HELD_FLOWS];
	unsigned n = 0;

	if (is_empty(b))
		return;
	/* All of them first: while the path is in doubt they are held again, and the kernel may give them another hash. */
	for (; key.flow < PLANE_HELD_FLOWS; key.flow++)
		if (bpf_map_get(b->fd[PIN_HELD], &key, &h[n]) == 0 &&
		    bpf_map_delete(b->fd[PIN_HELD], &key) == 0)
			n++;
	for (unsigned i = 0; i < n; i++)
		send_again(b, &h[i]);
}

void bpf_held_discard(const struct plane_bpf *b, const struct plane_addr *home)
{
	struct plane_held_key key = {.home = *home};

	if (is_empty(b))
		return;
	for (; key.flow < PLANE_HELD_FLOWS; key.flow++)
		bpf_map_delete(b->fd[PIN_HELD], &key);
}
