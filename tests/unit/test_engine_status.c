/* SPDX-License-Identifier: GPL-2.0-or-later */
/* E12: every status of a binding acknowledgement, and what follows from it. */
#include <criterion/criterion.h>

#include "engine_world.h"

#define MSEC USEC_PER_MSEC
#define SEC USEC_PER_SEC

enum consequence {
	ACCEPTED,
	BACK_OFF, /* later, longer each time */
	NOT_OURS, /* this node is not our home agent: much later */
	FOR_GOOD, /* not before an administrative change */
	SEQUENCE, /* at once with the agent's sequence number */
	CLOCK,    /* once at once with the agent's clock */
};

static enum consequence consequence_of(unsigned status)
{
	if (status < 128)
		return ACCEPTED;
	switch (status) {
	case 129: /* administratively prohibited */
	case 134: /* duplicate address detection failed */
	case 146: /* authentication failed, RFC 4285 */
		return FOR_GOOD;
	case 131: /* home registration not supported */
	case 132: /* not home subnet */
	case 133: /* not home agent for this mobile node */
		return NOT_OURS;
	case 135:
		return SEQUENCE;
	case 144:
		return CLOCK;
	default:
		return BACK_OFF;
	}
}

/* A world at place A whose agent answers its first registration with this status. */
static struct world *world_with(unsigned status)
{
	struct world *w = world_new(WORLD_ONE);

	world_agent(w, HA)->status = (int)status;
	world_start(w);
	world_arrive(w, &place_a);
	world_run(w, 500 * MSEC);
	return w;
}

static void check_status(unsigned status)
{
	struct world *w = world_with(status);
	struct binding *b = world_binding(w, HOA);
	unsigned sent = world_count(w, OP_SEND);

	switch (consequence_of(status)) {
	case ACCEPTED:
		cr_assert_eq(b->state, BINDING_REGISTERED, "%u", status);
		cr_assert(b->registered && world_tunnels(w, HOA, place_a.coa));
		cr_assert_eq(b->anchor->health, ANCHOR_REACHABLE);
		cr_assert_eq(sent, 1);
		world_free(w);
		return;
	case BACK_OFF:
		cr_assert_eq(sent, 1, "%u", status);
		cr_assert_eq(b->state, BINDING_REFUSED, "%u", status);
		world_run(w, 32 * SEC);
		cr_assert_gt(world_count(w, OP_SEND), sent, "%u is tried again", status);
		cr_assert_leq(world_count(w, OP_SEND), 12, "%u is not hammered", status);
		break;
	case NOT_OURS:
		cr_assert_eq(sent, 1, "%u", status);
		cr_assert_eq(b->state, BINDING_REFUSED, "%u", status);
		world_run(w, 60 * SEC);
		cr_assert_eq(world_count(w, OP_SEND), sent, "%u", status);
		world_stay(w, &place_a, 3600 * SEC);
		cr_assert_gt(world_count(w, OP_SEND), sent, "%u: it may be mended", status);
		break;
	case FOR_GOOD:
		cr_assert_eq(sent, 1, "%u", status);
		cr_assert_eq(b->state, BINDING_REFUSED, "%u", status);
		world_stay(w, &place_a, 7200 * SEC);
		cr_assert_eq(world_count(w, OP_SEND), sent, "%u", status);
		cr_assert_not_null(engine_waiting_for(w->e));
		break;
	case SEQUENCE:
		cr_assert_gt(sent, 1, "resynchronised");
		world_run(w, 10 * SEC);
		cr_assert_leq(world_count(w, OP_SEND), 20, "an agent that is never content");
		world_free(w);
		return;
	case CLOCK:
		cr_assert_eq(sent, 2, "once");
		cr_assert_eq(b->state, BINDING_REFUSED, "%u", status);
		break;
	}
	cr_assert_eq(b->last_status, (int)status);
	cr_assert_not(b->registered);
	cr_assert_eq(b->anchor->health, ANCHOR_REFUSING);
	cr_assert_eq(b->anchor->last_status, (int)status);

	/* An administrative change: whatever it was, try again. */
	world_agent(w, HA)->status = -1;
	cr_assert_eq(engine_reconfigure(w->e, w->now, w->conf), 0);
	world_run(w, 2 * SEC);
	cr_assert_eq(b->state, BINDING_REGISTERED, "%u", status);
	cr_assert(world_tunnels(w, HOA, place_a.coa));
	world_free(w);
}

