/* SPDX-License-Identifier: GPL-2.0-or-later */
/* E14: what survives a restart; withdrawing at the end. */
#include <criterion/criterion.h>

#include <string.h>

#include "engine_world.h"

#define SEC USEC_PER_SEC

/* Another engine with what the first has saved. */
static struct world *restarted(struct world *old, usec_t later)
{
	struct world *w = world_new(WORLD_ONE);
	struct state_entry saved[CONF_MAX_HOMES];
	unsigned n = engine_save(old->e, saved, CONF_MAX_HOMES);

	w->now = (struct instant){old->now.mono + later, old->now.real + later};
	memcpy(w->agent[0].cache, old->agent[0].cache, sizeof(w->agent[0].cache));
	w->agent[0].n_cache = old->agent[0].n_cache;
	world_free(old);
	for (unsigned i = 0; i < n; i++)
		engine_restore(w->e, &saved[i]);
	return w;
}

Test(engine, E14_what_is_saved)
{
	struct world *w = world_bound(WORLD_TWO, &place_a);
	struct in6_addr hoa = world_addr(HOA), ha = world_addr(HA), coa = world_addr(place_a.coa);
	struct state_entry saved[CONF_MAX_HOMES];
	const struct binding *b = world_binding(w, HOA);

	cr_assert_eq(engine_save(w->e, saved, 1), 1, "no more than there is room for");
	cr_assert_eq(engine_save(w->e, saved, CONF_MAX_HOMES), 2);
	cr_assert(addr_equal(&saved[0].home, &hoa));
	cr_assert(addr_equal(&saved[0].anchor, &ha));
	cr_assert(addr_equal(&saved[0].coa, &coa));
	cr_assert_eq(saved[0].sequence, b->sequence);
	cr_assert(saved[0].registered);
	cr_assert_eq(saved[0].expires_real, w->now.real + b->expires - w->now.mono);
	world_free(w);
}

Test(engine, E14_every_update_is_to_be_saved)
{
	struct world *w = world_new(WORLD_ONE);

	world_agent(w, HA)->silent = true;
	world_start(w);
	world_arrive(w, &place_a);
	for (unsigned i = 0; i < 10; i++) {
		cr_assert_geq(w->persisted, world_count(w, OP_SEND));
		world_run(w, 10 * SEC);
	}
	world_free(w);
}

Test(engine, E14_sequence_numbers_go_on)
{
	struct world *w = restarted(world_bound(WORLD_ONE, &place_a), 60 * SEC);
	uint16_t before = w->agent[0].cache[0].sequence;

	world_start(w);
	world_arrive(w, &place_a);
	cr_assert_eq(world_count(w, OP_SEND), 1, "registered again at once");
	cr_assert_eq(world_last(w, OP_SEND)->update.sequence, (uint16_t)(before + 1));
	world_run(w, 1 * SEC);
	cr_assert_eq(world_count(w, OP_SEND), 1);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REGISTERED);
	world_free(w);
}

Test(engine, E14_a_restored_path_is_not_blocked)
{
	struct world *w = restarted(world_bound(WORLD_ONE, &place_a), 60 * SEC);

	world_link(w, place_a.ifindex, place_a.link, true);
	world_address(w, place_a.ifindex, place_a.coa);
	world_route(w, place_a.ifindex, place_a.router, 1024, true);
	world_agent(w, HA)->silent = true;
	world_start(w);
	cr_assert_eq(world_count(w, OP_SEND), 1, "the first dump is taken on trust");
	cr_assert(world_tunnels(w, HOA, place_a.coa));
	for (unsigned i = 0; i < world_count(w, OP_PATH); i++) {
		const struct path *p = &world_nth(w, OP_PATH, i)->path;

		cr_assert(p->mode != PATH_BLOCKED || p->adopt, "it carries traffic");
	}
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_UPDATING);
	world_run(w, 1100 * USEC_PER_MSEC);
	cr_assert_eq(world_count(w, OP_SEND), 2, "1 s: it is not the first registration");
	world_free(w);
}

