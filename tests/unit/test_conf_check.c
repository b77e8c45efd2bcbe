/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What only the whole configuration shows. */
#include "test_conf.h"

#define KEYED "SPI=256\nKeyFile=/k\n"

Test(conf_check, anchor_needs_address_and_home)
{
	refuse_conf("\n[Anchor a]\nInsecure=yes\n",
		    "t.conf:2: [Anchor a] needs Address=, the address of the home agent, or "
		    "Discover=\n"
		    "t.conf:2: [Anchor a] needs Prefix=PREFIX/LENGTH, HomeAddress=ADDRESS/LENGTH "
		    "or HomeAddress=auto\n");
	/* A wrong value is told once, where it stands. */
	refuse_conf("[Anchor a]\nAddress=fe80::1\n" ANCHOR_HOME "Insecure=yes\n",
		    "t.conf:2: Address= does not accept \"fe80::1\"; accepted: a routable unicast "
		    "IPv6 address\n");
	refuse_with(ANCHOR_HEAD "HomeAddress=2001:db8:1::/64\nInsecure=yes\n",
		    "t.conf:3: HomeAddress= does not accept \"2001:db8:1::/64\"");
	refuse_with("[Anchor a]\nDiscover=dns mail\n" ANCHOR_HOME "Insecure=yes\n",
		    "t.conf:2: Discover= does not accept \"dns mail\"");
}

#define DISCOVER "[Anchor a]\nInsecure=yes\nDiscover="
#define PREFIX "Prefix=2001:db8:1::/64\n"

Test(conf_check, discovery_needs_something_to_start_from)
{
	static const char *const right[] = {
		DISCOVER "router-advertisement\n" PREFIX,
		DISCOVER "dhaad\n" PREFIX,
		DISCOVER "dhaad\n" ANCHOR_HOME,
		DISCOVER "dns\nDomain=example.org\nHomeAddress=auto\n",
		DISCOVER "dns dhaad\nDomain=example.org\nHomeAddress=auto\n",
		DISCOVER "router-advertisement dhaad dns\nDomain=example.org\n" PREFIX,
		ANCHOR_HEAD PREFIX "Insecure=yes\n",
		ANCHOR_HEAD PREFIX "HomeAddress=auto\nInsecure=yes\n",
		ANCHOR_OK "Discover=dhaad\nHomeAddress=auto\n",
	};

	for (size_t i = 0; i < sizeof(right) / sizeof(*right); i++) {
		struct outcome o = accept_conf(right[i]);

		outcome_done(&o);
	}
	refuse_conf(DISCOVER "dns\n" PREFIX,
		    "t.conf:3: [Anchor a] has Discover=dns, which needs Domain=\n");
	refuse_conf(ANCHOR_OK "Domain=example.org\n",
		    "t.conf:5: [Anchor home] has Domain=, which needs Discover=dns\n");
	refuse_conf(
		DISCOVER "router-advertisement\n" ANCHOR_HOME,
		"t.conf:3: [Anchor a] has Discover=router-advertisement, which needs Prefix=\n");
	refuse_conf(DISCOVER "dhaad\nHomeAddress=auto\n",
		    "t.conf:3: [Anchor a] has Discover=dhaad, which needs Prefix=, "
		    "HomeAddress=ADDRESS/LENGTH or Discover=dns\n"
		    "t.conf:4: [Anchor a] has HomeAddress=auto, which needs Prefix=, "
		    "HomeAddress=ADDRESS/LENGTH or Discover=dns\n");
	refuse_conf(DISCOVER "dns\nDomain=example.org\n",
		    "t.conf:1: [Anchor a] needs Prefix=PREFIX/LENGTH, HomeAddress=ADDRESS/LENGTH "
		    "or HomeAddress=auto\n");
	/* The option that is wrong is the one that is told of. */
	refuse_conf(
		DISCOVER "dns\nDomain=a..b\nHomeAddress=auto\n",
		"t.conf:4: Domain= does not accept \"a..b\"; accepted: a domain name of letters, "
		"digits, hyphens and dots, 253 at most\n");
	refuse_conf(ANCHOR_OK PREFIX "HomeAddress=auto\n\nHomeAddress=auto\n",
		    "t.conf:8: HomeAddress=auto is already given at t.conf:6\n");
}

