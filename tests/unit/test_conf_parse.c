/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One text: what the options mean, what is refused and how it is told. */
#include "test_conf.h"

#include <syslog.h>

#include "base/addr.h"
#include "conf/options.h"

#define TITLES "[Daemon], [Link], [Anchor NAME], [Prefix PREFIX/LENGTH] and [Domain NAME]\n"
#define SECTIONS "accepted: " TITLES
#define LINK_OPTIONS "accepted: Match=, Use=, Preference=, OptimisticDAD=, SettleTime=\n"

Test(conf_parse, defaults)
{
	struct outcome o = accept_conf("");
	const struct conf *c = o.conf;

	cr_assert_eq(c->log_level, LOG_INFO);
	cr_assert_eq(c->on_stop, CONF_ON_STOP_WITHDRAW);
	cr_assert_str_eq(c->state_file, "/var/lib/dmmd/state");
	cr_assert_str_eq(c->pin_directory, "/sys/fs/bpf/dmmd");
	cr_assert_str_eq(c->device, "dmm0");
	cr_assert_eq(c->route_table, 25700);
	cr_assert_eq(c->rule_priority, 5300);
	cr_assert_eq(c->hold_time, 10 * USEC_PER_SEC);
	cr_assert(c->liveness);
	cr_assert_eq(c->probe_interval, USEC_PER_SEC);
	cr_assert_eq(c->probe_count, 3);
	cr_assert_eq(c->idle_probe_interval, 30 * USEC_PER_SEC);
	cr_assert(c->measure_anchors);
	cr_assert_eq(c->property_option, 0);
	cr_assert_not(c->fetch_domains);
	cr_assert_str_eq(c->policy_directory, "/etc/dmmd/policy.d");
	cr_assert_eq(c->policy_routing, CONF_POLICY_ROUTING_AUTO);
	cr_assert(list_empty(&c->rules));
	cr_assert(list_empty(&c->prefixes));
	cr_assert(list_empty(&c->domains));
	cr_assert(list_empty(&c->links));
	cr_assert(list_empty(&c->anchors));
	outcome_done(&o);
}

Test(conf_parse, anchor_defaults)
{
	struct outcome o = accept_conf(ANCHOR_OK);
	const struct conf_anchor *a = first_anchor(&o);

	cr_assert_str_eq(a->name, "home");
	cr_assert(a->has_address);
	cr_assert_str_eq(ADDR_STR(&a->address), "2001:db8:1::1");
	cr_assert_eq(a->discover, 0);
	cr_assert_str_eq(a->domain, "");
	cr_assert_eq(a->n_prefixes, 0);
	cr_assert_not(a->home_auto);
	cr_assert_not(a->has_service);
	cr_assert_eq(a->service, SERVICE_FIXED);
	cr_assert_eq(a->preference, 0);
	cr_assert_eq(a->n_homes, 1);
	cr_assert_str_eq(ADDR_STR(&a->home[0].address), "2001:db8:1::10");
	cr_assert_str_eq(PREFIX_STR(&a->home[0].prefix), "2001:db8:1::/64");
	cr_assert_eq(a->lifetime, 1800 * USEC_PER_SEC);
	cr_assert_eq(a->first_timeout, 1500 * USEC_PER_MSEC);
	cr_assert(a->insecure);
	cr_assert_not(a->has_key);
	cr_assert_eq(a->algorithm, CONF_HMAC_SHA1_96);
	cr_assert_eq(a->replay, CONF_REPLAY_TIMESTAMP);
	cr_assert_str_eq(a->identifier, "");
	outcome_done(&o);
}