Test(engine, E12_every_status)
{
	for (unsigned status = 0; status < 256; status++)
		check_status(status);
}

Test(engine, E12_a_refusal_blocks_what_went_ahead)
{
	struct world *w = world_with(BA_UNSPECIFIED);

	cr_assert_eq(world_nth(w, OP_PATH, 1)->path.mode, PATH_TUNNEL, "right behind the update");
	cr_assert_eq(world_path(w, HOA)->mode, PATH_BLOCKED);
	world_free(w);
}

Test(engine, E12_refusals_are_retried_with_back_off)
{
	struct world *w = world_with(BA_UNSPECIFIED);

	world_stay(w, &place_a, 600 * SEC);
	for (unsigned i = 1; i < 4; i++)
		cr_assert_geq(
			world_nth(w, OP_SEND, i + 1)->at - world_nth(w, OP_SEND, i)->at,
			3 * (world_nth(w, OP_SEND, i)->at - world_nth(w, OP_SEND, i - 1)->at) / 2,
			"interval %u", i);
	cr_assert_leq(world_count(w, OP_SEND), 30);
	cr_assert_geq(world_count(w, OP_SEND), 15, "but not less often than every 32 s");
	world_free(w);
}

Test(engine, E12_refused_for_one_home_address_only)
{
	struct world *w =
		world_new("[Anchor one]\nAddress=" HA "\nHomeAddress=" HOA
			  "/64\nHomeAddress=2001:db8:1::200/64\nSPI=256\nKeyFile=/none\n");
	struct agent *ha = world_agent(w, HA);
	struct agent_ack no, yes;

	ha->silent = true;
	world_start(w);
	world_arrive(w, &place_a);
	no = agent_ack_for(ha, &world_nth(w, OP_SEND, 0)->update, BA_DAD_FAILED);
	yes = agent_ack_for(ha, &world_nth(w, OP_SEND, 1)->update, BA_ACCEPTED);
	world_deliver(w, &no);
	world_deliver(w, &yes);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REFUSED);
	cr_assert_eq(world_binding(w, "2001:db8:1::200")->state, BINDING_REGISTERED);
	world_free(w);
}

Test(engine, E12_refused_then_moved)
{
	static const struct {
		int status;
		bool again;
	} cases[] = {{128, true}, {130, true},  {131, true},  {132, true}, {133, true},
		     {174, true}, {129, false}, {134, false}, {146, false}};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct world *w = world_with((unsigned)cases[i].status);

		world_agent(w, HA)->status = -1;
		world_leave(w, &place_a);
		world_arrive(w, &place_b);
		world_run(w, 500 * MSEC);
		cr_assert_eq(world_binding(w, HOA)->state,
			     cases[i].again ? BINDING_REGISTERED : BINDING_REFUSED, "%d",
			     cases[i].status);
		cr_assert_eq(world_path(w, HOA)->mode, cases[i].again ? PATH_TUNNEL : PATH_BLOCKED);
		world_free(w);
	}
}

Test(engine, E12_refused_then_home)
{
	struct world *w = world_with(BA_UNSPECIFIED);

	world_leave(w, &place_a);
	world_arrive(w, &place_home);
	world_run(w, 60 * SEC);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_HOME);
	cr_assert_eq(world_path(w, HOA)->mode, PATH_HOME);
	world_free(w);
}

