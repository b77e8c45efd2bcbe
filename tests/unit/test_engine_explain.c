/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why a session gets the address that it gets, and every other candidate does not. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "mobility/explain.h"
#include "mobility/internal.h"

#include "engine_world.h"

#define SEC USEC_PER_SEC
#define FAR "2001:db8:f::1"
#define TWO_LINKS "[Link]\nMatch=eth0\nPreference=10\n"

static struct explain x; /* of the last question */

static void ask_of(const struct world *w, const char *destination, uint16_t port, int type)
{
	struct explain_request q = {
		.destination = world_addr(destination),
		.port = port,
		.has_type = type >= 0,
		.type = type >= 0 ? (enum service_type)type : SERVICE_NON_PERSISTENT,
		.uid = 1000,
	};
	unsigned chosen = 0;

	engine_explain(w->e, &q, &x);
	for (unsigned i = 0; i < x.n; i++) {
		chosen += x.candidate[i].chosen;
		cr_assert_neq(x.candidate[i].words[0], '\0', "%s without a reason",
			      ADDR_STR(&x.candidate[i].source));
	}
	cr_assert_eq(chosen, x.chosen >= 0);
	cr_assert_neq(x.words[0], '\0');
	cr_assert_neq(x.asked_by[0], '\0');
}

static void ask(const struct world *w, int type)
{
	ask_of(w, FAR, 443, type);
}

static const struct explain_candidate *find(const char *source)
{
	struct in6_addr a = world_addr(source);

	for (unsigned i = 0; i < x.n; i++)
		if (addr_equal(&x.candidate[i].source, &a))
			return &x.candidate[i];
	return NULL;
}

static void expect_chosen(const char *source)
{
	cr_assert_geq(x.chosen, 0, "%s", x.words);
	cr_assert_str_eq(ADDR_STR(&x.candidate[x.chosen].source), source, "%s", x.words);
	cr_assert(x.candidate[x.chosen].chosen);
}

static void expect_words(const char *source, const char *part)
{
	const struct explain_candidate *c = find(source);

	cr_assert_not_null(c, "%s is no candidate", source);
	cr_assert_not(c->chosen, "%s was chosen", source);
	cr_assert_not_null(strstr(c->words, part), "%s: %s", source, c->words);
}

/* --- what asks for nothing ---------------------------------------------------------------------- */

Test(engine, E01_explain_no_request)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);

	ask(w, -1);
	expect_chosen("2001:db8:a::c0a");
	expect_words(HOA, "(E1)");
	cr_assert_str_eq(x.asked_by, "no rule");
	cr_assert_eq(x.requested, SERVICE_NON_PERSISTENT);
	cr_assert_eq(x.granted, SERVICE_NON_PERSISTENT);
	cr_assert_eq(x.n, 2);
	cr_assert_str_eq(x.candidate[x.chosen].link, "wlan0");
	cr_assert_not(x.candidate[x.chosen].tunnelled);
	cr_assert(find(HOA)->tunnelled);
	cr_assert_str_eq(find(HOA)->anchor, "one");
	cr_assert_eq(find(HOA)->state, PREFIX_REMOTE);
	world_free(w);
}

Test(engine, E01_explain_two_links)
{
	struct world *w = world_new(TWO_LINKS);

	world_start(w);
	world_arrive(w, &place_a);
	world_arrive(w, &place_wire);
	world_run(w, 2 * SEC);
	ask(w, -1);
	expect_chosen("2001:db8:e::c0a");
	expect_words(place_a.coa, "link wlan0: lower preference, 0 against 10 of eth0 (E1)");
	world_free(w);
}

/* The destination's own link, or one whose router knows the way, before the uplink. */
Test(engine, E01_explain_a_more_specific_route)
{
	struct world *w = world_new(TWO_LINKS);
	struct nd_router_advert ra = world_advert_of(place_a.prefix, 1800);
	struct in6_addr router = world_addr(place_a.router);

	world_start(w);
	world_arrive(w, &place_a);
	world_arrive(w, &place_wire);
	ask_of(w, "2001:db8:a::99", 80, -1);
	expect_chosen(place_a.coa);
	expect_words(place_wire.coa, "more specific route");
	cr_assert_eq(prefix_parse("2001:db8:f::/48", &ra.route[0].prefix), 0);
	ra.route[0].lifetime = 600;
	ra.n_routes = 1;
	engine_router_advert(w->e, w->now, place_a.ifindex, &router, &ra);
	ask(w, -1);
	expect_chosen(place_a.coa);
	ra.route[0].lifetime = 0;
	engine_router_advert(w->e, w->now, place_a.ifindex, &router, &ra);
	ask(w, -1);
	expect_chosen(place_wire.coa);
	world_free(w);
}

