/* SPDX-License-Identifier: GPL-2.0-or-later */
/* E12: when binding updates leave (RFC 6275 sections 11.7.1, 11.8, 12): back-off, rate, lifetimes. */
#include <criterion/criterion.h>

#include <errno.h>

#include "engine_world.h"

#define MSEC USEC_PER_MSEC
#define SEC USEC_PER_SEC

static void check_intervals(const struct world *w, const usec_t *interval, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct agent_received *a = &world_nth(w, OP_SEND, i)->update;
		const struct agent_received *b = &world_nth(w, OP_SEND, i + 1)->update;

		cr_assert_eq(b->at - a->at, interval[i], "%u: %llu", i,
			     (unsigned long long)(b->at - a->at));
		cr_assert_eq(b->sequence, (uint16_t)(a->sequence + 1), "a new sequence number");
		cr_assert_neq(b->replay, a->replay, "a new timestamp");
	}
}

/* The rate limit holds an update back, and with it what is sent: the anchor would not let it in. */
static struct world *world_hurried(void)
{
	static const struct place *const way[] = {&place_a, &place_b, &place_a, &place_b, &place_a};
	struct world *w = world_bound(WORLD_ONE, way[0]);

	world_run(w, 5 * SEC);
	for (unsigned i = 1; i < 5; i++) {
		world_leave(w, way[i - 1]);
		world_arrive(w, way[i]);
		world_run(w, 50 * MSEC);
		cr_assert(world_tunnels(w, HOA, way[i]->coa));
		cr_assert_eq(world_path(w, HOA)->unannounced, i == 4, "%u", i);
	}
	cr_assert_eq(world_count(w, OP_SEND), 3);
	return w;
}

Test(engine, E12_nothing_leaves_before_the_update)
{
	struct world *w = world_hurried();

	world_run(w, 1 * SEC);
	cr_assert_eq(world_count(w, OP_SEND), 4);
	cr_assert(world_tunnels(w, HOA, place_a.coa));
	cr_assert_not(world_path(w, HOA)->unannounced);
	cr_assert_eq(world_last(w, OP_PATH)->at, world_last(w, OP_SEND)->update.at, "at once");
	world_free(w);
}

/* Who advertises the home prefix meanwhile is believed no more than at any other time. */
Test(engine, E11_home_advertised_before_the_update)
{
	struct world *w = world_hurried();

	world_agent(w, HA)->silent = true; /* as on a link where it is not */
	world_advert(w, place_a.ifindex, "fe80::bad", HOME_PREFIX, 1800);
	for (unsigned i = 0; i < 40; i++) {
		world_run(w, 100 * MSEC);
		cr_assert_eq(world_path(w, HOA)->mode, PATH_TUNNEL, "after %u ms", i * 100);
	}
	cr_assert(world_tunnels(w, HOA, place_a.coa));
	cr_assert_not(world_path(w, HOA)->unannounced, "a second later it carries packets");
	world_free(w);
}

Test(engine, E12_first_registration_backs_off)
{
	static const usec_t interval[] = {1500 * MSEC, 3 * SEC,  6 * SEC, 12 * SEC,
					  24 * SEC,    32 * SEC, 32 * SEC};
	struct world *w = world_new(WORLD_ONE);

	world_agent(w, HA)->silent = true;
	world_start(w);
	world_arrive(w, &place_a);
	world_run(w, 120 * SEC);
	check_intervals(w, interval, 7);
	cr_assert_eq(world_binding(w, HOA)->anchor->n.bu_retransmitted, 7);
	cr_assert_eq(world_binding(w, HOA)->anchor->n.bu_sent, 8);
	world_free(w);
}

Test(engine, E12_first_timeout_is_configured)
{
	static const usec_t interval[] = {400 * MSEC, 800 * MSEC, 1600 * MSEC};
	struct world *w = world_new(WORLD_ONE "FirstTimeout=400ms\n");

	world_agent(w, HA)->silent = true;
	world_start(w);
	world_arrive(w, &place_a);
	world_run(w, 5 * SEC);
	check_intervals(w, interval, 3);
	world_free(w);
}

static const usec_t usual[] = {1 * SEC, 2 * SEC, 4 * SEC, 8 * SEC, 16 * SEC, 32 * SEC, 32 * SEC};

Test(engine, E12_an_update_backs_off)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);

	world_agent(w, HA)->silent = true;
	world_leave(w, &place_a);
	world_arrive(w, &place_b);
	world_run(w, 120 * SEC);
	check_intervals(w, usual, 7);
	world_free(w);
}