/* Being home for a while is no administrative change. */
Test(engine, E12_refused_for_good_then_home_and_away)
{
	struct world *w = world_with(BA_PROHIBITED);

	world_leave(w, &place_a);
	world_arrive(w, &place_home);
	world_run(w, 10 * SEC);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_HOME);
	world_leave(w, &place_home);
	world_forget(w);
	world_arrive(w, &place_b);
	world_run(w, 60 * SEC);
	cr_assert_eq(world_count(w, OP_SEND), 0);
	cr_assert_eq(world_path(w, HOA)->mode, PATH_BLOCKED);
	world_free(w);
}

/* The path that the agent goes on serving goes on following the link. */
Test(engine, E12_a_refused_refresh_follows_the_link)
{
	static const struct place again = {7, "wlan0", "fe80::a", "2001:db8:a::/64",
					   "2001:db8:a::c0a"};
	struct world *w = world_bound(WORLD_ONE, &place_a);

	world_agent(w, HA)->status = BA_NO_RESOURCES;
	world_stay(w, &place_a, 1500 * SEC);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REFUSED);
	world_link_gone(w, place_a.ifindex);
	world_arrive(w, &again);
	cr_assert_eq(world_path(w, HOA)->mode, PATH_TUNNEL);
	cr_assert_eq(world_path(w, HOA)->ifindex, again.ifindex);
	world_free(w);
}

/* What the agent has granted holds until its end, whatever it says of an extension. */
Test(engine, E12_a_refused_refresh_leaves_the_path)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);

	world_agent(w, HA)->status = BA_NO_RESOURCES;
	world_stay(w, &place_a, 1500 * SEC);
	cr_assert_geq(world_count(w, OP_SEND), 1);
	cr_assert(world_tunnels(w, HOA, place_a.coa));
	cr_assert(world_binding(w, HOA)->registered);
	world_stay(w, &place_a, 400 * SEC);
	cr_assert_not(world_binding(w, HOA)->registered, "now it is over");
	cr_assert_eq(world_path(w, HOA)->mode, PATH_BLOCKED);
	world_free(w);
}

/* --- 133: it has forgotten us ------------------------------------------------------------- */

Test(engine, E12_the_agent_lost_its_state)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);
	struct agent *ha = world_agent(w, HA);
	struct agent_ack ack;

	ha->silent = true;
	world_leave(w, &place_a);
	world_arrive(w, &place_b);
	ack = agent_ack_for(ha, &world_last(w, OP_SEND)->update, BA_NOT_HOME_AGENT);
	ha->silent = false;
	world_deliver(w, &ack);
	cr_assert_eq(world_count(w, OP_SEND), 2, "registered anew at once");
	world_run(w, 1 * SEC);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REGISTERED);
	world_free(w);
}

Test(engine, E12_the_agent_lost_its_state_for_good)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);

	world_agent(w, HA)->status = BA_NOT_HOME_AGENT;
	world_leave(w, &place_a);
	world_arrive(w, &place_b);
	world_run(w, 60 * SEC);
	cr_assert_eq(world_count(w, OP_SEND), 2);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REFUSED);
	world_free(w);
}

/* --- 135: sequence numbers ----------------------------------------------------------------- */

Test(engine, E12_resynchronisation)
{
	static const uint16_t ahead[] = {0, 1, 100, 32767};

	for (unsigned i = 0; i < sizeof(ahead) / sizeof(*ahead); i++) {
		struct world *w = world_new(WORLD_ONE);
		struct agent *ha = world_agent(w, HA);
		struct agent_ack ack;
		uint16_t theirs;

		ha->silent = true;
		world_start(w);
		world_arrive(w, &place_a);
		ack = agent_ack_for(ha, &world_last(w, OP_SEND)->update, BA_SEQUENCE_OUT_OF_WINDOW);
		theirs = ack.sequence = (uint16_t)(ack.sequence + ahead[i]);
		world_deliver(w, &ack);
		cr_assert_eq(world_count(w, OP_SEND), 2, "%u", ahead[i]);
		cr_assert_eq(world_last(w, OP_SEND)->update.sequence, (uint16_t)(theirs + 1));
		cr_assert_eq(world_binding(w, HOA)->state, BINDING_REGISTERING);
		cr_assert(world_tunnels(w, HOA, place_a.coa), "no reason to stop");
		world_run(w, 1400 * MSEC);
		cr_assert_eq(world_count(w, OP_SEND), 2, "the back-off does not grow");
		world_run(w, 200 * MSEC);
		cr_assert_eq(world_count(w, OP_SEND), 3);
		world_free(w);
	}
}

