/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The experimental prefix property option of router advertisements. */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>

#include "test_proto.h"

#define HEADER "86000000 40000708 00000000 00000000"
#define PIO(third) "030440c0 00000002 00000001 00000000 20010db8 0000" third " 00000000 00000000"
/* version, flags, service, anchoring, mobility, cost; prefix length; valid from */
#define SAYS(what, third) "fd04" what "40 000000 00000000 20010db8 0000" third " 00000000 00000000"

static void parse(const char *hex, uint8_t type, struct nd_router_advert *ret)
{
	uint8_t buf[2048];
	size_t len = unhex(hex, buf, sizeof(buf));

	cr_assert_eq(nd_router_advert_parse(buf, len, type, ret), 0);
}

Test(proto_property, every_field)
{
	struct nd_router_advert ra;
	const struct properties *p = &ra.prefix[0].properties;

	parse(HEADER PIO("0001") SAYS("01e0 03020307", "0001"), 253, &ra);
	cr_assert_eq(ra.n_prefixes, 1);
	cr_assert_eq(p->service, SERVICE_FIXED);
	cr_assert_eq(p->anchoring, PREFIX_ANCHORED);
	cr_assert_eq(p->mobility, PREFIX_MOBILITY_NETWORK);
	cr_assert_eq(p->cost, 7);
	cr_assert(p->published);
	cr_assert_not(p->internet);
	cr_assert(ra.prefix[0].deprecated_soon);
	cr_assert_eq(p->set, ((1u << PROPERTY_MAX) - 1) & ~(1u << PROPERTY_ANCHOR));
}

Test(proto_property, what_is_not_stated)
{
	struct nd_router_advert ra;

	parse(HEADER PIO("0001") SAYS("0100 000000ff", "0001"), 253, &ra);
	cr_assert_eq(ra.prefix[0].properties.set, 0);
	cr_assert_not(ra.prefix[0].deprecated_soon);
	parse(HEADER PIO("0001") SAYS("011f 0503 04ff", "0001"), 253, &ra);
	cr_assert_eq(ra.prefix[0].properties.set, 0, "numbers that mean nothing");
}

Test(proto_property, services)
{
	static const struct {
		const char *hex;
		enum service_type service;
	} cases[] = {
		{HEADER PIO("0001") SAYS("0100 010000ff", "0001"), SERVICE_NON_PERSISTENT},
		{HEADER PIO("0001") SAYS("0100 020000ff", "0001"), SERVICE_SESSION_LASTING},
		{HEADER PIO("0001") SAYS("0100 030000ff", "0001"), SERVICE_FIXED},
		{HEADER PIO("0001") SAYS("0100 040000ff", "0001"), SERVICE_GRACEFUL_REPLACEMENT},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct nd_router_advert ra;

		parse(cases[i].hex, 253, &ra);
		cr_assert_eq(ra.prefix[0].properties.set, 1u << PROPERTY_SERVICE);
		cr_assert_eq(ra.prefix[0].properties.service, cases[i].service);
	}
}

Test(proto_property, only_for_the_equal_prefix)
{
	struct nd_router_advert ra;

	parse(HEADER SAYS("0100 00010003", "0002") PIO("0001") PIO("0002"), 253, &ra);
	cr_assert_eq(ra.n_prefixes, 2);
	cr_assert_eq(ra.prefix[0].properties.set, 0);
	cr_assert_eq(ra.prefix[1].properties.anchoring, PREFIX_LOCAL, "it may stand before");
	parse(HEADER PIO("0001") SAYS("0100 010000ff", "0001") SAYS("0100 020000ff", "0001"), 253,
	      &ra);
	cr_assert_eq(ra.prefix[0].properties.service, SERVICE_NON_PERSISTENT, "the first counts");
}

Test(proto_property, ignored)
{
	static const char *const cases[] = {
		SAYS("0000 01010101", "0001"), /* version 0 */
		SAYS("0200 01010101", "0001"), /* version 2 */
		/* not valid yet */
		"fd040100 01010101 40000000 00000001 20010db8 00000001 00000000 00000000",
		/* another length of the prefix */
		"fd040100 01010101 3f000000 00000000 20010db8 00000001 00000000 00000000",
		"fd040100 01010101 81000000 00000000 20010db8 00000001 00000000 00000000",
		"fd030100 01010101 40000000 00000000 20010db8 00000001",
		"fd050100 01010101 40000000 00000000 20010db8 00000001 00000000 00000000"
		"0000000000000000",
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct nd_router_advert ra;
		char hex[512];

		snprintf(hex, sizeof(hex), HEADER "%s" PIO("0001"), cases[i]);
		parse(hex, 253, &ra);
		cr_assert_eq(ra.n_prefixes, 1);
		cr_assert_eq(ra.prefix[0].properties.set, 0, "case %zu", i);
	}
}

Test(proto_property, another_type_or_none)
{
	struct nd_router_advert ra;

	parse(HEADER PIO("0001") SAYS("0100 010000ff", "0001"), 0, &ra);
	cr_assert_eq(ra.prefix[0].properties.set, 0, "switched off");
	parse(HEADER PIO("0001") SAYS("0100 010000ff", "0001"), 254, &ra);
	cr_assert_eq(ra.prefix[0].properties.set, 0);
	parse(HEADER PIO("0001"), 3, &ra);
	cr_assert_eq(ra.n_prefixes, 1, "a standard option stays one");
}

Test(proto_property, inside_a_domain)
{
	struct nd_router_advert ra;

	parse(HEADER "150a 0000 0000 0161 0000 0000 0000 0000" PIO("0001")
		      SAYS("0100 010000ff", "0001"),
	      253, &ra);
	cr_assert_str_eq(ra.domain.name, "a");
	cr_assert_eq(ra.prefix[0].properties.service, SERVICE_NON_PERSISTENT);
}

Test(proto_property, there_and_back)
{
	struct nd_router_advert ra, back;
	uint8_t buf[2048];
	int len;

	memset(&ra, 0, sizeof(ra));
	ra.n_prefixes = ND_MAX_PREFIXES;
	for (uint8_t i = 0; i < ND_MAX_PREFIXES; i++) {
		struct properties *p = &ra.prefix[i].properties;

		ra.prefix[i].prefix = prefix("2001:db8::/64");
		ra.prefix[i].prefix.addr.s6_addr[7] = i;
		ra.prefix[i].deprecated_soon = i & 1;
		p->set = i & 0x1d;
		if (properties_have(p, PROPERTY_ANCHORING))
			p->anchoring = i & 2 ? PREFIX_LOCAL : PREFIX_ANCHORED;
		if (properties_have(p, PROPERTY_SERVICE))
			p->service = i % SERVICE_TYPE_MAX;
		if (properties_have(p, PROPERTY_MOBILITY))
			p->mobility = PREFIX_MOBILITY_HOST;
		if (i & 2) {
			p->set |= 1u << PROPERTY_COST;
			p->cost = i * 8;
		}
	}
	len = nd_router_advert_build(&ra, buf, sizeof(buf));
	cr_assert_gt(len, 0);
	cr_assert_eq(nd_router_advert_parse(buf, (size_t)len, ND_PROPERTY_OPTION, &back), 0);
	cr_assert(nd_router_advert_same(&ra, &back));
	ra.prefix[0].properties.set = 1u << PROPERTY_COST;
	ra.prefix[0].properties.cost = 255;
	cr_assert_eq(nd_router_advert_build(&ra, buf, sizeof(buf)), -EINVAL);
}
