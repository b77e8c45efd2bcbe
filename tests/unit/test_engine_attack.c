/* SPDX-License-Identifier: GPL-2.0-or-later */
/* E11: what strangers on the link, on the way or in the DNS can do to the engine; and what random events have found. */
#include <criterion/criterion.h>
#include <string.h>

#include "engine_world.h"
#include "mobility/internal.h"

#define SEC USEC_PER_SEC
#define MSEC USEC_PER_MSEC
#define THIRD "2001:db8:a::3"
#define WORLD_THIRD \
	WORLD_SPARE "[Anchor third]\nAddress=" THIRD \
		    "\nPrefix=2001:db8:a::/64\nSPI=259\nKeyFile=/none\nPreference=-2\n"
#define ICMP_ERROR_HEADER 8

/* An ICMPv6 error that quotes the last update, as anybody who has seen it could send. */
static void quote(struct world *w)
{
	const struct agent_received *u = &world_last(w, OP_SEND)->update;
	uint8_t buf[512] = {1}, mh[MH_MAX_LEN];
	struct mh_message m = {.type = MH_BU, .bu.sequence = u->sequence};
	struct ip6_packet p = {
		.src = u->src,
		.dst = u->dst,
		.has_home_option = true,
		.home = u->home,
		.hop_limit = 60,
		.next_header = MH_NEXT_HEADER,
		.payload = mh,
	};
	struct icmp_event ev = {.dst = u->src, .icmp = buf};
	int n = mh_encode(&m, mh, sizeof(mh));

	cr_assert_gt(n, 0);
	p.payload_len = (size_t)n;
	ev.len = ICMP_ERROR_HEADER + (size_t)ip6_packet_build(&p, buf + ICMP_ERROR_HEADER,
							      sizeof(buf) - ICMP_ERROR_HEADER);
	engine_icmp(w->e, w->now, &ev);
}

Test(engine, E11_errors_do_not_outrun_the_answer_of_the_agent)
{
	struct world *w = world_away(WORLD_SPARE, 2 * SEC);

	world_leave(w, &place_b);
	world_arrive(w, &place_wire);
	for (unsigned i = 0; i < 10; i++) {
		quote(w);
		world_run(w, MSEC);
	}
	cr_assert_neq(world_agent(w, ANCHOR_A)->silent, true);
	world_run(w, SEC);
	cr_assert_eq(w->host.events[EVENT_ANCHOR_SWITCH], 0, "it was there all the time");
	cr_assert_eq(w->host.events[EVENT_ANCHOR_HEALTH], 1, "reachable, from the first move");
	cr_assert(world_tunnels(w, place_a.coa, place_wire.coa));
	world_free(w);
}

Test(engine, E11_errors_do_not_keep_an_update_from_being_sent_again)
{
	struct world *w = world_away(WORLD_NATIVE, 2 * SEC);

	world_agent(w, ANCHOR_A)->silent = true;
	world_leave(w, &place_b);
	world_arrive(w, &place_wire);
	world_run(w, 60 * SEC);
	world_agent(w, ANCHOR_A)->silent = false;
	for (unsigned i = 0; i < 60; i++) {
		quote(w);
		world_run(w, SEC);
	}
	cr_assert_eq(world_binding(w, place_a.coa)->state, BINDING_REGISTERED);
	world_free(w);
}

Test(engine, E08_silent_anchors_are_asked_in_turn)
{
	struct world *w = world_native(WORLD_THIRD);

	for (unsigned i = 0; i < w->n_agents; i++)
		w->agent[i].silent = true;
	world_session(w, place_a.coa, 22);
	world_leave(w, &place_a);
	world_arrive(w, &place_b);
	world_run(w, 300 * SEC);
	world_agent(w, THIRD)->silent = false;
	world_stay(w, &place_b, 1200 * SEC);
	cr_assert_eq(world_binding(w, place_a.coa)->state, BINDING_REGISTERED);
	cr_assert_str_eq(world_binding(w, place_a.coa)->anchor->name, "third");
	world_free(w);
}

