/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Additional information of provisioning domains (RFC 8801 section 4), and its dates. */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/date.h"
#include "proto/pvd.h"

#define ID "\"identifier\": \"tes.example.net\""
#define EXPIRES "\"expires\": \"2026-05-23T06:00:00Z\""
#define PREFIXES "\"prefixes\": [\"2001:db8:1::/48\", \"2001:db8:4::/64\"]"
#define MANDATORY ID ", " EXPIRES ", " PREFIXES
#define EXPIRES_USEC (1779516000 * USEC_PER_SEC)

/* From memory of exactly this size. */
static int parse(const char *text, struct pvd_info *ret)
{
	size_t len = strlen(text);
	char *exact = (char *)malloc(len + 1);
	int r;

	memcpy(exact, text, len);
	r = pvd_info_parse(exact, len, ret);
	free(exact);
	return r;
}

Test(proto_pvd, mandatory_keys)
{
	struct pvd_info info;

	cr_assert_eq(parse("{" MANDATORY "}", &info), 0);
	cr_assert_str_eq(info.identifier, "tes.example.net");
	cr_assert_eq(info.expires_real, EXPIRES_USEC);
	cr_assert_not(info.no_internet);
	cr_assert_eq(info.n_prefixes, 2);
	cr_assert_str_eq(PREFIX_STR(&info.prefix[0].prefix), "2001:db8:1::/48");
	cr_assert_str_eq(PREFIX_STR(&info.prefix[1].prefix), "2001:db8:4::/64");
	cr_assert_eq(info.prefix[0].properties.set, 0);
}

Test(proto_pvd, each_mandatory_key_is)
{
	static const char *const cases[] = {
		"{" EXPIRES ", " PREFIXES "}",
		"{" ID ", " PREFIXES "}",
		"{" ID ", " EXPIRES "}",
		"{\"identifier\": 7, " EXPIRES ", " PREFIXES "}",
		"{\"identifier\": null, " EXPIRES ", " PREFIXES "}",
		"{\"identifier\": [\"tes.example.net\"], " EXPIRES ", " PREFIXES "}",
		"{\"identifier\": \"\", " EXPIRES ", " PREFIXES "}",
		"{\"identifier\": \".\", " EXPIRES ", " PREFIXES "}",
		"{\"identifier\": \"a b\", " EXPIRES ", " PREFIXES "}",
		"{\"identifier\": \"a\\u0000b\", " EXPIRES ", " PREFIXES "}",
		"{\"identifier\": \"b\xc3\xbc.example\", " EXPIRES ", " PREFIXES "}",
		"{" ID ", \"expires\": 1779516000, " PREFIXES "}",
		"{" ID ", \"expires\": \"tomorrow\", " PREFIXES "}",
		"{" ID ", \"expires\": \"\", " PREFIXES "}",
		"{" ID ", " EXPIRES ", \"prefixes\": \"2001:db8::/48\"}",
		"{" ID ", " EXPIRES ", \"prefixes\": {}}",
		"{" ID ", " EXPIRES ", \"prefixes\": [1]}",
		"{" ID ", " EXPIRES ", \"prefixes\": [\"2001:db8::\"]}",
		"{" ID ", " EXPIRES ", \"prefixes\": [\"2001:db8::/129\"]}",
		"{" ID ", " EXPIRES ", \"prefixes\": [\"2001:db8::/48\", \"192.0.2.0/24\"]}",
		"[" ID "]",
		"[]",
		"\"identifier\"",
		"null",
		"",
		"{",
		"{" MANDATORY,
		"{" MANDATORY "} x",
		"{" MANDATORY ",}",
		"{" MANDATORY ", \"x\": \"\xff\"}",
		"{" MANDATORY ", \"x\": \"\\ud800\"}",
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct pvd_info info = {.n_prefixes = 77};

		cr_assert_eq(parse(cases[i], &info), -EBADMSG, "%s", cases[i]);
		cr_assert_eq(info.n_prefixes, 77, "the result was touched");
	}
}

