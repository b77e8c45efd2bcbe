/* SPDX-License-Identifier: GPL-2.0-or-later */
/* E3, E12: how movement is noticed - links, routers, addresses - and lost events. */
#include <criterion/criterion.h>

#include "engine_world.h"

#define SEC USEC_PER_SEC
#define MSEC USEC_PER_MSEC

/* --- routers -------------------------------------------------------------------------------- */

Test(engine, E03_solicits_until_a_router_answers)
{
	struct world *w = world_new(WORLD_ONE);

	world_start(w);
	world_link(w, place_a.ifindex, place_a.link, true);
	cr_assert_eq(world_count(w, OP_SOLICIT), 1, "at once");
	cr_assert_str_eq(engine_waiting_for(w->e), "a router advertisement");
	world_run(w, 60 * SEC);
	cr_assert_eq(world_count(w, OP_SOLICIT), 3);
	for (unsigned i = 1; i < 3; i++)
		cr_assert_eq(world_nth(w, OP_SOLICIT, i)->at - world_nth(w, OP_SOLICIT, i - 1)->at,
			     4 * SEC);
	world_leave(w, &place_a);
	world_link(w, place_a.ifindex, place_a.link, true);
	cr_assert_eq(world_count(w, OP_SOLICIT), 4, "another attachment");
	world_advert(w, place_a.ifindex, place_a.router, place_a.prefix, 1800);
	world_run(w, 60 * SEC);
	cr_assert_eq(world_count(w, OP_SOLICIT), 4);
	world_free(w);
}

/* The access point changes and the carrier stays: a new router, the old one silent. */
Test(engine, E03_moved_without_losing_the_carrier)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);

	world_run(w, 60 * SEC);
	world_advert(w, place_b.ifindex, place_b.router, place_b.prefix, 1800);
	cr_assert_eq(world_count(w, OP_SOLICIT), 1, "who is still here?");
	world_address(w, place_b.ifindex, place_b.coa);
	world_run(w, 5 * SEC);
	cr_assert(world_tunnels(w, HOA, place_b.coa));
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REGISTERED);
	world_free(w);
}

/* The same when the new address comes a little later. */
Test(engine, E03_moved_without_losing_the_carrier_slowly)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);

	world_run(w, 60 * SEC);
	world_advert(w, place_b.ifindex, place_b.router, place_b.prefix, 1800);
	world_run(w, 5 * SEC);
	world_address(w, place_b.ifindex, place_b.coa);
	world_run(w, 5 * SEC);
	cr_assert(world_tunnels(w, HOA, place_b.coa));
	world_free(w);
}

Test(engine, E03_two_routers_are_no_movement)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);

	world_run(w, 60 * SEC);
	world_advert(w, place_b.ifindex, place_b.router, place_b.prefix, 1800);
	world_address(w, place_b.ifindex, place_b.coa);
	world_run(w, 200 * MSEC);
	world_advert(w, place_a.ifindex, place_a.router, place_a.prefix, 1800);
	world_run(w, 30 * SEC);
	cr_assert_eq(world_count(w, OP_SEND), 0);
	cr_assert_eq(world_count(w, OP_PATH), 0);
	world_free(w);
}

/* Every access router has the same link-local address (fe80::1, or that of RFC 6543): the prefix tells
 * them apart. */
Test(engine, E03_moved_without_losing_the_carrier_to_the_same_router_address)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);

	world_run(w, 60 * SEC);
	world_advert(w, place_a.ifindex, place_a.router, place_b.prefix, 1800);
	world_address(w, place_a.ifindex, place_b.coa);
	world_run(w, 500 * MSEC);
	world_advert(w, place_a.ifindex, place_a.router, place_b.prefix, 1800);
	world_run(w, 5 * SEC);
	cr_assert(world_tunnels(w, HOA, place_b.coa));
	world_free(w);
}

/* A prefix more is none less. */
Test(engine, E03_a_router_with_another_prefix_is_no_movement)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);

	world_run(w, 60 * SEC);
	world_advert(w, place_a.ifindex, place_a.router, place_b.prefix, 1800);
	world_address(w, place_a.ifindex, place_b.coa);
	world_run(w, 500 * MSEC);
	world_advert(w, place_a.ifindex, place_a.router, place_a.prefix, 1800);
	world_run(w, 60 * SEC);
	cr_assert_eq(world_count(w, OP_SEND), 0);
	cr_assert(world_tunnels(w, HOA, place_a.coa));
	world_free(w);
}

