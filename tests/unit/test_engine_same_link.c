/* SPDX-License-Identifier: GPL-2.0-or-later */
/* E13, RFC 6059: a router of before that answers a probe shows that the host is where it was. */
#include <criterion/criterion.h>

#include "engine_world.h"

#define SEC USEC_PER_SEC

static const uint8_t mac_a[] = {2, 0, 0, 0, 0, 0xa}, other_mac[] = {2, 0, 0, 0, 0, 0xf};

/* Off a link for a while, and on one again that says nothing yet. */
static struct world *world_back(const struct place *p)
{
	struct world *w = world_bound(WORLD_ONE, p);

	world_leave(w, p);
	world_run(w, 3 * SEC);
	world_forget(w);
	world_link(w, p->ifindex, p->link, true);
	return w;
}

Test(engine, E13_a_router_answers_before_it_advertises)
{
	struct in6_addr router = world_addr(place_a.router);
	struct world *w = world_back(&place_a);

	cr_assert_eq(world_count(w, OP_SOLICIT), 1);
	cr_assert_eq(world_count(w, OP_PROBE_ROUTER), 1);
	cr_assert(addr_equal(&world_nth(w, OP_PROBE_ROUTER, 0)->home, &router));
	cr_assert_arr_eq(world_nth(w, OP_PROBE_ROUTER, 0)->mac, mac_a, sizeof(mac_a));
	cr_assert_eq(world_count(w, OP_CONFIRM), 0);
	world_router_answer(w, place_a.ifindex, place_a.router, NULL);
	cr_assert_eq(world_count(w, OP_CONFIRM), 1);
	world_router_answer(w, place_a.ifindex, place_a.router, NULL);
	world_run(w, 1 * SEC);
	world_advert(w, place_a.ifindex, place_a.router, place_a.prefix, 1800);
	world_run(w, 20 * SEC);
	cr_assert_eq(world_count(w, OP_CONFIRM), 1, "once");
	cr_assert_eq(world_count(w, OP_FOUND_ROUTER), 1);
	cr_assert_arr_eq(world_nth(w, OP_FOUND_ROUTER, 0)->mac, mac_a, sizeof(mac_a));
	cr_assert_eq(world_count(w, OP_SEND), 0);
	cr_assert_eq(world_count(w, OP_PATH), 0);
	cr_assert(world_tunnels(w, HOA, place_a.coa));
	world_free(w);
}

Test(engine, E13_an_answer_with_the_right_link_layer_address)
{
	struct world *w = world_back(&place_a);

	world_router_answer(w, place_a.ifindex, place_a.router, other_mac);
	cr_assert_eq(world_count(w, OP_CONFIRM), 0, "it is another one");
	world_router_answer(w, place_b.ifindex, place_b.router, NULL);
	cr_assert_eq(world_count(w, OP_CONFIRM), 0, "never heard here");
	world_router_answer(w, place_a.ifindex, place_a.router, mac_a);
	cr_assert_eq(world_count(w, OP_CONFIRM), 1);
	world_free(w);
}

/* The advertisement has the last word: all that it says, and nothing from before. */
Test(engine, E13_a_router_that_answered_has_another_prefix_now)
{
	struct world *w = world_back(&place_a);

	world_router_answer(w, place_a.ifindex, place_a.router, NULL);
	world_run(w, 400 * USEC_PER_MSEC);
	world_advert(w, place_a.ifindex, place_a.router, place_b.prefix, 1800);
	world_address(w, place_a.ifindex, place_b.coa);
	cr_assert_eq(world_count(w, OP_SEND), 1, "at once");
	world_run(w, 1 * SEC);
	cr_assert(world_tunnels(w, HOA, place_b.coa));
	world_free(w);
}

/* Who was left for another router, or has said that it retires, is not asked. */
Test(engine, E13_only_routers_of_the_last_attachment_are_probed)
{
	struct in6_addr router = world_addr(place_b.router);
	struct world *w = world_bound(WORLD_ONE, &place_a);

	world_leave(w, &place_a);
	world_arrive(w, &place_b);
	world_run(w, 3 * SEC);
	world_leave(w, &place_b);
	world_forget(w);
	world_link(w, place_b.ifindex, place_b.link, true);
	cr_assert_eq(world_count(w, OP_PROBE_ROUTER), 1);
	cr_assert(addr_equal(&world_nth(w, OP_PROBE_ROUTER, 0)->home, &router));
	world_router_answer(w, place_a.ifindex, place_a.router, NULL);
	cr_assert_eq(world_count(w, OP_CONFIRM), 0);
	world_advert(w, place_b.ifindex, place_b.router, NULL, 0);
	world_leave(w, &place_b);
	world_forget(w);
	world_link(w, place_b.ifindex, place_b.link, true);
	cr_assert_eq(world_count(w, OP_PROBE_ROUTER), 0);
	world_free(w);
}

/* VRRP (RFC 5798), and all gateways of a domain of RFC 6543: one link-layer address in many places. */
Test(engine, E13_an_answer_from_a_shared_address_says_nothing)
{
	static const struct place shared[] = {
		{2, "wlan0", "fe80::200:5eff:fe00:5213", "2001:db8:a::/64", "2001:db8:a::c0a"},
		{2, "wlan0", "fe80::200:5eff:fe00:201", "2001:db8:a::/64", "2001:db8:a::c0a"},
	};

	for (unsigned i = 0; i < 2; i++) {
		struct world *w = world_back(&shared[i]);

		cr_assert_eq(world_count(w, OP_PROBE_ROUTER), 0);
		world_router_answer(w, 2, shared[i].router, NULL);
		cr_assert_eq(world_count(w, OP_CONFIRM), 0);
		world_free(w);
	}
}
