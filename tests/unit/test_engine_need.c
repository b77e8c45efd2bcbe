/* SPDX-License-Identifier: GPL-2.0-or-later */
/* E1, E3, E4: only a session in need keeps an address after a move, and only while it lives. */
#include <criterion/criterion.h>

#include "engine_world.h"

#define SEC USEC_PER_SEC
#define HOLD (10 * SEC)

static void move(struct world *w, const struct place *from, const struct place *to)
{
	world_leave(w, from);
	world_run(w, SEC / 10);
	world_arrive(w, to);
}

static bool is_bound(const struct world *w, const char *home)
{
	struct in6_addr a = world_addr(home);

	return engine_find_home(w->e, &a) != NULL;
}

Test(engine, E01_no_session_in_need_no_signalling)
{
	struct world *w = world_native(WORLD_NATIVE);

	world_session(w, place_a.coa, 80);
	for (unsigned i = 0; i < 10; i++) {
		move(w, i % 2 ? &place_b : &place_a, i % 2 ? &place_a : &place_b);
		world_run(w, 60 * SEC);
	}
	cr_assert_eq(world_count(w, OP_SEND), 0);
	cr_assert_eq(world_count(w, OP_PATH), 0);
	cr_assert(list_empty(&w->e->bindings));
	cr_assert_not(w->host.watching, "no news are wanted of sockets nobody tracks");
	world_free(w);
}

Test(engine, E03_a_session_in_need_gets_a_binding_at_its_own_anchor)
{
	struct world *w = world_native(WORLD_NATIVE);

	world_session(w, place_a.coa, 22);
	world_session(w, place_a.coa, 80);
	cr_assert(list_empty(&w->e->bindings), "native: nothing to do");
	cr_assert_eq(w->host.n_listings, 0);

	move(w, &place_a, &place_b);
	cr_assert_eq(world_count(w, OP_SEND), 1, "in the very pass of the move");
	cr_assert_str_eq(ADDR_STR(&world_last(w, OP_SEND)->anchor), ANCHOR_A);
	cr_assert(world_tunnels(w, place_a.coa, place_b.coa));
	world_run(w, 2 * SEC);
	cr_assert_eq(world_count(w, OP_SEND), 1, "one update, nothing else");
	cr_assert_eq(world_binding(w, place_a.coa)->state, BINDING_REGISTERED);
	cr_assert_eq(world_binding(w, place_a.coa)->n_in_need, 1);
	cr_assert_eq(world_binding(w, place_a.coa)->service, SERVICE_SESSION_LASTING);
	cr_assert(w->host.watching);
	world_free(w);
}

Test(engine, F1_several_anchors_at_once)
{
	struct world *w = world_native(WORLD_NATIVE);

	world_session(w, place_a.coa, 22);
	move(w, &place_a, &place_b);
	world_run(w, 2 * SEC);
	world_session(w, place_b.coa, 22);
	move(w, &place_b, &place_wire);
	world_run(w, 2 * SEC);
	cr_assert(world_tunnels(w, place_a.coa, place_wire.coa));
	cr_assert(world_tunnels(w, place_b.coa, place_wire.coa));
	cr_assert_eq(world_count(w, OP_SEND), 3);
	cr_assert_str_eq(world_binding(w, place_a.coa)->anchor->name, "a");
	cr_assert_str_eq(world_binding(w, place_b.coa)->anchor->name, "b");
	world_free(w);
}

Test(engine, E04_withdrawn_after_the_hold_time)
{
	struct world *w = world_native(WORLD_NATIVE);
	uint64_t ssh = world_session(w, place_a.coa, 22);
	usec_t ended;

	move(w, &place_a, &place_b);
	world_run(w, 60 * SEC);
	world_session_end(w, ssh);
	ended = w->now.mono;
	world_run(w, HOLD - SEC / 1000);
	cr_assert_eq(world_count(w, OP_SEND), 1, "not before the hold time is over");
	world_run(w, SEC / 1000);
	cr_assert_eq(world_count(w, OP_SEND), 2);
	cr_assert_eq(world_last(w, OP_SEND)->at, ended + HOLD);
	cr_assert_eq(world_last(w, OP_SEND)->update.lifetime, 0);
	world_run(w, SEC);
	cr_assert_not(is_bound(w, place_a.coa));
	cr_assert_eq(world_count(w, OP_DROP), 1);
	cr_assert_not(w->host.watching);
	world_run(w, 600 * SEC);
	cr_assert_eq(world_count(w, OP_SEND), 2);
	world_free(w);
}

