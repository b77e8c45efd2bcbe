/* SPDX-License-Identifier: GPL-2.0-or-later */
/* E10: the new path is registered before the old one is left.  Choice between two uplinks. */
#include <criterion/criterion.h>

#include "engine_world.h"

Test(engine, E10_the_acknowledgement_switches_the_path)
{
	struct world *w = world_bound(WORLD_ONE, &place_wire);
	usec_t switched;

	world_agent(w, HA)->rtt = 300 * USEC_PER_MSEC;
	world_arrive(w, &place_a);
	cr_assert_eq(world_count(w, OP_SEND), 1);
	cr_assert_eq(world_last(w, OP_SEND)->ifindex, place_a.ifindex);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_UPDATING);
	cr_assert_eq(world_count(w, OP_PATH), 0, "nothing but the acknowledgement moves packets");
	cr_assert(world_accepts(w, HOA, place_wire.coa));
	cr_assert(world_accepts(w, HOA, place_a.coa));

	world_run(w, 299 * USEC_PER_MSEC);
	cr_assert(world_tunnels(w, HOA, place_wire.coa));
	world_run(w, 1 * USEC_PER_MSEC);
	switched = w->now.mono;
	cr_assert(world_tunnels(w, HOA, place_a.coa));
	cr_assert_eq(world_path(w, HOA)->ifindex, place_a.ifindex);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REGISTERED);

	world_run(w, switched + ACCEPT_GRACE_TIME - USEC_PER_MSEC - w->now.mono);
	cr_assert(world_accepts(w, HOA, place_wire.coa), "packets are still on their way there");
	world_run(w, 1 * USEC_PER_MSEC);
	cr_assert_not(world_accepts(w, HOA, place_wire.coa));
	cr_assert(world_accepts(w, HOA, place_a.coa));
	world_free(w);
}

Test(engine, E10_lost_updates_cost_nothing)
{
	struct world *w = world_bound(WORLD_ONE, &place_wire);

	world_agent(w, HA)->lose = 3;
	world_arrive(w, &place_a);
	world_run(w, 6900 * USEC_PER_MSEC);
	cr_assert(world_tunnels(w, HOA, place_wire.coa));
	cr_assert_eq(world_count(w, OP_PATH), 0);
	world_run(w, 200 * USEC_PER_MSEC);
	cr_assert(world_tunnels(w, HOA, place_a.coa));
	cr_assert_eq(world_count(w, OP_SEND), 4);
	world_free(w);
}

Test(engine, E10_a_refusal_leaves_the_old_path)
{
	struct world *w = world_bound(WORLD_ONE, &place_wire);

	world_agent(w, HA)->status = BA_NO_RESOURCES;
	world_arrive(w, &place_a);
	world_run(w, 1 * USEC_PER_SEC);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REFUSED);
	cr_assert(world_tunnels(w, HOA, place_wire.coa));
	cr_assert(world_accepts(w, HOA, place_wire.coa));
	world_agent(w, HA)->status = -1;
	world_run(w, 40 * USEC_PER_SEC);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REGISTERED);
	cr_assert(world_tunnels(w, HOA, place_a.coa));
	world_free(w);
}

/* Dead path: data follow right behind the update, without waiting. */
Test(engine, E10_with_the_old_path_dead_nobody_waits)
{
	struct world *w = world_bound(WORLD_ONE, &place_wire);

	world_arrive(w, &place_a);
	world_run(w, 1 * USEC_PER_SEC);
	world_forget(w);
	world_agent(w, HA)->silent = true;
	world_leave(w, &place_a);
	cr_assert_eq(world_count(w, OP_SEND), 1, "at once, in the same event");
	cr_assert_eq(world_last(w, OP_SEND)->ifindex, place_wire.ifindex);
	cr_assert(world_tunnels(w, HOA, place_wire.coa));
	world_free(w);
}

Test(engine, E10_the_old_path_dies_before_the_answer)
{
	struct world *w = world_bound(WORLD_ONE, &place_wire);

	world_agent(w, HA)->lose = 2;
	world_arrive(w, &place_a);
	world_run(w, 500 * USEC_PER_MSEC);
	cr_assert(world_tunnels(w, HOA, place_wire.coa));
	world_leave(w, &place_wire);
	cr_assert(world_tunnels(w, HOA, place_a.coa), "there is nothing to keep any more");
	cr_assert_eq(world_count(w, OP_SEND), 1);
	world_run(w, 5 * USEC_PER_SEC);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REGISTERED);
	world_free(w);
}

