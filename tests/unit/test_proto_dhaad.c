/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dynamic home agent address discovery. */
#include <criterion/criterion.h>

#include <errno.h>

#include "test_proto.h"

Test(proto_dhaad, request_of_a_mobile_router)
{
	uint8_t buf[16] = {0}, want[8];
	uint16_t identifier = 0;
	bool mobile_router = false;

	unhex("9000000012348000", want, sizeof(want));
	cr_assert_eq(dhaad_request_build(0x1234, true, buf, sizeof(buf)), 8);
	cr_assert_arr_eq(buf, want, sizeof(want));
	cr_assert_eq(dhaad_request_parse(buf, 8, &identifier, &mobile_router), 0);
	cr_assert_eq(identifier, 0x1234);
	cr_assert(mobile_router);
	for (size_t cap = 0; cap < 8; cap++) {
		cr_assert_eq(dhaad_request_build(1, false, buf, cap), -ENOBUFS);
		cr_assert_eq(dhaad_request_parse(want, cap, &identifier, &mobile_router), -EBADMSG);
	}
	cr_assert_eq(identifier, 0x1234, "untouched");
}

Test(proto_dhaad, reply_there_and_back)
{
	struct dhaad_reply r = {.identifier = 0xbeef, .mobile_router = true, .n = 2}, back;
	uint8_t buf[64], want[40];

	r.agent[0] = addr("2001:db8:1::2");
	r.agent[1] = addr("2001:db8:1::1");
	unhex("91000000beef8000 20010db8000100000000000000000002 20010db8000100000000000000000001",
	      want, sizeof(want));
	cr_assert_eq(dhaad_reply_build(&r, buf, sizeof(buf)), 40);
	cr_assert_arr_eq(buf, want, sizeof(want));
	cr_assert_eq(dhaad_reply_parse(buf, 40, &back), 0);
	cr_assert_eq(back.identifier, 0xbeef);
	cr_assert(back.mobile_router);
	cr_assert_eq(back.n, 2);
	cr_assert(addr_equal(&back.agent[0], &r.agent[0]));
	cr_assert(addr_equal(&back.agent[1], &r.agent[1]));
}

Test(proto_dhaad, reply_truncated_at_every_octet)
{
	struct dhaad_reply r = {.n = 3}, back = {.n = 77};
	uint8_t buf[64];

	cr_assert_eq(dhaad_reply_build(&r, buf, sizeof(buf)), 56);
	for (size_t n = 0; n < 56; n++) {
		uint8_t *exact = (uint8_t *)malloc(n + 1);
		int want = n >= 8 && (n - 8) % 16 == 0 ? 0 : -EBADMSG;

		memcpy(exact, buf, n);
		cr_assert_eq(dhaad_reply_parse(exact, n, &back), want, "%zu octets", n);
		if (want == 0)
			cr_assert_eq(back.n, (n - 8) / 16);
		free(exact);
	}
}

Test(proto_dhaad, limits)
{
	static uint8_t buf[8 + 16 * (DHAAD_MAX_AGENTS + 5)] = {ICMP6_DHAAD_REPLY};
	struct dhaad_reply r = {.n = DHAAD_MAX_AGENTS + 1};

	cr_assert_eq(dhaad_reply_build(&r, buf, sizeof(buf)), -EINVAL);
	r.n = DHAAD_MAX_AGENTS;
	cr_assert_eq(dhaad_reply_build(&r, buf, 8 + 16 * DHAAD_MAX_AGENTS - 1), -ENOBUFS);
	cr_assert_eq(dhaad_reply_build(&r, buf, sizeof(buf)), 8 + 16 * DHAAD_MAX_AGENTS);
	memset(buf + 8 + 16 * (DHAAD_MAX_AGENTS - 1), 0x22, 16);
	cr_assert_eq(dhaad_reply_parse(buf, sizeof(buf), &r), 0, "the first ones are the best");
	cr_assert_eq(r.n, DHAAD_MAX_AGENTS);
	cr_assert_eq(r.agent[DHAAD_MAX_AGENTS - 1].s6_addr[0], 0x22);
}

Test(proto_dhaad, other_messages_are_refused)
{
	uint8_t request[8] = {ICMP6_DHAAD_REQUEST}, reply[8] = {ICMP6_DHAAD_REPLY};
	struct dhaad_reply r;
	uint16_t identifier;
	bool mobile_router;

	cr_assert_eq(dhaad_request_parse(reply, 8, &identifier, &mobile_router), -EBADMSG);
	cr_assert_eq(dhaad_reply_parse(request, 8, &r), -EBADMSG);
	request[1] = reply[1] = 1;
	cr_assert_eq(dhaad_request_parse(request, 8, &identifier, &mobile_router), -EBADMSG);
	cr_assert_eq(dhaad_reply_parse(reply, 8, &r), -EBADMSG);
}

Test(proto_dhaad, anycast_address)
{
	static const struct {
		const char *home, *anycast;
	} cases[] = {
		{"2001:db8:1::/64", "2001:db8:1:0:fdff:ffff:ffff:fffe"},
		{"2001:db8:1::/48", "2001:db8:1:0:fdff:ffff:ffff:fffe"},
		{"2001:db8:1:2:3::/80", "2001:db8:1:2:3:ffff:ffff:fffe"},
		{"2001:db8:1:2:4:5:6:0/120", "2001:db8:1:2:4:5:6:fe"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ip6_prefix home = prefix(cases[i].home);
		struct in6_addr a = dhaad_anycast(&home);

		cr_assert_str_eq(ADDR_STR(&a), cases[i].anycast);
	}
}