/* RFC 4861 section 6.2.6: a router may wait three seconds after its last multicast advertisement
 * and another half before it answers. */
Test(engine, E03_a_router_may_take_its_time_to_answer)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);
	struct in6_addr router = world_addr(place_a.router);

	world_run(w, 60 * SEC);
	world_advert(w, place_a.ifindex, place_a.router, place_a.prefix, 1800);
	world_run(w, 1100 * MSEC);
	world_advert(w, place_a.ifindex, "fe80::bad", "2001:db8:bad::/64", 1800);
	world_run(w, 1900 * MSEC);
	cr_assert(addr_equal(&world_path(w, HOA)->next_hop, &router), "it is still allowed to");
	cr_assert_str_eq(engine_place(w->e), "away");
	cr_assert_eq(world_count(w, OP_LEAVE_ROUTER), 0);
	world_advert(w, place_a.ifindex, place_a.router, place_a.prefix, 1800);
	world_run(w, 10 * SEC);
	cr_assert_eq(world_count(w, OP_PATH), 0);
	world_free(w);
}

Test(engine, E03_unreachable_router_another_uplink)
{
	struct world *w = world_bound(WORLD_ONE, &place_wire);

	world_arrive(w, &place_a);
	world_run(w, 20 * SEC);
	world_forget(w);
	world_neighbour(w, place_a.ifindex, place_a.router, false);
	cr_assert_eq(world_count(w, OP_SOLICIT), 1);
	cr_assert_eq(world_count(w, OP_SEND), 1);
	cr_assert(world_tunnels(w, HOA, place_wire.coa), "nobody waits for the dead");
	world_run(w, 1 * SEC);
	world_advert(w, place_a.ifindex, place_a.router, place_a.prefix, 1800);
	world_run(w, 1 * SEC);
	cr_assert(world_tunnels(w, HOA, place_a.coa), "reachable again");
	world_free(w);
}

Test(engine, E03_unreachable_router_nothing_else)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);

	world_neighbour(w, place_a.ifindex, place_a.router, false);
	cr_assert_str_eq(engine_place(w->e), "offline");
	cr_assert_eq(world_count(w, OP_PATH), 0, "nor could anything else carry packets");
	world_run(w, 5 * SEC);
	world_neighbour(w, place_a.ifindex, place_a.router, true);
	cr_assert_str_eq(engine_place(w->e), "away");
	cr_assert_eq(world_count(w, OP_SEND), 0);
	world_free(w);
}

Test(engine, E03_unreachable_router_another_one_for_the_prefix)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);
	struct in6_addr second = world_addr("fe80::aa");

	world_advert(w, place_a.ifindex, "fe80::aa", place_a.prefix, 1800);
	world_run(w, 1 * SEC);
	world_forget(w);
	world_neighbour(w, place_a.ifindex, place_a.router, false);
	cr_assert_eq(world_count(w, OP_SEND), 0);
	cr_assert(world_tunnels(w, HOA, place_a.coa));
	cr_assert(addr_equal(&world_path(w, HOA)->next_hop, &second));
	world_free(w);
}

/* The other router has another prefix: ours cannot leave through it (RFC 8028). */
Test(engine, E03_unreachable_router_another_prefix)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);

	world_advert(w, place_a.ifindex, place_b.router, place_b.prefix, 1800);
	world_address(w, place_a.ifindex, place_b.coa);
	world_run(w, 300 * MSEC);
	world_advert(w, place_a.ifindex, place_a.router, place_a.prefix, 1800);
	world_run(w, 5 * SEC);
	world_forget(w);
	world_neighbour(w, place_a.ifindex, place_a.router, false);
	world_run(w, 1 * SEC);
	cr_assert(world_tunnels(w, HOA, place_b.coa));
	world_free(w);
}