Test(conf_parse, every_option)
{
	struct outcome o = accept_conf(
		"[Daemon]\nLogLevel=debug\nOnStop=keep\nStateFile=/s\nPinDirectory=/"
		"p\nDevice=dmm7\n"
		"RouteTable=300\nRulePriority=7\nHoldTime=0\nLiveness=no\nProbeInterval=250ms\n"
		"ProbeCount=5\nIdleProbeInterval=1min\nMeasureAnchors=no\n"
		"PrefixPropertyOption=254\nFetchProvisioningDomains=yes\nPolicyDirectory=/d\n"
		"RuntimeDirectory=/r\nHooksDirectory=/h\nKillOrphans=yes\nGraceTime=2min\n"
		"PolicyRouting=yes\nAllowFixed=root @0\nAllowAcquire=7 8\n"
		"[Link]\nMatch=eth*\tusb?\nUse=no\nPreference=-7\nOptimisticDAD=no\n"
		"SettleTime=3s\n" ANCHOR_HEAD ANCHOR_HOME
		"HomeAddress=2001:db8:1::11/56\nLifetime=1h\nFirstTimeout=2s\n"
		"SPI=0x1000\nKeyFile=/k\nAlgorithm=hmac-sha256-128\nReplay=none\n"
		"Identifier=mn@example.net\nInsecure=no\n");
	const struct conf_anchor *a = first_anchor(&o);
	const struct conf_link *l = conf_link_find(o.conf, "usb0");

	cr_assert_eq(o.conf->log_level, LOG_DEBUG);
	cr_assert_eq(o.conf->on_stop, CONF_ON_STOP_KEEP);
	cr_assert_str_eq(o.conf->state_file, "/s");
	cr_assert_str_eq(o.conf->pin_directory, "/p");
	cr_assert_str_eq(o.conf->device, "dmm7");
	cr_assert_eq(o.conf->route_table, 300);
	cr_assert_eq(o.conf->rule_priority, 7);
	cr_assert_str_eq(l->match, "eth* usb?");
	cr_assert_not(l->use);
	cr_assert_eq(l->preference, -7);
	cr_assert_not(l->optimistic_dad);
	cr_assert_eq(l->settle_time, 3 * USEC_PER_SEC);
	cr_assert_eq(o.conf->hold_time, 0);
	cr_assert_not(o.conf->liveness);
	cr_assert_eq(o.conf->probe_interval, 250 * USEC_PER_MSEC);
	cr_assert_eq(o.conf->probe_count, 5);
	cr_assert_eq(o.conf->idle_probe_interval, 60 * USEC_PER_SEC);
	cr_assert_not(o.conf->measure_anchors);
	cr_assert_eq(o.conf->property_option, 254);
	cr_assert(o.conf->fetch_domains);
	cr_assert_str_eq(o.conf->policy_directory, "/d");
	cr_assert_eq(o.conf->policy_routing, CONF_POLICY_ROUTING_YES);
	cr_assert_str_eq(o.conf->runtime_directory, "/r");
	cr_assert_str_eq(o.conf->hooks_directory, "/h");
	cr_assert(o.conf->kill_orphans);
	cr_assert_eq(o.conf->grace_time, 120 * USEC_PER_SEC);
	cr_assert(!o.conf->fixed.all && o.conf->fixed.n_users == 1 && o.conf->fixed.n_groups == 1);
	cr_assert(!o.conf->acquire.all && o.conf->acquire.n_users == 2 &&
		  o.conf->acquire.user[1] == 8);
	cr_assert_eq(a->n_homes, 2);
	cr_assert_str_eq(PREFIX_STR(&a->home[1].prefix), "2001:db8:1::/56");
	cr_assert_eq(a->lifetime, 3600 * USEC_PER_SEC);
	cr_assert_eq(a->first_timeout, 2 * USEC_PER_SEC);
	cr_assert_eq(a->spi, 0x1000);
	cr_assert_str_eq(a->key_file, "/k");
	cr_assert_not(a->has_key);
	cr_assert_eq(a->algorithm, CONF_HMAC_SHA256_128);
	cr_assert_eq(a->replay, CONF_REPLAY_NONE);
	cr_assert_str_eq(a->identifier, "mn@example.net");
	outcome_done(&o);
}

