/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The prefix table; many home addresses at once. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine_world.h"

#define SEC USEC_PER_SEC

static const struct prefix *find_prefix(const struct world *w, const char *text)
{
	struct ip6_prefix wanted;
	struct prefix *p;

	cr_assert_eq(prefix_parse(text, &wanted), 0);
	list_for_each(p, &w->e->prefixes, node)
		if (prefix_equal(&p->prefix, &wanted))
			return p;
	return NULL;
}

static enum prefix_state state_of(const struct world *w, const char *text)
{
	const struct prefix *p = find_prefix(w, text);

	cr_assert_not_null(p, "%s", text);
	return p->state;
}

Test(engine, E03_states_of_a_home_prefix)
{
	struct world *w = world_new(WORLD_ONE);
	const struct prefix *p;

	world_agent(w, HA)->lose = 1;
	world_start(w);
	p = find_prefix(w, HOME_PREFIX);
	cr_assert_not_null(p);
	cr_assert_eq(p->anchoring, PREFIX_ANCHORED);
	cr_assert_eq(p->origin, PREFIX_FROM_CONFIG);
	cr_assert_eq(p->service, SERVICE_FIXED);
	cr_assert_eq(p->anchor, world_binding(w, HOA)->anchor);
	cr_assert_null(p->link);
	cr_assert_eq(p->valid_until, USEC_INFINITY);

	world_arrive(w, &place_a);
	cr_assert_eq(p->state, PREFIX_REGISTERING);
	world_run(w, 2 * SEC);
	cr_assert_eq(p->state, PREFIX_REMOTE);
	cr_assert_null(p->link);
	world_leave(w, &place_a);
	world_arrive(w, &place_b);
	cr_assert_eq(p->state, PREFIX_REMOTE, "one update later it goes on");
	world_leave(w, &place_b);
	world_arrive(w, &place_home);
	world_run(w, 1 * SEC);
	cr_assert_eq(p->state, PREFIX_NATIVE);
	cr_assert_eq(p->link, engine_find_link(w->e, place_home.ifindex));
	cr_assert_eq(p->anchoring, PREFIX_ANCHORED, "the administrator's word, not the router's");
	cr_assert_eq(p->origin, PREFIX_FROM_CONFIG);
	world_leave(w, &place_home);
	world_agent(w, HA)->status = BA_PROHIBITED;
	world_arrive(w, &place_a);
	world_run(w, 1 * SEC);
	cr_assert_eq(p->state, PREFIX_LOST);
	cr_assert_eq(p, find_prefix(w, HOME_PREFIX), "the same entry all the time");
	world_free(w);
}

Test(engine, E03_states_of_a_prefix_being_withdrawn)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);

	engine_stop(w->e, w->now);
	cr_assert_eq(state_of(w, HOME_PREFIX), PREFIX_DRAINING);
	world_run(w, 1 * SEC);
	cr_assert(engine_stopped(w->e));
	cr_assert_eq(state_of(w, HOME_PREFIX), PREFIX_DRAINING, "it does not begin anew");
	world_free(w);
}

Test(engine, E01_prefixes_of_a_link)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);
	const struct prefix *p = find_prefix(w, place_a.prefix);
	struct address_event fixed = world_address_of(place_wire.ifindex, place_wire.coa);

	cr_assert_not_null(p);
	cr_assert_eq(p->state, PREFIX_NATIVE);
	cr_assert_eq(p->anchoring, PREFIX_LOCAL);
	cr_assert_eq(p->origin, PREFIX_FROM_RA);
	cr_assert_eq(p->service, SERVICE_NON_PERSISTENT);
	cr_assert_null(p->anchor);
	cr_assert_eq(p->link, engine_find_link(w->e, place_a.ifindex));
	cr_assert_eq(p->valid_until, w->now.mono - 2 * SEC + 86400 * SEC);
	cr_assert_eq(p->preferred_until, w->now.mono - 2 * SEC + 14400 * SEC);

	fixed.is_static = true;
	fixed.is_slaac = false;
	world_link(w, place_wire.ifindex, place_wire.link, true);
	world_route(w, place_wire.ifindex, place_wire.router, 2000, false);
	engine_address(w->e, w->now, &fixed);
	p = find_prefix(w, place_wire.prefix);
	cr_assert_not_null(p);
	cr_assert_eq(p->origin, PREFIX_FROM_ADDRESS);
	cr_assert_eq(p->state, PREFIX_NATIVE);

	world_leave(w, &place_a);
	cr_assert_null(find_prefix(w, place_a.prefix));
	cr_assert_not_null(find_prefix(w, place_wire.prefix));
	world_link_gone(w, place_wire.ifindex);
	cr_assert_null(find_prefix(w, place_wire.prefix));
	cr_assert_eq(w->published[OBJECT_PREFIX][CHANGE_REMOVED], 2);
	world_free(w);
}