Test(engine, E03_a_router_that_is_not_heard_any_more)
{
	struct world *w = world_bound(WORLD_ONE, &place_wire);

	world_link(w, place_a.ifindex, place_a.link, true);
	world_advert(w, place_a.ifindex, place_a.router, place_a.prefix, 30);
	world_address(w, place_a.ifindex, place_a.coa);
	world_route(w, place_a.ifindex, place_a.router, 1024, true);
	world_run(w, 20 * SEC);
	cr_assert(world_tunnels(w, HOA, place_a.coa));
	world_run(w, 11 * SEC);
	cr_assert(world_tunnels(w, HOA, place_wire.coa));
	world_free(w);
}

/* RFC 4861 section 6.3.4: what is not advertised any more ends with its own lifetime. */
Test(engine, E06_a_home_prefix_ends_by_its_lifetime)
{
	struct world *w = world_new(WORLD_ONE);
	struct nd_router_advert ra = world_advert_of(HOME_PREFIX, 1800);
	struct in6_addr router = world_addr(place_home.router);

	ra.prefix[0].valid = ra.prefix[0].preferred = 60;
	world_start(w);
	world_link(w, place_home.ifindex, place_home.link, true);
	engine_router_advert(w->e, w->now, place_home.ifindex, &router, &ra);
	world_advert(w, place_home.ifindex, place_home.router, place_a.prefix, 1800);
	world_address(w, place_home.ifindex, place_a.coa);
	world_run(w, 300 * MSEC);
	engine_router_advert(w->e, w->now, place_home.ifindex, &router, &ra);
	world_run(w, 30 * SEC);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_HOME);
	world_advert(w, place_home.ifindex, place_home.router, place_a.prefix, 1800);
	world_run(w, 29 * SEC);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_HOME);
	world_run(w, 10 * SEC);
	world_advert(w, place_home.ifindex, place_home.router, place_a.prefix, 1800);
	world_run(w, 1 * SEC);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REGISTERED);
	cr_assert(world_tunnels(w, HOA, place_a.coa));
	world_free(w);
}

/* --- addresses ------------------------------------------------------------------------------ */

static struct world *world_with_link(void)
{
	struct world *w = world_new(WORLD_ONE);

	world_start(w);
	world_link(w, place_a.ifindex, place_a.link, true);
	world_advert(w, place_a.ifindex, place_a.router, place_a.prefix, 1800);
	return w;
}

Test(engine, E12_tentative_addresses_wait)
{
	struct world *w = world_with_link();
	struct address_event ev = world_address_of(place_a.ifindex, place_a.coa);

	cr_assert_str_eq(engine_waiting_for(w->e), "an address in an advertised prefix");
	ev.tentative = true;
	engine_address(w->e, w->now, &ev);
	cr_assert_eq(world_count(w, OP_SEND), 0);
	cr_assert_str_eq(engine_waiting_for(w->e), "duplicate address detection");
	world_run(w, 1 * SEC);
	ev.tentative = false;
	engine_address(w->e, w->now, &ev);
	cr_assert_eq(world_count(w, OP_SEND), 1);
	world_free(w);
}

Test(engine, E12_optimistic_addresses_do_not_wait)
{
	struct world *w = world_with_link();
	struct address_event ev = world_address_of(place_a.ifindex, place_a.coa);

	ev.tentative = ev.optimistic = true;
	engine_address(w->e, w->now, &ev);
	cr_assert_eq(world_count(w, OP_SEND), 1);
	world_run(w, 1 * SEC);
	ev.tentative = ev.optimistic = false;
	engine_address(w->e, w->now, &ev);
	world_run(w, 5 * SEC);
	cr_assert_eq(world_count(w, OP_SEND), 1);
	world_free(w);
}

Test(engine, E12_duplicate_addresses_are_not_used)
{
	struct world *w = world_with_link();
	struct address_event ev = world_address_of(place_a.ifindex, place_a.coa);

	ev.tentative = ev.duplicate = true;
	engine_address(w->e, w->now, &ev);
	world_run(w, 10 * SEC);
	cr_assert_eq(world_count(w, OP_SEND), 0);
	cr_assert_str_eq(engine_waiting_for(w->e), "an address that is not a duplicate");
	world_free(w);
}