Test(conf_parse, later_assignments_override_and_empty_ones_reset)
{
	struct outcome o = accept_conf("[Daemon]\nDevice=dmm1\nDevice=dmm2\nRouteTable=300\n["
				       "Daemon]\nRouteTable=\n" ANCHOR_HEAD
				       "HomeAddress=2001:db8:1::66/64\nHomeAddress=\n" ANCHOR_HOME
				       "SPI=300\nKeyFile=/k\nSPI=\nKeyFile=\nInsecure=yes\n");

	cr_assert_str_eq(o.conf->device, "dmm2");
	cr_assert_eq(o.conf->route_table, 25700);
	cr_assert_eq(first_anchor(&o)->n_homes, 1);
	cr_assert_str_eq(ADDR_STR(&first_anchor(&o)->home[0].address), "2001:db8:1::10");
	cr_assert_eq(first_anchor(&o)->spi, 0);
	cr_assert_str_eq(first_anchor(&o)->key_file, "");
	outcome_done(&o);
}

Test(conf_parse, anchors_of_one_name_are_one)
{
	struct outcome o = accept_conf(ANCHOR_HEAD "[Anchor b]\nAddress=2001:db8:2::1\n"
						   "HomeAddress=2001:db8:2::10/64\nInsecure=yes\n"
						   "[Anchor home]\nInsecure=yes\n" ANCHOR_HOME);

	cr_assert_str_eq(first_anchor(&o)->name, "home");
	cr_assert_eq(first_anchor(&o)->n_homes, 1);
	outcome_done(&o);
}

Test(conf_parse, first_matching_link_section_counts)
{
	struct outcome o = accept_conf("[Link]\nMatch=wlan0 usb*\nPreference=1\n"
				       "[Link]\nMatch=wlan*\nPreference=2\n");
	const struct conf_link *l;

	cr_assert_eq(conf_link_find(o.conf, "wlan0")->preference, 1);
	cr_assert_eq(conf_link_find(o.conf, "usb5")->preference, 1);
	cr_assert_eq(conf_link_find(o.conf, "wlan1")->preference, 2);
	l = conf_link_find(o.conf, "eth0");
	cr_assert_eq(l->preference, 0);
	outcome_done(&o);

	/* What stands in the code for "nothing matches" must agree with the table. */
	o = accept_conf("[Link]\nMatch=*\n");
	cr_assert_eq(conf_link_find(o.conf, "eth0")->use, l->use);
	cr_assert_eq(conf_link_find(o.conf, "eth0")->preference, l->preference);
	cr_assert_eq(conf_link_find(o.conf, "eth0")->optimistic_dad, l->optimistic_dad);
	cr_assert_eq(conf_link_find(o.conf, "eth0")->settle_time, l->settle_time);
	outcome_done(&o);
}

Test(conf_parse, wrong_values_show_what_was_found_and_what_is_accepted)
{
	refuse_conf("[Daemon]\nOnStop=stay\nRulePriority=0\n\n[Link]\nMatch=a\nUse=si\n",
		    "t.conf:2: OnStop= does not accept \"stay\"; accepted: withdraw or keep\n"
		    "t.conf:3: RulePriority= does not accept \"0\"; accepted: a number from 1 to "
		    "32000\n"
		    "t.conf:7: Use= does not accept \"si\"; accepted: yes or no\n");
	refuse_conf("[Daemon]\nOnStop=keep # over restarts\n",
		    "t.conf:2: OnStop= does not accept \"keep # over restarts\" (a comment needs a "
		    "line of its own); accepted: withdraw or keep\n");
	refuse_conf("[Daemon]\nOnStop=a\\\n\x1b\n",
		    "t.conf:2: OnStop= does not accept \"a \\x1b\"; accepted: withdraw or keep\n");
}

