/* SPDX-License-Identifier: GPL-2.0-or-later */
/* E13: the same prefix again needs no signalling.  E14: what survives a restart.  Stopping. */
#include <criterion/criterion.h>

#include <stdlib.h>

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
	cr_assert(world_tunnels(w, HOA, place_a.coa));
	cr_assert_eq(w->e->n_handovers, 1, "this is no handover");
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
	world_run(w, 1 * SEC);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REGISTERED);
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

/* --- E14 -------------------------------------------------------------------------------- */

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

/* --- another configuration ---------------------------------------------------------------- */

Test(engine, E14_reconfigured_without_a_home_address)
{
	struct world *w = world_bound(WORLD_TWO, &place_a), *other = world_new(WORLD_ONE);
	struct conf *old = w->conf;

	cr_assert_eq(engine_reconfigure(w->e, w->now, other->conf), 0);
	w->conf = other->conf;
	cr_assert(engine_uses(w->e, old), "the withdrawal is still under way");
	cr_assert_eq(world_count(w, OP_SEND), 1);
	cr_assert_eq(world_last(w, OP_SEND)->update.lifetime, 0);
	world_run(w, 1 * SEC);
	cr_assert_not(engine_uses(w->e, old));
	cr_assert_eq(world_count(w, OP_DROP), 1);
	cr_assert_eq(w->published[OBJECT_BINDING][CHANGE_REMOVED], 1);
	cr_assert_eq(w->published[OBJECT_ANCHOR][CHANGE_REMOVED], 1);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REGISTERED);
	cr_assert(world_tunnels(w, HOA, place_a.coa));
	other->conf = old;
	world_free(w);
	engine_free(other->e);
	other->e = NULL;
	world_free(other);
}

Test(engine, E14_withdrawn_by_reconfiguration_while_the_link_goes)
{
	struct world *w = world_bound(WORLD_TWO, &place_a), *other = world_new(WORLD_ONE);
	struct conf *old = w->conf;

	world_agent(w, HA2)->silent = true;
	cr_assert_eq(engine_reconfigure(w->e, w->now, other->conf), 0);
	w->conf = other->conf;
	world_leave(w, &place_a);
	world_run(w, 5 * SEC);
	world_link_gone(w, place_a.ifindex);
	world_arrive(w, &place_wire);
	world_run(w, 60 * SEC);
	cr_assert_not(engine_uses(w->e, old), "it goes in the end");
	cr_assert_eq(world_count(w, OP_DROP), 1);
	other->conf = old;
	world_free(w);
	engine_free(other->e);
	other->e = NULL;
	world_free(other);
}

/* At home or refused, there is nothing to withdraw: it just goes. */
Test(engine, E14_reconfigured_without_a_home_address_at_home)
{
	static const struct place *const places[] = {&place_home, &place_a};

	for (unsigned i = 0; i < 2; i++) {
		struct world *w = world_new(WORLD_ONE), *other = world_new("");
		struct conf *old = w->conf;

		world_agent(w, HA)->status = BA_PROHIBITED;
		world_start(w);
		world_arrive(w, places[i]);
		world_run(w, 10 * SEC);
		world_forget(w);
		cr_assert_eq(engine_reconfigure(w->e, w->now, other->conf), 0);
		w->conf = other->conf;
		world_run(w, 10 * SEC);
		cr_assert_eq(world_count(w, OP_SEND), 0, "case %u", i);
		cr_assert_eq(world_count(w, OP_DROP), 1);
		cr_assert_not(engine_uses(w->e, old));
		other->conf = old;
		world_free(w);
		engine_free(other->e);
		other->e = NULL;
		world_free(other);
	}
}

/* Over to another configuration; the old one stays alive with the other world. */
static struct world *reconfigured(struct world *w, const char *text)
{
	struct world *other = world_new(text);
	struct conf *old = w->conf;

	cr_assert_eq(engine_reconfigure(w->e, w->now, other->conf), 0);
	w->conf = other->conf;
	other->conf = old;
	return other;
}

static void drop_world(struct world *other)
{
	engine_free(other->e);
	other->e = NULL;
	world_free(other);
}

/* One home address at one agent is one binding with one row of sequence numbers, or the withdrawal
 * overtakes the registration. */
Test(engine, E14_configured_again_before_the_withdrawal_is_over)
{
	struct world *w = world_bound(WORLD_TWO, &place_a), *first, *second;
	const struct agent *ha2 = world_agent(w, HA2);
	unsigned n = 0, bindings = 0;
	struct binding *b;

	world_agent(w, HA2)->lose = 1;
	first = reconfigured(w, WORLD_ONE);
	world_run(w, 100 * USEC_PER_MSEC);
	second = reconfigured(w, WORLD_TWO);
	list_for_each(b, &w->e->bindings, node)
		bindings++;
	cr_assert_eq(bindings, 2);
	world_run(w, 30 * SEC);
	cr_assert_eq(world_binding(w, HOA2)->state, BINDING_REGISTERED);
	cr_assert(world_tunnels(w, HOA2, place_a.coa));
	cr_assert(ha2->cache[0].bound);
	for (unsigned i = 0; i + 1 < world_count(w, OP_SEND); i++) {
		uint16_t sequence = world_nth(w, OP_SEND, i)->update.sequence;

		n += world_nth(w, OP_SEND, i + 1)->update.sequence == (uint16_t)(sequence + 1);
	}
	cr_assert_eq(n + 1, world_count(w, OP_SEND));
	cr_assert_eq(world_count(w, OP_DROP), 0);
	drop_world(first);
	world_free(w);
	drop_world(second);
}

/* The new agent answers while the old one still has to. */
Test(engine, E14_a_home_address_moves_to_another_anchor)
{
	struct world *w = world_bound(WORLD_TWO, &place_a), *other;
	struct in6_addr ha = world_addr(HA);

	world_agent(w, HA2)->silent = true;
	other = reconfigured(w, "[Anchor one]\nAddress=" HA "\nHomeAddress=" HOA
				"/64\nHomeAddress=" HOA2 "/64\nSPI=256\nKeyFile=/none\n");
	world_run(w, 1 * SEC);
	cr_assert(addr_equal(&world_path(w, HOA2)->anchor, &ha) ||
		  addr_equal(&w->path[2].anchor, &ha));
	cr_assert(world_agent(w, HA)->cache[1].bound);
	cr_assert_eq(w->agent[0].n_cache, 2);
	world_run(w, 30 * SEC);
	cr_assert_eq(world_binding(w, HOA2)->state, BINDING_REGISTERED);
	cr_assert(addr_equal(&world_binding(w, HOA2)->anchor->address, &ha));
	cr_assert_leq(world_count(w, OP_SEND), 5, "the first answer was heard");
	world_free(w);
	drop_world(other);
}