Test(engine, E12_a_refresh_backs_off)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);

	world_agent(w, HA)->silent = true;
	world_stay(w, &place_a, 1700 * SEC);
	check_intervals(w, usual, 7);
	world_free(w);
}

Test(engine, E12_the_back_off_starts_anew_with_a_move)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);

	world_agent(w, HA)->silent = true;
	world_leave(w, &place_a);
	world_arrive(w, &place_b);
	world_run(w, 40 * SEC);
	world_leave(w, &place_b);
	world_forget(w);
	world_arrive(w, &place_a);
	world_run(w, 120 * SEC);
	check_intervals(w, usual, 7);
	world_free(w);
}

Test(engine, E12_never_more_than_three_in_a_second)
{
	struct world *w = world_bound(WORLD_ONE, &place_wire);
	unsigned n;

	world_agent(w, HA)->rtt = 2 * MSEC;
	world_leave(w, &place_wire); /* with a link that works, flapping would be damped */
	for (unsigned i = 0; i < 100; i++) {
		world_arrive(w, i % 2 ? &place_a : &place_b);
		world_run(w, 7 * MSEC);
		world_leave(w, i % 2 ? &place_a : &place_b);
		world_run(w, 20 * MSEC);
	}
	world_arrive(w, &place_a);
	world_run(w, 5 * SEC);
	n = world_count(w, OP_SEND);
	for (unsigned i = 3; i < n; i++)
		cr_assert_geq(world_nth(w, OP_SEND, i)->at - world_nth(w, OP_SEND, i - 3)->at, SEC);
	cr_assert_geq(n, 6, "but what is due goes");
	cr_assert(world_tunnels(w, HOA, place_a.coa));
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REGISTERED);
	world_free(w);
}

/* --- lifetimes -------------------------------------------------------------------------- */

Test(engine, E12_lifetime_is_rounded_down)
{
	struct world *w = world_new(WORLD_ONE "Lifetime=15s\n");

	world_start(w);
	world_arrive(w, &place_a);
	cr_assert_eq(world_last(w, OP_SEND)->update.lifetime, 3);
	world_free(w);
}

Test(engine, E12_no_longer_than_the_care_of_address)
{
	struct world *w = world_new(WORLD_ONE);
	struct address_event ev = world_address_of(place_a.ifindex, place_a.coa);

	world_start(w);
	world_link(w, place_a.ifindex, place_a.link, true);
	world_advert(w, place_a.ifindex, place_a.router, place_a.prefix, 1800);
	ev.valid_until = w->now.mono + 103 * SEC;
	world_agent(w, HA)->lose = 2;
	engine_address(w->e, w->now, &ev);
	cr_assert_eq(world_nth(w, OP_SEND, 0)->update.lifetime, 25);
	world_run(w, 5 * SEC);
	cr_assert_eq(world_nth(w, OP_SEND, 1)->update.lifetime, 25, "1.5 s later");
	cr_assert_eq(world_nth(w, OP_SEND, 2)->update.lifetime, 24, "4.5 s later");
	cr_assert_leq(world_binding(w, HOA)->expires, ev.valid_until);
	world_run(w, 90 * SEC);
	for (unsigned i = 3; i < world_count(w, OP_SEND); i++) {
		const struct agent_received *u = &world_nth(w, OP_SEND, i)->update;

		cr_assert_leq(u->at + u->lifetime * 4 * SEC, ev.valid_until + 4 * SEC);
	}
	world_free(w);
}

/* A longer life of the care-of address is used at the next refresh. */
Test(engine, E12_the_care_of_address_lives_longer_after_all)
{
	struct world *w = world_new(WORLD_ONE);
	struct address_event ev = world_address_of(place_a.ifindex, place_a.coa);

	world_start(w);
	world_link(w, place_a.ifindex, place_a.link, true);
	world_advert(w, place_a.ifindex, place_a.router, place_a.prefix, 1800);
	ev.valid_until = w->now.mono + 100 * SEC;
	engine_address(w->e, w->now, &ev);
	world_run(w, 10 * SEC);
	ev.valid_until = w->now.mono + 86400 * SEC;
	engine_address(w->e, w->now, &ev);
	world_run(w, 80 * SEC);
	cr_assert_eq(world_count(w, OP_SEND), 2);
	cr_assert_eq(world_last(w, OP_SEND)->update.lifetime, 450);
	world_free(w);
}