Test(engine, E14_a_restored_binding_not_yet_online)
{
	struct world *w = restarted(world_bound(WORLD_ONE, &place_a), 60 * SEC);

	world_start(w);
	world_run(w, 30 * SEC);
	for (unsigned i = 0; i < world_count(w, OP_PATH); i++)
		cr_assert(world_nth(w, OP_PATH, i)->path.adopt);
	world_arrive(w, &place_b);
	world_run(w, 1 * SEC);
	cr_assert(world_tunnels(w, HOA, place_b.coa));
	cr_assert_not(world_path(w, HOA)->adopt);
	world_free(w);
}

Test(engine, E14_restored_at_home_deregisters)
{
	struct world *w = restarted(world_bound(WORLD_ONE, &place_a), 60 * SEC);

	world_start(w);
	world_arrive(w, &place_home);
	cr_assert_eq(world_count(w, OP_SEND), 1);
	cr_assert_eq(world_last(w, OP_SEND)->update.lifetime, 0);
	world_run(w, 1 * SEC);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_HOME);
	world_free(w);
}

Test(engine, E14_expired_before_the_restart)
{
	struct world *w = restarted(world_bound(WORLD_ONE, &place_a), 7200 * SEC);

	world_start(w);
	world_arrive(w, &place_home);
	world_run(w, 1 * SEC);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_HOME);
	cr_assert(world_path(w, HOA)->dad, "nobody defends the address any more");
	world_free(w);
}

Test(engine, E14_state_of_others_is_not_taken)
{
	struct world *w = world_new(WORLD_ONE);
	struct state_entry saved = {
		.home = world_addr(HOA),
		.anchor = world_addr(HA2),
		.sequence = 4711,
		.registered = true,
	};

	engine_restore(w->e, &saved);
	saved.home = world_addr(HOA2);
	saved.anchor = world_addr(HA);
	engine_restore(w->e, &saved);
	cr_assert_not(world_binding(w, HOA)->registered);
	cr_assert_neq(world_binding(w, HOA)->sequence, 4711);
	world_free(w);
}

Test(engine, E14_sequence_numbers_wrap)
{
	struct world *w = world_new(WORLD_ONE);

	engine_restore(w->e, &(struct state_entry){
				     .home = world_addr(HOA),
				     .anchor = world_addr(HA),
				     .sequence = 65534,
			     });
	world_agent(w, HA)->lose = 3;
	world_start(w);
	world_arrive(w, &place_a);
	world_run(w, 20 * SEC);
	cr_assert_eq(world_nth(w, OP_SEND, 0)->update.sequence, 65535);
	cr_assert_eq(world_nth(w, OP_SEND, 1)->update.sequence, 0);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REGISTERED);
	world_free(w);
}

Test(engine, E14_first_sequence_numbers_differ)
{
	struct world *w = world_new(WORLD_ONE), *v = world_new(WORLD_TWO);

	world_start(v);
	world_arrive(v, &place_a);
	cr_assert_neq(world_nth(v, OP_SEND, 0)->update.sequence,
		      world_nth(v, OP_SEND, 1)->update.sequence);
	world_free(w);
	world_free(v);
}

/* --- stopping ----------------------------------------------------------------------------- */

Test(engine, E14_stop_withdraws)
{
	struct world *w = world_bound(WORLD_TWO, &place_a);

	engine_stop(w->e, w->now);
	cr_assert_not(engine_stopped(w->e));
	cr_assert_eq(world_count(w, OP_SEND), 2);
	for (unsigned i = 0; i < 2; i++) {
		cr_assert_eq(world_nth(w, OP_SEND, i)->update.lifetime, 0);
		cr_assert(world_nth(w, OP_SEND, i)->update.away, "from the care-of address");
	}
	world_run(w, 100 * USEC_PER_MSEC);
	cr_assert(engine_stopped(w->e));
	cr_assert_not(world_agent(w, HA)->cache[0].bound);
	cr_assert_not(world_agent(w, HA2)->cache[0].bound);
	world_arrive(w, &place_b);
	world_run(w, 60 * SEC);
	cr_assert_eq(world_count(w, OP_SEND), 2, "nothing after the end");
	world_free(w);
}