Test(engine, E01_explain_policy)
{
	struct world *w = world_native(WORLD_NATIVE);

	ask_of(w, FAR, 22, -1);
	expect_chosen(place_a.coa);
	cr_assert_eq(x.requested, SERVICE_SESSION_LASTING);
	cr_assert_eq(x.granted, SERVICE_SESSION_LASTING);
	cr_assert_eq(strncmp(x.asked_by, "rule ssh (", 10), 0, "%s", x.asked_by);
	ask_of(w, FAR, 80, -1);
	expect_chosen(place_a.coa);
	cr_assert_eq(x.granted, SERVICE_NON_PERSISTENT);
	ask_of(w, FAR, 53, -1);
	cr_assert_not_null(strstr(x.asked_by, "never in need"), "%s", x.asked_by);
	world_policy(w,
		     "[Rule shell]\nExecutable=/usr/bin/ssh\nPort=22\nService=session-lasting\n");
	ask_of(w, FAR, 22, -1);
	cr_assert_str_eq(x.asked_by, "no rule; rule shell for its own programs");
	cr_assert_eq(w->host.n_owners, 0, "there is nobody to look for");
	world_free(w);
}

/* Nobody moves the session of a program that does not ask to a tunnel, and what it gets is said. */
Test(engine, E02_explain_policy_that_cannot_be_kept)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);

	world_policy(w, POLICY_SSH);
	ask_of(w, FAR, 22, -1);
	expect_chosen(place_a.coa);
	cr_assert_eq(x.requested, SERVICE_SESSION_LASTING);
	cr_assert_eq(x.granted, SERVICE_NON_PERSISTENT);
	cr_assert_not_null(strstr(x.words, "wanted by policy"), "%s", x.words);
	world_free(w);
}

/* --- session-lasting ------------------------------------------------------------------------------ */

Test(engine, E02_explain_native_before_remote)
{
	struct world *w = world_native(WORLD_NATIVE WORLD_ONE);

	ask(w, SERVICE_SESSION_LASTING);
	expect_chosen(place_a.coa);
	cr_assert_eq(x.granted, SERVICE_SESSION_LASTING);
	cr_assert_str_eq(x.asked_by, "the request");
	cr_assert_str_eq(x.candidate[x.chosen].anchor, "a");
	expect_words(HOA,
		     "remote: a tunnel to anchor one, a native anchored prefix is better (E2)");
	world_free(w);
}

Test(engine, E02_explain_remote_before_local)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);

	ask(w, SERVICE_SESSION_LASTING);
	expect_chosen(HOA);
	cr_assert(x.candidate[x.chosen].tunnelled);
	cr_assert_str_eq(x.candidate[x.chosen].link, "wlan0");
	expect_words(place_a.coa, "local prefix: the session would end with the next move (E2)");
	world_free(w);
}

Test(engine, E02_explain_nothing_lasts)
{
	struct world *w = world_new("");

	world_start(w);
	world_arrive(w, &place_a);
	ask(w, SERVICE_SESSION_LASTING);
	cr_assert_eq(x.chosen, -1);
	cr_assert_not_null(strstr(x.words, "2001:db8:a::/64"), "%s", x.words);
	cr_assert_not_null(strstr(x.words, "[Anchor]"), "%s", x.words);
	expect_words(place_a.coa, "(E2)");
	world_free(w);
}

Test(engine, E02_explain_an_anchor_that_is_ill)
{
	struct world *w = world_native(WORLD_NATIVE WORLD_ONE);
	struct anchor *a = prefix_find(w->e,
				       &(struct ip6_prefix){
					       .addr = world_addr("2001:db8:a::"),
					       .len = 64,
				       })
				   ->anchor;

	a->health = ANCHOR_SILENT;
	ask(w, SERVICE_SESSION_LASTING);
	expect_chosen(HOA);
	expect_words(place_a.coa, "its anchor a does not answer (E2)");
	world_free(w);
}