Test(engine, E12_refresh_well_before_the_end)
{
	for (uint32_t seed = 0; seed < 50; seed++) {
		struct world *w = world_new(WORLD_ONE);
		usec_t sent, refreshed;

		w->seed = seed * 7919;
		world_start(w);
		world_arrive(w, &place_a);
		sent = w->now.mono;
		world_stay(w, &place_a, 1700 * SEC);
		cr_assert_eq(world_count(w, OP_SEND), 2);
		refreshed = world_nth(w, OP_SEND, 1)->at - sent;
		cr_assert_geq(refreshed, 1295 * SEC, "0.8 less a tenth");
		cr_assert_leq(refreshed, 1441 * SEC, "0.8 of it");
		cr_assert_eq(world_binding(w, HOA)->state, BINDING_REGISTERED);
		cr_assert_eq(world_binding(w, HOA)->expires,
			     world_nth(w, OP_SEND, 1)->at + 1800 * SEC);
		world_free(w);
	}
}

Test(engine, E12_a_shorter_grant_counts_from_the_sending)
{
	struct world *w = world_new(WORLD_ONE);

	world_agent(w, HA)->grant = 25;
	world_agent(w, HA)->rtt = 900 * MSEC;
	world_start(w);
	world_arrive(w, &place_a);
	world_run(w, 2 * SEC);
	cr_assert_eq(world_binding(w, HOA)->expires, world_nth(w, OP_SEND, 0)->at + 100 * SEC);
	cr_assert_leq(world_binding(w, HOA)->refresh_at, world_nth(w, OP_SEND, 0)->at + 81 * SEC);
	world_run(w, 90 * SEC);
	cr_assert_eq(world_count(w, OP_SEND), 2);
	cr_assert_eq(world_last(w, OP_SEND)->update.lifetime, 450, "asks for what it wants again");
	world_free(w);
}

Test(engine, E12_a_longer_grant_is_what_was_asked)
{
	struct world *w = world_new(WORLD_ONE "Lifetime=60s\n");
	struct agent_ack ack;

	world_agent(w, HA)->silent = true;
	world_start(w);
	world_arrive(w, &place_a);
	ack = agent_ack_for(world_agent(w, HA), &world_last(w, OP_SEND)->update, BA_ACCEPTED);
	ack.lifetime = 65535;
	world_deliver(w, &ack);
	cr_assert_eq(world_binding(w, HOA)->expires, w->now.mono + 60 * SEC);
	world_free(w);
}

Test(engine, E12_refresh_advice_is_taken)
{
	struct world *w = world_new(WORLD_ONE);

	world_agent(w, HA)->advice = 15;
	world_start(w);
	world_arrive(w, &place_a);
	world_run(w, 50 * SEC);
	cr_assert_eq(world_count(w, OP_SEND), 1);
	world_run(w, 11 * SEC);
	cr_assert_eq(world_count(w, OP_SEND), 2);
	world_agent(w, HA)->advice = 5000;
	world_run(w, 60 * SEC);
	world_stay(w, &place_a, 1440 * SEC);
	cr_assert_leq(world_count(w, OP_SEND), 4);
	cr_assert_geq(world_count(w, OP_SEND), 4, "advice beyond the lifetime is no advice");
	world_free(w);
}

Test(engine, E12_short_lifetimes_are_refreshed_at_half)
{
	struct world *w = world_new(WORLD_ONE);

	world_agent(w, HA)->grant = 1;
	world_start(w);
	world_arrive(w, &place_a);
	world_run(w, 60 * SEC);
	for (unsigned i = 1; i < world_count(w, OP_SEND); i++) {
		usec_t d = world_nth(w, OP_SEND, i)->at - world_nth(w, OP_SEND, i - 1)->at;

		cr_assert_geq(d, 1790 * MSEC);
		cr_assert_leq(d, 2030 * MSEC);
	}
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REGISTERED);
	world_free(w);
}

Test(engine, E12_an_unanswered_refresh_expires)
{
	struct world *w = world_bound(WORLD_ONE "Lifetime=100s\n", &place_a);
	struct binding *b = world_binding(w, HOA);
	usec_t expires = b->expires;

	world_agent(w, HA)->silent = true;
	world_run(w, expires - w->now.mono - 1);
	cr_assert(b->registered);
	cr_assert_eq(b->state, BINDING_UPDATING);
	world_run(w, 1);
	cr_assert_not(b->registered);
	cr_assert_eq(b->state, BINDING_REGISTERING);
	cr_assert_gt(w->persisted, 0);
	world_agent(w, HA)->silent = false;
	world_run(w, 40 * SEC);
	cr_assert_eq(b->state, BINDING_REGISTERED);
	world_free(w);
}

