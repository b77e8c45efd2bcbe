/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IPv6 packets and their extension headers. */
#include <criterion/criterion.h>

#include <errno.h>

#include "proto/ext.h"
#include "test_proto.h"

#define HAO_OPTION "c91020010db8000100000000000000000100"
#define RH2 "870202010000000020010db8000100000000000000000100"

/* Parse a packet of exactly its size: a next header and the hexadecimal octets behind the header.
 */
static int parse(uint8_t next_header, const char *hex, struct ip6_packet *ret)
{
	uint8_t buf[1024] = {0x60};
	size_t len = unhex(hex, buf + IP6_HEADER_LEN, sizeof(buf) - IP6_HEADER_LEN);
	struct in6_addr src = addr(COA), dst = addr(HA);
	uint8_t *exact = (uint8_t *)malloc(IP6_HEADER_LEN + len);
	int r;

	buf[4] = (uint8_t)(len >> 8);
	buf[5] = (uint8_t)len;
	buf[6] = next_header;
	memcpy(buf + 8, &src, 16);
	memcpy(buf + 24, &dst, 16);
	memcpy(exact, buf, IP6_HEADER_LEN + len);
	r = ip6_packet_parse(exact, IP6_HEADER_LEN + len, ret);
	free(exact);
	return r;
}

Test(proto_ext, pseudo_header_addresses)
{
	struct ip6_packet p = {.src = addr(COA), .dst = addr(HA), .home = addr(HOA)};

	cr_assert_eq(ip6_packet_source(&p), &p.src);
	cr_assert_eq(ip6_packet_destination(&p), &p.dst);
	p.has_home_option = true;
	cr_assert_eq(ip6_packet_source(&p), &p.home);
	cr_assert_eq(ip6_packet_destination(&p), &p.dst);
	p.has_home_option = false;
	p.has_rh2 = true;
	cr_assert_eq(ip6_packet_source(&p), &p.src);
	cr_assert_eq(ip6_packet_destination(&p), &p.home);
}

Test(proto_ext, headers_in_front_are_walked)
{
	struct in6_addr hoa = addr(HOA);
	struct ip6_packet p;

	/* hop-by-hop with router alert, destination options, both of padding, then UDP */
	cr_assert_eq(parse(0, "3c00050200000100 1100010400000000 0102030405060708", &p), 0);
	cr_assert_eq(p.next_header, 17);
	cr_assert_eq(p.payload_len, 8);
	cr_assert_not(p.has_home_option || p.has_rh2);

	/* an unknown option that says "skip me", beside the home address option */
	cr_assert_eq(parse(60, "3b03 1e020000 0000" HAO_OPTION "0104 00000000", &p), 0);
	cr_assert(p.has_home_option);
	cr_assert(addr_equal(&p.home, &hoa));
	cr_assert_eq(p.next_header, 59);
	cr_assert_eq(p.payload_len, 0);

	/* a routing header that has done its work */
	cr_assert_eq(parse(43, "3a00fd0000000000 80000000", &p), 0);
	cr_assert_eq(p.next_header, 58);
	cr_assert_eq(p.payload_len, 4);
}

Test(proto_ext, unsupported)
{
	static const uint8_t next[] = {44, 50, 51, 139, 140, 253, 254};
	struct ip6_packet p;

	for (size_t i = 0; i < sizeof(next); i++)
		cr_assert_eq(parse(next[i], "3b00000000000000", &p), -EOPNOTSUPP, "%u", next[i]);
	/* behind another header as well */
	cr_assert_eq(parse(60, "2c00010400000000 3b00000000000000", &p), -EOPNOTSUPP);
	/* options that must not be skipped: discard, discard with an error (always, unicast) */
	cr_assert_eq(parse(60, "3b00 4001 00 0101 00", &p), -EOPNOTSUPP);
	cr_assert_eq(parse(60, "3b00 8001 00 0101 00", &p), -EOPNOTSUPP);
	cr_assert_eq(parse(60, "3b00 c001 00 0101 00", &p), -EOPNOTSUPP);
	/* the home address option belongs to destination options alone */
	cr_assert_eq(parse(0, "3b02 01020000" HAO_OPTION, &p), -EOPNOTSUPP);
	/* a routing header with work left */
	cr_assert_eq(parse(43, "3b00fd0100000000", &p), -EOPNOTSUPP);
	/* a home address at either end */
	cr_assert_eq(parse(43,
			   "3c0202010000000020010db8000100000000000000000100"
			   "3b02 01020000" HAO_OPTION,
			   &p),
		     -EOPNOTSUPP);
}