Test(engine, E12_resynchronisation_by_a_real_agent)
{
	struct world *w = world_new(WORLD_ONE);
	struct agent *ha = world_agent(w, HA);

	ha->cache[0] = (struct agent_binding){.home = world_addr(HOA), .sequence = 60000};
	ha->n_cache = 1;
	engine_restore(w->e, &(struct state_entry){
				     .home = world_addr(HOA),
				     .anchor = world_addr(HA),
				     .sequence = 59000,
			     });
	world_start(w);
	world_arrive(w, &place_a);
	world_run(w, 500 * MSEC);
	cr_assert_eq(world_count(w, OP_SEND), 2);
	cr_assert_eq(world_binding(w, HOA)->sequence, 60001);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REGISTERED);
	world_free(w);
}

Test(engine, E12_resynchronisation_answers_any_outstanding_update)
{
	struct world *w = world_bound(WORLD_ONE, &place_wire);
	struct agent *ha = world_agent(w, HA);
	struct agent_ack ack;

	ha->silent = true;
	world_arrive(w, &place_a);
	ack = agent_ack_for(ha, &world_last(w, OP_SEND)->update, BA_SEQUENCE_OUT_OF_WINDOW);
	ack.sequence = (uint16_t)(ack.sequence + 5000);
	world_leave(w, &place_a);
	world_arrive(w, &place_b);
	world_deliver(w, &ack);
	world_run(w, 1100 * MSEC); /* the rate limit holds it back a second */
	cr_assert_eq(world_last(w, OP_SEND)->update.sequence, (uint16_t)(ack.sequence + 1),
		     "authenticated for the care-of address of its update");
	world_free(w);
}

/* The agent refuses an update; we have sent a newer one meanwhile, which stands for itself. */
Test(engine, E12_resynchronisation_never_goes_back)
{
	struct world *w = world_bound(WORLD_ONE, &place_wire);
	struct agent *ha = world_agent(w, HA);
	struct agent_ack ack;
	uint16_t last;

	ha->silent = true;
	world_arrive(w, &place_a);
	ack = agent_ack_for(ha, &world_last(w, OP_SEND)->update, BA_SEQUENCE_OUT_OF_WINDOW);
	world_leave(w, &place_a);
	world_arrive(w, &place_b);
	last = world_last(w, OP_SEND)->update.sequence;
	world_forget(w);
	world_deliver(w, &ack);
	world_run(w, 5 * SEC);
	for (unsigned i = 0; i < world_count(w, OP_SEND); i++) {
		uint16_t sequence = world_nth(w, OP_SEND, i)->update.sequence;

		cr_assert(mh_sequence_newer(sequence, last), "%u after %u", sequence, last);
		last = sequence;
	}
	world_free(w);
}

Test(engine, E12_resynchronisation_is_limited)
{
	struct world *w = world_with(BA_SEQUENCE_OUT_OF_WINDOW);

	world_run(w, 60 * SEC);
	cr_assert_leq(world_count(w, OP_SEND), 40);
	for (unsigned i = 3; i < world_count(w, OP_SEND); i++)
		cr_assert_geq(world_nth(w, OP_SEND, i)->at - world_nth(w, OP_SEND, i - 3)->at, SEC);
	world_free(w);
}