Test(engine, E07_explain_anchors_by_distance)
{
	struct world *w = world_bound(WORLD_TWO, &place_a);

	world_binding(w, HOA)->anchor->rtt = 80 * USEC_PER_MSEC;
	world_binding(w, HOA2)->anchor->rtt = 20 * USEC_PER_MSEC;
	ask(w, SERVICE_SESSION_LASTING);
	expect_chosen(HOA2);
	expect_words(HOA, "farther, 80 ms against 20 ms (E7)");
	world_binding(w, HOA2)->anchor->rtt = 200 * USEC_PER_MSEC;
	ask(w, SERVICE_SESSION_LASTING);
	expect_chosen(HOA);
	world_free(w);
}

Test(engine, E02_explain_kept_by_the_network)
{
	struct world *w =
		world_bound("[Prefix 2001:db8:a::/64]\nMobility=network\n" WORLD_ONE, &place_a);

	ask(w, SERVICE_SESSION_LASTING);
	expect_chosen(place_a.coa);
	cr_assert_not_null(strstr(x.candidate[x.chosen].words, "network keeps it"));
	world_free(w);
}

Test(engine, E05_explain_an_earlier_place)
{
	struct world *w = world_native(WORLD_NATIVE);

	world_session(w, place_a.coa, 22);
	world_leave(w, &place_a);
	world_arrive(w, &place_b);
	world_run(w, 2 * SEC);
	ask(w, SERVICE_SESSION_LASTING);
	expect_chosen(place_b.coa);
	expect_words(place_a.coa, "its place was left");
	cr_assert_str_eq(find(place_a.coa)->anchor, "a");
	cr_assert_eq(find(place_a.coa)->state, PREFIX_REMOTE);
	cr_assert_eq(x.n, 2);
	world_free(w);
}

Test(engine, E05_explain_an_earlier_place_without_sessions)
{
	struct world *w = world_new("");

	world_start(w);
	world_arrive(w, &place_a);
	world_leave(w, &place_a);
	world_arrive(w, &place_b);
	ask(w, -1);
	expect_chosen(place_b.coa);
	expect_words(place_a.coa, "its place was left (E5)");
	world_free(w);
}

Test(engine, E05_explain_deprecated)
{
	struct world *w = world_new("");
	struct address_event old = world_address_of(place_a.ifindex, "2001:db8:a::d0d");

	world_start(w);
	world_arrive(w, &place_a);
	old.deprecated = true;
	engine_address(w->e, w->now, &old);
	ask(w, -1);
	expect_chosen(place_a.coa);
	expect_words("2001:db8:a::d0d", "deprecated");
	world_free(w);
}

/* --- fixed -------------------------------------------------------------------------------------------- */

Test(engine, E02_explain_fixed)
{
	struct world *w = world_native(WORLD_NATIVE WORLD_ONE);

	ask(w, SERVICE_FIXED);
	expect_chosen(HOA);
	cr_assert_eq(x.granted, SERVICE_FIXED);
	expect_words(place_a.coa, "not fixed, only a home address is (E2)");
	world_free(w);
}

Test(engine, E02_explain_fixed_at_home)
{
	struct world *w = world_new(WORLD_ONE);

	world_start(w);
	world_arrive(w, &place_home);
	world_run(w, 2 * SEC);
	ask(w, SERVICE_FIXED);
	expect_chosen(HOA);
	cr_assert_not(x.candidate[x.chosen].tunnelled);
	cr_assert_str_eq(x.candidate[x.chosen].link, "wlan0");
	world_free(w);
}

Test(engine, E02_explain_fixed_fails_rather_than_degrades)
{
	struct world *w = world_native(WORLD_NATIVE);

	ask(w, SERVICE_FIXED);
	cr_assert_eq(x.chosen, -1);
	cr_assert_not_null(strstr(x.words, "HomeAddress="), "%s", x.words);
	world_free(w);
	w = world_new(WORLD_ONE);
	world_agent(w, HA)->silent = true;
	world_start(w);
	world_arrive(w, &place_a);
	ask(w, SERVICE_FIXED);
	cr_assert_eq(x.chosen, -1);
	cr_assert_not_null(strstr(x.words, "anchor one has not answered"), "%s", x.words);
	ask(w, SERVICE_SESSION_LASTING);
	cr_assert_eq(x.chosen, -1);
	cr_assert_not_null(strstr(x.words, "anchor one has not answered"), "%s", x.words);
	world_free(w);
}

