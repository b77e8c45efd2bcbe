/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is in the way to an anchor: told apart, and told (R6.7, N11). */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "engine_world.h"

#define SEC USEC_PER_SEC

static enum obstacle_kind obstacle(const struct world *w)
{
	return world_binding(w, place_a.coa)->obstacle.kind;
}

/* At place_b with a session; its anchor hears no update. */
static struct world *unheard(void)
{
	struct world *w = world_native(WORLD_NATIVE);

	world_session(w, place_a.coa, 22);
	world_agent(w, ANCHOR_A)->silent = true;
	world_leave(w, &place_a);
	world_arrive(w, &place_b);
	return w;
}

Test(engine, R6_7_an_anchor_that_answers_echoes_alone)
{
	struct world *w = unheard();
	char words[320];
	unsigned sent;

	world_run(w, 12 * SEC);
	cr_assert_eq(obstacle(w), OBSTACLE_SIGNALLING);
	obstacle_words(world_binding(w, place_a.coa), words, sizeof(words));
	cr_assert(strstr(words, "protocol 135"), "%s", words);
	cr_assert_eq(w->host.events[EVENT_OBSTACLE], 2, "unreachable first, until the echo");
	sent = world_count(w, OP_SEND);
	engine_probe(w->e, w->now);
	world_run(w, 40 * SEC);
	cr_assert_geq(world_count(w, OP_SEND), sent + 2, "it is asked on");
	world_agent(w, ANCHOR_A)->silent = false;
	world_run(w, 40 * SEC);
	cr_assert_eq(obstacle(w), OBSTACLE_NONE);
	world_free(w);
}

Test(engine, R6_7_an_anchor_that_answers_nothing)
{
	struct world *w = unheard();

	w->host.mute = true;
	world_run(w, 12 * SEC);
	cr_assert_eq(obstacle(w), OBSTACLE_UNREACHABLE);
	world_agent(w, ANCHOR_A)->silent = false;
	world_run(w, 40 * SEC);
	cr_assert_eq(obstacle(w), OBSTACLE_NONE);
	world_free(w);
}

/* Packets that are to leave, and none comes. */
static void try_to_send(struct world *w, usec_t duration)
{
	struct binding *b = world_binding(w, place_a.coa);

	engine_activity(w->e, w->now, &b->home);
	for (usec_t end = w->now.mono + duration; w->now.mono < end;) {
		w->host.sent[b->slot]++;
		world_run(w, 200 * USEC_PER_MSEC);
	}
}

Test(engine, R6_7_a_path_that_could_not_be_set_up_blames_nobody)
{
	struct world *w = world_away(WORLD_NATIVE, 2 * SEC);

	engine_probe(w->e, w->now);
	world_run(w, SEC);
	cr_assert_eq(world_binding(w, place_a.coa)->anchor->echo, ABILITY_YES);
	w->host.shut = true;
	w->path_error = -EEXIST;
	world_leave(w, &place_b);
	world_arrive(w, &place_wire);
	world_run(w, 2 * SEC);
	try_to_send(w, 60 * SEC);
	engine_probe(w->e, w->now);
	world_run(w, SEC);
	cr_assert_eq(obstacle(w), OBSTACLE_NONE);
	cr_assert_eq(w->host.events[EVENT_PATH_DEAD], 0);
	cr_assert_eq(w->host.events[EVENT_SESSION_LOST], 0);
	cr_assert_eq(w->host.n_shut_in, 0, "no probe could leave");
	/* Set up later, it is looked at as any. */
	w->path_error = 0;
	try_to_send(w, 60 * SEC);
	cr_assert_eq(obstacle(w), OBSTACLE_TUNNEL);
	cr_assert_eq(w->host.events[EVENT_PATH_DEAD], 1);
	world_free(w);
}