Test(engine, E04_a_session_that_begins_just_then_keeps_the_binding)
{
	struct world *w = world_native(WORLD_NATIVE);
	uint64_t ssh = world_session(w, place_a.coa, 22), late;

	move(w, &place_a, &place_b);
	world_run(w, 60 * SEC);
	world_session_end(w, ssh);
	world_run(w, HOLD - SEC / 1000);
	late = world_session(w, place_a.coa, 22);
	world_run(w, SEC);
	cr_assert_eq(world_count(w, OP_SEND), 1, "nothing is withdrawn");
	cr_assert_not(world_path(w, place_a.coa)->closed, "and the address is open again");
	cr_assert_eq(world_binding(w, place_a.coa)->n_in_need, 1);
	world_session_end(w, late);
	world_run(w, HOLD + SEC);
	cr_assert_not(is_bound(w, place_a.coa));
	world_free(w);
}

Test(engine, E04_the_address_is_closed_before_the_last_look)
{
	struct world *w = world_native(WORLD_NATIVE);
	uint64_t ssh = world_session(w, place_a.coa, 22);

	move(w, &place_a, &place_b);
	world_run(w, 60 * SEC);
	world_session_end(w, ssh);
	world_agent(w, ANCHOR_A)->rtt = SEC;
	world_run(w, HOLD + SEC / 2);
	cr_assert(world_path(w, place_a.coa)->closed);
	cr_assert_eq(world_path(w, place_a.coa)->mode, PATH_TUNNEL);
	world_free(w);
}

Test(engine, E06_back_on_its_link_the_address_is_native_again)
{
	struct world *w = world_native(WORLD_NATIVE);

	world_session(w, place_a.coa, 22);
	move(w, &place_a, &place_b);
	world_run(w, 60 * SEC);
	move(w, &place_b, &place_a);
	cr_assert_eq(world_count(w, OP_SEND), 2);
	cr_assert_eq(world_last(w, OP_SEND)->update.lifetime, 0);
	cr_assert_eq(world_path(w, place_a.coa)->claimed_ifindex, 0,
		     "the link has the address itself");
	world_run(w, SEC);
	cr_assert_not(is_bound(w, place_a.coa), "nothing of ours is in the way any more");
	cr_assert_eq(world_count(w, OP_ANNOUNCE), 0, "the kernel defends its address itself");
	cr_assert_str_eq(ADDR_STR(&w->e->coa), place_a.coa);

	move(w, &place_a, &place_b);
	world_run(w, SEC);
	cr_assert(world_tunnels(w, place_a.coa, place_b.coa), "and away again");
	world_free(w);
}

Test(engine, E05_an_address_taken_away_with_its_place_is_kept_for_its_sessions)
{
	struct world *w = world_native(WORLD_NATIVE);

	world_session(w, place_a.coa, 22);
	world_leave(w, &place_a);
	world_address_gone(w, place_a.ifindex, place_a.coa);
	cr_assert(is_bound(w, place_a.coa));
	world_arrive(w, &place_b);
	world_run(w, SEC);
	cr_assert(world_tunnels(w, place_a.coa, place_b.coa));
	world_free(w);
}

Test(engine, E05_so_is_one_whose_end_was_not_told)
{
	struct world *w = world_native(WORLD_NATIVE);

	world_session(w, place_a.coa, 22);
	engine_resync(w->e, w->now, true);
	world_link(w, place_a.ifindex, place_a.link, false);
	engine_resync(w->e, w->now, false);
	cr_assert(is_bound(w, place_a.coa));
	world_arrive(w, &place_b);
	world_run(w, SEC);
	cr_assert(world_tunnels(w, place_a.coa, place_b.coa));
	world_free(w);
}

Test(engine, E04_graceful_replacement_ends_by_itself)
{
	struct world *w = world_native(WORLD_NATIVE);

	world_session(w, place_a.coa, 5060);
	move(w, &place_a, &place_b);
	world_run(w, 59 * SEC);
	cr_assert(world_tunnels(w, place_a.coa, place_b.coa));
	world_run(w, 2 * SEC + HOLD);
	cr_assert_not(is_bound(w, place_a.coa));
	world_free(w);
}

