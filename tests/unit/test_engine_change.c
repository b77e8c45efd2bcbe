/* SPDX-License-Identifier: GPL-2.0-or-later */
/* E7, E8, E9: which anchor, and what happens when it dies or asks to be left. */
#include <criterion/criterion.h>
#include <string.h>

#include "engine_world.h"
#include "mobility/internal.h"

#define SEC USEC_PER_SEC
#define MSEC USEC_PER_MSEC

static const char *anchor_of(const struct world *w)
{
	return world_binding(w, place_a.coa)->anchor->name;
}

Test(engine, E07_preference_chooses_between_equals)
{
	struct world *w = world_away(WORLD_SPARE, 2 * SEC);

	cr_assert_str_eq(anchor_of(w), "a");
	world_free(w);
}

Test(engine, E07_the_nearer_one_is_better)
{
	struct world *w = world_native(WORLD_SPARE);
	struct ip6_prefix p = {.len = 64};
	struct anchor *a, *spare;

	p.addr = world_addr("2001:db8:a::");
	a = anchor_best(w->e, &p);
	cr_assert_str_eq(a->name, "a");
	spare = anchor_best_but(w->e, &p, a);
	cr_assert_str_eq(spare->name, "spare");
	a->rtt = spare->rtt = 0;
	anchor_measured(a, 80 * MSEC);
	anchor_measured(spare, 20 * MSEC);
	cr_assert_eq(anchor_best(w->e, &p), spare);
	anchor_set_health(w->e, spare, ANCHOR_SILENT);
	cr_assert_eq(anchor_best(w->e, &p), a, "health comes first");
	world_free(w);
}

Test(engine, E07_a_move_measures_those_that_compete)
{
	struct world *w = world_native(WORLD_SPARE);

	cr_assert_eq(w->host.n_echoes, 2, "to a and spare, not to b, which has no rival");
	world_leave(w, &place_a);
	world_arrive(w, &place_b);
	cr_assert_eq(w->host.n_echoes, 4);
	world_free(w);
}

Test(engine, E08_a_silent_anchor_is_replaced)
{
	struct world *w = world_away(WORLD_SPARE, 2 * SEC);
	struct in6_addr from = world_addr(place_a.coa);

	world_agent(w, ANCHOR_A)->silent = true;
	world_leave(w, &place_b);
	world_arrive(w, &place_wire);
	world_run(w, 10 * SEC);
	cr_assert_str_eq(anchor_of(w), "spare");
	cr_assert(world_tunnels(w, place_a.coa, place_wire.coa));
	cr_assert_str_eq(ADDR_STR(&world_path(w, place_a.coa)->anchor), ANCHOR_SPARE);
	cr_assert_eq(world_binding(w, place_a.coa)->state, BINDING_REGISTERED);
	cr_assert_eq(w->host.events[EVENT_SESSION_LOST], 0);
	cr_assert(addr_equal(&world_binding(w, place_a.coa)->home, &from), "its address is kept");
	world_free(w);
}

Test(engine, E08_a_dead_tunnel_is_replaced_within_five_seconds)
{
	struct world *w = world_away(WORLD_SPARE, 2 * SEC);
	struct binding *b = world_binding(w, place_a.coa);
	usec_t died;

	/* Traffic both ways, and answers to probes. */
	engine_probe(w->e, w->now);
	world_run(w, SEC);
	cr_assert_eq(b->anchor->echo, ABILITY_YES);
	for (unsigned i = 0; i < 50; i++) {
		w->host.sent[b->slot]++;
		w->host.received[b->slot]++;
		if (i == 0)
			engine_activity(w->e, w->now, &b->home);
		world_run(w, 200 * MSEC);
	}
	cr_assert_eq(w->host.n_echoes, w->host.n_answered);
	died = w->now.mono;
	w->host.mute = true;
	while (strcmp(anchor_of(w), "a") == 0 && w->now.mono < died + 60 * SEC) {
		w->host.sent[b->slot]++;
		world_run(w, 200 * MSEC);
	}
	cr_assert_leq(w->now.mono - died, 5 * SEC);
	cr_assert_str_eq(anchor_of(w), "spare");
	cr_assert_eq(w->host.events[EVENT_PATH_DEAD], 1);
	world_free(w);
}

Test(engine, E08_without_another_its_sessions_are_told)
{
	struct world *w = world_away(WORLD_NATIVE, 2 * SEC);

	world_agent(w, ANCHOR_A)->silent = true;
	world_session(w, place_b.coa, 22);
	world_leave(w, &place_b);
	world_arrive(w, &place_wire);
	world_run(w, 30 * SEC);
	cr_assert_eq(w->host.events[EVENT_SESSION_LOST], 1);
	cr_assert_eq(world_binding(w, place_b.coa)->state, BINDING_REGISTERED,
		     "others do not suffer");
	world_agent(w, ANCHOR_A)->silent = false;
	world_run(w, 40 * SEC);
	cr_assert_eq(world_binding(w, place_a.coa)->state, BINDING_REGISTERED, "it comes back");
	world_free(w);
}

Test(engine, R6_6_a_quiet_tunnel_is_probed_now_and_then)
{
	struct world *w = world_away(WORLD_NATIVE, 2 * SEC);
	unsigned before = w->host.n_echoes;

	world_run(w, 600 * SEC);
	cr_assert_geq(w->host.n_echoes - before, 18);
	cr_assert_leq(w->host.n_echoes - before, 21, "every 30 s");
	cr_assert_eq(world_count(w, OP_SEND), 0);
	world_free(w);
}

Test(engine, R6_6_an_anchor_that_answers_no_echo_is_not_dead)
{
	struct world *w = world_native(WORLD_NATIVE);
	struct binding *b;

	w->host.mute = true;
	world_session(w, place_a.coa, 22);
	world_leave(w, &place_a);
	world_arrive(w, &place_b);
	world_run(w, 2 * SEC);
	world_forget(w);
	b = world_binding(w, place_a.coa);
	world_run(w, 600 * SEC);
	cr_assert_eq(b->anchor->echo, ABILITY_NO);
	cr_assert_eq(w->host.events[EVENT_PATH_DEAD], 0);
	cr_assert_leq(world_count(w, OP_SEND), 2, "asked by a binding update once");
	cr_assert_eq(b->state, BINDING_REGISTERED);
	world_free(w);
}

Test(engine, P6_no_probe_without_a_session)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);

	world_run(w, 600 * SEC);
	cr_assert_eq(w->host.n_echoes, 0);
	world_free(w);
}