Test(engine, E02_explain_a_prefix_that_is_stated_fixed)
{
	struct world *w = world_native(WORLD_NATIVE "[Prefix 2001:db8:a::/64]\nService=fixed\n");

	ask(w, SERVICE_FIXED);
	expect_chosen(place_a.coa);
	world_free(w);
}

/* --- graceful-replacement, non-persistent ---------------------------------------------------------- */

Test(engine, E02_explain_graceful)
{
	struct world *w = world_native(WORLD_NATIVE);

	ask(w, SERVICE_GRACEFUL_REPLACEMENT);
	expect_chosen(place_a.coa);
	cr_assert_eq(x.granted, SERVICE_GRACEFUL_REPLACEMENT);
	world_free(w);
	w = world_bound("[Prefix 2001:db8:a::/64]\nService=graceful-replacement\n" WORLD_ONE,
			&place_a);
	ask(w, SERVICE_GRACEFUL_REPLACEMENT);
	expect_chosen(place_a.coa);
	expect_words(HOA, "remote: a tunnel");
	ask(w, SERVICE_SESSION_LASTING);
	expect_chosen(HOA);
	world_free(w);
}

Test(engine, E01_explain_non_persistent)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);

	ask(w, SERVICE_NON_PERSISTENT);
	expect_chosen(place_a.coa);
	expect_words(HOA, "a native prefix is better (E1)");
	world_free(w);
	w = world_native(WORLD_NATIVE);
	world_advert(w, place_a.ifindex, place_a.router, "2001:db8:ff00::/64", 1800);
	world_address(w, place_a.ifindex, "2001:db8:ff00::c0a");
	ask(w, SERVICE_NON_PERSISTENT);
	expect_chosen("2001:db8:ff00::c0a");
	expect_words(place_a.coa, "a local prefix will do");
	world_arrive(w, &place_wire);
	ask(w, SERVICE_NON_PERSISTENT);
	cr_assert_str_eq(x.candidate[x.chosen].link, w->e->uplink->name);
	world_free(w);
}

/* --- destinations and properties --------------------------------------------------------------------- */

Test(engine, E01_explain_no_internet)
{
	struct world *w = world_new(TWO_LINKS "[Prefix 2001:db8:e::/64]\nInternet=no\n");

	world_start(w);
	world_arrive(w, &place_a);
	world_arrive(w, &place_wire);
	ask(w, -1);
	expect_chosen(place_a.coa);
	expect_words(place_wire.coa, "Internet=no, configuration");
	ask_of(w, "2001:db8:e::5", 80, -1);
	expect_chosen(place_wire.coa);
	world_free(w);
}

Test(engine, E01_explain_unique_local_addresses)
{
	struct world *w = world_new("");

	world_start(w);
	world_arrive(w, &place_a);
	world_advert(w, place_a.ifindex, place_a.router, "fd00:a::/64", 1800);
	world_address(w, place_a.ifindex, "fd00:a::c0a");
	ask(w, -1);
	expect_chosen(place_a.coa);
	expect_words("fd00:a::c0a", "reaches only its own network");
	ask_of(w, "fd00:b::1", 80, -1);
	expect_chosen("fd00:a::c0a");
	expect_words(place_a.coa, "RFC 6724 rule 6");
	world_free(w);
}

Test(engine, E01_explain_cost)
{
	struct world *w = world_new("[Prefix 2001:db8:a::/64]\nCost=5\n");

	world_start(w);
	world_arrive(w, &place_a);
	world_advert(w, place_a.ifindex, place_a.router, "2001:db8:a1::/64", 1800);
	world_address(w, place_a.ifindex, "2001:db8:a1::c0a");
	ask(w, -1);
	expect_chosen("2001:db8:a1::c0a");
	expect_words(place_a.coa, "costs more, 5 against 0");
	world_free(w);
}

