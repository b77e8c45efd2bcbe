/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Router advertisements with a provisioning domain (RFC 8801), a captive portal (RFC 8910). */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>

#include "test_proto.h"

#define HEADER "86000000 40e80708 00007530 000003e8" /* M O H high, 1800 s */
/* 22 octets with type and length, and two of padding */
#define NAME "0374 6573 0765 7861 6d70 6c65 036e 6574 00"  /* tes.example.net */
#define INNER_HEADER "86001234 20180064 00000001 00000002" /* H low, 100 s */
#define PIO(third) "030440c0 00000002 00000001 00000000 20010db8 0000" third " 00000000 00000000"

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

Test(proto_domain, name_flags_and_sequence)
{
	struct nd_router_advert ra;

	cr_assert_eq(parse(HEADER "1503 c00b 1234" NAME "00", &ra), 0);
	cr_assert_str_eq(ra.domain.name, "tes.example.net");
	cr_assert(ra.domain.http);
	cr_assert(ra.domain.legacy);
	cr_assert_eq(ra.domain.delay, 11);
	cr_assert_eq(ra.domain.sequence, 0x1234);
	cr_assert_eq(parse(HEADER "1503 1ff0 0000" NAME "ff", &ra), 0);
	cr_assert_not(ra.domain.http, "reserved bits and padding say nothing");
	cr_assert_not(ra.domain.legacy);
	cr_assert_eq(ra.domain.delay, 0);
	cr_assert_str_eq(ra.domain.name, "tes.example.net");
	cr_assert_eq(parse(HEADER, &ra), 0);
	cr_assert_str_eq(ra.domain.name, "");
}

Test(proto_domain, names_are_lower_case)
{
	struct nd_router_advert ra;

	cr_assert_eq(parse(HEADER "1502 0000 0000 0341 2d5f 0142 00 00 0000", &ra), 0);
	cr_assert_str_eq(ra.domain.name, "a-_.b");
}

/* What is inside counts as if it were outside. */
Test(proto_domain, options_inside)
{
	struct nd_router_advert ra;

	cr_assert_eq(parse(HEADER PIO("0001") "150b 0000 0000" NAME "00" PIO("0002")
				   PIO("0003") "0501000000000500",
			   &ra),
		     0);
	cr_assert_str_eq(ra.domain.name, "tes.example.net");
	cr_assert_eq(ra.n_prefixes, 3);
	cr_assert_str_eq(PREFIX_STR(&ra.prefix[2].prefix), "2001:db8:0:3::/64");
	cr_assert_eq(ra.mtu, 1280);
	cr_assert_eq(ra.router_lifetime, 1800);
}

Test(proto_domain, the_header_inside_wins)
{
	struct nd_router_advert ra;

	cr_assert_eq(parse(HEADER "1509 2000 0000" NAME "00" INNER_HEADER PIO("0002"), &ra), 0);
	cr_assert_str_eq(ra.domain.name, "tes.example.net");
	cr_assert_eq(ra.n_prefixes, 1);
	cr_assert_not(ra.managed);
	cr_assert_not(ra.other);
	cr_assert_not(ra.home_agent);
	cr_assert_eq(ra.preference, ND_PREF_LOW);
	cr_assert_eq(ra.hop_limit, 0x20);
	cr_assert_eq(ra.router_lifetime, 100);
	cr_assert_eq(ra.reachable_ms, 1);
	cr_assert_eq(ra.retrans_ms, 2);
}

Test(proto_domain, an_impossible_one_is_skipped_whole)
{
	static const char *const cases[] = {
		"1501 0000 0000 0000",                        /* no name */
		"1501 0000 0000 0341",                        /* it ends too early */
		"1502 0000 0000 0341 4243 4445 4647 4849",    /* it does not end */
		"1502 0000 0000 c00c 0000 0000 0000 0000",    /* compression */
		"1502 0000 0000 4041 4243 0000 0000 0000",    /* a label of 64 */
		"1502 0000 0000 0341 2e42 00 00 0000 0000",   /* a dot in a label */
		"1502 0000 0000 0341 0042 00 00 0000 0000",   /* NUL */
		"1502 0000 0000 0241 20 00 00 0000 0000 00",  /* a blank */
		"1503 2000 0000" NAME "00",                   /* no header after all */
		"1504 2000 0000" NAME "00 86000000 00000708", /* half of one */
		"1505 2000 0000" NAME
		"00 85000000 20180064 0000000000000002", /* of another message */
		"1505 2000 0000" NAME "00 86010000 20180064 0000000000000002", /* code 1 */
		"1504 0000 0000" NAME "00 0500000000000500", /* an option of length zero */
		"1504 0000 0000" NAME "00 0502000000000500", /* past the end */
		"1508 0000 0000" NAME "00" PIO("0002") "0502000000000500", /* behind a good one */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct nd_router_advert ra;
		char hex[512];

		snprintf(hex, sizeof(hex), HEADER "%s" PIO("0001"), cases[i]);
		cr_assert_eq(parse(hex, &ra), 0, "case %zu", i);
		cr_assert_str_eq(ra.domain.name, "", "case %zu", i);
		cr_assert_eq(ra.n_prefixes, 1, "case %zu: %u prefixes", i, ra.n_prefixes);
		cr_assert_eq(ra.mtu, 0, "case %zu", i);
		cr_assert_eq(ra.router_lifetime, 1800, "case %zu", i);
	}
}

