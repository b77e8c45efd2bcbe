/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Router advertisements and solicitations, neighbour advertisements. */
#include <criterion/criterion.h>

#include <errno.h>

#include "test_proto.h"

#define HEADER "86000000 40e80708 00007530 000003e8" /* M O H high, 1800 s */

/* The result for hexadecimal octets in a buffer of exactly their number. */
static int parse(const char *hex, struct nd_router_advert *ret)
{
	uint8_t buf[2048];
	size_t len = unhex(hex, buf, sizeof(buf));
	uint8_t *exact = (uint8_t *)malloc(len + 1);
	int r;

	memcpy(exact, buf, len);
	r = nd_router_advert_parse(exact, len, 0, ret);
	free(exact);
	return r;
}

static void fill_advert(struct nd_router_advert *ra)
{
	memset(ra, 0, sizeof(*ra));
	ra->hop_limit = 64;
	ra->managed = ra->other = ra->home_agent = true;
	ra->preference = ND_PREF_HIGH;
	ra->router_lifetime = 1800;
	ra->reachable_ms = 30000;
	ra->retrans_ms = 1000;
	ra->lladdr_len = 6;
	memcpy(ra->lladdr, "\x02\x00\x00\x00\x00\x01", 6);
	ra->mtu = 1500;
	ra->interval_ms = 70;
	ra->has_home_agent_info = ra->ha_mobile_router = true;
	ra->ha_preference = 10;
	ra->ha_lifetime = 1800;
	ra->n_prefixes = 2;
	ra->prefix[0].prefix = prefix("2001:db8:1::/64");
	ra->prefix[0].router_address = addr(HA);
	ra->prefix[0].on_link = ra->prefix[0].autonomous = ra->prefix[0].router_flag = true;
	ra->prefix[0].valid = 86400;
	ra->prefix[0].preferred = 14400;
	ra->prefix[1].prefix = prefix("fd00:1::/56");
	ra->prefix[1].valid = ra->prefix[1].preferred = ND_INFINITE;
	ra->n_routes = 3;
	ra->route[0].prefix = prefix("::/0");
	ra->route[0].preference = ND_PREF_LOW;
	ra->route[0].lifetime = 600;
	ra->route[1].prefix = prefix("2001:db8:8000::/33");
	ra->route[1].lifetime = ND_INFINITE;
	ra->route[2].prefix = prefix("2001:db8:9::1/128");
	ra->route[2].preference = ND_PREF_HIGH;
}

static const char advert[] = HEADER "0101020000000001"
				    "05010000000005dc"
				    "0701000000000046"
				    "08018000000a0708"
				    "030440e0000151800000384000000000"
				    "20010db8000100000000000000000001"
				    "03043800ffffffffffffffff00000000"
				    "fd000001000000000000000000000000"
				    "1801001800000258"
				    "18022100ffffffff20010db880000000"
				    "180380080000000020010db8000900000000000000000001";

Test(proto_nd, router_advert_there_and_back)
{
	uint8_t want[512], got[512];
	size_t len = unhex(advert, want, sizeof(want));
	struct nd_router_advert ra, back;

	fill_advert(&ra);
	cr_assert_eq(nd_router_advert_build(&ra, got, sizeof(got)), (int)len);
	cr_assert_arr_eq(got, want, len);
	cr_assert_eq(parse(advert, &back), 0);
	cr_assert(nd_router_advert_same(&ra, &back));
	for (size_t cap = 0; cap < len; cap++)
		cr_assert_eq(nd_router_advert_build(&ra, got, cap), -ENOBUFS, "%zu", cap);
}

