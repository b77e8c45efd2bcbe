/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>

#include "base/addr.h"

static struct in6_addr addr(const char *s)
{
	struct in6_addr a;

	cr_assert_eq(addr_parse(s, &a), 0, "%s", s);
	return a;
}

static struct ip6_prefix prefix(const char *s)
{
	struct ip6_prefix p;

	cr_assert_eq(prefix_parse(s, &p), 0, "%s", s);
	return p;
}

Test(base_addr, text_there_and_back)
{
	static const char *const texts[] = {"::", "::1", "2001:db8::1", "fe80::1",
					    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct in6_addr a = addr(texts[i]);

		cr_assert_str_eq(ADDR_STR(&a), texts[i]);
	}
}

Test(base_addr, parse_refuses)
{
	static const char *const texts[] = {
		"", "1.2.3.4", "2001:db8::1 ", "2001:db8::1%eth0", "::1/64", "2001::db8::1", "g::"};
	struct in6_addr a = addr("2001:db8::1"), before = a;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		cr_assert_eq(addr_parse(texts[i], &a), -EINVAL, "%s", texts[i]);
	cr_assert(addr_equal(&a, &before));
}

Test(base_addr, prefix_text_there_and_back)
{
	static const char *const texts[] = {"::/0", "2001:db8:1::/64", "2001:db8::1/128",
					    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct ip6_prefix p = prefix(texts[i]);

		cr_assert_str_eq(PREFIX_STR(&p), texts[i]);
	}
}

Test(base_addr, prefix_parse_clears_bits_past_the_length)
{
	struct ip6_prefix p = prefix("2001:db8:ffff:ffff::1/35");

	cr_assert_str_eq(PREFIX_STR(&p), "2001:db8:e000::/35");
}

Test(base_addr, prefix_parse_refuses)
{
	static const char *const texts[] = {
		"",
		"2001:db8::",
		"2001:db8::/",
		"2001:db8::/129",
		"2001:db8::/-1",
		"2001:db8::/64x",
		"2001:db8::/ 64",
		"2001:db8::/+64",
		"/64",
		"2001:db8::/99999999999999999999",
		"2001:0db8:0000:0000:0000:0000:0000:0000:0000:0000:0000/64",
	};
	struct ip6_prefix p = prefix("2001:db8::/32"), before = p;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		cr_assert_eq(prefix_parse(texts[i], &p), -EINVAL, "%s", texts[i]);
	cr_assert(prefix_equal(&p, &before));
}

Test(base_addr, prefix_contains_what_shares_its_bits)
{
	struct ip6_prefix all = prefix("::/0"), p = prefix("2001:db8:0:80::/57");
	struct in6_addr in = addr("2001:db8:0:ff::1"), out = addr("2001:db8:0:7f::1");

	cr_assert(prefix_contains(&p, &in));
	cr_assert_not(prefix_contains(&p, &out));
	cr_assert(prefix_contains(&all, &out));
}

Test(base_addr, prefixes_differ_in_length_alone)
{
	struct ip6_prefix a = prefix("2001:db8::/32"), b = prefix("2001:db8::/48");

	cr_assert_not(prefix_equal(&a, &b));
	cr_assert(prefix_equal(&a, &a));
}

Test(base_addr, kinds_of_address)
{
	static const char *const unusable[] = {"::",      "::1",     "fe80::1",
					       "febf::1", "ff02::1", "::ffff:192.0.2.1"};
	struct in6_addr a;

	for (size_t i = 0; i < sizeof(unusable) / sizeof(*unusable); i++) {
		a = addr(unusable[i]);
		cr_assert_not(addr_is_routable(&a), "%s", unusable[i]);
	}
	a = addr("2001:db8::1");
	cr_assert(addr_is_routable(&a));
	a = addr("fd00::1");
	cr_assert(addr_is_routable(&a));
	a = addr("::");
	cr_assert(addr_is_any(&a));
	a = addr("febf::1");
	cr_assert(addr_is_linklocal(&a));
	a = addr("fec0::1");
	cr_assert_not(addr_is_linklocal(&a));
	a = addr("ff02::1");
	cr_assert(addr_is_multicast(&a));
}
