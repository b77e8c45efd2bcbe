/* SPDX-License-Identifier: GPL-2.0-or-later */
/* E2: addresses for applications that ask (RFC 8653). */
#include <criterion/criterion.h>
#include <errno.h>

#include "engine_world.h"
#include "mobility/explain.h"
#include "mobility/internal.h"
#include "mobility/request.h"

#define SEC USEC_PER_SEC
#define HOLD (10 * SEC)

static void move(struct world *w, const struct place *from, const struct place *to)
{
	world_leave(w, from);
	world_run(w, SEC / 10);
	world_arrive(w, to);
	world_run(w, 2 * SEC);
}

static void want(struct world *w, enum service_type type)
{
	engine_want(w->e, w->now, type);
}

static struct offers offers_of(const struct world *w)
{
	struct offers o;

	engine_offers(w->e, &o);
	return o;
}

/* What a socket that asks gets now, "" = nothing. */
static const char *given(const struct world *w, enum service_type type)
{
	static char buf[ADDR_STRLEN];
	struct offers o = offers_of(w);

	if (o.best[type] < 0)
		return "";
	snprintf(buf, sizeof(buf), "%s", ADDR_STR(&o.offer[o.best[type]].source));
	return buf;
}

static bool is_in(const char *address, const char *prefix)
{
	struct in6_addr a = world_addr(address), p = world_addr(prefix);

	return address[0] && memcmp(&a, &p, 8) == 0;
}

static struct binding *binding_at(const struct world *w, const char *address)
{
	struct in6_addr a = world_addr(address);

	return engine_find_home(w->e, &a);
}

Test(engine, E02_an_address_is_made_for_those_who_ask)
{
	struct world *w = world_native(WORLD_NATIVE);
	char asked[ADDR_STRLEN];

	cr_assert_str_eq(given(w, SERVICE_SESSION_LASTING), "", "nobody has asked yet");
	want(w, SERVICE_SESSION_LASTING);
	snprintf(asked, sizeof(asked), "%s", given(w, SERVICE_SESSION_LASTING));
	cr_assert(is_in(asked, "2001:db8:a::"));
	cr_assert_str_neq(asked, place_a.coa, "not the one that all others have");
	cr_assert_eq(world_path(w, asked)->mode, PATH_HOME);
	cr_assert_eq(world_path(w, asked)->claimed_ifindex, place_a.ifindex);
	cr_assert(world_path(w, asked)->dad);
	want(w, SERVICE_SESSION_LASTING);
	cr_assert_str_eq(given(w, SERVICE_SESSION_LASTING), asked, "one for all");
	world_run(w, 60 * SEC);
	cr_assert_eq(world_count(w, OP_SEND), 0, "native: no signalling");
	cr_assert_str_eq(ADDR_STR(&w->e->coa), place_a.coa);
	world_free(w);
}

Test(engine, E02_only_those_who_asked_go_through_the_anchor)
{
	struct world *w = world_native(WORLD_NATIVE);
	char asked[ADDR_STRLEN];
	uint64_t session;

	want(w, SERVICE_SESSION_LASTING);
	snprintf(asked, sizeof(asked), "%s", given(w, SERVICE_SESSION_LASTING));
	session = world_session(w, asked, 80); /* no rule of the policy */
	world_session(w, place_a.coa, 80);
	move(w, &place_a, &place_b);
	cr_assert_eq(world_count(w, OP_SEND), 1);
	cr_assert(world_tunnels(w, asked, place_b.coa));
	cr_assert_null(binding_at(w, place_a.coa));
	cr_assert(is_in(given(w, SERVICE_SESSION_LASTING), "2001:db8:b::"),
		  "new ones from here, prepared");
	world_session_end(w, session);
	world_run(w, HOLD + 2 * SEC);
	cr_assert_null(binding_at(w, asked), "withdrawn");
	world_free(w);
}