Test(proto_pvd, duplicate_keys_are_refused)
{
	struct pvd_info info;

	cr_assert_eq(parse("{" MANDATORY ", " ID "}", &info), -EBADMSG);
	cr_assert_eq(parse("{" MANDATORY ", \"x\": {\"a\": 1, \"b\": 2, \"a\": 1}}", &info),
		     -EBADMSG, "wherever they are");
	cr_assert_eq(parse("{" MANDATORY ", \"x\": {\"identifier\": 1}}", &info), 0);
}

Test(proto_pvd, identifiers_are_plain)
{
	struct pvd_info info;
	char text[512], name[260];

	cr_assert_eq(
		parse("{\"identifier\": \"Tes.EXAMPLE.net.\", " EXPIRES ", " PREFIXES "}", &info),
		0);
	cr_assert_str_eq(info.identifier, "tes.example.net");
	memset(name, 'a', sizeof(name));
	name[PVD_MAX_NAME] = '\0';
	snprintf(text, sizeof(text), "{\"identifier\": \"%s\", " EXPIRES ", " PREFIXES "}", name);
	cr_assert_eq(parse(text, &info), 0);
	cr_assert_str_eq(info.identifier, name);
	name[PVD_MAX_NAME] = 'a';
	name[PVD_MAX_NAME + 1] = '\0';
	snprintf(text, sizeof(text), "{\"identifier\": \"%s\", " EXPIRES ", " PREFIXES "}", name);
	cr_assert_eq(parse(text, &info), -EBADMSG);
}

Test(proto_pvd, no_internet)
{
	struct pvd_info info;

	cr_assert_eq(parse("{" MANDATORY ", \"noInternet\": true}", &info), 0);
	cr_assert(info.no_internet);
	cr_assert_eq(parse("{" MANDATORY ", \"noInternet\": false}", &info), 0);
	cr_assert_not(info.no_internet);
	cr_assert_eq(parse("{" MANDATORY ", \"noInternet\": \"true\"}", &info), 0);
	cr_assert_not(info.no_internet, "not a boolean");
}

#define VENDOR(what) "{" MANDATORY ", \"vendor-dmmd\": {\"prefixes\": {" what "}}}"

Test(proto_pvd, properties)
{
	struct pvd_info info;
	const struct properties *p = &info.prefix[1].properties;

	cr_assert_eq(parse(VENDOR("\"2001:db8:4::/64\": {\"service\": \"fixed\", \"anchoring\": "
				  "\"anchored\", \"anchor\": \"home\", \"mobility\": \"network\", "
				  "\"cost\": 3, \"colour\": \"red\"}"),
			   &info),
		     0);
	cr_assert_eq(info.n_prefixes, 2);
	cr_assert_eq(info.prefix[0].properties.set, 0);
	cr_assert_eq(p->set, 1u << PROPERTY_SERVICE | 1u << PROPERTY_ANCHORING |
				     1u << PROPERTY_ANCHOR | 1u << PROPERTY_MOBILITY |
				     1u << PROPERTY_COST);
	cr_assert_eq(p->service, SERVICE_FIXED);
	cr_assert_eq(p->anchoring, PREFIX_ANCHORED);
	cr_assert_str_eq(p->anchor, "home");
	cr_assert_eq(p->mobility, PREFIX_MOBILITY_NETWORK);
	cr_assert_eq(p->cost, 3);
}