Test(engine, E12_resynchronisation_of_a_withdrawal)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);
	struct agent *ha = world_agent(w, HA);

	ha->cache[0].sequence = (uint16_t)(ha->cache[0].sequence + 300);
	world_leave(w, &place_a);
	world_arrive(w, &place_home);
	world_run(w, 1 * SEC);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_HOME);
	cr_assert_not(ha->cache[0].bound, "withdrawn in the end");
	world_free(w);
}

/* --- 144: clocks --------------------------------------------------------------------------- */

static void check_clock(int64_t skew)
{
	struct world *w = world_new(WORLD_ONE);

	world_agent(w, HA)->skew = skew;
	world_start(w);
	world_arrive(w, &place_a);
	world_run(w, 500 * MSEC);
	cr_assert_eq(world_count(w, OP_SEND), 2);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REGISTERED);
	world_leave(w, &place_a);
	world_arrive(w, &place_b);
	world_run(w, 500 * MSEC);
	cr_assert_eq(world_count(w, OP_SEND), 3, "learnt");
	world_free(w);
}

Test(engine, E12_the_agents_clock_is_learnt)
{
	check_clock(3600 * (int64_t)SEC);
	check_clock(-3600 * (int64_t)SEC);
	check_clock(20LL * 365 * 86400 * (int64_t)SEC);
	check_clock(-1799999999 * (int64_t)SEC);
}

Test(engine, E12_a_clock_that_never_fits_is_retried_once)
{
	struct world *w = world_with(BA_ID_MISMATCH);

	cr_assert_eq(world_count(w, OP_SEND), 2);
	world_run(w, 60 * SEC);
	cr_assert_leq(world_count(w, OP_SEND), 2 * 20);
	world_free(w);
}

/* Several updates leave before the first answer: the clock is corrected once, not once for each. */
Test(engine, E12_one_clock_for_all_home_addresses)
{
	struct world *w =
		world_new("[Anchor one]\nAddress=" HA "\nHomeAddress=" HOA
			  "/64\nHomeAddress=2001:db8:1::200/64\nHomeAddress=2001:db8:1::300/64\n"
			  "SPI=256\nKeyFile=/none\n");

	world_agent(w, HA)->skew = 3600 * (int64_t)SEC;
	world_start(w);
	world_arrive(w, &place_a);
	world_run(w, 500 * MSEC);
	cr_assert_eq(world_binding(w, HOA)->anchor->clock_offset, 3600 * (int64_t)SEC);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REGISTERED);
	cr_assert_eq(world_binding(w, "2001:db8:1::200")->state, BINDING_REGISTERED);
	cr_assert_eq(world_binding(w, "2001:db8:1::300")->state, BINDING_REGISTERED);
	cr_assert_eq(world_count(w, OP_SEND), 6);
	world_free(w);
}

/* --- success without a lifetime -------------------------------------------------------------- */

Test(engine, E12_no_lifetime_granted)
{
	struct world *w = world_new(WORLD_ONE);

	world_agent(w, HA)->grant = 0;
	world_start(w);
	world_arrive(w, &place_a);
	world_run(w, 100 * MSEC);
	cr_assert_not(world_binding(w, HOA)->registered);
	cr_assert_eq(world_nth(w, OP_SEND, 0)->update.lifetime, 450);
	world_agent(w, HA)->grant = 100;
	world_run(w, 40 * SEC);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REGISTERED);
	cr_assert(world_tunnels(w, HOA, place_a.coa));
	world_free(w);
}

Test(engine, E12_never_a_lifetime_granted_is_no_reason_to_hammer)
{
	struct world *w = world_new(WORLD_ONE);

	world_agent(w, HA)->grant = 0;
	world_start(w);
	world_arrive(w, &place_a);
	world_run(w, 300 * SEC);
	cr_assert_leq(world_count(w, OP_SEND), 20);
	world_free(w);
}