Test(proto_nd, truncated_at_every_octet)
{
	uint8_t buf[512];
	size_t len = unhex(advert, buf, sizeof(buf)), at = 16;
	struct nd_router_advert ra;

	ra.n_prefixes = 77;
	for (size_t n = 0; n < len; n++) {
		uint8_t *exact = (uint8_t *)malloc(n + 1);

		memcpy(exact, buf, n);
		if (n == at && n < len) { /* between two options */
			at += buf[at + 1] * 8u;
			cr_assert_eq(nd_router_advert_parse(exact, n, 0, &ra), 0, "%zu octets", n);
			ra.n_prefixes = 77;
		} else {
			cr_assert_eq(nd_router_advert_parse(exact, n, 0, &ra), -EBADMSG,
				     "%zu octets", n);
			cr_assert_eq(ra.n_prefixes, 77, "the result was touched");
		}
		free(exact);
	}
	cr_assert_eq(at, len);
}

Test(proto_nd, malformed)
{
	struct nd_router_advert ra;

	cr_assert_eq(parse(HEADER, &ra), 0);
	cr_assert_eq(parse(HEADER "0500000000000500", &ra), -EBADMSG, "an option of length zero");
	cr_assert_eq(parse(HEADER "fe00", &ra), -EBADMSG);
	cr_assert_eq(parse(HEADER "fe02000000000000", &ra), -EBADMSG, "past the end");
	cr_assert_eq(parse(HEADER "05", &ra), -EBADMSG);
	cr_assert_eq(parse("8501" HEADER, &ra), -EBADMSG, "another type");
	cr_assert_eq(parse("86010000 40e80708 00007530 000003e8", &ra), -EBADMSG, "code");
}

Test(proto_nd, impossible_options_are_skipped)
{
	struct nd_router_advert ra;

	cr_assert_eq(parse(HEADER
			   "0501000000000500"                  /* good: 1280 */
			   "fe01000000000000"                  /* unknown */
			   "0702000000000001 0000000000000000" /* interval of two units */
			   "0802000000010001 0000000000000000" /* so with home agent information */
			   "0103000000000000 0000000000000000 0000000000000000", /* address of 22 */
			   &ra),
		     0);
	cr_assert_eq(ra.mtu, 1280);
	cr_assert_eq(ra.interval_ms, 0);
	cr_assert_not(ra.has_home_agent_info);
	cr_assert_eq(ra.lladdr_len, 0);
	cr_assert_eq(parse(HEADER "05010000000004ff", &ra), 0);
	cr_assert_eq(ra.mtu, 0, "below the minimum of IPv6");
}

#define PIO(plen, flags, valid, preferred, addr) \
	HEADER "0304" plen flags valid preferred "00000000" addr
#define DB8 "20010db8000000010000000000000001"

Test(proto_nd, prefixes)
{
	struct nd_router_advert ra;

	cr_assert_eq(parse(PIO("40", "c0", "00000002", "00000001", DB8), &ra), 0);
	cr_assert_eq(ra.n_prefixes, 1);
	cr_assert_str_eq(PREFIX_STR(&ra.prefix[0].prefix), "2001:db8:0:1::/64");
	cr_assert(addr_is_any(&ra.prefix[0].router_address), "no R flag, no address");
	cr_assert_eq(parse(PIO("40", "20", "00000002", "00000001", DB8), &ra), 0);
	cr_assert_str_eq(ADDR_STR(&ra.prefix[0].router_address), "2001:db8:0:1::1");
	cr_assert_str_eq(PREFIX_STR(&ra.prefix[0].prefix), "2001:db8:0:1::/64");

	cr_assert_eq(parse(PIO("81", "c0", "00000002", "00000001", DB8), &ra), 0);
	cr_assert_eq(ra.n_prefixes, 0, "129 bits");
	cr_assert_eq(parse(PIO("40", "c0", "00000001", "00000002", DB8), &ra), 0);
	cr_assert_eq(ra.n_prefixes, 0, "preferred for longer than valid");
	cr_assert_eq(
		parse(PIO("40", "c0", "00000002", "00000001", "fe800000000000000000000000000001"),
		      &ra),
		0);
	cr_assert_eq(ra.n_prefixes, 0, "link-local");
	cr_assert_eq(
		parse(PIO("40", "c0", "00000002", "00000001", "ff020000000000000000000000000001"),
		      &ra),
		0);
	cr_assert_eq(ra.n_prefixes, 0, "multicast");
	cr_assert_eq(parse(HEADER "030340c0000000020000000100000000 20010db800000001", &ra), 0);
	cr_assert_eq(ra.n_prefixes, 0, "three units");
	cr_assert_eq(parse(PIO("00", "80", "00000000", "00000000", DB8), &ra), 0);
	cr_assert_str_eq(PREFIX_STR(&ra.prefix[0].prefix), "::/0");
}

