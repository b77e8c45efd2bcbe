/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whole IPv6 packets around mobility messages: fixed header, home address destination option
 * (RFC 6275 section 6.3), type 2 routing header (section 6.4).
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IP6_HEADER_LEN 40
#define HAO_HEADER_LEN 24 /* destination options header with only the home address option */
#define RH2_HEADER_LEN 24

struct ip6_packet {
	struct in6_addr src, dst; /* of the fixed header */
	bool has_home_option; /* home address option: the packet's source is `home` to upper layers
			       */
	bool has_rh2;         /* type 2 routing header: its destination is `home` */
	struct in6_addr home;
	uint8_t hop_limit, traffic_class;
	uint32_t flow_label;
	uint8_t next_header; /* of the payload */
	const uint8_t *payload;
	size_t payload_len;
};

/* The addresses of the pseudo-header: `home` in place of what it stands for. */
const struct in6_addr *ip6_packet_source(const struct ip6_packet *p);
const struct in6_addr *ip6_packet_destination(const struct ip6_packet *p);

/*
 * Parse a packet from its fixed header; walks hop-by-hop, destination options and routing headers.
 * The payload is borrowed.  A packet longer than buf says is refused; trailing octets beyond
 * Payload Length are ignored. 0, -EBADMSG, or -EOPNOTSUPP for a fragment or an unknown extension.
 */
int ip6_packet_parse(const uint8_t *buf, size_t len, struct ip6_packet *ret);

/*
 * Make the checksum of the TCP, UDP or ICMPv6 message right behind the fixed header of a whole packet.  Its addresses are
 * those of the fixed header.  False: it carries something else, or is not as long as it says; it is as it was.
 */
bool ip6_set_checksum(uint8_t *packet, size_t len);

/* Write the packet (payload copied behind its headers).  The length, or -ENOBUFS. */
int ip6_packet_build(const struct ip6_packet *p, uint8_t *buf, size_t cap);
