/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records of handovers: phases, counts, mode, result. */
#include <criterion/criterion.h>

#include "engine_world.h"

#define SEC USEC_PER_SEC
#define MSEC ((int64_t)USEC_PER_MSEC)

static const struct handover *last_handover(const struct world *w)
{
	const struct handover *h = engine_handover(w->e, w->e->n_handovers);

	cr_assert_not_null(h);
	cr_assert_eq(h->id, w->e->n_handovers);
	return h;
}

static void check_phases(const struct handover *h, int64_t link_up, int64_t ra, int64_t address,
			 int64_t bu, int64_t ba, int64_t data)
{
	const int64_t expected[PHASE_MAX] = {link_up, ra, address, bu, ba, data};

	for (unsigned i = 0; i < PHASE_MAX; i++)
		cr_assert_eq(h->phase[i], expected[i], "%s: %lld, not %lld",
			     handover_phase_str((int)i), (long long)h->phase[i],
			     (long long)expected[i]);
}

/* Arrive slowly: advertisement after 30 ms, address after 5 ms more. */
static void arrive_slowly(struct world *w, const struct place *p)
{
	world_link(w, p->ifindex, p->link, true);
	world_run(w, 30 * USEC_PER_MSEC);
	world_advert(w, p->ifindex, p->router, p->prefix, 1800);
	world_run(w, 5 * USEC_PER_MSEC);
	world_address(w, p->ifindex, p->coa);
	world_route(w, p->ifindex, p->router, 1024, true);
}

Test(engine, E10_record_of_the_first_attachment)
{
	struct world *w = world_new(WORLD_ONE);
	const struct handover *h;
	struct instant start;

	world_start(w);
	world_run(w, 1 * SEC);
	start = w->now;
	arrive_slowly(w, &place_a);
	h = last_handover(w);
	cr_assert_eq(h->result, HANDOVER_RUNNING);
	cr_assert_eq(w->published[OBJECT_HANDOVER][CHANGE_ADDED], 1);
	world_run(w, 27 * USEC_PER_MSEC);
	world_data(w, HOA, place_a.coa);
	world_run(w, 1 * SEC);
	engine_look_for_data(w->e, w->now);
	cr_assert_eq(h->id, 1);
	cr_assert_eq(h->mode, HANDOVER_START);
	cr_assert_eq(h->result, HANDOVER_DONE);
	cr_assert_eq(h->start.mono, start.mono);
	cr_assert_eq(h->start.real, start.real);
	cr_assert_str_eq(h->from_link, "");
	cr_assert_str_eq(h->to_link, "wlan0");
	cr_assert(addr_is_any(&h->from_coa));
	cr_assert_eq(h->bindings, 1);
	cr_assert_eq(h->acknowledged, 1);
	cr_assert_eq(h->refused, 0);
	cr_assert_eq(h->mh_sent, 1);
	cr_assert_eq(h->mh_received, 1);
	check_phases(h, 0, 30 * MSEC, 35 * MSEC, 35 * MSEC, 55 * MSEC, 62 * MSEC);
	cr_assert_geq(w->published[OBJECT_HANDOVER][CHANGE_CHANGED], 1);
	world_free(w);
}

Test(engine, E10_record_of_a_break)
{
	struct world *w = world_bound(WORLD_TWO, &place_a);
	struct in6_addr a = world_addr(place_a.coa), b = world_addr(place_b.coa);
	const struct handover *h;
	usec_t start;

	world_agent(w, HA2)->rtt = 90 * USEC_PER_MSEC;
	world_leave(w, &place_a);
	world_run(w, 2 * SEC);
	start = w->now.mono;
	arrive_slowly(w, &place_b);
	world_run(w, 100 * USEC_PER_MSEC);
	world_data(w, HOA2, place_b.coa);
	world_run(w, 2 * SEC);
	engine_look_for_data(w->e, w->now);
	h = last_handover(w);
	cr_assert_eq(h->id, 2);
	cr_assert_eq(h->mode, HANDOVER_BREAK);
	cr_assert_eq(h->result, HANDOVER_DONE);
	cr_assert_eq(h->start.mono, start);
	cr_assert_str_eq(h->from_link, "wlan0");
	cr_assert_str_eq(h->to_link, "wlan0");
	cr_assert(addr_equal(&h->from_coa, &a));
	cr_assert(addr_equal(&h->to_coa, &b));
	cr_assert_eq(h->bindings, 2);
	cr_assert_eq(h->acknowledged, 2);
	cr_assert_eq(h->mh_sent, 2);
	cr_assert_eq(h->mh_received, 2);
	check_phases(h, 0, 30 * MSEC, 35 * MSEC, 35 * MSEC, 125 * MSEC, 135 * MSEC);
	world_free(w);
}