Test(engine, E11_an_agent_by_hearsay_does_not_come_before_a_known_one)
{
	struct world *w = world_native(
		"[Anchor op]\nAddress=" ANCHOR_A
		"\nPrefix=2001:db8::/32\nDiscover=router-advertisement\nSPI=256\nKeyFile=/none\n");
	struct nd_router_advert ra = world_advert_of(place_a.prefix, 1800);
	struct in6_addr router = world_addr("fe80::bad");

	ra.home_agent = ra.has_home_agent_info = true;
	ra.ha_preference = 0x7fff;
	ra.ha_lifetime = 1800;
	ra.prefix[0].router_flag = true;
	ra.prefix[0].router_address = world_addr("2001:db8:a::bad");
	engine_router_advert(w->e, w->now, place_a.ifindex, &router, &ra);
	world_session(w, place_a.coa, 22);
	world_leave(w, &place_a);
	world_arrive(w, &place_b);
	cr_assert_str_eq(ADDR_STR(&world_binding(w, place_a.coa)->anchor->address), ANCHOR_A);
	world_free(w);
}

Test(engine, E12_a_stop_does_not_spin_while_agents_are_looked_for)
{
	struct world *w = world_native(
		"[Anchor op]\nDiscover=dns dhaad\nDomain=example.org\nPrefix=2001:db8:1::/64\n"
		"HomeAddress=auto\nSPI=256\nKeyFile=/none\n");

	world_run(w, 2 * SEC);
	engine_stop(w->e, w->now);
	world_run(w, 2 * SEC); /* fails when it spins */
	cr_assert(engine_stopped(w->e));
	world_free(w);
}

Test(engine, E04_a_session_that_was_not_in_need_ends_the_watch_as_well)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);
	uint64_t cookie = world_session(w, HOA, 80);

	engine_look(w->e, w->now);
	cr_assert(w->host.watching);
	world_session_end(w, cookie);
	cr_assert_not(w->host.watching);
	world_free(w);
}

Test(engine, E12_the_rate_limit_outlives_the_binding)
{
	struct world *w = world_native(WORLD_NATIVE);
	usec_t at[4] = {0};
	unsigned n = 0;

	world_session(w, place_a.coa, 22);
	for (unsigned i = 0; i < 20; i++) {
		world_leave(w, i % 2 ? &place_b : &place_a);
		world_arrive(w, i % 2 ? &place_a : &place_b);
		world_run(w, 25 * MSEC);
	}
	for (unsigned i = 0; i < w->n_ops; i++) {
		if (w->op[i].kind != OP_SEND || addr_equal(&w->op[i].anchor, &in6addr_any))
			continue;
		cr_assert(n < 3 || w->op[i].at - at[n % 3] >= SEC, "update %u", n);
		at[n++ % 3] = w->op[i].at;
	}
	cr_assert_gt(n, 1);
	world_free(w);
}

/* --- other configurations --------------------------------------------------------------------- */

Test(engine, E14_anchors_of_an_old_configuration_go_without_bindings_too)
{
	struct world *w = world_native(WORLD_NATIVE), *other = world_new("");

	cr_assert_eq(engine_reconfigure(w->e, w->now, other->conf), 0);
	cr_assert_not(engine_uses(w->e, w->conf), "nor is it kept in memory");
	cr_assert(list_empty(&w->e->anchors));
	cr_assert_eq(engine_reconfigure(w->e, w->now, w->conf), 0);
	world_free(other);
	world_free(w);
}

Test(engine, E09_reading_the_configuration_again_keeps_who_has_taken_over)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);
	struct binding *b = world_binding(w, HOA);
	struct in6_addr address = world_addr(HA2);
	struct conf_anchor conf = *b->anchor->conf;
	unsigned n = 0;

	conf.address = address;
	agent_init(&w->agent[w->n_agents++], &conf);
	w->agent[w->n_agents - 1].sa = b->anchor->sa;
	binding_change_anchor(
		b, anchor_found(w->e, b->anchor->conf, &address, ANCHOR_FROM_SWITCH, 0, NULL),
		"a test");
	world_run(w, SEC);
	cr_assert_eq(engine_reconfigure(w->e, w->now, w->conf), 0);
	list_for_each(b, &w->e->bindings, node)
		n++;
	cr_assert_eq(n, 1, "one home address, one binding");
	cr_assert_str_eq(ADDR_STR(&world_binding(w, HOA)->anchor->address), HA2);
	world_free(w);
}