Test(engine, E12_a_move_after_expiry_is_a_first_registration)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);

	world_leave(w, &place_a);
	world_agent(w, HA)->silent = true;
	world_sleep(w, 3600 * SEC);
	world_run(w, 0);
	world_arrive(w, &place_b);
	world_run(w, 2 * SEC);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REGISTERING);
	cr_assert_eq(world_nth(w, OP_SEND, 1)->at - world_nth(w, OP_SEND, 0)->at, 1500 * MSEC);
	world_free(w);
}

/* --- expiry must not strand a binding --------------------------------------------------- */

Test(engine, E12_expired_in_a_sleep)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);

	world_sleep(w, 7200 * SEC);
	world_run(w, 0);
	world_advert(w, place_a.ifindex, place_a.router, place_a.prefix, 1800);
	world_run(w, 60 * SEC);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REGISTERED);
	cr_assert_geq(world_count(w, OP_SEND), 1);
	world_free(w);
}

Test(engine, E12_expired_while_offline_and_back_at_the_same_place)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);

	world_leave(w, &place_a);
	world_run(w, 3600 * SEC);
	cr_assert_not(world_binding(w, HOA)->registered);
	world_arrive(w, &place_a);
	world_run(w, 60 * SEC);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REGISTERED);
	world_free(w);
}

Test(engine, E12_acknowledged_when_already_over)
{
	struct world *w = world_new(WORLD_ONE);

	world_agent(w, HA)->grant = 1;
	world_agent(w, HA)->rtt = 5 * SEC;
	world_start(w);
	world_arrive(w, &place_a);
	world_run(w, 20 * SEC);
	world_agent(w, HA)->rtt = 20 * MSEC;
	world_run(w, 60 * SEC);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REGISTERED);
	world_free(w);
}

/* --- what cannot be sent ---------------------------------------------------------------- */

Test(engine, E12_the_kernel_cannot_send_yet)
{
	struct world *w = world_new(WORLD_ONE);

	w->send_error = -ENETUNREACH;
	world_start(w);
	world_arrive(w, &place_a);
	world_run(w, 9 * MSEC);
	w->send_error = 0;
	world_run(w, 20 * MSEC);
	cr_assert_eq(world_count(w, OP_SEND), 1, "soon after the route is there");
	world_run(w, 5 * SEC);
	cr_assert_eq(world_count(w, OP_SEND), 1);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REGISTERED);
	cr_assert_eq(world_binding(w, HOA)->anchor->n.bu_retransmitted, 0);
	world_free(w);
}

Test(engine, E12_the_kernel_can_never_send)
{
	struct world *w = world_new(WORLD_ONE);
	uint16_t before = world_binding(w, HOA)->sequence;

	w->send_error = -EPERM;
	world_start(w);
	world_arrive(w, &place_a);
	world_run(w, 3600 * SEC);
	w->send_error = 0;
	world_advert(w, place_a.ifindex, place_a.router, place_a.prefix, 1800);
	world_run(w, 2 * SEC);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REGISTERED);
	cr_assert_eq(world_nth(w, OP_SEND, 0)->update.sequence, (uint16_t)(before + 1),
		     "what never left has used no number");
	world_free(w);
}

Test(engine, E12_round_trips_are_measured)
{
	struct world *w = world_new(WORLD_ONE);
	struct anchor *a = world_binding(w, HOA)->anchor;

	world_agent(w, HA)->rtt = 80 * MSEC;
	world_start(w);
	world_arrive(w, &place_a);
	world_run(w, 1 * SEC);
	cr_assert_eq(a->rtt, 80 * MSEC);
	world_agent(w, HA)->rtt = 160 * MSEC;
	world_leave(w, &place_a);
	world_arrive(w, &place_b);
	world_run(w, 1 * SEC);
	cr_assert_eq(a->rtt_last, 160 * MSEC);
	cr_assert_eq(a->rtt, 160 * MSEC, "what was measured elsewhere does not count");
	world_agent(w, HA)->rtt = 80 * MSEC;
	world_run(w, 1800 * SEC);
	cr_assert_eq(a->rtt_last, 80 * MSEC);
	cr_assert_eq(a->rtt, 150 * MSEC);
	world_free(w);
}