#define ANCHOR_B "[Anchor b]\nAddress=2001:db8:2::1\nInsecure=yes\n"

Test(conf_check, anchors_may_serve_the_same_prefix)
{
	struct outcome o = accept_conf(ANCHOR_OK PREFIX ANCHOR_B PREFIX "Prefix=2001:db8::/32\n");

	outcome_done(&o);
	refuse_conf(ANCHOR_OK PREFIX "Prefix=2001:db8:1:0::/64\n",
		    "t.conf:6: Prefix=2001:db8:1::/64 is already given at t.conf:5\n");
}

Test(conf_check, properties_agree_with_the_anchors)
{
	static const char *const right[] = {
		ANCHOR_OK "[Prefix 2001:db8:9::/64]\nAnchor=home\nAnchoring=anchored\n",
		ANCHOR_OK "[Prefix 2001:db8:1::/64]\nAnchoring=anchored\n",
		ANCHOR_OK
		"Prefix=2001:db8:8::/48\n[Prefix 2001:db8:8:1::/64]\nAnchoring=anchored\n",
		"[Domain example.org]\nAnchor=home\nAnchoring=anchored\n" ANCHOR_OK,
		"[Prefix ::/0]\nAnchoring=local\n",
	};

	for (size_t i = 0; i < sizeof(right) / sizeof(*right); i++) {
		struct outcome o = accept_conf(right[i]);

		outcome_done(&o);
	}
	refuse_conf("[Prefix 2001:db8:9::/64]\nAnchor=home\n[Domain example.org]\nAnchor=away\n",
		    "t.conf:2: Anchor=home: there is no [Anchor home]; accepted: the name of an "
		    "[Anchor NAME] section\n"
		    "t.conf:4: Anchor=away: there is no [Anchor away]; accepted: the name of an "
		    "[Anchor NAME] section\n");
	refuse_conf(
		ANCHOR_OK "Prefix=2001:db8:8::/48\n"
			  "[Prefix 2001:db8::/32]\nCost=1\nAnchoring=anchored\n",
		"t.conf:8: [Prefix 2001:db8::/32] has Anchoring=anchored, which needs Anchor=, or "
		"an [Anchor NAME] whose Prefix= or HomeAddress= covers it\n");
	refuse_conf(ANCHOR_OK "[Prefix 2001:db8:1::/64]\nAnchoring=local\nAnchor=home\n",
		    "t.conf:7: Anchor=home stands together with Anchoring=local; remove one of "
		    "them\n");
}

Test(conf_check, authentication_or_insecure)
{
	struct outcome o = accept_conf(ANCHOR_HEAD ANCHOR_HOME KEYED);

	outcome_done(&o);
	o = accept_conf(ANCHOR_HEAD ANCHOR_HOME KEYED "Insecure=no\n");
	outcome_done(&o);
	refuse_conf(ANCHOR_HEAD ANCHOR_HOME,
		    "t.conf:1: [Anchor home] has no key: set SPI= and KeyFile=, or Insecure=yes to "
		    "register without authentication, which lets others redirect its traffic\n");
	refuse_conf(ANCHOR_HEAD ANCHOR_HOME "SPI=256\n",
		    "t.conf:4: [Anchor home] has SPI= without KeyFile=; both belong together\n");
	refuse_conf(ANCHOR_HEAD ANCHOR_HOME "KeyFile=/k\n",
		    "t.conf:4: [Anchor home] has KeyFile= without SPI=; both belong together\n");
	refuse_conf(
		ANCHOR_OK KEYED,
		"t.conf:4: [Anchor home] has Insecure=yes together with KeyFile=; remove one of "
		"them\n");
	refuse_conf(ANCHOR_OK "SPI=256\n",
		    "t.conf:5: [Anchor home] has SPI= without KeyFile=; both belong together\n"
		    "t.conf:4: [Anchor home] has Insecure=yes together with SPI=; remove one of "
		    "them\n");
	refuse_conf(ANCHOR_HEAD ANCHOR_HOME "SPI=255\nKeyFile=/k\n",
		    "t.conf:4: SPI= does not accept \"255\"; accepted: a number from 256 to "
		    "4294967295, decimal or hexadecimal after 0x\n");
}