Test(engine, E02_an_address_that_nobody_uses_ends_with_its_place)
{
	struct world *w = world_native(WORLD_NATIVE);
	char asked[ADDR_STRLEN];

	want(w, SERVICE_SESSION_LASTING);
	snprintf(asked, sizeof(asked), "%s", given(w, SERVICE_SESSION_LASTING));
	move(w, &place_a, &place_b);
	cr_assert_null(binding_at(w, asked));
	cr_assert_eq(world_count(w, OP_SEND), 0);
	world_free(w);
}

Test(engine, E06_sessions_that_asked_return_to_their_place)
{
	struct world *w = world_native(WORLD_NATIVE);
	char asked[ADDR_STRLEN];

	want(w, SERVICE_SESSION_LASTING);
	snprintf(asked, sizeof(asked), "%s", given(w, SERVICE_SESSION_LASTING));
	world_session(w, asked, 80);
	move(w, &place_a, &place_b);
	move(w, &place_b, &place_a);
	cr_assert_eq(binding_at(w, asked)->state, BINDING_HOME);
	cr_assert_eq(world_path(w, asked)->mode, PATH_HOME);
	cr_assert_str_eq(given(w, SERVICE_SESSION_LASTING), asked, "it is here again");
	world_free(w);
}

Test(engine, E02_graceful_replacement_has_an_address_of_its_own)
{
	struct world *w = world_native(WORLD_NATIVE);
	char graceful[ADDR_STRLEN];
	struct offers o;

	want(w, SERVICE_GRACEFUL_REPLACEMENT);
	snprintf(graceful, sizeof(graceful), "%s", given(w, SERVICE_GRACEFUL_REPLACEMENT));
	cr_assert(is_in(graceful, "2001:db8:a::"));
	want(w, SERVICE_SESSION_LASTING);
	cr_assert_str_neq(given(w, SERVICE_SESSION_LASTING), graceful);
	cr_assert_str_eq(given(w, SERVICE_GRACEFUL_REPLACEMENT), graceful);
	world_session(w, graceful, 80);
	move(w, &place_a, &place_b);
	cr_assert(world_tunnels(w, graceful, place_b.coa));
	o = offers_of(w);
	for (unsigned i = 0; i < o.n; i++)
		if (strcmp(ADDR_STR(&o.offer[i].source), graceful) == 0)
			cr_assert(o.offer[i].draining && o.offer[i].valid_until != USEC_INFINITY);
	world_run(w, w->conf->grace_time + HOLD);
	cr_assert_null(binding_at(w, graceful), "its time is over, whoever is still on it");
	world_free(w);
}

Test(engine, E02_fixed_is_the_home_address_or_nothing)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);

	cr_assert_str_eq(given(w, SERVICE_FIXED), HOA);
	cr_assert_str_eq(given(w, SERVICE_SESSION_LASTING), HOA, "the only one that lasts");
	world_free(w);
	w = world_native(WORLD_NATIVE);
	want(w, SERVICE_FIXED);
	cr_assert_str_eq(given(w, SERVICE_FIXED), "");
	cr_assert(list_empty(&w->e->bindings));
	world_free(w);
}

Test(engine, E02_a_home_address_on_demand_is_registered_when_somebody_asks)
{
	struct world *w = world_new(WORLD_ONE "Service=session-lasting\n");
	struct offers o;

	world_start(w);
	world_arrive(w, &place_a);
	world_run(w, SEC);
	o = offers_of(w);
	cr_assert_geq(o.best[SERVICE_SESSION_LASTING], 0);
	cr_assert(o.offer[o.best[SERVICE_SESSION_LASTING]].on_demand);
	cr_assert_eq(world_count(w, OP_SEND), 0);
	want(w, SERVICE_SESSION_LASTING);
	world_run(w, SEC);
	cr_assert_eq(world_count(w, OP_SEND), 1);
	o = offers_of(w);
	cr_assert_not(o.offer[o.best[SERVICE_SESSION_LASTING]].on_demand);
	cr_assert(o.offer[o.best[SERVICE_SESSION_LASTING]].tunnelled);
	world_run(w, HOLD + SEC);
	cr_assert_eq(world_last(w, OP_SEND)->update.lifetime, 0, "nobody came");
	world_free(w);
}

