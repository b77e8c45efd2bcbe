/* SPDX-License-Identifier: GPL-2.0-or-later */
/* E6: back on the prefix's own link the binding is withdrawn and packets go natively. */
#include <criterion/criterion.h>

#include "engine_world.h"

/* The de-registration at home: from the home address itself, without a home address option. */
static void check_deregistration(const struct world_op *o)
{
	struct in6_addr hoa = world_addr(HOA);

	cr_assert_eq(o->update.lifetime, 0);
	cr_assert_not(o->update.away);
	cr_assert(addr_equal(&o->update.src, &hoa));
	cr_assert(addr_equal(&o->update.coa, &hoa));
	cr_assert_eq(o->update.flags, BU_ACK | BU_HOME);
	cr_assert_eq(o->ifindex, place_home.ifindex);
}

static unsigned index_of(const struct world *w, const struct world_op *o)
{
	return (unsigned)(o - w->op);
}

Test(engine, E06_old_path_dead_native_at_once)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);
	const struct path *p = world_path(w, HOA);
	struct in6_addr hoa = world_addr(HOA);

	world_leave(w, &place_a);
	world_run(w, 1 * USEC_PER_SEC);
	world_arrive(w, &place_home);

	cr_assert_eq(world_binding(w, HOA)->state, BINDING_RETURNING);
	cr_assert_eq(world_count(w, OP_SEND), 1);
	check_deregistration(world_last(w, OP_SEND));
	cr_assert_lt(index_of(w, world_nth(w, OP_SEND, 0)), index_of(w, world_nth(w, OP_PATH, 0)),
		     "the update leaves before the home address is ours");
	cr_assert_eq(p->mode, PATH_HOME);
	cr_assert_eq(p->ifindex, place_home.ifindex);
	cr_assert_not(p->dad, "the agent defends it still");
	cr_assert_eq(world_count(w, OP_ANNOUNCE), 0, "not before the agent lets go of it");

	world_run(w, 1 * USEC_PER_SEC);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_HOME);
	cr_assert_not(world_binding(w, HOA)->registered);
	cr_assert_eq(world_count(w, OP_ANNOUNCE), 1);
	cr_assert_eq(world_last(w, OP_ANNOUNCE)->ifindex, place_home.ifindex);
	cr_assert(addr_equal(&world_last(w, OP_ANNOUNCE)->home, &hoa));
	cr_assert_not(agent_find(world_agent(w, HA), &hoa)->bound);
	cr_assert_str_eq(engine_place(w->e), "home");
	world_stay(w, &place_home, 3600 * USEC_PER_SEC);
	cr_assert_eq(world_count(w, OP_SEND), 1);
	cr_assert_eq(w->n_accepted, 0);
	world_free(w);
}

Test(engine, E06_old_path_lives_native_after_the_answer)
{
	struct world *w = world_bound(WORLD_ONE, &place_wire);
	const struct path *p = world_path(w, HOA);
	usec_t left;

	world_agent(w, HA)->rtt = 500 * USEC_PER_MSEC;
	world_arrive(w, &place_home);
	cr_assert_eq(world_count(w, OP_SEND), 1);
	check_deregistration(world_last(w, OP_SEND));
	cr_assert(world_tunnels(w, HOA, place_wire.coa), "nothing is lost meanwhile");
	cr_assert_eq(p->ifindex, place_wire.ifindex);
	cr_assert_eq(p->claimed_ifindex, place_home.ifindex, "so that the answer can come");
	cr_assert_lt(index_of(w, world_nth(w, OP_SEND, 0)), index_of(w, world_nth(w, OP_PATH, 0)));
	world_run(w, 499 * USEC_PER_MSEC);
	cr_assert(world_tunnels(w, HOA, place_wire.coa));
	cr_assert_eq(world_count(w, OP_ANNOUNCE), 0);

	world_run(w, 2 * USEC_PER_MSEC);
	left = w->now.mono;
	cr_assert_eq(p->mode, PATH_HOME);
	cr_assert_eq(p->ifindex, place_home.ifindex);
	cr_assert_not(p->dad);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_HOME);
	cr_assert_eq(world_count(w, OP_ANNOUNCE), 1);
	cr_assert(world_accepts(w, HOA, place_wire.coa), "packets are still on their way");
	world_run(w, left + ACCEPT_GRACE_TIME + USEC_PER_SEC - w->now.mono);
	cr_assert_not(world_accepts(w, HOA, place_wire.coa));
	world_free(w);
}