Test(proto_ext, malformed)
{
	struct ip6_packet p;

	/* hop-by-hop not in front */
	cr_assert_eq(parse(60, "0000010400000000 3b00010400000000", &p), -EBADMSG);
	/* header or option past the end */
	cr_assert_eq(parse(60, "3b01010400000000", &p), -EBADMSG);
	cr_assert_eq(parse(60, "3b", &p), -EBADMSG);
	cr_assert_eq(parse(60, "", &p), -EBADMSG);
	cr_assert_eq(parse(60, "3b00010500000000", &p), -EBADMSG);
	cr_assert_eq(parse(60, "3b00010300000001", &p), -EBADMSG);
	/* home address option: length, twice, not a routable address */
	cr_assert_eq(parse(60, "3b02 01020000 c90f20010db80001000000000000000001 00", &p),
		     -EBADMSG);
	cr_assert_eq(parse(60, "3b04" HAO_OPTION "0000" HAO_OPTION, &p), -EBADMSG);
	cr_assert_eq(parse(60, "3b02 01020000 c910ff020000000000000000000000000001", &p), -EBADMSG);
	cr_assert_eq(parse(60, "3b02 01020000 c910fe800000000000000000000000000001", &p), -EBADMSG);
	cr_assert_eq(parse(60, "3b02 01020000 c91000000000000000000000000000000000", &p), -EBADMSG);
	/* type 2 routing header: segments left, length, address, twice */
	cr_assert_eq(parse(43, RH2, &p), 0);
	cr_assert_eq(parse(43, "3b0202000000000020010db8000100000000000000000100", &p), -EBADMSG);
	cr_assert_eq(parse(43, "3b0202020000000020010db8000100000000000000000100", &p), -EBADMSG);
	cr_assert_eq(
		parse(43, "3b0302010000000020010db8000100000000000000000100 0000000000000000", &p),
		-EBADMSG);
	cr_assert_eq(parse(43, "3b0102010000000020010db800010000", &p), -EBADMSG);
	cr_assert_eq(parse(43, "3b00020100000000", &p), -EBADMSG);
	cr_assert_eq(parse(43, "3b02020100000000ff020000000000000000000000000001", &p), -EBADMSG);
	cr_assert_eq(parse(43, "2b0202010000000020010db8000100000000000000000100" RH2, &p),
		     -EBADMSG);
}

Test(proto_ext, truncated_at_every_octet)
{
	uint8_t buf[128] = {0x60};
	size_t len = IP6_HEADER_LEN;
	struct ip6_packet p, before;

	memset(&p, 0x5a, sizeof(p));
	memcpy(&before, &p, sizeof(p));
	len += unhex(RH2 "3b0106004e5800001234006401020000", buf + len, sizeof(buf) - len);
	buf[5] = (uint8_t)(len - IP6_HEADER_LEN);
	buf[6] = 43;
	for (size_t n = 0; n < len; n++) {
		uint8_t *exact = (uint8_t *)malloc(n + 1);

		memcpy(exact, buf, n);
		cr_assert_eq(ip6_packet_parse(exact, n, &p), -EBADMSG, "%zu octets", n);
		free(exact);
	}
	cr_assert_eq(memcmp(&p, &before, sizeof(p)), 0, "the result was touched");
	cr_assert_eq(ip6_packet_parse(buf, len, &p), 0);
}