Test(proto_domain, only_the_first_counts)
{
	struct nd_router_advert ra;

	cr_assert_eq(parse(HEADER "1503 8000 0001" NAME "00"
				  "1506 0000 0000 0161 0000 0000 0000 0000" PIO("0002"),
			   &ra),
		     0);
	cr_assert_str_eq(ra.domain.name, "tes.example.net");
	cr_assert_eq(ra.n_prefixes, 0);
	cr_assert_eq(parse(HEADER "1501 0000 0000 0000 1503 8000 0001" NAME "00", &ra), 0);
	cr_assert_str_eq(ra.domain.name, "", "also when it is impossible");
	cr_assert_eq(parse(HEADER "1505 8000 0001" NAME "00"
				  "1502 0000 0000 0161 0000 0000 0000 0000",
			   &ra),
		     0);
	cr_assert_str_eq(ra.domain.name, "tes.example.net", "none inside another");
}

Test(proto_domain, truncated_at_every_octet)
{
	uint8_t buf[256];
	size_t len = unhex(HEADER "150d 2000 0000" NAME "00" INNER_HEADER PIO("0002") PIO("0003"),
			   buf, sizeof(buf));
	struct nd_router_advert ra;

	cr_assert_eq(nd_router_advert_parse(buf, len, 0, &ra), 0);
	cr_assert_eq(ra.n_prefixes, 2);
	for (size_t n = 0; n < len; n++) {
		uint8_t *exact = (uint8_t *)malloc(n + 1);

		memcpy(exact, buf, n);
		cr_assert_eq(nd_router_advert_parse(exact, n, 0, &ra), n == 16 ? 0 : -EBADMSG,
			     "%zu octets", n);
		free(exact);
	}
}

static void fill_name(char *name, size_t len)
{
	memset(name, 'a', len);
	for (size_t i = 50; i < len; i += 51)
		name[i] = '.';
	name[len] = '\0';
}

Test(proto_domain, there_and_back)
{
	struct nd_router_advert ra, back;
	uint8_t buf[512];

	memset(&ra, 0, sizeof(ra));
	ra.domain.http = true;
	ra.domain.delay = 3;
	ra.domain.sequence = 7;
	for (size_t n = 1; n <= 253; n++) {
		int len;

		if (n % 51 == 0) /* a dot at the end */
			continue;
		fill_name(ra.domain.name, n);
		len = nd_router_advert_build(&ra, buf, sizeof(buf));
		cr_assert_gt(len, 0, "%zu", n);
		cr_assert_eq(len % 8, 0);
		cr_assert_eq(nd_router_advert_parse(buf, (size_t)len, 0, &back), 0);
		cr_assert(nd_router_advert_same(&ra, &back), "%zu", n);
		for (int cap = 0; cap < len; cap++)
			cr_assert_eq(nd_router_advert_build(&ra, buf, (size_t)cap), -ENOBUFS);
	}
	for (size_t i = 0; i < 6; i++) {
		static const char *const names[] = {".", "a..b", "a.", ".a", "a b", "a\xc3\xa9"};

		strcpy(ra.domain.name, names[i]);
		cr_assert_eq(nd_router_advert_build(&ra, buf, sizeof(buf)), -EINVAL, "%s",
			     names[i]);
	}
	memset(ra.domain.name, 'a', 64);
	ra.domain.name[64] = '\0';
	cr_assert_eq(nd_router_advert_build(&ra, buf, sizeof(buf)), -EINVAL, "a label of 64");
}

static void add_portal(char *hex, const char *uri)
{
	size_t len = strlen(uri), units = (2 + len + 7) / 8;

	hex += sprintf(hex, HEADER "25%02zx", units);
	for (size_t i = 0; i < units * 8 - 2; i++)
		hex += sprintf(hex, "%02x", i < len ? (unsigned char)uri[i] : 0);
}

Test(proto_domain, captive_portal)
{
	static const struct {
		const char *uri;
		bool captive;
	} cases[] = {
		{"https://portal.example/", true},
		{"urn:ietf:params:capport:unrestricted", false},
		{"urn:ietf:params:capport:unrestricted2", true},
		{"urn:ietf:params:capport:unrestricte", true},
		{"", false},
		{"x", true},
		{"sixsix", true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct nd_router_advert ra, back;
		char hex[512];
		uint8_t buf[128];
		int len;

		add_portal(hex, cases[i].uri);
		cr_assert_eq(parse(hex, &ra), 0);
		cr_assert_eq(ra.captive_portal, cases[i].captive, "%s", cases[i].uri);
		len = nd_router_advert_build(&ra, buf, sizeof(buf));
		cr_assert_gt(len, 0);
		cr_assert_eq(nd_router_advert_parse(buf, (size_t)len, 0, &back), 0);
		cr_assert(nd_router_advert_same(&ra, &back));
	}
}
