/* SPDX-License-Identifier: GPL-2.0-or-later */
/* E1: who needs nothing signals nothing.  E3: every prefix at its own anchor. */
#include <criterion/criterion.h>

#include "engine_world.h"

Test(engine, E01_without_home_addresses_no_signalling)
{
	struct world *w = world_new("");

	world_start(w);
	cr_assert_str_eq(engine_place(w->e), "offline");
	for (unsigned i = 0; i < 3; i++) {
		world_arrive(w, &place_a);
		world_run(w, 60 * USEC_PER_SEC);
		cr_assert_str_eq(engine_place(w->e), "local");
		cr_assert_null(engine_waiting_for(w->e));
		world_leave(w, &place_a);
		world_run(w, 5 * USEC_PER_SEC);
		world_arrive(w, &place_b);
		world_arrive(w, &place_wire);
		world_run(w, 3600 * USEC_PER_SEC);
		world_leave(w, &place_wire);
		world_leave(w, &place_b);
	}
	cr_assert_eq(world_count(w, OP_SEND), 0);
	cr_assert_eq(world_count(w, OP_PATH), 0);
	cr_assert_eq(world_count(w, OP_ACCEPT), 0);
	cr_assert_eq(w->persisted, 0);
	engine_stop(w->e, w->now);
	cr_assert(engine_stopped(w->e));
	cr_assert_eq(world_count(w, OP_SEND), 0);
	world_free(w);
}

Test(engine, E01_at_home_no_signalling)
{
	struct world *w = world_new(WORLD_ONE);

	world_start(w);
	world_arrive(w, &place_home);
	world_stay(w, &place_home, 3 * 3600 * USEC_PER_SEC);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_HOME);
	cr_assert_str_eq(engine_place(w->e), "home");
	cr_assert_eq(world_path(w, HOA)->mode, PATH_HOME);
	cr_assert_eq(world_path(w, HOA)->ifindex, place_home.ifindex);
	cr_assert(world_path(w, HOA)->dad, "nobody defends it: detect duplicates");
	cr_assert_eq(world_count(w, OP_SEND), 0);
	world_free(w);
}

Test(engine, E01_nothing_before_the_start)
{
	struct world *w = world_new(WORLD_ONE);

	world_arrive(w, &place_a);
	world_run(w, 60 * USEC_PER_SEC);
	cr_assert_eq(w->n_ops, 0);
	cr_assert_str_eq(engine_place(w->e), "starting");
	world_start(w);
	cr_assert_eq(world_count(w, OP_SEND), 1);
	world_free(w);
}

Test(engine, E01_links_not_used_are_not_used)
{
	struct world *w = world_new("[Link]\nMatch=wlan*\nUse=no\n" WORLD_ONE);

	world_start(w);
	world_arrive(w, &place_a);
	world_run(w, 60 * USEC_PER_SEC);
	cr_assert_eq(world_count(w, OP_SEND), 0);
	cr_assert_eq(world_count(w, OP_SOLICIT), 0);
	world_arrive(w, &place_wire);
	cr_assert_eq(world_last(w, OP_SEND)->ifindex, place_wire.ifindex);
	world_free(w);
}

Test(engine, E03_each_prefix_at_its_own_anchor)
{
	struct world *w = world_new(WORLD_TWO);
	struct in6_addr ha = world_addr(HA), ha2 = world_addr(HA2), coa = world_addr(place_a.coa);
	struct in6_addr hoa = world_addr(HOA);

	world_start(w);
	world_arrive(w, &place_a);
	cr_assert_eq(world_count(w, OP_SEND), 2);
	for (unsigned i = 0; i < 2; i++) {
		const struct world_op *o = world_nth(w, OP_SEND, i);
		bool first = addr_equal(&o->home, &hoa);

		cr_assert(addr_equal(&o->anchor, first ? &ha : &ha2));
		cr_assert(addr_equal(&o->coa, &coa));
		cr_assert(o->update.away);
		cr_assert_eq(o->update.flags, BU_ACK | BU_HOME);
		cr_assert_eq(o->update.lifetime, 1800 / 4);
	}
	world_run(w, 1 * USEC_PER_SEC);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REGISTERED);
	cr_assert_eq(world_binding(w, HOA2)->state, BINDING_REGISTERED);
	cr_assert(world_tunnels(w, HOA, place_a.coa));
	cr_assert(addr_equal(&world_path(w, HOA)->anchor, &ha));
	cr_assert(addr_equal(&world_path(w, HOA2)->anchor, &ha2));
	cr_assert_str_eq(engine_place(w->e), "away");
	world_free(w);
}

Test(engine, E03_a_move_updates_every_binding)
{
	struct world *w = world_bound(WORLD_TWO, &place_a);
	uint16_t before = world_binding(w, HOA)->sequence;

	world_leave(w, &place_a);
	world_run(w, 1 * USEC_PER_SEC);
	cr_assert_str_eq(engine_place(w->e), "offline");
	cr_assert_eq(world_count(w, OP_SEND), 0);
	world_arrive(w, &place_b);
	cr_assert_eq(world_count(w, OP_SEND), 2);
	cr_assert_eq(world_binding(w, HOA)->sequence, (uint16_t)(before + 1));
	cr_assert(world_tunnels(w, HOA, place_b.coa), "data follow the update");
	cr_assert(world_tunnels(w, HOA2, place_b.coa));
	world_run(w, 1 * USEC_PER_SEC);
	cr_assert_eq(world_count(w, OP_SEND), 2);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REGISTERED);
	cr_assert_eq(world_binding(w, HOA2)->state, BINDING_REGISTERED);
	world_free(w);
}