/* E11: an advertisement may call itself what it wants, its prefix is not anchored for that. */
Test(engine, E11_no_trust_from_advertisements)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);
	struct nd_router_advert ra = world_advert_of("2001:db8:bad::/64", 1800);
	struct in6_addr router = world_addr("fe80::bad");

	ra.home_agent = true;
	ra.prefix[0].router_flag = true;
	engine_router_advert(w->e, w->now, place_a.ifindex, &router, &ra);
	cr_assert_neq(find_prefix(w, "2001:db8:bad::/64")->anchoring, PREFIX_ANCHORED);
	cr_assert_null(find_prefix(w, "2001:db8:bad::/64")->anchor);
	ra = world_advert_of(HOME_PREFIX, 1800);
	world_agent(w, HA)->silent = true;
	engine_router_advert(w->e, w->now, place_a.ifindex, &router, &ra);
	cr_assert_eq(find_prefix(w, HOME_PREFIX)->anchoring, PREFIX_ANCHORED);
	cr_assert_eq(find_prefix(w, HOME_PREFIX)->origin, PREFIX_FROM_CONFIG);
	cr_assert_eq(find_prefix(w, HOME_PREFIX)->state, PREFIX_REMOTE);
	world_free(w);
}

/* Two interfaces on one network: which of them an entry names does not change by itself. */
Test(engine, E01_one_prefix_on_two_links)
{
	static const struct place same = {3, "eth0", "fe80::a", "2001:db8:a::/64",
					  "2001:db8:a::c0b"};
	struct world *w = world_bound(WORLD_ONE, &place_a);
	unsigned before;

	world_arrive(w, &same);
	world_run(w, 15 * SEC);
	before = w->published[OBJECT_PREFIX][CHANGE_CHANGED];
	for (unsigned i = 0; i < 10; i++) {
		world_advert(w, place_a.ifindex, place_a.router, place_a.prefix, 1800);
		world_advert(w, same.ifindex, same.router, same.prefix, 1800);
	}
	cr_assert_eq(w->published[OBJECT_PREFIX][CHANGE_CHANGED], before, "nothing has changed");
	world_free(w);
}

Test(engine, E03_two_home_addresses_in_one_prefix)
{
	struct world *w =
		world_new("[Anchor one]\nAddress=" HA "\nHomeAddress=" HOA
			  "/64\nHomeAddress=2001:db8:1::200/64\nSPI=256\nKeyFile=/none\n");
	struct agent *ha = world_agent(w, HA);
	struct agent_ack no, yes;
	unsigned before;

	ha->silent = true;
	world_start(w);
	world_arrive(w, &place_a);
	yes = agent_ack_for(ha, &world_nth(w, OP_SEND, 0)->update, BA_ACCEPTED);
	no = agent_ack_for(ha, &world_nth(w, OP_SEND, 1)->update, BA_DAD_FAILED);
	world_deliver(w, &yes);
	world_deliver(w, &no);
	cr_assert_eq(state_of(w, HOME_PREFIX), PREFIX_REMOTE, "its anchor delivers it");
	before = w->published[OBJECT_PREFIX][CHANGE_CHANGED];
	for (unsigned i = 0; i < 10; i++)
		world_advert(w, place_a.ifindex, place_a.router, place_a.prefix, 1800);
	cr_assert_eq(w->published[OBJECT_PREFIX][CHANGE_CHANGED], before, "nothing has changed");
	world_free(w);
}

/* What the bus reads between two events. */
static void check_links(const struct world *w)
{
	struct prefix *p;

	list_for_each(p, &w->e->prefixes, node) {
		bool found = p->link == NULL;
		struct link *l;

		list_for_each(l, &w->e->links, node)
			found |= l == p->link;
		cr_assert(found, "%s is on a link that is no more", PREFIX_STR(&p->prefix));
	}
}

Test(engine, E03_the_home_link_is_removed)
{
	struct world *w = world_new(WORLD_ONE);

	world_start(w);
	world_arrive(w, &place_home);
	world_run(w, 1 * SEC);
	check_links(w);
	world_link_gone(w, place_home.ifindex);
	check_links(w);
	cr_assert_neq(state_of(w, HOME_PREFIX), PREFIX_NATIVE);
	world_free(w);
}

Test(engine, E03_the_home_link_is_down)
{
	struct world *w = world_new(WORLD_ONE);

	world_start(w);
	world_arrive(w, &place_home);
	world_run(w, 1 * SEC);
	world_leave(w, &place_home);
	cr_assert_eq(state_of(w, HOME_PREFIX), PREFIX_LOST, "no way to reach its addresses now");
	world_arrive(w, &place_home);
	cr_assert_eq(state_of(w, HOME_PREFIX), PREFIX_NATIVE);
	world_free(w);
}