Test(proto_nd, too_many_prefixes_and_routes)
{
	static uint8_t buf[16 + 32 * (ND_MAX_PREFIXES + 3) + 16 * (ND_MAX_ROUTES + 3)] = {134};
	struct nd_router_advert ra;
	size_t len = 16;

	for (uint8_t i = 0; i < ND_MAX_PREFIXES + 3; i++, len += 32) {
		memcpy(buf + len, (uint8_t[]){3, 4, 64}, 3);
		memcpy(buf + len + 16, (uint8_t[]){0x20, i}, 2);
	}
	for (uint8_t i = 0; i < ND_MAX_ROUTES + 3; i++, len += 16)
		memcpy(buf + len, (uint8_t[]){24, 2, 64, 0, 0, 0, 0, 1, 0x20, i}, 10);
	cr_assert_eq(len, sizeof(buf));
	cr_assert_eq(nd_router_advert_parse(buf, len, 0, &ra), 0);
	cr_assert_eq(ra.n_prefixes, ND_MAX_PREFIXES);
	cr_assert_eq(ra.n_routes, ND_MAX_ROUTES);
	cr_assert_eq(ra.prefix[31].prefix.addr.s6_addr[1], 31);
	ra.n_prefixes++;
	cr_assert_eq(nd_router_advert_build(&ra, buf, sizeof(buf)), -EINVAL);
	ra.n_prefixes--;
	ra.n_routes++;
	cr_assert_eq(nd_router_advert_build(&ra, buf, sizeof(buf)), -EINVAL);
}

/* RFC 4191 section 2.3. */
Test(proto_nd, route_information)
{
	struct nd_router_advert ra;

	cr_assert_eq(parse(HEADER "1801000000000001", &ra), 0);
	cr_assert_str_eq(PREFIX_STR(&ra.route[0].prefix), "::/0");
	cr_assert_eq(ra.route[0].preference, ND_PREF_MEDIUM);
	cr_assert_eq(parse(HEADER "1801010000000001", &ra), 0);
	cr_assert_eq(ra.n_routes, 0, "one bit and no octet to hold it");
	cr_assert_eq(parse(HEADER "1802400800000001 20010db800000001", &ra), 0);
	cr_assert_eq(ra.n_routes, 1);
	cr_assert_eq(ra.route[0].preference, ND_PREF_HIGH);
	cr_assert_eq(parse(HEADER "1802410800000001 20010db800000001", &ra), 0);
	cr_assert_eq(ra.n_routes, 0, "65 bits in 8 octets");
	cr_assert_eq(parse(HEADER "1803810800000001 20010db800000001 0000000000000000", &ra), 0);
	cr_assert_eq(ra.n_routes, 0, "129 bits");
	cr_assert_eq(parse(HEADER "1803201800000001 20010db8ffffffff 0000000000000001", &ra), 0);
	cr_assert_str_eq(PREFIX_STR(&ra.route[0].prefix), "2001:db8::/32");
	cr_assert_eq(ra.route[0].preference, ND_PREF_LOW);
	cr_assert_eq(parse(HEADER "1802401000000001 20010db800000001", &ra), 0);
	cr_assert_eq(ra.n_routes, 0, "the reserved preference: the option is ignored");
	cr_assert_eq(parse(HEADER "1804400000000001 20010db800000001 0000000000000000"
				  "0000000000000000",
			   &ra),
		     0);
	cr_assert_eq(ra.n_routes, 0, "four units");
}

