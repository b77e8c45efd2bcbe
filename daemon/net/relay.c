/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ICMPv6 errors about our tunnel packets (RFC 2473 section 8), for planes that leave them to us: whoever sent the packet inside
 * gets one about that.  A router on the way quotes what it could not deliver; from there we have it back.
 *
 * They are unauthenticated and so only passed on: programs make of them what they make of any, and nothing else comes of it.
 * Only for what leaves from a home address by its present tunnel: an earlier path is no longer anybody's concern.
 */
#include <linux/icmpv6.h>
#include <string.h>

#include "net/datagram.h"
#include "net/internal.h"
#include "proto/nd.h"

#define MIN_MTU 1280 /* of a link, and of what an ICMPv6 error fills */
#define ICMP_HEADER_LEN 8
#define HOP_LIMIT 64
#define ICMPV6_INFORMATIONAL 128   /* types from here on are no errors */
#define BURST 10                   /* RFC 4443 section 2.4 (f): so many at once ... */
#define EACH (100 * USEC_PER_MSEC) /* ... and then one in this time */

/* An error about an error is never sent (RFC 4443 section 2.4 (e)). */
static bool is_about_error(const struct datagram *d)
{
	return d->data[6] == IPPROTO_ICMPV6 &&
	       (d->len <= IP6_HEADER_LEN || d->data[IP6_HEADER_LEN] < ICMPV6_INFORMATIONAL);
}

/* RFC 2473 section 8: too big stays that, for what fits inside; all else is a destination out of reach.  False: no concern. */
static bool translate(const struct datagram *d, struct icmp6hdr *ret)
{
	const uint32_t inner = IP6_HEADER_LEN + ((uint32_t)d->data[4] << 8 | d->data[5]);
	uint32_t mtu = d->error->ee_info;

	if (d->error->ee_type != ICMPV6_PKT_TOOBIG) {
		*ret = (struct icmp6hdr){.icmp6_type = ICMPV6_DEST_UNREACH,
					 .icmp6_code = ICMPV6_ADDR_UNREACH};
		return true;
	}
	mtu = mtu < MIN_MTU + TUNNEL_OVERHEAD ? MIN_MTU : mtu - TUNNEL_OVERHEAD;
	*ret = (struct icmp6hdr){.icmp6_type = ICMPV6_PKT_TOOBIG, .icmp6_mtu = htonl(mtu)};
	return inner > mtu;
}

static bool may_tell(struct net *n)
{
	const usec_t now = loop_now().mono;
	const usec_t regained = (now - n->relays_at) / EACH;

	if (regained) {
		n->relays = regained < n->relays ? n->relays - (unsigned)regained : 0;
		n->relays_at = now;
	}
	if (n->relays == BURST)
		return false;
	n->relays++;
	return true;
}

void relay_error(struct net *n, const struct datagram *d)
{
	uint8_t icmp[MIN_MTU - IP6_HEADER_LEN], packet[MIN_MTU];
	struct ip6_packet p = {
		.src = d->dst, /* the entry of the tunnel */
		.hop_limit = HOP_LIMIT,
		.next_header = IPPROTO_ICMPV6,
		.payload = icmp,
	};
	size_t quoted = d->len;
	struct icmp6hdr h;
	int len;

	if (is_about_error(d) || !translate(d, &h) || !may_tell(n))
		return;
	if (quoted > sizeof(icmp) - ICMP_HEADER_LEN)
		quoted = sizeof(icmp) - ICMP_HEADER_LEN;
	memcpy(&p.dst, d->data + 8, sizeof(p.dst));
	memcpy(icmp, &h, ICMP_HEADER_LEN);
	memcpy(icmp + ICMP_HEADER_LEN, d->data, quoted);
	p.payload_len = ICMP_HEADER_LEN + quoted;
	icmp6_set_checksum(&p.src, &p.dst, icmp, p.payload_len);
	len = ip6_packet_build(&p, packet, sizeof(packet));
	if (len > 0)
		pmtu_inject(n, packet, (size_t)len);
}
