/* SPDX-License-Identifier: GPL-2.0-or-later */
/* E14: another configuration while running. */
#include <criterion/criterion.h>

#include <string.h>

#include "engine_world.h"

#define SEC USEC_PER_SEC

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

Test(engine, E14_reconfigured_without_a_home_address)
{
	struct world *w = world_bound(WORLD_TWO, &place_a), *other;
	struct conf *old = w->conf;

	other = reconfigured(w, WORLD_ONE);
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
	world_free(w);
	drop_world(other);
}

Test(engine, E14_withdrawn_by_reconfiguration_while_the_link_goes)
{
	struct world *w = world_bound(WORLD_TWO, &place_a), *other;
	struct conf *old = w->conf;

	world_agent(w, HA2)->silent = true;
	other = reconfigured(w, WORLD_ONE);
	world_leave(w, &place_a);
	world_run(w, 5 * SEC);
	world_link_gone(w, place_a.ifindex);
	world_arrive(w, &place_wire);
	world_run(w, 60 * SEC);
	cr_assert_not(engine_uses(w->e, old), "it goes in the end");
	cr_assert_eq(world_count(w, OP_DROP), 1);
	world_free(w);
	drop_world(other);
}

/* At home or refused, there is nothing to withdraw: it just goes. */
Test(engine, E14_reconfigured_without_a_home_address_at_home)
{
	static const struct place *const places[] = {&place_home, &place_a};

	for (unsigned i = 0; i < 2; i++) {
		struct world *w = world_new(WORLD_ONE), *other;
		struct conf *old = w->conf;

		world_agent(w, HA)->status = BA_PROHIBITED;
		world_start(w);
		world_arrive(w, places[i]);
		world_run(w, 10 * SEC);
		world_forget(w);
		other = reconfigured(w, "");
		world_run(w, 10 * SEC);
		cr_assert_eq(world_count(w, OP_SEND), 0, "case %u", i);
		cr_assert_eq(world_count(w, OP_DROP), 1);
		cr_assert_not(engine_uses(w->e, old));
		world_free(w);
		drop_world(other);
	}
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
