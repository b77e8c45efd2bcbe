/* SPDX-License-Identifier: GPL-2.0-or-later */
/* E13: the same prefix again needs no signalling; what was under way is finished. */
#include <criterion/criterion.h>
#include <errno.h>

#include "engine_world.h"

#define SEC USEC_PER_SEC

Test(engine, E13_the_same_place_again)
{
	struct world *w = world_bound(WORLD_TWO, &place_a);

	for (unsigned i = 0; i < 5; i++) {
		world_leave(w, &place_a);
		world_run(w, 3 * SEC);
		world_arrive(w, &place_a);
		world_run(w, 20 * SEC);
	}
	cr_assert_eq(world_count(w, OP_SEND), 0);
	cr_assert_eq(world_count(w, OP_PATH), 0);
	cr_assert_eq(world_count(w, OP_REJECT), 0);
	cr_assert_eq(world_count(w, OP_CONFIRM), 5 * 2, "each binding, each time");
	cr_assert(world_tunnels(w, HOA, place_a.coa));
	cr_assert_eq(w->e->n_handovers, 1, "this is no handover");
	world_free(w);
}

/* What kept it from being set up may have gone meanwhile. */
Test(engine, E13_a_path_that_failed_is_tried_again_at_the_same_place)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);

	w->path_error = -EEXIST;
	world_leave(w, &place_a);
	world_arrive(w, &place_b);
	world_run(w, 3 * SEC);
	cr_assert_eq(world_count(w, OP_CONFIRM), 0);
	w->path_error = 0;
	world_leave(w, &place_b);
	world_arrive(w, &place_b);
	cr_assert_eq(world_count(w, OP_CONFIRM), 1);
	cr_assert(world_tunnels(w, HOA, place_b.coa));
	cr_assert_eq(world_binding(w, HOA)->path_error, 0);
	world_free(w);
}

/* Network-based mobility: all access gateways have one link-local address (RFC 6543). */
Test(engine, E13_another_gateway_the_same_prefix)
{
	static const struct place pmip = {2, "wlan0", "fe80::200:5eff:fe00:5213", "2001:db8:a::/64",
					  "2001:db8:a::c0a"};
	static const struct place other = {2, "wlan0", "fe80::200:5eff:fe00:5213",
					   "2001:db8:b::/64", "2001:db8:b::c0a"};
	struct world *w = world_bound(WORLD_ONE, &pmip);

	world_leave(w, &pmip);
	world_arrive(w, &pmip);
	world_run(w, 10 * SEC);
	cr_assert_eq(world_count(w, OP_SEND), 0);
	world_leave(w, &pmip);
	world_link(w, 2, "wlan0", true);
	world_neighbour(w, 2, pmip.router, true);
	cr_assert_eq(world_count(w, OP_SEND), 0, "no proof of anything");
	world_arrive(w, &other);
	cr_assert_eq(world_count(w, OP_SEND), 1, "another prefix is another place");
	cr_assert(world_tunnels(w, HOA, other.coa));
	world_free(w);
}

Test(engine, E13_the_same_prefix_from_another_router)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);
	struct in6_addr router = world_addr("fe80::aa");

	world_leave(w, &place_a);
	world_run(w, 1 * SEC);
	world_link(w, place_a.ifindex, place_a.link, true);
	world_advert(w, place_a.ifindex, "fe80::aa", place_a.prefix, 1800);
	world_run(w, 10 * SEC);
	cr_assert_eq(world_count(w, OP_SEND), 0);
	cr_assert(addr_equal(&world_path(w, HOA)->next_hop, &router), "its packets go there");
	world_free(w);
}

Test(engine, E13_the_interface_comes_back_with_another_number)
{
	static const struct place again = {7, "wlan0", "fe80::a", "2001:db8:a::/64",
					   "2001:db8:a::c0a"};
	struct world *w = world_bound(WORLD_ONE, &place_a);

	world_link_gone(w, place_a.ifindex);
	world_run(w, 3 * SEC);
	world_arrive(w, &again);
	world_run(w, 3 * SEC);
	cr_assert_eq(world_count(w, OP_SEND), 0);
	cr_assert_eq(world_path(w, HOA)->ifindex, 7);
	cr_assert(world_tunnels(w, HOA, place_a.coa));
	world_free(w);
}