Test(conf_check, home_addresses_are_unique_and_not_of_an_agent)
{
	refuse_conf(ANCHOR_OK "HomeAddress=2001:db8:1:0::10/56\n",
		    "t.conf:5: HomeAddress=2001:db8:1::10 is already given at t.conf:3\n");
	refuse_conf(ANCHOR_OK "[Anchor b]\nAddress=2001:db8:2::1\nInsecure=yes\n" ANCHOR_HOME,
		    "t.conf:8: HomeAddress=2001:db8:1::10 is already given at t.conf:3\n");
	refuse_conf(ANCHOR_OK "HomeAddress=2001:db8:1::1/64\n",
		    "t.conf:5: HomeAddress=2001:db8:1::1 is the Address= of [Anchor home]\n");
}

static char *many(unsigned anchors, unsigned homes, unsigned prefixes)
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	for (unsigned a = 1; a <= anchors; a++) {
		fprintf(f, "[Anchor a%u]\nAddress=2001:db8:%x::1\nInsecure=yes\n", a, a);
		for (unsigned h = 1; h <= homes; h++)
			fprintf(f, "HomeAddress=2001:db8:%x::1:%x/64\n", a, h);
		for (unsigned p = 1; p <= prefixes; p++)
			fprintf(f, "Prefix=2001:db8:%x:%x::/64\n", a, p);
	}
	fclose(f);
	return text;
}

Test(conf_check, limits)
{
	static const struct {
		unsigned anchors, homes, prefixes;
		const char *message;
	} wrong[] = {
		{CONF_MAX_ANCHORS + 1, 1, 0,
		 "t.conf:65: [Anchor a17] is one too many: at most 16 anchors\n"},
		{2, 33, 0,
		 "t.conf:37: [Anchor a2] brings too many home addresses: at most 64 over all "
		 "anchors\n"},
		{1, CONF_MAX_HOMES + 1, 0,
		 "t.conf:68: HomeAddress=2001:db8:1::1:41/64 is one too many: at most 64\n"},
		{2, 0, 33,
		 "t.conf:37: [Anchor a2] brings too many prefixes: at most 64 over all anchors\n"},
		{1, 0, CONF_MAX_PREFIXES + 1,
		 "t.conf:68: Prefix=2001:db8:1:41::/64 is one too many: at most 64\n"},
	};
	static const unsigned right[][3] = {
		{CONF_MAX_ANCHORS, 4, 4}, {1, CONF_MAX_HOMES, CONF_MAX_PREFIXES}, {2, 32, 32}};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		char *text = many(wrong[i].anchors, wrong[i].homes, wrong[i].prefixes);

		refuse_conf(text, wrong[i].message);
		free(text);
	}
	for (size_t i = 0; i < sizeof(right) / sizeof(*right); i++) {
		char *text = many(right[i][0], right[i][1], right[i][2]);
		struct outcome o = accept_conf(text);

		outcome_done(&o);
		free(text);
	}
}

/* One section more than there may be. */
static char *many_sections(const char *title, unsigned n)
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	for (unsigned i = 1; i <= n; i++)
		fprintf(f, title, i);
	fclose(f);
	return text;
}

Test(conf_check, limits_of_property_sections)
{
	static const struct {
		const char *title, *message;
	} kinds[] = {
		{"[Prefix 2001:db8:%x::/64]\n",
		 "t.conf:65: [Prefix 2001:db8:41::/64] is one too many: at most 64\n"},
		{"[Domain d%x.example]\n",
		 "t.conf:65: [Domain d41.example] is one too many: at most 64\n"},
	};

	for (size_t i = 0; i < 2; i++) {
		char *right = many_sections(kinds[i].title, 64);
		char *wrong = many_sections(kinds[i].title, 65);
		struct outcome o = accept_conf(right);

		outcome_done(&o);
		refuse_conf(wrong, kinds[i].message);
		free(right);
		free(wrong);
	}
}