Test(engine, E14_stop_gives_up_after_two_seconds)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);

	world_agent(w, HA)->silent = true;
	engine_stop(w->e, w->now);
	world_run(w, 1999 * USEC_PER_MSEC);
	cr_assert_not(engine_stopped(w->e));
	cr_assert_eq(world_count(w, OP_SEND), 2, "repeated once");
	world_run(w, 1 * USEC_PER_MSEC);
	cr_assert(engine_stopped(w->e));
	world_free(w);
}

Test(engine, E14_stop_with_nothing_to_withdraw)
{
	struct world *w = world_new(WORLD_ONE);

	world_start(w);
	engine_stop(w->e, w->now);
	cr_assert(engine_stopped(w->e));
	world_free(w);

	w = world_new(WORLD_ONE);
	world_start(w);
	world_arrive(w, &place_home);
	engine_stop(w->e, w->now);
	cr_assert(engine_stopped(w->e));
	cr_assert_eq(world_count(w, OP_SEND), 0);
	world_free(w);
}

Test(engine, E14_stop_while_a_refresh_is_refused)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);

	world_agent(w, HA)->status = BA_PROHIBITED;
	world_stay(w, &place_a, 1500 * SEC);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REFUSED);
	cr_assert(world_binding(w, HOA)->registered, "it refused to extend");
	world_agent(w, HA)->status = -1;
	world_forget(w);
	engine_stop(w->e, w->now);
	cr_assert_eq(world_count(w, OP_SEND), 1);
	world_run(w, 1 * SEC);
	cr_assert_not(world_agent(w, HA)->cache[0].bound);
	world_free(w);
}

Test(engine, E14_stop_while_returning_home)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);

	world_agent(w, HA)->lose = 1;
	world_leave(w, &place_a);
	world_arrive(w, &place_home);
	engine_stop(w->e, w->now);
	world_run(w, 2 * SEC);
	cr_assert(engine_stopped(w->e));
	cr_assert_not(world_agent(w, HA)->cache[0].bound, "two seconds were time enough");
	world_free(w);
}

/* Whoever could take over: nothing is registered any more, whatever the agents do. */
Test(engine, E14_stop_begins_nothing_at_another_anchor)
{
	static const int statuses[] = {-1, BA_PROHIBITED, BA_NOT_HOME_AGENT};

	for (usec_t after = 0; after < 8 * SEC; after += 700 * USEC_PER_MSEC) {
		for (unsigned i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
			struct world *w = world_away(WORLD_SPARE, 5 * SEC);
			struct agent *a = world_agent(w, ANCHOR_A);
			struct agent *spare = world_agent(w, ANCHOR_SPARE);

			a->silent = spare->silent = true;
			world_leave(w, &place_b);
			world_arrive(w, &place_a);
			world_leave(w, &place_a);
			world_arrive(w, &place_b);
			world_run(w, after);
			world_forget(w);
			w->host.events[EVENT_ANCHOR_SWITCH] = 0;
			a->silent = spare->silent = statuses[i] < 0;
			a->status = spare->status = statuses[i];
			engine_stop(w->e, w->now);
			world_run(w, 2 * SEC);
			cr_assert(engine_stopped(w->e));
			cr_assert_eq(w->host.events[EVENT_ANCHOR_SWITCH], 0);
			for (unsigned n = 0; n < world_count(w, OP_SEND); n++)
				cr_assert_eq(world_nth(w, OP_SEND, n)->update.lifetime, 0);
			world_free(w);
		}
	}
}

Test(engine, E14_stop_does_not_register_anew_what_returns_home)
{
	struct world *w = world_bound(WORLD_ONE, &place_wire);

	world_agent(w, HA)->silent = true;
	world_arrive(w, &place_home);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_RETURNING);
	world_run(w, 6 * SEC);
	world_forget(w);
	engine_stop(w->e, w->now);
	world_run(w, 2 * SEC);
	cr_assert(engine_stopped(w->e));
	for (unsigned n = 0; n < world_count(w, OP_SEND); n++)
		cr_assert_eq(world_nth(w, OP_SEND, n)->update.lifetime, 0);
	world_free(w);
}