Test(engine, E03_home_at_one_anchor_away_from_the_other)
{
	struct world *w = world_bound(WORLD_TWO, &place_a);

	world_leave(w, &place_a);
	world_arrive(w, &place_home);
	world_run(w, 1 * USEC_PER_SEC);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_HOME);
	cr_assert_eq(world_binding(w, HOA2)->state, BINDING_REGISTERED);
	cr_assert(world_tunnels(w, HOA2, place_home.coa));
	cr_assert_str_eq(engine_place(w->e), "away");
	world_free(w);
}

Test(engine, E03_a_silent_anchor_holds_up_nobody)
{
	struct world *w = world_new(WORLD_TWO);

	world_agent(w, HA)->silent = true;
	world_start(w);
	world_arrive(w, &place_a);
	world_run(w, 30 * USEC_PER_SEC);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REGISTERING);
	cr_assert_eq(world_binding(w, HOA)->anchor->health, ANCHOR_SILENT);
	cr_assert_str_eq(engine_waiting_for(w->e), "an acknowledgement; the home agent is silent");
	cr_assert_eq(world_binding(w, HOA2)->state, BINDING_REGISTERED);
	world_agent(w, HA)->silent = false;
	world_run(w, 40 * USEC_PER_SEC);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REGISTERED);
	cr_assert_eq(world_binding(w, HOA)->anchor->health, ANCHOR_REACHABLE);
	cr_assert_null(engine_waiting_for(w->e));
	world_free(w);
}

/* No new session may start from an address that is left: the path goes with the binding, the
 * address of the visited link is never a path of its own. */
Test(engine, E05_only_home_addresses_have_paths)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);

	world_leave(w, &place_a);
	world_arrive(w, &place_b);
	world_run(w, 20 * USEC_PER_SEC);
	for (unsigned i = 0; i < world_count(w, OP_PATH); i++) {
		struct in6_addr hoa = world_addr(HOA);

		cr_assert(addr_equal(&world_nth(w, OP_PATH, i)->home, &hoa));
	}
	cr_assert_not(world_accepts(w, HOA, place_a.coa), "the old place has had its grace time");
	cr_assert(world_accepts(w, HOA, place_b.coa));
	cr_assert_eq(world_count(w, OP_DROP), 0);
	world_free(w);
}

static unsigned index_of(const struct world *w, const struct world_op *o)
{
	return (unsigned)(o - w->op);
}

/* The kernel keeps addresses and routes of the earlier place; new sessions shall not take them. */
Test(engine, E05_the_kernel_is_told_what_is_left)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);
	struct in6_addr coa = world_addr(place_a.coa), router = world_addr(place_a.router);

	world_link(w, place_a.ifindex, place_a.link, false);
	world_run(w, 1 * USEC_PER_SEC);
	cr_assert_eq(world_count(w, OP_LEAVE_ADDRESS), 0, "perhaps we come back to it");
	world_arrive(w, &place_b);
	cr_assert_geq(world_count(w, OP_LEAVE_ADDRESS), 1);
	cr_assert_eq(world_count(w, OP_LEAVE_ROUTER), 1);
	for (unsigned i = 0; i < world_count(w, OP_LEAVE_ADDRESS); i++)
		cr_assert(addr_equal(&world_nth(w, OP_LEAVE_ADDRESS, i)->coa, &coa));
	cr_assert(addr_equal(&world_last(w, OP_LEAVE_ROUTER)->coa, &router));
	cr_assert_eq(world_last(w, OP_LEAVE_ROUTER)->ifindex, place_a.ifindex);
	world_free(w);
}

Test(engine, E05_signalling_comes_before_tidying_up)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);

	world_link(w, place_a.ifindex, place_a.link, false);
	world_link(w, place_b.ifindex, place_b.link, true);
	world_address(w, place_b.ifindex, place_b.coa);
	world_advert(w, place_b.ifindex, place_b.router, place_b.prefix, 1800);
	cr_assert_lt(index_of(w, world_nth(w, OP_SEND, 0)),
		     index_of(w, world_nth(w, OP_LEAVE_ADDRESS, 0)));
	world_free(w);
}

Test(engine, E05_nothing_is_left_at_the_same_place)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);

	world_link(w, place_a.ifindex, place_a.link, false);
	world_run(w, 1 * USEC_PER_SEC);
	world_arrive(w, &place_a);
	world_run(w, 10 * USEC_PER_SEC);
	world_advert(w, place_a.ifindex, "fe80::aa", "2001:db8:a:1::/64", 1800);
	world_run(w, 300 * USEC_PER_MSEC);
	world_advert(w, place_a.ifindex, place_a.router, place_a.prefix, 1800);
	world_run(w, 10 * USEC_PER_SEC);
	cr_assert_eq(world_count(w, OP_LEAVE_ADDRESS), 0);
	cr_assert_eq(world_count(w, OP_LEAVE_ROUTER), 0);
	world_free(w);
}

/* What somebody configured is his business. */
Test(engine, E05_static_configuration_is_left_alone)
{
	struct world *w = world_new(WORLD_ONE);
	struct address_event fixed = world_address_of(place_a.ifindex, "2001:db8:f::1");

	fixed.is_static = true;
	fixed.is_slaac = false;
	world_link(w, place_a.ifindex, place_a.link, true);
	engine_address(w->e, w->now, &fixed);
	world_route(w, place_a.ifindex, "fe80::f", 100, false);
	world_start(w);
	world_link(w, place_a.ifindex, place_a.link, false);
	world_arrive(w, &place_b);
	world_run(w, 10 * USEC_PER_SEC);
	cr_assert_eq(world_count(w, OP_LEAVE_ADDRESS), 0);
	cr_assert_eq(world_count(w, OP_LEAVE_ROUTER), 0);
	world_free(w);
}