Test(proto_pvd, properties_that_cannot_be)
{
	static const char *const cases[] = {
		"\"service\": \"best\"",
		"\"service\": 3",
		"\"service\": null",
		"\"anchoring\": \"unknown\"",
		"\"anchoring\": \"sea\"",
		"\"anchor\": \"\"",
		"\"anchor\": \"a b\"",
		"\"anchor\": \"a\\nb\"",
		"\"anchor\": \"0123456789012345678901234567890123456789012345678901234567890123\"",
		"\"mobility\": true",
		"\"mobility\": \"unknown\"",
		"\"cost\": -1",
		"\"cost\": 4294967296",
		"\"cost\": 1.5",
		"\"cost\": \"1\"",
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct pvd_info info;
		char text[512];

		snprintf(text, sizeof(text), VENDOR("\"2001:db8:4::/64\": {%s}"), cases[i]);
		cr_assert_eq(parse(text, &info), 0, "%s", cases[i]);
		cr_assert_eq(info.prefix[1].properties.set, 0, "%s", cases[i]);
		snprintf(text, sizeof(text),
			 VENDOR("\"2001:db8:4::/64\": {\"colour\": {%s}, \"anchoring\": "
				"\"local\"}"),
			 cases[i]);
		cr_assert_eq(parse(text, &info), 0, "%s", cases[i]);
		cr_assert_eq(info.prefix[1].properties.set, 1u << PROPERTY_ANCHORING);
	}
}

Test(proto_pvd, properties_of_prefixes_that_are_not_the_domain_s)
{
	struct pvd_info info;

	cr_assert_eq(parse(VENDOR("\"2001:db8:5::/64\": {\"cost\": 1}, \"2001:db8::/32\": "
				  "{\"cost\": 1}, \"prefix\": {\"cost\": 1}, "
				  "\"2001:db8:1:7::/64\": {\"cost\": 2}, "
				  "\"2001:db8:4::/64\": [1]"),
			   &info),
		     0);
	cr_assert_eq(info.n_prefixes, 3, "one is inside of one of its own");
	cr_assert_str_eq(PREFIX_STR(&info.prefix[2].prefix), "2001:db8:1:7::/64");
	cr_assert_eq(info.prefix[2].properties.cost, 2);
	cr_assert_eq(info.prefix[0].properties.set | info.prefix[1].properties.set, 0);
}

Test(proto_pvd, other_shapes_of_the_vendor_key)
{
	static const char *const cases[] = {"[]", "1", "{}", "{\"prefixes\": []}",
					    "{\"prefixes\": null}"};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct pvd_info info;
		char text[512];

		snprintf(text, sizeof(text), "{" MANDATORY ", \"vendor-dmmd\": %s}", cases[i]);
		cr_assert_eq(parse(text, &info), 0);
		cr_assert_eq(info.n_prefixes, 2);
	}
}

/* n prefixes of the domain itself, and properties for m others inside the first. */
static int parse_many(unsigned n, unsigned m, struct pvd_info *ret)
{
	static char text[16384];
	char *p = text + sprintf(text, "{" ID ", " EXPIRES ", \"prefixes\": [");

	for (unsigned i = 0; i < n; i++)
		p += sprintf(p, "%s\"2001:db8:%x::/48\"", i ? "," : "", i);
	p += sprintf(p, "], \"vendor-dmmd\": {\"prefixes\": {");
	for (unsigned i = 0; i < m; i++)
		p += sprintf(p, "%s\"2001:db8:0:%x::/64\": {\"cost\": 1}", i ? "," : "", i);
	strcpy(p, "}}}");
	return parse(text, ret);
}