Test(engine, E01_who_does_not_ask_gets_no_such_address)
{
	struct world *w = world_native(WORLD_NATIVE);
	struct explain_request q = {.destination = world_addr("2001:db8:c::80")};
	struct explain *x = calloc(1, sizeof(*x));

	want(w, SERVICE_SESSION_LASTING);
	engine_explain(w->e, &q, x);
	cr_assert_str_eq(ADDR_STR(&x->candidate[x->chosen].source), place_a.coa);
	q.has_type = true;
	q.type = SERVICE_NON_PERSISTENT;
	engine_explain(w->e, &q, x);
	cr_assert_str_eq(ADDR_STR(&x->candidate[x->chosen].source), place_a.coa);
	free(x);
	world_free(w);
}

Test(engine, E02_a_new_address_is_for_one_alone)
{
	struct world *w = world_native(WORLD_NATIVE);
	struct in6_addr fresh[9];
	unsigned i;

	want(w, SERVICE_SESSION_LASTING);
	for (i = 0; i < 8; i++)
		cr_assert_eq(engine_want_new(w->e, w->now, SERVICE_SESSION_LASTING, &fresh[i]), 0);
	cr_assert_str_neq(given(w, SERVICE_SESSION_LASTING), ADDR_STR(&fresh[0]));
	cr_assert_eq(engine_want_new(w->e, w->now, SERVICE_SESSION_LASTING, &fresh[8]), -ENOSPC);
	world_session(w, ADDR_STR(&fresh[3]), 80);
	world_run(w, 61 * SEC);
	cr_assert_eq(engine_want_new(w->e, w->now, SERVICE_SESSION_LASTING, &fresh[8]), 0);
	cr_assert_null(engine_find_home(w->e, &fresh[2]), "never used");
	cr_assert_not_null(engine_find_home(w->e, &fresh[3]));
	cr_assert_eq(engine_want_new(w->e, w->now, SERVICE_FIXED, &fresh[8]), -EADDRNOTAVAIL);
	world_free(w);
}

Test(engine, E02_an_address_of_somebody_else_is_given_up)
{
	struct world *w = world_native(WORLD_NATIVE);
	struct address_event ev;
	char asked[ADDR_STRLEN];

	want(w, SERVICE_SESSION_LASTING);
	snprintf(asked, sizeof(asked), "%s", given(w, SERVICE_SESSION_LASTING));
	ev = world_address_of(place_a.ifindex, asked);
	ev.duplicate = ev.tentative = true;
	engine_address(w->e, w->now, &ev);
	cr_assert_null(binding_at(w, asked));
	cr_assert(is_in(given(w, SERVICE_SESSION_LASTING), "2001:db8:a::"), "another one is made");
	world_free(w);
}

/* Somebody answers for what was made; false: nothing is there. */
static bool collide(struct world *w)
{
	struct address_event ev;
	struct binding *b;

	list_for_each(b, &w->e->bindings, node)
		if (b->on_request && !b->removed) {
			ev = world_address_of(place_a.ifindex, ADDR_STR(&b->home));
			ev.duplicate = ev.tentative = true;
			engine_address(w->e, w->now, &ev);
			return true;
		}
	return false;
}

Test(engine, E02_who_answers_for_every_address_keeps_nobody_busy)
{
	struct world *w = world_native(WORLD_NATIVE);
	unsigned n = 0;

	for (int i = 0; i < 1000; i++) {
		want(w, SERVICE_SESSION_LASTING);
		n += collide(w);
		world_run(w, SEC / 100);
	}
	cr_assert_eq(n, 3);
	cr_assert_str_eq(given(w, SERVICE_SESSION_LASTING), place_a.coa, "as good as it gets");
	world_run(w, 60 * SEC);
	want(w, SERVICE_SESSION_LASTING);
	cr_assert_str_neq(given(w, SERVICE_SESSION_LASTING), place_a.coa);
	while (collide(w))
		n++;
	cr_assert_eq(n, 6);
	move(w, &place_a, &place_b);
	want(w, SERVICE_SESSION_LASTING);
	cr_assert(is_in(given(w, SERVICE_SESSION_LASTING), "2001:db8:b::"));
	cr_assert_str_neq(given(w, SERVICE_SESSION_LASTING), place_b.coa);
	world_free(w);
}