Test(engine, E06_deregistration_is_repeated)
{
	static const usec_t wait[] = {1, 2, 4, 8, 16, 32, 32};
	struct world *w = world_bound(WORLD_ONE, &place_a);

	world_agent(w, HA)->silent = true;
	world_leave(w, &place_a);
	world_arrive(w, &place_home);
	world_run(w, 100 * USEC_PER_SEC);
	for (unsigned i = 0; i < sizeof(wait) / sizeof(*wait); i++) {
		const struct world_op *o = world_nth(w, OP_SEND, i + 1);

		check_deregistration(o);
		cr_assert_eq(o->at - world_nth(w, OP_SEND, i)->at, wait[i] * USEC_PER_SEC);
		cr_assert_eq(o->update.sequence,
			     (uint16_t)(world_nth(w, OP_SEND, i)->update.sequence + 1));
	}
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_RETURNING);
	cr_assert_eq(world_path(w, HOA)->mode, PATH_HOME, "native all the while");
	cr_assert_eq(world_count(w, OP_ANNOUNCE), 0);
	world_agent(w, HA)->silent = false;
	world_run(w, 40 * USEC_PER_SEC);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_HOME);
	cr_assert_eq(world_count(w, OP_ANNOUNCE), 1);
	world_free(w);
}

Test(engine, E06_any_refusal_of_a_deregistration_ends_it)
{
	static const int status[] = {128, 130, 131, 133, 139};

	for (unsigned i = 0; i < sizeof(status) / sizeof(*status); i++) {
		struct world *w = world_bound(WORLD_ONE, &place_a);

		world_agent(w, HA)->status = status[i];
		world_leave(w, &place_a);
		world_arrive(w, &place_home);
		world_run(w, 1 * USEC_PER_SEC);
		cr_assert_eq(world_binding(w, HOA)->state, BINDING_HOME);
		cr_assert_eq(world_path(w, HOA)->mode, PATH_HOME);
		world_free(w);
	}
}

Test(engine, E06_an_unanswered_registration_is_withdrawn_too)
{
	struct world *w = world_new(WORLD_ONE);

	world_agent(w, HA)->silent = true;
	world_start(w);
	world_arrive(w, &place_a);
	world_run(w, 1 * USEC_PER_SEC);
	world_leave(w, &place_a);
	world_forget(w);
	world_agent(w, HA)->silent = false;
	world_arrive(w, &place_home);
	cr_assert_eq(world_count(w, OP_SEND), 1);
	check_deregistration(world_last(w, OP_SEND));
	world_run(w, 1 * USEC_PER_SEC);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_HOME);
	world_free(w);
}

Test(engine, E06_gone_again_before_the_answer)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);
	struct agent *ha = world_agent(w, HA);
	struct agent_ack late;

	ha->silent = true;
	world_leave(w, &place_a);
	world_arrive(w, &place_home);
	late = agent_ack_for(ha, &world_last(w, OP_SEND)->update, BA_ACCEPTED);
	world_run(w, 100 * USEC_PER_MSEC);
	world_leave(w, &place_home);
	world_arrive(w, &place_b);
	cr_assert_eq(world_last(w, OP_SEND)->update.lifetime, 450);
	cr_assert(world_tunnels(w, HOA, place_b.coa));
	ha->silent = false;
	world_deliver(w, &late);
	late.has_rh2 = true;
	world_deliver(w, &late);
	cr_assert_not(world_binding(w, HOA)->registered);
	cr_assert_eq(world_binding(w, HOA)->expires, 0, "what is gone has no end to come");
	cr_assert(world_tunnels(w, HOA, place_b.coa), "the answer to the old question");
	world_run(w, 2 * USEC_PER_SEC);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REGISTERED);
	cr_assert(world_binding(w, HOA)->registered);
	world_free(w);
}

Test(engine, E06_leaving_home_is_a_first_registration)
{
	struct world *w = world_new(WORLD_ONE);

	world_start(w);
	world_arrive(w, &place_home);
	world_run(w, 10 * USEC_PER_SEC);
	world_leave(w, &place_home);
	world_agent(w, HA)->silent = true;
	world_arrive(w, &place_a);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REGISTERING);
	cr_assert(world_tunnels(w, HOA, place_a.coa));
	cr_assert_eq(world_path(w, HOA)->claimed_ifindex, 0, "no more ours on the home link");
	world_run(w, 1600 * USEC_PER_MSEC);
	cr_assert_eq(world_count(w, OP_SEND), 2);
	cr_assert_eq(world_nth(w, OP_SEND, 1)->at - world_nth(w, OP_SEND, 0)->at,
		     1500 * USEC_PER_MSEC);
	world_free(w);
}

Test(engine, E06_expired_while_offline_detects_duplicates)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);

	world_leave(w, &place_a);
	world_run(w, 3600 * USEC_PER_SEC);
	cr_assert_not(world_binding(w, HOA)->registered);
	world_arrive(w, &place_home);
	world_run(w, 1 * USEC_PER_SEC);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_HOME);
	cr_assert_eq(world_path(w, HOA)->mode, PATH_HOME);
	world_free(w);
}