Test(engine, E10_record_of_make_before_break)
{
	struct world *w = world_bound(WORLD_ONE, &place_wire);
	const struct handover *h;

	arrive_slowly(w, &place_a);
	world_run(w, 1 * SEC);
	h = last_handover(w);
	cr_assert_eq(h->mode, HANDOVER_MAKE);
	cr_assert_eq(h->result, HANDOVER_DONE);
	cr_assert_str_eq(h->from_link, "eth0");
	cr_assert_str_eq(h->to_link, "wlan0");
	check_phases(h, 0, 30 * MSEC, 35 * MSEC, 35 * MSEC, 55 * MSEC, HANDOVER_NOT_REACHED);

	/* Both links were up before: their steps are no part of the move back. */
	world_run(w, 10 * SEC);
	world_leave(w, &place_a);
	world_run(w, 1 * SEC);
	h = last_handover(w);
	cr_assert_eq(h->mode, HANDOVER_BREAK);
	cr_assert_str_eq(h->from_link, "wlan0");
	check_phases(h, HANDOVER_NOT_REACHED, HANDOVER_NOT_REACHED, HANDOVER_NOT_REACHED, 0,
		     20 * MSEC, HANDOVER_NOT_REACHED);
	world_free(w);
}

Test(engine, E10_record_of_a_return)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);
	const struct handover *h;

	world_leave(w, &place_a);
	arrive_slowly(w, &place_home);
	world_run(w, 1 * SEC);
	h = last_handover(w);
	cr_assert_eq(h->mode, HANDOVER_RETURN);
	cr_assert_eq(h->result, HANDOVER_DONE);
	cr_assert_eq(h->bindings, 1);
	cr_assert_eq(h->acknowledged, 1);
	world_free(w);

	w = world_bound(WORLD_TWO, &place_a);
	world_leave(w, &place_a);
	arrive_slowly(w, &place_home);
	world_run(w, 1 * SEC);
	h = last_handover(w);
	cr_assert_eq(h->mode, HANDOVER_BREAK, "home for one of two");
	cr_assert_eq(h->bindings, 2);
	cr_assert_eq(h->acknowledged, 2);
	world_free(w);
}

Test(engine, E10_record_of_a_failure)
{
	struct world *w = world_bound(WORLD_TWO, &place_a);
	const struct handover *h;

	world_agent(w, HA2)->status = BA_PROHIBITED;
	world_leave(w, &place_a);
	world_arrive(w, &place_b);
	world_run(w, 1 * SEC);
	h = last_handover(w);
	cr_assert_eq(h->result, HANDOVER_FAILED);
	cr_assert_eq(h->bindings, 2);
	cr_assert_eq(h->acknowledged, 1);
	cr_assert_eq(h->refused, 1);
	cr_assert_eq(h->mh_sent, 2);
	cr_assert_eq(h->mh_received, 2, "a refusal is an answer");
	world_free(w);
}

Test(engine, E10_record_of_an_overtaken_move)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);

	world_agent(w, HA)->silent = true;
	world_leave(w, &place_a);
	world_arrive(w, &place_b);
	world_run(w, 3 * SEC);
	cr_assert_eq(last_handover(w)->result, HANDOVER_RUNNING);
	cr_assert_eq(last_handover(w)->mh_sent, 3);
	world_leave(w, &place_b);
	world_agent(w, HA)->silent = false;
	world_arrive(w, &place_wire);
	world_run(w, 1 * SEC);
	cr_assert_eq(engine_handover(w->e, 2)->result, HANDOVER_SUPERSEDED);
	cr_assert_eq(engine_handover(w->e, 3)->result, HANDOVER_DONE);
	cr_assert_eq(engine_handover(w->e, 3)->bindings, 1);
	world_free(w);
}

/* The rate limit holds the update of the newest move back; the answer to an older one is not its
 * end. */
Test(engine, E10_record_of_a_move_held_back)
{
	struct world *w = world_bound(WORLD_ONE, &place_wire);
	const struct handover *h;

	world_run(w, 5 * SEC);
	world_agent(w, HA)->rtt = 100 * USEC_PER_MSEC;
	world_arrive(w, &place_a);
	world_leave(w, &place_a);
	world_arrive(w, &place_b);
	world_leave(w, &place_b);
	world_arrive(w, &place_a);
	cr_assert_eq(world_count(w, OP_SEND), 3);
	world_run(w, 200 * USEC_PER_MSEC);
	h = last_handover(w);
	cr_assert_eq(h->result, HANDOVER_RUNNING, "its update has not even left");
	world_run(w, 2 * SEC);
	cr_assert_eq(h->result, HANDOVER_DONE);
	cr_assert_geq(h->phase[PHASE_BA], h->phase[PHASE_BU]);
	cr_assert_eq(h->acknowledged, 1);
	world_free(w);
}