/* The prefix of place A as its router advertises it now, with another one. */
static void advertise(struct world *w, uint32_t preferred, bool other)
{
	struct nd_router_advert ra = world_advert_of(place_a.prefix, 1800);
	struct in6_addr router = world_addr(place_a.router);

	ra.prefix[0].preferred = preferred;
	if (other) {
		ra.prefix[ra.n_prefixes] = world_advert_of(place_b.prefix, 0).prefix[0];
		ra.n_prefixes++;
	}
	engine_router_advert(w->e, w->now, place_a.ifindex, &router, &ra);
}

Test(engine, E02_a_prefix_that_is_advertised_goes_on_to_be_preferred)
{
	struct world *w = world_native(WORLD_NATIVE);
	struct ip6_prefix a;

	want(w, SERVICE_SESSION_LASTING);
	cr_assert_eq(prefix_parse(place_a.prefix, &a), 0);
	for (int i = 0; i < 5 * 60; i++) {
		advertise(w, 14400, false);
		world_run(w, 60 * SEC);
	}
	cr_assert_gt(prefix_find(w->e, &a)->preferred_until, w->now.mono);
	world_free(w);
}

Test(engine, E02_no_address_is_given_of_a_prefix_that_is_given_up)
{
	struct world *w = world_native(WORLD_NATIVE);
	char asked[ADDR_STRLEN];

	want(w, SERVICE_SESSION_LASTING);
	snprintf(asked, sizeof(asked), "%s", given(w, SERVICE_SESSION_LASTING));
	world_session(w, asked, 80);
	advertise(w, 0, true);
	world_address(w, place_a.ifindex, place_b.coa);
	world_run(w, 2 * SEC);
	cr_assert(is_in(given(w, SERVICE_SESSION_LASTING), "2001:db8:b::"));
	cr_assert_eq(world_path(w, asked)->mode, PATH_HOME, "who has it goes on");
	cr_assert_eq(world_count(w, OP_SEND), 0);
	world_free(w);
}

Test(engine, E14_a_restart_finds_the_addresses_that_were_made)
{
	struct world *w = world_native(WORLD_NATIVE), *again;
	struct state_entry saved[8];
	char asked[ADDR_STRLEN];
	unsigned n;

	want(w, SERVICE_SESSION_LASTING);
	snprintf(asked, sizeof(asked), "%s", given(w, SERVICE_SESSION_LASTING));
	n = engine_save(w->e, saved, 8);
	cr_assert(n >= 1 && saved[0].on_request);
	world_free(w);
	again = world_new(WORLD_NATIVE);
	for (unsigned i = 0; i < n; i++)
		engine_restore(again->e, &saved[i]);
	world_session(again, asked, 80);
	world_start(again);
	world_arrive(again, &place_a);
	world_run(again, 30 * SEC);
	cr_assert_eq(binding_at(again, asked)->state, BINDING_HOME);
	move(again, &place_a, &place_b);
	cr_assert(world_tunnels(again, asked, place_b.coa));
	world_free(again);
}

Test(engine, E02_sessions_on_lost_addresses_are_ended_if_so_configured)
{
	struct world *w = world_native("[Daemon]\nKillOrphans=yes\n" WORLD_NATIVE);

	world_session(w, place_a.coa, 80);
	move(w, &place_a, &place_b);
	cr_assert_eq(w->host.n_destroyed, 1);
	world_session(w, place_b.coa, 22); /* kept by policy */
	world_session(w, place_b.coa, 80);
	move(w, &place_b, &place_a);
	cr_assert_eq(w->host.n_destroyed, 1, "an address that is bound is not lost");
	world_free(w);
}