/* --- prefixes that are left ------------------------------------------------------------------ */

Test(engine, E03_states_of_a_native_prefix_that_is_left)
{
	struct world *w = world_native(WORLD_NATIVE);
	const struct prefix *p = find_prefix(w, place_a.prefix);
	usec_t valid_until = p->valid_until;
	uint64_t cookie;

	cr_assert_eq(p->state, PREFIX_NATIVE);
	cr_assert_eq(p->anchoring, PREFIX_ANCHORED);
	cr_assert_eq(p->sessions, 0, "while it is native nobody looks");
	cookie = world_session(w, place_a.coa, 22);
	world_leave(w, &place_a);
	world_arrive(w, &place_b);
	world_run(w, 2 * SEC);
	p = find_prefix(w, place_a.prefix);
	cr_assert_not_null(p);
	cr_assert_eq(p->state, PREFIX_REMOTE);
	cr_assert_eq(p->sessions, 1);
	cr_assert_eq(p->origin, PREFIX_FROM_RA, "that is where it came from");
	cr_assert_eq(p->valid_until, valid_until);
	cr_assert_str_eq(p->anchor->name, "a");
	cr_assert_null(p->link);
	cr_assert_eq(state_of(w, place_b.prefix), PREFIX_NATIVE);

	world_session_end(w, cookie);
	cr_assert_eq(p->sessions, 0);
	cr_assert_eq(p->state, PREFIX_REMOTE, "for the hold time");
	world_run(w, 20 * SEC);
	cr_assert_null(find_prefix(w, place_a.prefix));
	world_free(w);
}

Test(engine, E06_states_of_a_native_prefix_that_is_found_again)
{
	struct world *w = world_native(WORLD_NATIVE);
	const struct prefix *p;

	world_session(w, place_a.coa, 22);
	world_leave(w, &place_a);
	world_arrive(w, &place_b);
	world_run(w, 2 * SEC);
	world_leave(w, &place_b);
	world_arrive(w, &place_a);
	world_run(w, 2 * SEC);
	p = find_prefix(w, place_a.prefix);
	cr_assert_not_null(p);
	cr_assert_eq(p->state, PREFIX_NATIVE);
	cr_assert_eq(p->link, engine_find_link(w->e, place_a.ifindex));
	cr_assert_eq(p->sessions, 0);
	cr_assert_eq(p->origin, PREFIX_FROM_RA);
	world_free(w);
}

/* Every change is told once, and an advertisement that repeats another is none. */
Test(engine, E03_prefixes_are_told_once_per_change)
{
	struct world *w = world_native(WORLD_NATIVE);
	unsigned before;

	world_session(w, place_a.coa, 22);
	world_forget(w);
	memset(w->host.events, 0, sizeof(w->host.events));
	world_leave(w, &place_a);
	world_arrive(w, &place_b);
	world_run(w, 2 * SEC);
	/* a: gone, registering, remote; b: native */
	cr_assert_eq(w->host.events[EVENT_PREFIX_STATE], 4);
	cr_assert_eq(w->published[OBJECT_PREFIX][CHANGE_ADDED], 2);
	cr_assert_eq(w->published[OBJECT_PREFIX][CHANGE_REMOVED], 1);
	before = w->published[OBJECT_PREFIX][CHANGE_CHANGED];
	for (unsigned i = 0; i < 10; i++)
		world_advert(w, place_b.ifindex, place_b.router, place_b.prefix, 1800);
	cr_assert_eq(w->published[OBJECT_PREFIX][CHANGE_CHANGED], before);
	cr_assert_eq(w->host.events[EVENT_PREFIX_STATE], 4);
	world_free(w);
}

Test(engine, E05_a_prefix_is_deprecated)
{
	struct world *w = world_native(WORLD_NATIVE);
	struct nd_router_advert ra = world_advert_of(place_a.prefix, 1800);
	struct in6_addr router = world_addr(place_a.router);
	unsigned before = w->published[OBJECT_PREFIX][CHANGE_CHANGED];

	ra.prefix[0].preferred = 0;
	engine_router_advert(w->e, w->now, place_a.ifindex, &router, &ra);
	cr_assert_leq(find_prefix(w, place_a.prefix)->preferred_until, w->now.mono);
	cr_assert_eq(w->published[OBJECT_PREFIX][CHANGE_CHANGED], before + 1);
	world_free(w);
}

/* --- many at once ------------------------------------------------------------------------- */

