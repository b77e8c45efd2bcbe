/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the administrator says of prefixes and provisioning domains; anchors that are discovered. */
#include "test_conf.h"

#include "base/addr.h"

static const struct properties *find_prefix(const struct conf *c, const char *text)
{
	struct ip6_prefix p;

	cr_assert_eq(prefix_parse(text, &p), 0);
	return conf_prefix_find(c, &p);
}

Test(conf_property, every_option)
{
	static const char all[] = "Anchoring=anchored\nAnchor=home\nService=graceful-replacement\n"
				  "Mobility=network\nInternet=no\nPublished=yes\nCost=7\n";
	char text[1024];
	struct outcome o;

	snprintf(text, sizeof(text), ANCHOR_OK "[Prefix 2001:db8::/32]\n%s[Domain A.example.]\n%s",
		 all, all);
	o = accept_conf(text);
	for (int i = 0; i < 2; i++) {
		const struct properties *p = i ? conf_domain_find(o.conf, "a.example")
					       : find_prefix(o.conf, "2001:db8::/32");

		cr_assert_not_null(p);
		cr_assert_eq(p->set, (1u << PROPERTY_MAX) - 1);
		cr_assert_eq(p->anchoring, PREFIX_ANCHORED);
		cr_assert_str_eq(p->anchor, "home");
		cr_assert_eq(p->service, SERVICE_GRACEFUL_REPLACEMENT);
		cr_assert_eq(p->mobility, PREFIX_MOBILITY_NETWORK);
		cr_assert_not(p->internet);
		cr_assert(p->published);
		cr_assert_eq(p->cost, 7);
	}
	outcome_done(&o);
}

Test(conf_property, only_what_was_said_is_set)
{
	struct outcome o = accept_conf("[Prefix 2001:db8::/32]\nCost=0\nInternet=yes\n"
				       "Published=no\nInternet=\n[Prefix fd00::/8]\n");
	const struct properties *p = find_prefix(o.conf, "2001:db8::/32");

	cr_assert_eq(p->set, 1u << PROPERTY_COST | 1u << PROPERTY_PUBLISHED);
	cr_assert_eq(find_prefix(o.conf, "fd00::/8")->set, 0);
	outcome_done(&o);
	/* A value that is refused sets nothing. */
	refuse_with("[Prefix 2001:db8::/32]\nCost=much\n", "t.conf:2: Cost= does not accept");
}