/* Five places within the grace time; the path in use must be let in whatever came since. */
Test(engine, E10_what_is_in_use_is_let_in)
{
	static const struct place places[] = {
		{2, "wlan0", "fe80::a", "2001:db8:a::/64", "2001:db8:a::c0a"},
		{2, "wlan0", "fe80::b", "2001:db8:b::/64", "2001:db8:b::c0a"},
		{2, "wlan0", "fe80::c", "2001:db8:c::/64", "2001:db8:c::c0a"},
		{2, "wlan0", "fe80::d", "2001:db8:d::/64", "2001:db8:d::c0a"},
	};
	struct world *w = world_bound(WORLD_ONE, &place_wire);

	for (unsigned i = 0; i < 4; i++) {
		world_arrive(w, &places[i]);
		cr_assert(world_tunnels(w, HOA, place_wire.coa));
		cr_assert(world_accepts(w, HOA, place_wire.coa), "on the way to place %u", i);
		cr_assert(world_accepts(w, HOA, places[i].coa));
		world_run(w, 500 * USEC_PER_MSEC);
		world_leave(w, &places[i]);
		world_run(w, 500 * USEC_PER_MSEC);
		cr_assert(world_tunnels(w, HOA, place_wire.coa));
		cr_assert(world_accepts(w, HOA, place_wire.coa), "after place %u", i);
		cr_assert_leq(w->n_accepted, 4);
	}
	world_free(w);
}

Test(engine, E10_renumbering_of_a_link)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);
	struct address_event old = world_address_of(place_a.ifindex, place_a.coa);
	struct nd_router_advert ra = world_advert_of("2001:db8:a:1::/64", 1800);
	struct in6_addr router = world_addr(place_a.router);

	ra.prefix[ra.n_prefixes++] = world_advert_of(place_a.prefix, 1800).prefix[0];
	ra.prefix[1].preferred = 0;
	engine_router_advert(w->e, w->now, place_a.ifindex, &router, &ra);
	world_address(w, place_a.ifindex, "2001:db8:a:1::c0a");
	world_run(w, 5 * USEC_PER_SEC);
	cr_assert_eq(world_count(w, OP_SEND), 0, "the care-of address in use is still good");
	old.deprecated = true;
	engine_address(w->e, w->now, &old);
	cr_assert_eq(world_count(w, OP_SEND), 1);
	cr_assert(world_tunnels(w, HOA, place_a.coa));
	world_run(w, 1 * USEC_PER_SEC);
	cr_assert(world_tunnels(w, HOA, "2001:db8:a:1::c0a"));
	world_free(w);
}

Test(engine, E10_answers_to_both_moves_count)
{
	struct world *w = world_bound(WORLD_ONE, &place_wire);
	struct agent *ha = world_agent(w, HA);
	struct in6_addr a = world_addr(place_a.coa);
	struct agent_ack first, second;

	ha->silent = true;
	world_arrive(w, &place_a);
	first = agent_ack_for(ha, &world_last(w, OP_SEND)->update, BA_ACCEPTED);
	world_run(w, 10 * USEC_PER_MSEC);
	world_leave(w, &place_a);
	world_arrive(w, &place_b);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_UPDATING);
	second = agent_ack_for(ha, &world_last(w, OP_SEND)->update, BA_ACCEPTED);

	world_deliver(w, &first);
	cr_assert(addr_equal(&world_binding(w, HOA)->registered_coa, &a));
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_UPDATING);
	cr_assert_not(world_tunnels(w, HOA, place_a.coa), "nobody is there any more");
	world_deliver(w, &second);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REGISTERED);
	cr_assert(world_tunnels(w, HOA, place_b.coa));
	world_free(w);
}

Test(engine, E10_answers_in_the_wrong_order)
{
	struct world *w = world_bound(WORLD_ONE, &place_wire);
	struct agent *ha = world_agent(w, HA);
	struct in6_addr b = world_addr(place_b.coa);
	struct agent_ack first, second;

	ha->silent = true;
	world_arrive(w, &place_a);
	first = agent_ack_for(ha, &world_last(w, OP_SEND)->update, BA_ACCEPTED);
	world_leave(w, &place_a);
	world_arrive(w, &place_b);
	second = agent_ack_for(ha, &world_last(w, OP_SEND)->update, BA_ACCEPTED);
	world_deliver(w, &second);
	world_deliver(w, &first);
	cr_assert(world_tunnels(w, HOA, place_b.coa));
	cr_assert(addr_equal(&world_binding(w, HOA)->registered_coa, &b));
	cr_assert_eq(world_binding(w, HOA)->anchor->n.dropped_unexpected, 1);
	world_free(w);
}

/* There and back within a round trip: the agent has heard of B last, whatever it says of A first. */
Test(engine, E10_there_and_back_before_the_answers)
{
	struct world *w = world_bound(WORLD_ONE, &place_wire);
	const struct agent_binding *bound = world_agent(w, HA)->cache;
	struct binding *b = world_binding(w, HOA);

	world_run(w, 5 * USEC_PER_SEC);
	world_agent(w, HA)->rtt = 100 * USEC_PER_MSEC;
	world_arrive(w, &place_a);
	world_leave(w, &place_a);
	world_arrive(w, &place_b);
	world_leave(w, &place_b);
	world_arrive(w, &place_a);
	world_run(w, 10 * USEC_PER_SEC);
	cr_assert_eq(b->state, BINDING_REGISTERED);
	cr_assert(world_tunnels(w, HOA, place_a.coa));
	cr_assert(addr_equal(&bound->coa, &b->registered_coa), "both know the same");
	world_free(w);
}