Test(conf_parse, unknown_names_are_answered_with_known_ones)
{
	refuse_conf("[Link]\nMatch=a\nUsed=yes\nColour=red\nAddress=::1\n",
		    "t.conf:3: unknown option \"Used\" in [Link], did you mean Use=?; " LINK_OPTIONS
		    "t.conf:4: unknown option \"Colour\" in [Link]; " LINK_OPTIONS
		    "t.conf:5: unknown option \"Address\" in [Link], it belongs in [Anchor "
		    "NAME]; " LINK_OPTIONS);
	refuse_conf("[Link]\nMatch=a\nCost=3\n",
		    "t.conf:3: unknown option \"Cost\" in [Link], it belongs in [Prefix "
		    "PREFIX/LENGTH]; " LINK_OPTIONS);
	refuse_conf("[anchr x]\nAddress=nonsense\n[Network]\n",
		    "t.conf:1: unknown section \"anchr\", did you mean Anchor?; " SECTIONS
		    "t.conf:3: unknown section \"Network\"; " SECTIONS);
	refuse_conf("[Rule ssh]\nPort=22\n",
		    "t.conf:1: [Rule NAME] belongs in a file of PolicyDirectory=, see "
		    "dmmd-policy(5)\n");
}

Test(conf_parse, structure_errors)
{
	refuse_conf(
		"a=b\nc=d\n[Daemon]\nx\n[Daemon now]\n[Anchor]\n[Anchor a b]\n[Anchor "
		"-a]\n[Link\nUse=7\n",
		"t.conf:1: stands in front of the first section; sections: " TITLES
		"t.conf:4: neither [Section] nor Key=Value nor a comment\n"
		"t.conf:5: [Daemon] takes no name\n"
		"t.conf:6: [Anchor \"\"]: a name is 1 to 63 letters, digits, '.', '-' and '_', "
		"beginning with a letter or digit\n"
		"t.conf:7: [Anchor \"a b\"]: a name is 1 to 63 letters, digits, '.', '-' and '_', "
		"beginning with a letter or digit\n"
		"t.conf:8: [Anchor \"-a\"]: a name is 1 to 63 letters, digits, '.', '-' and '_', "
		"beginning with a letter or digit\n"
		"t.conf:9: a section is written [Name], with nothing behind it\n");
	refuse_conf("[Link]\nUse=yes\n[Link]\nMatch=b\n",
		    "t.conf:1: [Link] needs Match= with the names of its interfaces\n");
}

/* Somebody may paste the key itself where its file should stand. */
Test(conf_parse, strayed_keys_are_not_shown)
{
	static const char key[] = "000102030405060708090a0b0c0d0e0f";
	static const char *const forms[] = {"KeyFile=%s\n", "Key%s=1\n", "%s=\n", "%s\n"};
	char text[256], line[64];

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		struct outcome o;

		snprintf(line, sizeof(line), forms[i], key);
		snprintf(text, sizeof(text), "%sSPI=256\n%s", ANCHOR_HEAD ANCHOR_HOME, line);
		o = run_conf(NULL, text, strlen(text));
		cr_assert_eq(o.r, -EINVAL);
		cr_assert_not_null(strstr(o.messages, "t.conf:5: "), "%s", o.messages);
		cr_assert_null(strstr(o.messages, "0102"), "%s", o.messages);
		outcome_done(&o);
	}
}

Test(conf_parse, table_is_complete)
{
	for (const struct conf_option *o = conf_options; o < CONF_OPTIONS_END; o++) {
		cr_assert_not_null(o->key);
		cr_assert_leq(strlen(o->key), CONF_OPTION_LONGEST);
		cr_assert(o->parse && o->accepted && o->help, "%s", o->key);
		cr_assert(!o->fallback != !o->example, "%s", o->key);
		cr_assert_eq(o->help[strlen(o->help) - 1], '.', "%s", o->key);
		if (!o->lookup)
			continue;
		/* Every name that the words promise is one. */
		char words[128], *save, *w;
		snprintf(words, sizeof(words), "%s", o->accepted);
		for (w = strtok_r(words, ", ", &save); w; w = strtok_r(NULL, ", ", &save))
			cr_assert(strcmp(w, "or") == 0 || o->lookup(w) >= 0, "%s: %s", o->key, w);
	}
}