Test(conf_property, longest_prefix_that_covers)
{
	struct outcome o = accept_conf("[Prefix 2001:db8:1::/48]\nCost=48\n[Prefix ::/0]\nCost=1\n"
				       "[Prefix 2001:db8:1:2::/64]\nCost=64\n"
				       "[Prefix 2001:db8::/32]\nCost=32\n");
	static const struct {
		const char *prefix;
		uint32_t cost;
	} rows[] = {
		{"2001:db8:1:2::/64", 64}, {"2001:db8:1:2::/80", 64},
		{"2001:db8:1:3::/64", 48}, {"2001:db8:1::/48", 48},
		{"2001:db8:1::/47", 32},   {"2001:db8:2::/64", 32},
		{"fd00::/64", 1},          {"::/0", 1},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		cr_assert_eq(find_prefix(o.conf, rows[i].prefix)->cost, rows[i].cost, "%s",
			     rows[i].prefix);
	outcome_done(&o);
	o = accept_conf("[Prefix 2001:db8:1:2::/64]\n");
	cr_assert_null(find_prefix(o.conf, "2001:db8:1::/48"));
	cr_assert_null(find_prefix(o.conf, "2001:db8:1:3::/64"));
	outcome_done(&o);
}

Test(conf_property, sections_of_one_title_are_one)
{
	struct outcome o = accept_conf("[Prefix 2001:db8::/64]\nCost=1\n[Prefix "
				       "2001:DB8:0::/64]\nInternet=no\n"
				       "[Domain a.example]\nCost=2\n[Domain A.Example.]\nCost=3\n");

	cr_assert_eq(find_prefix(o.conf, "2001:db8::/64")->set,
		     1u << PROPERTY_COST | 1u << PROPERTY_INTERNET);
	cr_assert_eq(conf_domain_find(o.conf, "a.example")->cost, 3);
	outcome_done(&o);
}

Test(conf_property, domains_are_found_in_any_case_and_only_whole)
{
	struct outcome o = accept_conf("[Domain PvD.example]\nCost=1\n");

	cr_assert_not_null(conf_domain_find(o.conf, "pvd.EXAMPLE"));
	cr_assert_not_null(conf_domain_find(o.conf, "pvd.example."));
	cr_assert_null(conf_domain_find(o.conf, "a.pvd.example"));
	cr_assert_null(conf_domain_find(o.conf, "pvd.exampl"));
	cr_assert_null(conf_domain_find(o.conf, "example"));
	cr_assert_null(conf_domain_find(o.conf, ""));
	outcome_done(&o);
}

Test(conf_property, titles_that_are_wrong)
{
	static const char prefix[] =
		": a prefix is written as in 2001:db8:1::/64, with nothing but "
		"zeros behind its length, and neither link-local nor multicast\n";
	char messages[1024];

	snprintf(messages, sizeof(messages),
		 "t.conf:1: [Prefix \"\"]%st.conf:2: [Prefix \"2001:db8::1/64\"]%s"
		 "t.conf:4: [Prefix \"fe80::/10\"]%s"
		 "t.conf:5: [Domain \"a b\"]: a domain name is up to 253 letters, digits, hyphens "
		 "and dots\n",
		 prefix, prefix, prefix);
	refuse_conf("[Prefix]\n[Prefix 2001:db8::1/64]\nCost=x\n[Prefix fe80::/10]\n[Domain a b]\n",
		    messages);
}

Test(conf_property, anchors_that_are_discovered)
{
	struct outcome o =
		accept_conf("[Anchor a]\nInsecure=yes\nDiscover=dns dhaad\nDomain=Example.ORG\n"
			    "HomeAddress=auto\nService=session-lasting\nPreference=-3\n"
			    "Prefix=2001:db8:1::/64\nPrefix=2001:db8:8::/48\n");
	const struct conf_anchor *a = first_anchor(&o);

	cr_assert_not(a->has_address);
	cr_assert_eq(a->discover, CONF_DISCOVER_DNS | CONF_DISCOVER_DHAAD);
	cr_assert_str_eq(a->domain, "example.org");
	cr_assert(a->home_auto);
	cr_assert_eq(a->n_homes, 0);
	cr_assert(a->has_service);
	cr_assert_eq(a->service, SERVICE_SESSION_LASTING);
	cr_assert_eq(a->preference, -3);
	cr_assert_eq(a->n_prefixes, 2);
	cr_assert_str_eq(PREFIX_STR(&a->prefix[1]), "2001:db8:8::/48");
	outcome_done(&o);
}

Test(conf_property, empty_values_take_anchors_settings_back)
{
	struct outcome o = accept_conf(ANCHOR_OK "HomeAddress=auto\nPrefix=2001:db8:7::/64\n"
						 "Service=fixed\nDiscover=dns\nDomain=a.example\n"
						 "HomeAddress=\nPrefix=\nPrefix=2001:db8:8::/64\n"
						 "Service=\nDiscover=\nDomain=\n");
	const struct conf_anchor *a = first_anchor(&o);

	cr_assert_not(a->home_auto);
	cr_assert_eq(a->n_homes, 0);
	cr_assert_eq(a->n_prefixes, 1);
	cr_assert_str_eq(PREFIX_STR(&a->prefix[0]), "2001:db8:8::/64");
	cr_assert_not(a->has_service);
	cr_assert_eq(a->discover, 0);
	outcome_done(&o);
	refuse_with(ANCHOR_OK "Address=\n", "needs Address=");
}