Test(engine, E06_a_prefix_not_on_link_is_not_home)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);
	struct nd_router_advert ra = world_advert_of(HOME_PREFIX, 1800);
	struct in6_addr router = world_addr("fe80::1");

	ra.prefix[0].on_link = false;
	engine_router_advert(w->e, w->now, place_a.ifindex, &router, &ra);
	ra.prefix[0].on_link = true;
	ra.prefix[0].valid = 0;
	engine_router_advert(w->e, w->now, place_a.ifindex, &router, &ra);
	ra = world_advert_of("2001:db8:1::/56", 1800);
	engine_router_advert(w->e, w->now, place_a.ifindex, &router, &ra);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REGISTERED);
	cr_assert_eq(world_count(w, OP_SEND), 0);
	world_free(w);
}

/* A liar on a visited link: the tunnel stays, and after a while we do not listen to it any more. */
Test(engine, E06_nobody_at_the_false_home_answers)
{
	struct world *w = world_bound("[Link]\nMatch=eth0\nPreference=10\n" WORLD_ONE, &place_wire);
	unsigned sent;

	world_agent(w, HA)->silent = true;
	world_arrive(w, &place_home);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_RETURNING);
	world_run(w, 8 * USEC_PER_SEC);
	cr_assert(world_tunnels(w, HOA, place_wire.coa));
	world_agent(w, HA)->silent = false;
	world_agent(w, HA)->lose = 1;
	world_run(w, 20 * USEC_PER_SEC);
	cr_assert(world_tunnels(w, HOA, place_wire.coa));
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REGISTERED);
	cr_assert_eq(world_path(w, HOA)->claimed_ifindex, 0, "the claim is given up");
	sent = world_count(w, OP_SEND);
	world_advert(w, place_home.ifindex, place_home.router, place_home.prefix, 1800);
	world_run(w, 10 * USEC_PER_SEC);
	cr_assert_eq(world_count(w, OP_SEND), sent, "doubted for a while");
	world_run(w, 60 * USEC_PER_SEC);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_HOME, "it was true after all");
	world_free(w);
}

/* The false home is also the newest uplink: the tunnel that works is not given up for it. */
Test(engine, E06_the_false_home_is_the_newest_uplink)
{
	struct world *w = world_bound(WORLD_ONE, &place_wire);

	world_agent(w, HA)->silent = true;
	world_arrive(w, &place_home);
	for (unsigned i = 0; i < 60; i++) {
		world_run(w, 1 * USEC_PER_SEC);
		cr_assert(world_tunnels(w, HOA, place_wire.coa), "after %u s", i + 1);
	}
	cr_assert_eq(world_path(w, HOA)->claimed_ifindex, 0, "the claim is given up");
	world_free(w);
}

/* The home link was none, or was only passing by: the address is not left behind on it. */
Test(engine, E06_the_claim_goes_with_the_home_link)
{
	struct world *w = world_bound("[Link]\nMatch=eth0\nPreference=10\n" WORLD_ONE, &place_wire);

	world_agent(w, HA)->silent = true;
	world_arrive(w, &place_home);
	cr_assert_eq(world_path(w, HOA)->claimed_ifindex, place_home.ifindex);
	world_run(w, 100 * USEC_PER_MSEC);
	world_agent(w, HA)->silent = false;
	world_leave(w, &place_home);
	world_run(w, 2 * USEC_PER_SEC);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REGISTERED);
	cr_assert(world_tunnels(w, HOA, place_wire.coa));
	cr_assert_eq(world_path(w, HOA)->claimed_ifindex, 0);
	world_free(w);
}

Test(engine, E06_the_old_path_dies_before_the_answer)
{
	struct world *w = world_bound(WORLD_ONE, &place_wire);

	world_agent(w, HA)->lose = 2;
	world_arrive(w, &place_home);
	world_run(w, 500 * USEC_PER_MSEC);
	cr_assert(world_tunnels(w, HOA, place_wire.coa));
	world_leave(w, &place_wire);
	cr_assert_eq(world_path(w, HOA)->mode, PATH_HOME, "there is nothing to keep any more");
	world_run(w, 5 * USEC_PER_SEC);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_HOME);
	world_free(w);
}

/* Nothing was ever registered from there: nobody is let in for ever. */
Test(engine, E06_at_home_nobody_is_let_in)
{
	struct world *w = world_new(WORLD_ONE);

	world_agent(w, HA)->status = BA_PROHIBITED;
	world_start(w);
	world_arrive(w, &place_a);
	world_run(w, 1 * USEC_PER_SEC);
	world_leave(w, &place_a);
	world_arrive(w, &place_home);
	world_run(w, 60 * USEC_PER_SEC);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_HOME);
	cr_assert_eq(w->n_accepted, 0);
	world_free(w);
}

Test(engine, E06_the_agent_looks_for_us_on_the_home_link)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);
	struct in6_addr ha = world_addr(HA);

	world_agent(w, HA)->silent = true;
	world_leave(w, &place_a);
	world_arrive(w, &place_home);
	world_address(w, place_home.ifindex, HOA);
	cr_assert_eq(world_count(w, OP_ANSWER), 1);
	cr_assert_eq(world_last(w, OP_ANSWER)->ifindex, place_home.ifindex);
	cr_assert(addr_equal(&world_last(w, OP_ANSWER)->anchor, &ha));
	world_free(w);
}
