/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Internet checksum over the IPv6 pseudo-header and an upper-layer message: RFC 8200 section
 * 8.1, RFC 6275 section 6.1.1, RFC 4443 section 2.3.
 */
#include <string.h>

#include "proto/ext.h"
#include "proto/mh.h"
#include "proto/nd.h"

enum {
	MH_CHECKSUM_AT = 4,
	TCP_CHECKSUM_AT = 16,
	UDP_CHECKSUM_AT = 6,
	ICMP6_CHECKSUM_AT = 2,
};

static uint64_t sum_words(const uint8_t *p, size_t len)
{
	uint64_t sum = 0;

	for (; len > 1; p += 2, len -= 2)
		sum += (unsigned)(p[0] << 8 | p[1]);
	return len ? sum + (unsigned)(p[0] << 8) : sum;
}

static uint64_t sum_pseudo_header(const struct in6_addr *src, const struct in6_addr *dst,
				  uint8_t next_header, size_t len)
{
	return sum_words(src->s6_addr, sizeof(*src)) + sum_words(dst->s6_addr, sizeof(*dst)) +
	       (len >> 16) + (len & 0xffff) + next_header;
}

static uint16_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t)sum;
}

/* The checksum of a message whose checksum field stands at an even offset `at`. */
static uint16_t checksum(const struct in6_addr *src, const struct in6_addr *dst,
			 uint8_t next_header, const uint8_t *buf, size_t len, size_t at)
{
	return (uint16_t)~fold(sum_pseudo_header(src, dst, next_header, len) + sum_words(buf, at) +
			       sum_words(buf + at + 2, len - at - 2));
}

static void store(uint8_t *at, uint16_t sum)
{
	at[0] = (uint8_t)(sum >> 8);
	at[1] = (uint8_t)sum;
}

static bool checksum_ok(const struct in6_addr *src, const struct in6_addr *dst, uint8_t next_header,
			const uint8_t *buf, size_t len, size_t at)
{
	return len >= at + 2 &&
	       fold(sum_pseudo_header(src, dst, next_header, len) + sum_words(buf, len)) == 0xffff;
}

uint16_t mh_checksum(const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *mh,
		     size_t len)
{
	return checksum(src, dst, MH_NEXT_HEADER, mh, len, MH_CHECKSUM_AT);
}

void mh_set_checksum(const struct in6_addr *src, const struct in6_addr *dst, uint8_t *mh,
		     size_t len)
{
	store(mh + MH_CHECKSUM_AT, mh_checksum(src, dst, mh, len));
}

bool mh_checksum_ok(const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *mh,
		    size_t len)
{
	return checksum_ok(src, dst, MH_NEXT_HEADER, mh, len, MH_CHECKSUM_AT);
}

void icmp6_set_checksum(const struct in6_addr *src, const struct in6_addr *dst, uint8_t *buf,
			size_t len)
{
	store(buf + ICMP6_CHECKSUM_AT,
	      checksum(src, dst, IPPROTO_ICMPV6, buf, len, ICMP6_CHECKSUM_AT));
}

bool icmp6_checksum_ok(const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *buf,
		       size_t len)
{
	return checksum_ok(src, dst, IPPROTO_ICMPV6, buf, len, ICMP6_CHECKSUM_AT);
}

static size_t checksum_at(uint8_t next_header)
{
	switch (next_header) {
	case IPPROTO_TCP:
		return TCP_CHECKSUM_AT;
	case IPPROTO_UDP:
		return UDP_CHECKSUM_AT;
	case IPPROTO_ICMPV6:
		return ICMP6_CHECKSUM_AT;
	default:
		return 0;
	}
}

bool ip6_set_checksum(uint8_t *packet, size_t len)
{
	uint8_t *upper = packet + IP6_HEADER_LEN;
	struct in6_addr src, dst;
	size_t at;
	uint16_t sum;

	if (len < IP6_HEADER_LEN || len - IP6_HEADER_LEN != (size_t)(packet[4] << 8 | packet[5]))
		return false;
	at = checksum_at(packet[6]);
	len -= IP6_HEADER_LEN;
	if (!at || len < at + 2)
		return false;
	memcpy(&src, packet + 8, sizeof(src));
	memcpy(&dst, packet + 24, sizeof(dst));
	sum = checksum(&src, &dst, packet[6], upper, len, at);
	/* Zero would say that there is none (RFC 768). */
	store(upper + at, packet[6] == IPPROTO_UDP && !sum ? 0xffff : sum);
	return true;
}