Test(engine, E13_an_update_under_way_is_finished)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);

	world_agent(w, HA)->silent = true;
	world_leave(w, &place_a);
	world_arrive(w, &place_b);
	world_run(w, 500 * USEC_PER_MSEC);
	world_leave(w, &place_b);
	world_run(w, 60 * SEC);
	world_agent(w, HA)->silent = false;
	world_arrive(w, &place_b);
	cr_assert_eq(world_count(w, OP_CONFIRM), 0, "nobody has said that it is good");
	world_run(w, 1 * SEC);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REGISTERED);
	cr_assert_eq(world_count(w, OP_CONFIRM), 1);
	cr_assert(world_tunnels(w, HOA, place_b.coa));
	world_free(w);
}

/* The answer comes while the link is down; what it asks for waits until there is one again. */
Test(engine, E13_corrected_while_the_link_is_down)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);
	struct agent_ack ack;

	world_agent(w, HA)->silent = true;
	world_leave(w, &place_a);
	world_arrive(w, &place_b);
	ack = agent_ack_for(world_agent(w, HA), &world_last(w, OP_SEND)->update,
			    BA_SEQUENCE_OUT_OF_WINDOW);
	ack.sequence = (uint16_t)(ack.sequence + 100);
	world_agent(w, HA)->silent = false;
	world_leave(w, &place_b);
	world_deliver(w, &ack);
	world_run(w, 10 * SEC);
	world_arrive(w, &place_b);
	world_run(w, 60 * SEC);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REGISTERED);
	world_free(w);
}

Test(engine, E13_forgotten_by_the_agent_while_the_link_is_down)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);
	struct agent_ack ack;

	world_agent(w, HA)->silent = true;
	world_leave(w, &place_a);
	world_arrive(w, &place_b);
	ack = agent_ack_for(world_agent(w, HA), &world_last(w, OP_SEND)->update, BA_NOT_HOME_AGENT);
	world_agent(w, HA)->silent = false;
	world_leave(w, &place_b);
	world_deliver(w, &ack);
	world_run(w, 10 * SEC);
	world_arrive(w, &place_b);
	world_run(w, 60 * SEC);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REGISTERED);
	world_free(w);
}

Test(engine, E13_the_home_link_flaps_while_returning)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);

	world_agent(w, HA)->silent = true;
	world_leave(w, &place_a);
	world_arrive(w, &place_home);
	world_run(w, 500 * USEC_PER_MSEC);
	world_leave(w, &place_home);
	world_run(w, 60 * SEC);
	world_agent(w, HA)->silent = false;
	world_arrive(w, &place_home);
	world_run(w, 60 * SEC);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_HOME);
	cr_assert_not(agent_find(world_agent(w, HA), &world_binding(w, HOA)->home)->bound);
	world_free(w);
}

/* Every link goes, with an answer of the agent still in the socket. */
Test(engine, E13_acknowledged_after_the_last_link_has_gone)
{
	struct world *w = world_bound(WORLD_ONE, &place_wire);
	struct agent_ack ack;

	world_agent(w, HA)->silent = true;
	world_arrive(w, &place_a);
	ack = agent_ack_for(world_agent(w, HA), &world_last(w, OP_SEND)->update, BA_ACCEPTED);
	world_address_gone(w, place_wire.ifindex, place_wire.coa);
	world_link_gone(w, place_a.ifindex);
	world_deliver(w, &ack);
	cr_assert_str_eq(engine_place(w->e), "offline");
	world_run(w, 60 * SEC);
	world_agent(w, HA)->silent = false;
	world_arrive(w, &place_a);
	world_run(w, 60 * SEC);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REGISTERED);
	cr_assert(world_tunnels(w, HOA, place_a.coa));
	world_free(w);
}