Test(proto_ext, octets_behind_the_packet_are_not_its)
{
	uint8_t buf[64] = {0x60, 0, 0, 0, 0, 4, 17, 1};
	struct ip6_packet p;

	cr_assert_eq(ip6_packet_parse(buf, sizeof(buf), &p), 0);
	cr_assert_eq(p.payload, buf + IP6_HEADER_LEN);
	cr_assert_eq(p.payload_len, 4);
	buf[0] = 0x45;
	cr_assert_eq(ip6_packet_parse(buf, sizeof(buf), &p), -EBADMSG, "version 4");
}

Test(proto_ext, build_needs_room_and_one_home_address)
{
	static const uint8_t payload[UINT16_MAX + 1];
	static uint8_t buf[UINT16_MAX + 100];
	struct ip6_packet p = {.src = addr(COA), .dst = addr(HA), .home = addr(HOA)};

	p.payload = payload;
	p.payload_len = 16;
	p.has_home_option = true;
	for (size_t cap = 0; cap < IP6_HEADER_LEN + HAO_HEADER_LEN + 16; cap++)
		cr_assert_eq(ip6_packet_build(&p, buf, cap), -ENOBUFS);
	cr_assert_eq(ip6_packet_build(&p, buf, IP6_HEADER_LEN + HAO_HEADER_LEN + 16), 80);
	p.has_rh2 = true;
	cr_assert_eq(ip6_packet_build(&p, buf, sizeof(buf)), -EINVAL);
	p.has_home_option = false;
	p.payload_len = UINT16_MAX - RH2_HEADER_LEN;
	cr_assert_eq(ip6_packet_build(&p, buf, sizeof(buf)), UINT16_MAX + IP6_HEADER_LEN);
	p.payload_len++;
	cr_assert_eq(ip6_packet_build(&p, buf, sizeof(buf)), -ENOBUFS);
}

/* As scapy makes them. */
static const char *const upper[] = {
	"600000000019064020010db800220000000000000000010020010db8000d00000000000000000002"
	"9c40000700000001000000025018200049fd00006669727374",
	"60000000000d114020010db800220000000000000000010020010db8000d00000000000000000002"
	"9c400007000dba0c6669727374",
	"60000000000d3a4020010db800220000000000000000010020010db8000d00000000000000000002"
	"8000d634000100026669727374",
	/* What is zero counts as none with UDP. */
	"60000000000a114020010db800220000000000000000010020010db8000d00000000000000000002"
	"9c400007000affff06f0",
};

Test(proto_ext, checksums_of_what_a_packet_carries)
{
	static const size_t at[] = {16, 6, 2, 6};
	uint8_t want[128], buf[128];

	for (unsigned i = 0; i < sizeof(upper) / sizeof(upper[0]); i++) {
		size_t len = unhex(upper[i], want, sizeof(want));

		memcpy(buf, want, len);
		/* As far as the kernel got with it. */
		memset(buf + IP6_HEADER_LEN + at[i], 0x5a, 2);
		cr_assert(ip6_set_checksum(buf, len));
		cr_assert_arr_eq(buf, want, len);
	}
}

Test(proto_ext, checksums_of_others_are_left_alone)
{
	uint8_t want[128], buf[128];
	size_t len = unhex(upper[0], want, sizeof(want));

	for (size_t n = 0; n < len; n++) {
		uint8_t *exact = malloc(n ? n : 1);

		memcpy(exact, want, n);
		cr_assert_not(ip6_set_checksum(exact, n), "%zu octets are fewer than it says", n);
		if (n > 5) {
			exact[4] = 0;
			exact[5] = (uint8_t)(n - IP6_HEADER_LEN);
			cr_assert_eq(ip6_set_checksum(exact, n), n >= IP6_HEADER_LEN + 18);
		}
		free(exact);
	}
	memcpy(buf, want, len);
	buf[6] = IPPROTO_FRAGMENT;
	cr_assert_not(ip6_set_checksum(buf, len));
	cr_assert_arr_eq(buf + 7, want + 7, len - 7);
}
