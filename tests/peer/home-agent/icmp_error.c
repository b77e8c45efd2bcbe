/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "icmp_error.h"

#include <errno.h>

#include "agent.h"
#include "base/cursor.h"
#include "proto/ext.h"
#include "transmit.h"

#define MIN_MTU 1280
#define HOP_LIMIT 64
#define ICMP_HEADER_LEN 8

int icmp_error_send(const struct agent *a, const struct in6_addr *from, const uint8_t *packet,
		    size_t len, const struct icmp_error *error)
{
	uint8_t message[MIN_MTU - IP6_HEADER_LEN], whole[MIN_MTU];
	struct writer w = writer_make(message, sizeof(message));
	struct ip6_packet p = {.src = *from, .hop_limit = HOP_LIMIT, .next_header = IPPROTO_ICMPV6};
	size_t quoted = sizeof(message) - ICMP_HEADER_LEN;
	int r;

	memcpy(&p.dst, packet + 8, sizeof(p.dst));
	if (!addr_is_routable(&p.dst))
		return -EINVAL;
	write_u8(&w, error->type);
	write_u8(&w, error->code);
	write_u16(&w, 0);
	write_u32(&w, error->word);
	write_bytes(&w, packet, len < quoted ? len : quoted);
	icmp6_set_checksum(&p.src, &p.dst, message, w.len);
	p.payload = message;
	p.payload_len = w.len;
	r = ip6_packet_build(&p, whole, sizeof(whole));
	return r < 0 ? r : transmit_packet(a, whole, (size_t)r);
}