Test(engine, E02_explain_temporary_addresses)
{
	struct world *w = world_native(WORLD_NATIVE);
	struct address_event t = world_address_of(place_a.ifindex, "2001:db8:a::7e39");

	t.temporary = true;
	engine_address(w->e, w->now, &t);
	ask(w, SERVICE_SESSION_LASTING);
	expect_chosen(place_a.coa);
	expect_words("2001:db8:a::7e39", "temporary");
	ask(w, -1);
	expect_chosen("2001:db8:a::7e39");
	world_free(w);
}

Test(engine, E01_explain_the_longest_match)
{
	struct world *w = world_new("");

	world_start(w);
	world_arrive(w, &place_a);
	world_advert(w, place_a.ifindex, place_a.router, "2001:db8:ff00::/64", 1800);
	world_address(w, place_a.ifindex, "2001:db8:ff00::c0a");
	ask_of(w, "2001:db8:ff80::1", 80, -1);
	expect_chosen("2001:db8:ff00::c0a");
	expect_words(place_a.coa, "RFC 6724 rule 8");
	world_free(w);
}

Test(engine, E01_explain_addresses_that_cannot_be_used)
{
	struct world *w = world_new("[Link]\nMatch=eth*\nUse=no\n");
	struct address_event a = world_address_of(place_a.ifindex, "2001:db8:a::d1");

	world_start(w);
	world_arrive(w, &place_a);
	a.tentative = true;
	engine_address(w->e, w->now, &a);
	a.addr = world_addr("2001:db8:a::d2");
	a.tentative = false;
	a.duplicate = true;
	engine_address(w->e, w->now, &a);
	world_arrive(w, &place_wire);
	world_advert(w, place_a.ifindex, place_a.router, "2001:db8:a2::/64", 1800);
	ask(w, -1);
	expect_chosen(place_a.coa);
	expect_words("2001:db8:a::d1", "tentative");
	expect_words("2001:db8:a::d2", "duplicate");
	expect_words(place_wire.coa, "Use=no");
	expect_words("::", "the host has no address in it");
	world_free(w);
}

Test(engine, E01_explain_offline)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);

	world_leave(w, &place_a);
	ask(w, SERVICE_SESSION_LASTING);
	cr_assert_eq(x.chosen, -1);
	cr_assert_not_null(strstr(x.words, "offline"), "%s", x.words);
	expect_words(HOA, "offline");
	world_free(w);
}

Test(engine, E01_explain_destinations_that_do_not_leave)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);

	ask_of(w, "fe80::1", 22, SERVICE_FIXED);
	cr_assert_eq(x.chosen, -1);
	cr_assert_not_null(strstr(x.words, "no matter of mobility"), "%s", x.words);
	ask_of(w, "ff02::1", 5000, -1);
	cr_assert_eq(x.chosen, -1);
	cr_assert_not_null(strstr(x.words, "never leaves the link"), "%s", x.words);
	ask_of(w, "ff0e::1", 5000, -1);
	expect_chosen(place_a.coa);
	world_free(w);
}

/* Among equals it is the kernel that chooses for those who have not asked. */
Test(engine, E01_explain_what_the_kernel_takes)
{
	static const char *const sources[] = {"2001:db8:a::1:1", "2001:db8:a::c0a"};
	struct world *w = world_bound(WORLD_ONE, &place_a);

	world_address(w, place_a.ifindex, sources[0]);
	for (unsigned i = 0; i < 2; i++) {
		struct explain_request q = {.destination = world_addr(FAR),
					    .port = 443,
					    .kernel = world_addr(sources[i])};

		engine_explain(w->e, &q, &x);
		expect_chosen(sources[i]);
		expect_words(sources[!i], "which the kernel takes");
	}
	world_free(w);
}

/* More addresses than there is room for. */
Test(engine, E01_explain_many_addresses)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);
	char text[64];

	for (unsigned i = 0; i < 2 * EXPLAIN_MAX_CANDIDATES; i++) {
		snprintf(text, sizeof(text), "2001:db8:a::1:%x", i);
		world_address(w, place_a.ifindex, text);
	}
	ask(w, -1);
	cr_assert_eq(x.n, EXPLAIN_MAX_CANDIDATES);
	cr_assert_geq(x.chosen, 0);
	world_free(w);
}