/* --- which uplink ----------------------------------------------------------------------- */

Test(engine, E10_preference_of_the_administrator_decides)
{
	struct world *w = world_bound("[Link]\nMatch=eth*\nPreference=10\n" WORLD_ONE, &place_wire);

	world_arrive(w, &place_a);
	world_run(w, 10 * USEC_PER_SEC);
	cr_assert_eq(world_count(w, OP_SEND), 0, "newer, but less wanted");
	world_leave(w, &place_wire);
	cr_assert_eq(world_last(w, OP_SEND)->ifindex, place_a.ifindex);
	world_run(w, 1 * USEC_PER_SEC);
	world_forget(w);
	world_arrive(w, &place_wire);
	world_run(w, 1 * USEC_PER_SEC);
	cr_assert_eq(world_count(w, OP_SEND), 1);
	cr_assert(world_tunnels(w, HOA, place_wire.coa));
	world_free(w);
}

Test(engine, E10_then_the_metric)
{
	struct world *w = world_bound(WORLD_ONE, &place_wire);

	world_route(w, place_wire.ifindex, place_wire.router, 100, true);
	world_arrive(w, &place_a);
	world_run(w, 10 * USEC_PER_SEC);
	cr_assert_eq(world_count(w, OP_SEND), 0);
	world_route(w, place_a.ifindex, place_a.router, 50, true);
	world_run(w, 1 * USEC_PER_SEC);
	cr_assert(world_tunnels(w, HOA, place_a.coa));
	world_free(w);
}

Test(engine, E10_then_the_preference_of_the_router)
{
	struct world *w = world_bound(WORLD_ONE, &place_wire);
	struct nd_router_advert ra = world_advert_of(place_a.prefix, 1800);
	struct in6_addr router = world_addr(place_a.router);

	ra.preference = ND_PREF_LOW;
	world_link(w, place_a.ifindex, place_a.link, true);
	world_route(w, place_a.ifindex, place_a.router, 1024, true);
	engine_router_advert(w->e, w->now, place_a.ifindex, &router, &ra);
	world_address(w, place_a.ifindex, place_a.coa);
	world_run(w, 10 * USEC_PER_SEC);
	cr_assert_eq(world_count(w, OP_SEND), 0);
	ra.preference = ND_PREF_HIGH;
	engine_router_advert(w->e, w->now, place_a.ifindex, &router, &ra);
	world_run(w, 1 * USEC_PER_SEC);
	cr_assert(world_tunnels(w, HOA, place_a.coa));
	world_free(w);
}

Test(engine, E10_stable_addresses_before_temporary_ones)
{
	struct world *w = world_new(WORLD_ONE);
	struct address_event temporary = world_address_of(place_a.ifindex, "2001:db8:a::7e3");

	temporary.temporary = true;
	world_start(w);
	world_link(w, place_a.ifindex, place_a.link, true);
	world_advert(w, place_a.ifindex, place_a.router, place_a.prefix, 1800);
	world_address(w, place_a.ifindex, place_a.coa);
	engine_address(w->e, w->now, &temporary);
	world_run(w, 1 * USEC_PER_SEC);
	cr_assert(world_tunnels(w, HOA, place_a.coa));
	world_address_gone(w, place_a.ifindex, place_a.coa);
	world_run(w, 1 * USEC_PER_SEC);
	cr_assert(world_tunnels(w, HOA, "2001:db8:a::7e3"));
	world_address(w, place_a.ifindex, place_a.coa);
	world_run(w, 1 * USEC_PER_SEC);
	cr_assert(world_tunnels(w, HOA, "2001:db8:a::7e3"), "what is in use stays");
	world_free(w);
}

/* Which of the two the kernel tells of first is chance. */
Test(engine, E10_a_temporary_address_that_is_first_waits_for_its_test)
{
	struct world *w = world_new(WORLD_ONE);
	struct address_event temporary = world_address_of(place_a.ifindex, "2001:db8:a::7e3");
	struct address_event stable = world_address_of(place_a.ifindex, place_a.coa);

	temporary.temporary = true;
	temporary.tentative = temporary.optimistic = true;
	stable.tentative = stable.optimistic = true;
	world_start(w);
	world_link(w, place_a.ifindex, place_a.link, true);
	world_advert(w, place_a.ifindex, place_a.router, place_a.prefix, 1800);
	engine_address(w->e, w->now, &temporary);
	cr_assert_eq(world_count(w, OP_SEND), 0);
	engine_address(w->e, w->now, &stable);
	cr_assert(world_tunnels(w, HOA, place_a.coa));
	world_free(w);

	w = world_new(WORLD_ONE);
	world_start(w);
	world_link(w, place_a.ifindex, place_a.link, true);
	world_advert(w, place_a.ifindex, place_a.router, place_a.prefix, 1800);
	engine_address(w->e, w->now, &temporary);
	temporary.tentative = temporary.optimistic = false;
	engine_address(w->e, w->now, &temporary);
	cr_assert(world_tunnels(w, HOA, "2001:db8:a::7e3"), "where there is no other");
	world_free(w);
}
