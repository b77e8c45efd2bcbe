/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What only the whole configuration shows. */
#include "test_conf.h"

#define KEYED "SPI=256\nKeyFile=/k\n"

Test(conf_check, anchor_needs_address_and_home)
{
	refuse_conf("\n[Anchor a]\nInsecure=yes\n",
		    "t.conf:2: [Anchor a] needs Address=, the address of the home agent\n"
		    "t.conf:2: [Anchor a] needs at least one HomeAddress=ADDRESS/LENGTH\n");
	/* A wrong value is told once, where it stands. */
	refuse_conf("[Anchor a]\nAddress=fe80::1\n" ANCHOR_HOME "Insecure=yes\n",
		    "t.conf:2: Address= does not accept \"fe80::1\"; accepted: a routable unicast "
		    "IPv6 address\n");
	refuse_with(ANCHOR_HEAD "HomeAddress=2001:db8:1::/64\nInsecure=yes\n",
		    "t.conf:3: HomeAddress= does not accept \"2001:db8:1::/64\"");
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

static char *many(unsigned anchors, unsigned homes)
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	for (unsigned a = 1; a <= anchors; a++) {
		fprintf(f, "[Anchor a%u]\nAddress=2001:db8:%x::1\nInsecure=yes\n", a, a);
		for (unsigned h = 1; h <= homes; h++)
			fprintf(f, "HomeAddress=2001:db8:%x::1:%x/64\n", a, h);
	}
	fclose(f);
	return text;
}

Test(conf_check, limits)
{
	static const struct {
		unsigned anchors, homes;
		const char *message;
	} wrong[] = {
		{CONF_MAX_ANCHORS + 1, 1,
		 "t.conf:65: [Anchor a17] is one too many: at most 16 anchors\n"},
		{2, 33,
		 "t.conf:37: [Anchor a2] brings too many home addresses: at most 64 over all "
		 "anchors\n"},
		{1, CONF_MAX_HOMES + 1,
		 "t.conf:68: HomeAddress=2001:db8:1::1:41/64 is one too many: at most 64\n"},
	};
	static const unsigned right[][2] = {{CONF_MAX_ANCHORS, 4}, {1, CONF_MAX_HOMES}, {2, 32}};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		char *text = many(wrong[i].anchors, wrong[i].homes);

		refuse_conf(text, wrong[i].message);
		free(text);
	}
	for (size_t i = 0; i < sizeof(right) / sizeof(*right); i++) {
		char *text = many(right[i][0], right[i][1]);
		struct outcome o = accept_conf(text);

		outcome_done(&o);
		free(text);
	}
}