Test(engine, E03_who_began_during_the_move_is_found)
{
	struct world *w = world_native(WORLD_NATIVE);

	move(w, &place_a, &place_b);
	world_session(w, place_a.coa, 22); /* it had picked its source before */
	cr_assert_eq(world_count(w, OP_SEND), 0);
	world_run(w, 2 * SEC);
	cr_assert(world_tunnels(w, place_a.coa, place_b.coa));
	world_free(w);
}

Test(engine, E03_an_address_that_was_left_is_looked_at_twice)
{
	struct world *w = world_native(WORLD_NATIVE);

	move(w, &place_a, &place_b);
	world_run(w, 2 * SEC);
	cr_assert_eq(w->host.n_listings, 2, "when it is left, and when the last have sent");
	move(w, &place_b, &place_home);
	world_run(w, 2 * SEC);
	cr_assert_eq(w->host.n_listings, 4, "the other one: nobody can have begun on this one");
	move(w, &place_home, &place_home2);
	world_run(w, 2 * SEC);
	cr_assert_eq(w->host.n_listings, 4);
	world_free(w);
}

Test(engine, E03_another_policy_sees_who_is_there_long_after_the_move)
{
	struct world *w = world_native(WORLD_NATIVE);

	world_session(w, place_a.coa, 80);
	move(w, &place_a, &place_b);
	world_run(w, 60 * SEC);
	cr_assert_not(is_bound(w, place_a.coa));
	world_policy(w, "[Rule web]\nPort=80\nService=session-lasting\n");
	cr_assert_eq(engine_reconfigure(w->e, w->now, w->conf), 0);
	world_run(w, 2 * SEC);
	cr_assert(world_tunnels(w, place_a.coa, place_b.coa));
	world_free(w);
}

Test(engine, E04_lost_news_are_made_up_for)
{
	struct world *w = world_native(WORLD_NATIVE);

	world_session(w, place_a.coa, 22);
	move(w, &place_a, &place_b);
	world_run(w, 60 * SEC);
	w->host.n_sessions = 0;
	engine_sessions_lost(w->e, w->now);
	world_run(w, HOLD + SEC);
	cr_assert_not(is_bound(w, place_a.coa));
	world_free(w);
}

Test(engine, E04_a_failed_listing_withdraws_nothing)
{
	struct world *w = world_native(WORLD_NATIVE);
	uint64_t ssh = world_session(w, place_a.coa, 22);

	move(w, &place_a, &place_b);
	world_run(w, 60 * SEC);
	world_session_end(w, ssh);
	w->host.list_error = -12;
	world_run(w, 3 * HOLD);
	cr_assert_eq(world_count(w, OP_SEND), 1);
	w->host.list_error = 0;
	world_run(w, 2 * SEC);
	cr_assert_not(is_bound(w, place_a.coa));
	world_free(w);
}

Test(engine, E02_a_home_address_on_demand_waits_for_a_session)
{
	struct world *w = world_new(WORLD_ONE "Service=session-lasting\n");
	struct in6_addr home = world_addr(HOA);
	uint64_t ssh;

	world_policy(w, POLICY_SSH);
	world_start(w);
	world_arrive(w, &place_a);
	world_run(w, 60 * SEC);
	cr_assert_eq(world_count(w, OP_SEND), 0);
	cr_assert(addr_equal(&w->host.watched, &home));
	ssh = world_session(w, HOA, 22);
	engine_activity(w->e, w->now, &home);
	world_run(w, SEC);
	cr_assert(world_tunnels(w, HOA, place_a.coa));
	world_session_end(w, ssh);
	world_run(w, HOLD + SEC);
	cr_assert_eq(world_last(w, OP_SEND)->update.lifetime, 0);
	cr_assert_eq(world_path(w, HOA)->mode, PATH_BLOCKED);
	cr_assert_not(world_path(w, HOA)->closed);
	world_session(w, HOA, 80);
	engine_activity(w->e, w->now, &home);
	world_run(w, SEC);
	cr_assert(world_tunnels(w, HOA, place_a.coa), "who binds to it has asked for it");
	world_free(w);
}