Test(engine, E12_an_optimistic_address_turns_out_a_duplicate)
{
	struct world *w = world_with_link();
	struct address_event ev = world_address_of(place_a.ifindex, place_a.coa);

	ev.tentative = ev.optimistic = true;
	engine_address(w->e, w->now, &ev);
	world_run(w, 500 * MSEC);
	ev.optimistic = false;
	ev.duplicate = true;
	engine_address(w->e, w->now, &ev);
	cr_assert_str_eq(engine_place(w->e), "offline");
	world_address(w, place_a.ifindex, "2001:db8:a::c0b");
	world_run(w, 1 * SEC);
	cr_assert(world_tunnels(w, HOA, "2001:db8:a::c0b"));
	world_free(w);
}

Test(engine, E12_addresses_that_are_none)
{
	static const char *const addresses[] = {"fe80::c0a", "::1", "ff02::1", HOA};
	struct world *w = world_with_link();

	for (unsigned i = 0; i < sizeof(addresses) / sizeof(*addresses); i++)
		world_address(w, place_a.ifindex, addresses[i]);
	world_address(w, place_a.ifindex, "2001:db8:ffff::1");
	cr_assert_eq(world_count(w, OP_SEND), 0, "none of them is a care-of address here");
	world_free(w);
}

Test(engine, E12_addresses_of_an_earlier_place_wait_for_their_prefix)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);

	world_leave(w, &place_a);
	world_link(w, place_b.ifindex, place_b.link, true);
	world_address(w, place_a.ifindex, place_a.coa);
	world_advert(w, place_b.ifindex, place_b.router, place_b.prefix, 1800);
	world_run(w, 10 * SEC);
	cr_assert_str_eq(engine_place(w->e), "offline");
	world_address(w, place_b.ifindex, place_b.coa);
	cr_assert(world_tunnels(w, HOA, place_b.coa));
	world_free(w);
}

Test(engine, E12_static_addresses_need_a_static_route)
{
	struct world *w = world_new(WORLD_ONE);
	struct address_event ev = world_address_of(place_wire.ifindex, place_wire.coa);

	ev.is_static = true;
	ev.is_slaac = false;
	world_start(w);
	world_link(w, place_wire.ifindex, place_wire.link, true);
	engine_address(w->e, w->now, &ev);
	cr_assert_eq(world_count(w, OP_SEND), 0);
	world_route(w, place_wire.ifindex, place_wire.router, 100, false);
	cr_assert_eq(world_count(w, OP_SEND), 1);
	world_run(w, 1 * SEC);
	/* The cable is pulled and put back: nobody advertises anything. */
	world_link(w, place_wire.ifindex, place_wire.link, false);
	world_run(w, 5 * SEC);
	world_link(w, place_wire.ifindex, place_wire.link, true);
	world_run(w, 5 * SEC);
	cr_assert_str_eq(engine_place(w->e), "away");
	cr_assert_eq(world_count(w, OP_SEND), 1);
	world_free(w);
}

/* RFC 4862 section 5.5.4: deprecated is not forbidden, when there is nothing else. */
Test(engine, E12_a_deprecated_address_is_better_than_none)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);
	struct address_event ev = world_address_of(place_a.ifindex, place_a.coa);

	ev.deprecated = true;
	engine_address(w->e, w->now, &ev);
	world_stay(w, &place_a, 1700 * SEC);
	cr_assert_str_eq(engine_place(w->e), "away");
	cr_assert_eq(world_count(w, OP_SEND), 1, "refreshed");
	world_address(w, place_a.ifindex, "2001:db8:a::c0b");
	world_run(w, 1 * SEC);
	cr_assert(world_tunnels(w, HOA, "2001:db8:a::c0b"), "but no longer than that");
	world_free(w);
}

/* --- at home without an address of our own ------------------------------------------------------ */

/* A home link that hands out nothing but the home address itself. */
Test(engine, E06_home_needs_no_care_of_address)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);

	world_leave(w, &place_a);
	world_link(w, place_home.ifindex, place_home.link, true);
	world_advert(w, place_home.ifindex, place_home.router, place_home.prefix, 1800);
	world_run(w, 1 * SEC);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_HOME);
	cr_assert_eq(world_path(w, HOA)->mode, PATH_HOME);
	world_free(w);
}

/* --- links ---------------------------------------------------------------------------------- */