/* 16 anchors with 4 home addresses each. */
static struct world *world_of_many(void)
{
	char text[8192];
	size_t n = 0;
	struct world *w;

	for (unsigned a = 1; a <= CONF_MAX_ANCHORS; a++) {
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      "[Anchor a%u]\nAddress=2001:db8:%x::1\nSPI=%u\n"
				      "KeyFile=/none\n",
				      a, 0x100 + a, 1000 + a);
		for (unsigned h = 1; h <= CONF_MAX_HOMES / CONF_MAX_ANCHORS; h++)
			n += (size_t)snprintf(text + n, sizeof(text) - n,
					      "HomeAddress=2001:db8:%x::%x/64\n", 0x100 + a,
					      0x100 * h);
	}
	w = world_new(text);
	cr_assert_eq(w->n_agents, CONF_MAX_ANCHORS);
	return w;
}

static unsigned count_state(const struct world *w, enum binding_state state)
{
	struct binding *b;
	unsigned n = 0;

	list_for_each(b, &w->e->bindings, node)
		n += b->state == state;
	return n;
}

Test(engine, E03_sixty_four_home_addresses)
{
	struct world *w = world_of_many();
	struct state_entry saved[CONF_MAX_HOMES];
	bool slot[CONF_MAX_HOMES] = {false};
	struct binding *b;

	list_for_each(b, &w->e->bindings, node) {
		cr_assert_lt(b->slot, CONF_MAX_HOMES);
		cr_assert_not(slot[b->slot]);
		slot[b->slot] = true;
	}
	world_start(w);
	world_arrive(w, &place_a);
	cr_assert_eq(world_count(w, OP_SEND), CONF_MAX_HOMES);
	world_run(w, 1 * SEC);
	cr_assert_eq(count_state(w, BINDING_REGISTERED), CONF_MAX_HOMES);
	cr_assert_eq(world_count(w, OP_SEND), CONF_MAX_HOMES);
	cr_assert_eq(engine_handover(w->e, 1)->acknowledged, CONF_MAX_HOMES);
	cr_assert_eq(engine_save(w->e, saved, CONF_MAX_HOMES), CONF_MAX_HOMES);
	for (unsigned a = 0; a < w->n_agents; a++)
		cr_assert_eq(w->agent[a].n_cache, CONF_MAX_HOMES / CONF_MAX_ANCHORS);

	world_forget(w);
	world_leave(w, &place_a);
	world_arrive(w, &place_b);
	cr_assert_eq(world_count(w, OP_SEND), CONF_MAX_HOMES);
	cr_assert_eq(world_count(w, OP_PATH), CONF_MAX_HOMES, "one change for each");
	world_run(w, 20 * SEC);
	cr_assert_eq(count_state(w, BINDING_REGISTERED), CONF_MAX_HOMES);
	cr_assert_eq(world_count(w, OP_PATH), CONF_MAX_HOMES);
	cr_assert_eq(w->n_accepted, CONF_MAX_HOMES);
	cr_assert_eq(engine_handover(w->e, 2)->bindings, CONF_MAX_HOMES);

	engine_stop(w->e, w->now);
	world_run(w, 1 * SEC);
	cr_assert(engine_stopped(w->e));
	world_free(w);
}

/* Everything that can go wrong at once, and one anchor after the other recovers. */
Test(engine, E12_sixty_four_home_addresses_with_loss)
{
	struct world *w = world_of_many();

	for (unsigned a = 0; a < w->n_agents; a++) {
		w->agent[a].lose = a;
		w->agent[a].skew = (int64_t)a * 3600 * (int64_t)SEC;
		w->agent[a].rtt = (a + 1) * 30 * USEC_PER_MSEC;
	}
	world_start(w);
	world_arrive(w, &place_a);
	world_run(w, 60 * SEC);
	world_leave(w, &place_a);
	world_arrive(w, &place_b);
	world_run(w, 60 * SEC);
	cr_assert_eq(count_state(w, BINDING_REGISTERED), CONF_MAX_HOMES);
	world_free(w);
}

Test(engine, E06_one_of_sixteen_homes)
{
	static const struct place home = {2, "wlan0", "fe80::1", "2001:db8:105::/64",
					  "2001:db8:105::c0a"};
	struct world *w = world_of_many();

	world_start(w);
	world_arrive(w, &place_a);
	world_run(w, 1 * SEC);
	world_leave(w, &place_a);
	world_arrive(w, &home);
	world_run(w, 1 * SEC);
	cr_assert_eq(count_state(w, BINDING_HOME), 4);
	cr_assert_eq(count_state(w, BINDING_REGISTERED), 60);
	cr_assert_eq(world_count(w, OP_ANNOUNCE), 4);
	world_free(w);
}
