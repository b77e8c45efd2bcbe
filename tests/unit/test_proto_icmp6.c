/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Echo, mobile prefix solicitations and advertisements. */
#include <criterion/criterion.h>

#include <errno.h>

#include "test_proto.h"

Test(proto_icmp6, echo)
{
	static const uint8_t want[] = {128, 0, 0, 0, 0x12, 0x34, 0x56, 0x78};
	uint8_t buf[12] = {0};
	uint16_t identifier = 1, sequence = 2;

	cr_assert_eq(icmp6_echo_build(0x1234, 0x5678, buf, sizeof(buf)), 8);
	cr_assert_arr_eq(buf, want, sizeof(want));
	for (size_t cap = 0; cap < 8; cap++)
		cr_assert_eq(icmp6_echo_build(1, 2, buf, cap), -ENOBUFS);
	cr_assert_eq(icmp6_echo_reply_parse(want, 8, &identifier, &sequence), -EBADMSG,
		     "a request");
	memcpy(buf, want, 8);
	buf[0] = ICMP6_ECHO_REPLY_TYPE;
	for (size_t len = 0; len < 8; len++)
		cr_assert_eq(icmp6_echo_reply_parse(buf, len, &identifier, &sequence), -EBADMSG);
	cr_assert_eq(identifier, 1);
	cr_assert_eq(sequence, 2);
	cr_assert_eq(icmp6_echo_reply_parse(buf, 12, &identifier, &sequence), 0, "data behind it");
	cr_assert_eq(identifier, 0x1234);
	cr_assert_eq(sequence, 0x5678);
	buf[1] = 1;
	cr_assert_eq(icmp6_echo_reply_parse(buf, 8, &identifier, &sequence), -EBADMSG, "code");
}

Test(proto_icmp6, mobile_prefix_solicitation)
{
	static const uint8_t want[] = {146, 0, 0, 0, 0xbe, 0xef, 0, 0};
	uint8_t buf[8];
	uint16_t identifier = 1;

	cr_assert_eq(mobile_prefix_solicit_build(0xbeef, buf, sizeof(buf)), 8);
	cr_assert_arr_eq(buf, want, sizeof(want));
	cr_assert_eq(mobile_prefix_solicit_build(0xbeef, buf, 7), -ENOBUFS);
	for (size_t len = 0; len < 8; len++)
		cr_assert_eq(mobile_prefix_solicit_parse(want, len, &identifier), -EBADMSG);
	cr_assert_eq(identifier, 1);
	cr_assert_eq(mobile_prefix_solicit_parse(want, 8, &identifier), 0);
	cr_assert_eq(identifier, 0xbeef);
	buf[0] = ICMP6_MPA;
	cr_assert_eq(mobile_prefix_solicit_parse(buf, 8, &identifier), -EBADMSG);
}

static const char advert[] =
	"93000000 beefc000"
	"030440e0 00015180 00003840 00000000 20010db8 00010000 00000000 00000001"
	"03043840 ffffffff ffffffff 00000000 fd000001 00000000 00000000 00000000";

static void fill_advert(struct mobile_prefix_advert *a)
{
	memset(a, 0, sizeof(*a));
	a->identifier = 0xbeef;
	a->managed = a->other = true;
	a->n_prefixes = 2;
	a->prefix[0].prefix = prefix("2001:db8:1::/64");
	a->prefix[0].router_address = addr(HA);
	a->prefix[0].on_link = a->prefix[0].autonomous = a->prefix[0].router_flag = true;
	a->prefix[0].valid = 86400;
	a->prefix[0].preferred = 14400;
	a->prefix[1].prefix = prefix("fd00:1::/56");
	a->prefix[1].autonomous = true;
	a->prefix[1].valid = a->prefix[1].preferred = ND_INFINITE;
}

Test(proto_icmp6, mobile_prefix_advertisement)
{
	struct mobile_prefix_advert a, back;
	uint8_t want[128], got[128];
	size_t len = unhex(advert, want, sizeof(want));

	fill_advert(&a);
	cr_assert_eq(mobile_prefix_advert_build(&a, got, sizeof(got)), (int)len);
	cr_assert_arr_eq(got, want, len);
	cr_assert_eq(mobile_prefix_advert_parse(want, len, &back), 0);
	cr_assert(mobile_prefix_advert_same(&a, &back));
	back.n_prefixes = 77;
	for (size_t n = 0; n < len; n++) {
		int r = mobile_prefix_advert_parse(want, n, &back);

		cr_assert_eq(r, n == 8 || n == 40 ? 0 : -EBADMSG, "%zu octets", n);
		if (r < 0)
			cr_assert_eq(back.n_prefixes, 77);
		back.n_prefixes = 77;
		cr_assert_eq(mobile_prefix_advert_build(&a, got, n), -ENOBUFS);
	}
	a.prefix[1].preferred = 1;
	a.prefix[1].valid = 0;
	cr_assert_eq(mobile_prefix_advert_build(&a, got, sizeof(got)), -EINVAL);
	a.n_prefixes = ND_MAX_PREFIXES + 1;
	cr_assert_eq(mobile_prefix_advert_build(&a, got, sizeof(got)), -EINVAL);
}

Test(proto_icmp6, options_of_a_mobile_prefix_advertisement)
{
	struct mobile_prefix_advert a;
	uint8_t buf[128];
	size_t len;

	len = unhex(
		"93000000 00010000"
		"0501000000000500"                                                      /* MTU */
		"0302 40c0 00000002 00000001 00000000"                                  /* short */
		"030481c0 00000002 00000001 00000000 20010db800000001 0000000000000000" /* /129 */
		"030440c0 00000002 00000001 00000000 20010db800000002 0000000000000000",
		buf, sizeof(buf));
	cr_assert_eq(mobile_prefix_advert_parse(buf, len, &a), 0);
	cr_assert_eq(a.identifier, 1);
	cr_assert_not(a.managed);
	cr_assert_not(a.other);
	cr_assert_eq(a.n_prefixes, 1);
	cr_assert_str_eq(PREFIX_STR(&a.prefix[0].prefix), "2001:db8:0:2::/64");
	len = unhex("93000000 00010000 0300000000000000", buf, sizeof(buf));
	cr_assert_eq(mobile_prefix_advert_parse(buf, len, &a), -EBADMSG, "length zero");
}

Test(proto_icmp6, more_prefixes_than_there_is_room_for)
{
	static uint8_t buf[8 + 32 * (ND_MAX_PREFIXES + 2)] = {ICMP6_MPA};
	struct mobile_prefix_advert a;

	for (uint8_t i = 0; i < ND_MAX_PREFIXES + 2; i++) {
		memcpy(buf + 8 + 32 * i, (uint8_t[]){3, 4, 64}, 3);
		memcpy(buf + 8 + 32 * i + 16, (uint8_t[]){0x20, i}, 2);
	}
	cr_assert_eq(mobile_prefix_advert_parse(buf, sizeof(buf), &a), 0);
	cr_assert_eq(a.n_prefixes, ND_MAX_PREFIXES);
	cr_assert_eq(a.prefix[ND_MAX_PREFIXES - 1].prefix.addr.s6_addr[1], ND_MAX_PREFIXES - 1);
}