Test(engine, E10_record_without_bindings)
{
	struct world *w = world_new("");
	const struct handover *h;

	world_start(w);
	world_arrive(w, &place_a);
	world_leave(w, &place_a);
	world_run(w, 1 * SEC);
	arrive_slowly(w, &place_b);
	h = last_handover(w);
	cr_assert_eq(h->id, 2);
	cr_assert_eq(h->result, HANDOVER_DONE);
	cr_assert_eq(h->bindings, 0);
	cr_assert_eq(h->mh_sent, 0);
	check_phases(h, 0, 30 * MSEC, 35 * MSEC, HANDOVER_NOT_REACHED, HANDOVER_NOT_REACHED,
		     HANDOVER_NOT_REACHED);
	world_free(w);
}

/* Nobody wakes up to look for the first data, and those of a session begun much later do not count. */
Test(engine, E10_record_of_data)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);

	world_leave(w, &place_a);
	world_arrive(w, &place_b);
	world_run(w, 700 * USEC_PER_MSEC);
	world_data(w, HOA, place_b.coa);
	cr_assert_eq(last_handover(w)->phase[PHASE_DATA], HANDOVER_NOT_REACHED);
	world_run(w, 1 * SEC);
	engine_look_for_data(w->e, w->now);
	cr_assert_eq(last_handover(w)->phase[PHASE_DATA], 700 * MSEC);
	world_free(w);

	w = world_bound(WORLD_ONE, &place_a);
	world_leave(w, &place_a);
	world_arrive(w, &place_b);
	world_run(w, 700 * USEC_PER_MSEC);
	world_data(w, HOA, place_b.coa);
	world_leave(w, &place_b);
	cr_assert_eq(last_handover(w)->phase[PHASE_DATA], 700 * MSEC, "seen before it is too late");
	world_free(w);

	w = world_bound(WORLD_ONE, &place_a);
	world_leave(w, &place_a);
	world_arrive(w, &place_b);
	world_run(w, 60 * SEC);
	world_data(w, HOA, place_b.coa);
	engine_look_for_data(w->e, w->now);
	cr_assert_eq(last_handover(w)->phase[PHASE_DATA], HANDOVER_NOT_REACHED);
	world_free(w);
}

/* Back to the place just left, which had its data before. */
Test(engine, E10_record_of_data_of_this_move)
{
	struct world *w = world_bound(WORLD_ONE, &place_wire);

	world_arrive(w, &place_a);
	world_run(w, 500 * USEC_PER_MSEC);
	world_data(w, HOA, place_a.coa);
	world_run(w, 1 * SEC);
	world_leave(w, &place_a);
	world_run(w, 2 * SEC);
	world_arrive(w, &place_a);
	world_run(w, 60 * SEC);
	cr_assert_eq(last_handover(w)->mode, HANDOVER_MAKE);
	cr_assert(last_handover(w)->phase[PHASE_DATA] >= 0 ||
			  last_handover(w)->phase[PHASE_DATA] == HANDOVER_NOT_REACHED,
		  "no data before the move");
	world_free(w);
}

Test(engine, E10_records_are_kept_in_a_ring)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);

	cr_assert_null(engine_handover(w->e, 0));
	cr_assert_null(engine_handover(w->e, 2));
	for (unsigned i = 0; i < 40; i++) {
		const struct place *from = i % 2 ? &place_b : &place_a;

		world_leave(w, from);
		world_run(w, 1 * SEC);
		world_arrive(w, from == &place_a ? &place_b : &place_a);
		world_run(w, 1 * SEC);
	}
	cr_assert_eq(w->e->n_handovers, 41);
	for (uint64_t id = 0; id < 44; id++) {
		const struct handover *h = engine_handover(w->e, id);

		if (id >= 10 && id <= 41) {
			cr_assert_not_null(h);
			cr_assert_eq(h->id, id);
			cr_assert_eq(h->result, HANDOVER_DONE);
			cr_assert_eq(h->mode, HANDOVER_BREAK);
		} else {
			cr_assert_null(h);
		}
	}
	cr_assert_null(engine_handover(w->e, UINT64_MAX));
	world_free(w);
}