Test(proto_pvd, limits)
{
	static char text[PVD_MAX_JSON + 2];
	struct pvd_info info;
	size_t n = 0;

	cr_assert_eq(parse_many(PVD_MAX_PREFIXES, 0, &info), 0);
	cr_assert_eq(info.n_prefixes, PVD_MAX_PREFIXES);
	cr_assert_eq(parse_many(PVD_MAX_PREFIXES + 1, 0, &info), -E2BIG);
	cr_assert_eq(parse_many(1, PVD_MAX_PREFIXES - 1, &info), 0);
	cr_assert_eq(info.n_prefixes, PVD_MAX_PREFIXES);
	cr_assert_eq(parse_many(1, PVD_MAX_PREFIXES, &info), -E2BIG);
	cr_assert_eq(parse_many(0, 1, &info), 0, "no prefixes, no authority");
	cr_assert_eq(info.n_prefixes, 0);

	memset(text, ' ', sizeof(text));
	memcpy(text, "{" MANDATORY "}", strlen("{" MANDATORY "}"));
	cr_assert_eq(pvd_info_parse(text, PVD_MAX_JSON, &info), 0);
	cr_assert_eq(pvd_info_parse(text, PVD_MAX_JSON + 1, &info), -E2BIG);

	n = (size_t)sprintf(text, "{" MANDATORY ", \"x\": ");
	memset(text + n, '[', 15);
	memset(text + n + 15, ']', 15);
	strcpy(text + n + 30, "}");
	cr_assert_eq(parse(text, &info), 0, "sixteen levels");
	memset(text + n, '[', 16);
	memset(text + n + 16, ']', 16);
	strcpy(text + n + 32, "}");
	cr_assert_eq(parse(text, &info), -EBADMSG, "seventeen");
	memset(text + n, '[', 60000);
	text[n + 60000] = '\0';
	cr_assert_eq(parse(text, &info), -EBADMSG);
	cr_assert_eq(parse("{" MANDATORY ", \"x\": \"[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[\"}", &info), 0,
		     "brackets in a string");
}

Test(proto_pvd, dates)
{
	static const struct {
		const char *text;
		uint64_t seconds;
	} cases[] = {
		{"1970-01-01T00:00:00Z", 0},
		{"1970-01-01T00:00:01Z", 1},
		{"1969-12-31T23:59:59Z", 0},
		{"1969-12-31T23:00:00-01:30", 1800},
		{"0001-01-01T00:00:00Z", 0},
		{"2026-05-23T06:00:00Z", 1779516000},
		{"2026-05-23t06:00:00z", 1779516000},
		{"2026-05-23T08:00:00+02:00", 1779516000},
		{"2026-05-22T23:30:00-06:30", 1779516000},
		{"2000-02-29T12:00:00Z", 951825600},
		{"2024-02-29T00:00:00Z", 1709164800},
		{"2100-03-01T00:00:00Z", 4107542400},
		{"2016-12-31T23:59:60Z", 1483228800},
		{"2038-01-19T03:14:08Z", 2147483648},
		{"9999-12-31T23:59:59Z", 253402300799},
	};
	static const char *const wrong[] = {
		"",
		"2026-05-23",
		"2026-05-23T06:00:00",
		"2026-05-23 06:00:00Z",
		"2026-05-23T06:00Z",
		"2026-13-23T06:00:00Z",
		"2026-00-23T06:00:00Z",
		"2026-02-29T06:00:00Z",
		"2100-02-29T06:00:00Z",
		"2026-04-31T06:00:00Z",
		"2026-05-00T06:00:00Z",
		"2026-05-23T24:00:00Z",
		"2026-05-23T06:60:00Z",
		"2026-05-23T06:00:61Z",
		"2026-05-23T06:00:00.Z",
		"2026-05-23T06:00:00+0200",
		"2026-05-23T06:00:00+24:00",
		"2026-05-23T06:00:00Zx",
		"226-05-23T06:00:00Z",
		"0000-01-01T00:00:00Z",
		"+026-05-23T06:00:00Z",
	};
	usec_t t;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		cr_assert_eq(date_parse(cases[i].text, &t), 0, "%s", cases[i].text);
		cr_assert_eq(t, cases[i].seconds * USEC_PER_SEC, "%s: %lu", cases[i].text, t);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		t = 7;
		cr_assert_eq(date_parse(wrong[i], &t), -EINVAL, "%s", wrong[i]);
		cr_assert_eq(t, 7);
	}
	cr_assert_eq(date_parse("1970-01-01T00:00:00.25Z", &t), 0);
	cr_assert_eq(t, 250000);
	cr_assert_eq(date_parse("1970-01-01T00:00:00.123456789Z", &t), 0);
	cr_assert_eq(t, 123456);
}
