/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Relations that must hold between the results, whatever the numbers are. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "study.h"

#define WARMUP (120 * USEC_PER_SEC)

struct check {
	struct setup setup;
	unsigned workers, done, failed;
	struct tally of[MODE_MAX], other;
};

static void relation(struct check *c, bool holds, const char *what)
{
	c->done++;
	if (holds)
		return;
	c->failed++;
	printf("FAILED %s, %s: %s\n", movement_names[c->setup.movement], mode_names[c->setup.mode],
	       what);
}

static uint64_t sum(const uint64_t of[2])
{
	return of[0] + of[1];
}

static void do_run(struct check *c, enum mode m, struct tally *ret)
{
	c->setup.mode = m;
	run(&c->setup, c->workers, ret);
	relation(c, ret->echoes == 0 && ret->slots_missing == 0,
		 "nothing but binding updates is sent, and every binding has room");
	relation(c, ret->retransmissions == 0, "where nothing is lost nothing is sent again");
	relation(c, ret->hops_taken >= ret->hops_direct, "no way is shorter than the direct one");
}

static void check_distributed(struct check *c)
{
	const struct tally *t = &c->of[MODE_DISTRIBUTED], *central = &c->of[MODE_CENTRAL];

	relation(c, t->broken[1] == 0, "no session in need breaks by moving");
	relation(c, t->moves && t->tunnelled[1] && t->direct[1],
		 "sessions in need are direct first, and then go through anchors");
	relation(c, t->acknowledgements <= tally_updates(t) + c->setup.nodes,
		 "an update has one answer");
	relation(c, sum(t->tunnelled) < sum(central->tunnelled),
		 "less is tunnelled than through one anchor");
}

static void check_central(struct check *c)
{
	const struct tally *t = &c->of[MODE_CENTRAL];

	relation(c, t->moves == t->handovers, "one binding update for each handover");
	relation(c, tally_updates(t) == t->handovers + t->refreshes,
		 "but for refreshes no other one");
	relation(c,
		 t->acknowledgements <= tally_updates(t) + c->setup.nodes &&
			 t->acknowledgements + c->setup.nodes >= tally_updates(t),
		 "and one acknowledgement for each");
	relation(c, sum(t->direct) == 0 && sum(t->tunnelled) > 0, "everything is tunnelled");
	relation(c, sum(t->broken) == 0, "no session breaks by moving");
	relation(c, t->most_bindings == 1 && t->binding_time[1] == t->node_time,
		 "a node has one binding, all the time");
}

static void check_none(struct check *c)
{
	const struct tally *t = &c->of[MODE_NONE];

	relation(c, tally_updates(t) == 0 && t->acknowledgements == 0, "no signalling");
	relation(c, sum(t->tunnelled) == 0 && t->hops_taken == t->hops_direct, "all is direct");
	relation(c, t->broken[1] > 0, "sessions break by moving");
}

static void check_modes(struct check *c)
{
	for (enum mode m = 0; m < MODE_MAX; m++)
		do_run(c, m, &c->of[m]);
	for (enum mode m = 0; m < MODE_MAX; m++) {
		c->setup.mode = m;
		relation(c, c->of[m].handovers == c->of[0].handovers && c->of[m].handovers,
			 "all modes see the same movement");
		relation(c, memcmp(c->of[m].seen, c->of[0].seen, sizeof(c->of[m].seen)) == 0,
			 "and the same sessions");
	}
	c->setup.mode = MODE_DISTRIBUTED;
	check_distributed(c);
	c->setup.mode = MODE_CENTRAL;
	check_central(c);
	c->setup.mode = MODE_NONE;
	check_none(c);
}

static void check_no_need(struct check *c)
{
	struct tally *t = &c->other;

	c->setup.in_need = 0;
	do_run(c, MODE_DISTRIBUTED, t);
	relation(c, tally_updates(t) == 0 && t->acknowledgements == 0,
		 "no session in need, no signalling");
	relation(c, sum(t->tunnelled) == 0 && t->hops_taken == t->hops_direct,
		 "no session in need, all is direct");
	relation(c, t->most_bindings == 0, "no session in need, no binding");
	c->setup.in_need = 0.2;
}

static void check_repeat(struct check *c)
{
	unsigned workers = c->workers;

	c->workers = workers == 1 ? 2 : 1;
	do_run(c, MODE_DISTRIBUTED, &c->other);
	c->workers = workers;
	relation(c, memcmp(&c->other, &c->of[MODE_DISTRIBUTED], sizeof(c->other)) == 0,
		 "a seed has one result, on any number of processors");
	c->setup.seed++;
	do_run(c, MODE_DISTRIBUTED, &c->other);
	relation(c, memcmp(&c->other, &c->of[MODE_DISTRIBUTED], sizeof(c->other)) != 0,
		 "another seed has another one");
	c->setup.seed--;
}

static void check_failure(struct check *c)
{
	struct tally *t = &c->other;

	c->setup.fails = true;
	c->setup.mode = MODE_CENTRAL;
	run(&c->setup, c->workers, t);
	relation(c, sum(t->alive) && sum(t->lost_at_once) == sum(t->alive),
		 "with the only anchor everything is lost");
	c->setup.mode = MODE_DISTRIBUTED;
	run(&c->setup, c->workers, t);
	relation(c, t->lost_at_once[1] + t->lost_later[1] < (t->alive[1] + t->begun_later[1]) / 10,
		 "with one anchor of many little is lost");
	relation(c,
		 sum(t->lost_at_once) == t->lost_at_once[1] &&
			 sum(t->lost_later) == t->lost_later[1],
		 "and nothing that was not in need");
	c->setup.fails = false;
}

unsigned check_relations(uint64_t seed, unsigned nodes, usec_t duration, unsigned workers)
{
	struct check *c = calloc(1, sizeof(*c));
	unsigned failed;

	if (!c)
		return 1;
	c->workers = workers;
	c->setup = (struct setup){.seed = seed,
				  .nodes = nodes,
				  .warmup = WARMUP,
				  .duration = duration,
				  .in_need = 0.2,
				  .length = 120,
				  .alive = 2};
	for (enum movement v = 0; v < MOVEMENT_MAX; v++) {
		c->setup.movement = v;
		check_modes(c);
		check_no_need(c);
		check_repeat(c);
		check_failure(c);
	}
	failed = c->failed;
	printf("study of %u nodes in %llu virtual seconds: %u of %u relations hold\n", nodes,
	       (unsigned long long)(duration / USEC_PER_SEC), c->done - failed, c->done);
	free(c);
	return failed;
}