/* RFC 4191 section 2.2. */
Test(proto_nd, router_preference)
{
	static const struct {
		uint8_t flags;
		enum nd_preference with_lifetime;
	} cases[] = {{0x00, ND_PREF_MEDIUM},
		     {0x08, ND_PREF_HIGH},
		     {0x10, ND_PREF_MEDIUM},
		     {0x18, ND_PREF_LOW}};
	struct nd_router_advert ra;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint8_t buf[16] = {134, 0, 0, 0, 64, cases[i].flags, 0, 1};

		cr_assert_eq(nd_router_advert_parse(buf, sizeof(buf), 0, &ra), 0);
		cr_assert_eq(ra.preference, cases[i].with_lifetime);
		buf[7] = 0;
		cr_assert_eq(nd_router_advert_parse(buf, sizeof(buf), 0, &ra), 0);
		cr_assert_eq(ra.preference, ND_PREF_MEDIUM, "not a default router");
		ra.preference = ND_PREF_LOW;
		cr_assert_eq(nd_router_advert_build(&ra, buf, sizeof(buf)), 16);
		cr_assert_eq(buf[5] & 0x18, 0);
	}
}

Test(proto_nd, build_refuses_what_no_router_sends)
{
	struct nd_router_advert ra;
	uint8_t buf[512];

#define REFUSED(change) \
	do { \
		fill_advert(&ra); \
		change; \
		cr_assert_eq(nd_router_advert_build(&ra, buf, sizeof(buf)), -EINVAL, #change); \
	} while (0)
	REFUSED(ra.lladdr_len = 7);
	REFUSED(ra.mtu = 1279);
	REFUSED(ra.prefix[0].prefix.len = 129);
	REFUSED(ra.prefix[0].preferred = 86401);
	REFUSED(ra.prefix[0].router_address = addr(CN));
	REFUSED(ra.prefix[0].router_flag = false; ra.prefix[0].prefix = prefix("fe80::/64"));
	REFUSED(ra.route[2].prefix.len = 129);
#undef REFUSED
}

Test(proto_nd, link_layer_address_of_eight_octets)
{
	struct nd_router_advert ra, back;
	uint8_t buf[64], want[32];

	memset(&ra, 0, sizeof(ra));
	ra.lladdr_len = 8;
	memcpy(ra.lladdr, "\1\2\3\4\5\6\7\x8", 8);
	unhex("86000000000000000000000000000000 0102010203040506 0708000000000000", want,
	      sizeof(want));
	cr_assert_eq(nd_router_advert_build(&ra, buf, sizeof(buf)), 32);
	cr_assert_arr_eq(buf, want, 32);
	cr_assert_eq(nd_router_advert_parse(buf, 32, 0, &back), 0);
	cr_assert(nd_router_advert_same(&ra, &back));
}

Test(proto_nd, router_solicit)
{
	uint8_t buf[16], want[16], long_address[255 * 8];

	unhex("8500000000000000 0101020000000001", want, sizeof(want));
	cr_assert_eq(nd_router_solicit_build(want + 10, 6, buf, sizeof(buf)), 16);
	cr_assert_arr_eq(buf, want, 16);
	cr_assert_eq(nd_router_solicit_build(NULL, 0, buf, 8), 8);
	cr_assert_arr_eq(buf, want, 8);
	for (size_t cap = 0; cap < 16; cap++)
		cr_assert_eq(nd_router_solicit_build(want + 10, 6, buf, cap), -ENOBUFS);
	memset(long_address, 0, sizeof(long_address));
	cr_assert_eq(nd_router_solicit_build(long_address, sizeof(long_address), buf, sizeof(buf)),
		     -EINVAL);
}

/* Unsolicited, to override what the neighbours remember: S=0, O=1. */
Test(proto_nd, neighbour_advert)
{
	struct in6_addr target = addr(HOA), all_nodes = addr("ff02::1");
	uint8_t buf[32], want[32];

	unhex("88000000 20000000 20010db8000100000000000000000100 0201020000000001", want,
	      sizeof(want));
	cr_assert_eq(nd_neighbour_advert_build(&target, want + 26, 6, buf, sizeof(buf)), 32);
	cr_assert_arr_eq(buf, want, 32);
	cr_assert_not(icmp6_checksum_ok(&target, &all_nodes, buf, 32));
	icmp6_set_checksum(&target, &all_nodes, buf, 32);
	cr_assert(icmp6_checksum_ok(&target, &all_nodes, buf, 32));
	cr_assert_not(icmp6_checksum_ok(&target, &target, buf, 32));
	cr_assert_not(icmp6_checksum_ok(&target, &all_nodes, buf, 3));
	cr_assert_eq(nd_neighbour_advert_build(&target, NULL, 0, buf, 24), 24);
	cr_assert_eq(nd_neighbour_advert_build(&target, NULL, 0, buf, 23), -ENOBUFS);
	cr_assert_eq(nd_neighbour_advert_build(&target, want, 255 * 8 - 1, buf, 32), -EINVAL);
}

/* Unicast, to one router: with our link-layer address, or without. */
Test(proto_nd, neighbour_solicit)
{
	struct in6_addr target = addr("fe80::1");
	uint8_t buf[32], want[32];

	unhex("87000000 00000000 fe800000000000000000000000000001 0101020000000001", want,
	      sizeof(want));
	cr_assert_eq(nd_neighbour_solicit_build(&target, want + 26, 6, buf, sizeof(buf)), 32);
	cr_assert_arr_eq(buf, want, 32);
	cr_assert_eq(nd_neighbour_solicit_build(&target, NULL, 0, buf, sizeof(buf)), 24);
	cr_assert_arr_eq(buf, want, 24);
	cr_assert_eq(nd_neighbour_solicit_build(&target, NULL, 0, buf, 23), -ENOBUFS);
	cr_assert_eq(nd_neighbour_solicit_build(&target, want, 255 * 8 - 1, buf, 32), -EINVAL);
}

/* RFC 4861 section 7.1.2: what a router answers. */
Test(proto_nd, neighbour_advert_is_read)
{
	struct in6_addr target = addr("fe80::1");
	struct nd_neighbour_advert na;
	uint8_t exact[40];

	unhex("88000000 e0000000 fe800000000000000000000000000001 0e01000000000000 "
	      "0201020000000001",
	      exact, sizeof(exact));
	cr_assert_eq(nd_neighbour_advert_parse(exact, 40, &na), 0);
	cr_assert(addr_equal(&na.target, &target) && na.router && na.solicited && na.has_lladdr);
	cr_assert_arr_eq(na.lladdr, exact + 34, 6);
	for (size_t n = 0; n < 40; n++) /* whole options only */
		cr_assert_eq(nd_neighbour_advert_parse(exact, n, &na),
			     n == 24 || n == 32 ? 0 : -EBADMSG, "%zu octets", n);
	exact[4] = 0x20;
	cr_assert_eq(nd_neighbour_advert_parse(exact, 24, &na), 0);
	cr_assert(!na.router && !na.solicited && !na.has_lladdr);
	exact[25] = 0; /* an option of length zero */
	cr_assert_eq(nd_neighbour_advert_parse(exact, 40, &na), -EBADMSG);
	exact[25] = exact[1] = 1; /* a code */
	cr_assert_eq(nd_neighbour_advert_parse(exact, 40, &na), -EBADMSG);
	exact[1] = 0, exact[0] = 0x87;
	cr_assert_eq(nd_neighbour_advert_parse(exact, 40, &na), -EBADMSG);
}

/* An odd number of octets is summed as if a zero followed. */
Test(proto_nd, checksum_of_an_odd_length)
{
	struct in6_addr a = addr(HOA), b = addr(HA);
	uint8_t buf[9] = {128, 0, 0, 0, 1, 2, 3, 4, 5};

	icmp6_set_checksum(&a, &b, buf, sizeof(buf));
	cr_assert(icmp6_checksum_ok(&a, &b, buf, sizeof(buf)));
	buf[8] ^= 1;
	cr_assert_not(icmp6_checksum_ok(&a, &b, buf, sizeof(buf)));
}