Test(engine, E03_a_link_is_removed)
{
	struct world *w = world_bound(WORLD_ONE, &place_wire);

	world_arrive(w, &place_a);
	world_run(w, 1 * SEC);
	world_link_gone(w, place_a.ifindex);
	cr_assert_null(engine_find_link(w->e, place_a.ifindex));
	cr_assert_eq(w->published[OBJECT_LINK][CHANGE_REMOVED], 1);
	cr_assert(world_tunnels(w, HOA, place_wire.coa));
	world_link_gone(w, place_wire.ifindex);
	cr_assert_str_eq(engine_place(w->e), "offline");
	cr_assert_str_eq(engine_waiting_for(w->e), "a network interface");
	world_run(w, 3600 * SEC);
	world_link_gone(w, place_wire.ifindex);
	world_arrive(w, &place_a);
	world_run(w, 60 * SEC);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REGISTERED);
	world_free(w);
}

Test(engine, E03_events_of_links_nobody_knows)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);

	world_advert(w, 9, "fe80::9", "2001:db8:9::/64", 1800);
	world_address(w, 9, "2001:db8:9::1");
	world_address_gone(w, 9, "2001:db8:9::1");
	world_route(w, 9, "fe80::9", 1024, false);
	world_route_gone(w, 9, "fe80::9");
	world_neighbour(w, 9, "fe80::9", false);
	world_link_gone(w, 9);
	world_address_gone(w, place_a.ifindex, "2001:db8:9::1");
	world_route_gone(w, place_a.ifindex, "fe80::9");
	cr_assert_eq(w->n_ops, 0);
	world_free(w);
}

Test(engine, E03_a_link_changes_its_name)
{
	struct world *w = world_bound("[Link]\nMatch=bad*\nUse=no\n" WORLD_ONE, &place_a);

	world_link(w, place_a.ifindex, "bad0", true);
	cr_assert_str_eq(engine_place(w->e), "offline");
	cr_assert_str_eq(engine_find_link(w->e, place_a.ifindex)->name, "bad0");
	world_link(w, place_a.ifindex, "wlan1", true);
	cr_assert_str_eq(engine_place(w->e), "away");
	world_free(w);
}

/* --- lost events ------------------------------------------------------------------------------ */

Test(engine, E14_resynchronisation_changes_nothing_that_is_there)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);

	engine_resync(w->e, w->now, true);
	world_link(w, place_a.ifindex, place_a.link, true);
	world_address(w, place_a.ifindex, place_a.coa);
	world_route(w, place_a.ifindex, place_a.router, 1024, true);
	engine_resync(w->e, w->now, false);
	world_run(w, 5 * SEC);
	cr_assert_eq(world_count(w, OP_SEND), 0);
	cr_assert_eq(world_count(w, OP_PATH), 0);
	cr_assert_str_eq(engine_place(w->e), "away");
	world_free(w);
}

Test(engine, E14_resynchronisation_takes_away_what_has_gone)
{
	struct world *w = world_bound(WORLD_ONE, &place_wire);

	world_arrive(w, &place_a);
	world_run(w, 1 * SEC);
	engine_resync(w->e, w->now, true);
	world_link(w, place_wire.ifindex, place_wire.link, true);
	world_address(w, place_wire.ifindex, place_wire.coa);
	world_route(w, place_wire.ifindex, place_wire.router, 1024, true);
	w->link_up[place_a.ifindex] = false;
	engine_resync(w->e, w->now, false);
	cr_assert_null(engine_find_link(w->e, place_a.ifindex));
	cr_assert(world_tunnels(w, HOA, place_wire.coa));

	engine_resync(w->e, w->now, true);
	world_link(w, place_wire.ifindex, place_wire.link, true);
	world_route(w, place_wire.ifindex, place_wire.router, 1024, true);
	engine_resync(w->e, w->now, false);
	cr_assert_str_eq(engine_place(w->e), "offline", "its address has gone");
	world_free(w);
}

Test(engine, E14_an_uplink_that_is_found_gone_is_told_once)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);

	engine_hold(w->e); /* as the kernel's answer is read */
	engine_resync(w->e, w->now, true);
	w->link_up[place_a.ifindex] = false;
	engine_resync(w->e, w->now, false);
	engine_release(w->e);
	cr_assert_str_eq(engine_place(w->e), "offline");
	world_run(w, SEC);
	cr_assert_eq(w->host.events[EVENT_OFFLINE], 1);
	world_free(w);
}
