/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scenario.h"

#include <string.h>

#include "socket.h"

#define SEC USEC_PER_SEC
#define MSEC USEC_PER_MSEC
#define QUIET (100 * SEC)  /* after the last disturbance: all retransmissions are over */
#define RELEASE (45 * SEC) /* hold time, withdrawal, grace */
#define LONG_ENOUGH (86400 * SEC)

const struct scenario scenarios[] = {
	{.name = "calm",
	 .what = "configured home addresses, moves, nothing goes wrong",
	 .places = 5,
	 .nics = 1,
	 .fixed = 2,
	 .pause = 8 * SEC,
	 .sessions = 2,
	 .session_least = 10 * SEC,
	 .weight = {[ACT_MOVE] = 1}},
	{.name = "loss",
	 .what = "messages are lost, doubled, late",
	 .places = 5,
	 .nics = 1,
	 .fixed = 2,
	 .pause = 12 * SEC,
	 .sessions = 2,
	 .session_least = 10 * SEC,
	 .faults = {.loss = 0.05, .duplicate = 0.05, .late = 0.05, .jitter = 30 * MSEC},
	 .weight = {[ACT_MOVE] = 1}},
	{.name = "agents",
	 .what = "home agents crash, forget, refuse, lose their data path or their clock",
	 .places = 5,
	 .nics = 1,
	 .fixed = 2,
	 .pause = 12 * SEC,
	 .sessions = 2,
	 .session_least = 10 * SEC,
	 .faults = {.loss = 0.01, .jitter = 10 * MSEC},
	 .weight = {[ACT_MOVE] = 12,
		    [ACT_AGENT_DOWN] = 3,
		    [ACT_AGENT_DATA] = 1,
		    [ACT_AGENT_MUTE] = 2,
		    [ACT_AGENT_REFUSE] = 2,
		    [ACT_AGENT_CLOCK] = 1,
		    [ACT_AGENT_STINGY] = 2}},
	{.name = "flapping",
	 .what = "links come and go, routers vanish, managers meddle",
	 .places = 5,
	 .nics = 1,
	 .fixed = 2,
	 .temporary = true,
	 .pause = 3 * SEC,
	 .sessions = 2,
	 .session_least = 10 * SEC,
	 .faults = {.loss = 0.01, .jitter = 10 * MSEC},
	 .weight = {[ACT_MOVE] = 8, [ACT_FLAP] = 10, [ACT_ROUTER] = 1, [ACT_MANAGER] = 2}},
	{.name = "uplinks",
	 .what = "two links, make before break",
	 .places = 6,
	 .nics = 2,
	 .fixed = 1,
	 .anchored = true,
	 .pause = 8 * SEC,
	 .sessions = 2,
	 .others = 1,
	 .session_least = 10 * SEC,
	 .faults = {.loss = 0.01, .jitter = 10 * MSEC},
	 .weight = {[ACT_MOVE] = 5, [ACT_UPLINK] = 5, [ACT_FLAP] = 1}},
	{.name = "overlap",
	 .what = "two links, and the next one is always there first",
	 .places = 6,
	 .nics = 2,
	 .fixed = 2,
	 .lossless = true,
	 .faults = {.jitter = 20 * MSEC},
	 .pause = 12 * SEC,
	 .sessions = 3,
	 .session_least = 10 * SEC,
	 .weight = {[ACT_OVERLAP] = 1}},
	{.name = "sleep",
	 .what = "suspend, wall-clock steps, lost news, restarts of the daemon",
	 .places = 5,
	 .nics = 1,
	 .fixed = 1,
	 .anchored = true,
	 .pause = 12 * SEC,
	 .sessions = 2,
	 .others = 1,
	 .session_least = 10 * SEC,
	 .news_lost = 0.1,
	 .faults = {.loss = 0.01, .jitter = 10 * MSEC},
	 .weight = {[ACT_MOVE] = 12,
		    [ACT_SUSPEND] = 2,
		    [ACT_CLOCK] = 2,
		    [ACT_RESYNC] = 2,
		    [ACT_RESTART] = 2,
		    [ACT_SETTINGS] = 1}},
	{.name = "hostile",
	 .what = "forged, replayed and malformed messages, false routers",
	 .places = 5,
	 .nics = 1,
	 .fixed = 1,
	 .anchored = true,
	 .pause = 3 * SEC,
	 .sessions = 2,
	 .others = 1,
	 .session_least = 10 * SEC,
	 .faults = {.loss = 0.01, .jitter = 10 * MSEC},
	 .weight = {[ACT_MOVE] = 4, [ACT_HOSTILE] = 8}},
	{.name = "sessions",
	 .what = "many prefixes at many anchors; sessions begin and end at the worst moments",
	 .places = 8,
	 .nics = 1,
	 .anchored = true,
	 .temporary = true,
	 .pause = 8 * SEC,
	 .sessions = 3,
	 .others = 2,
	 .session_least = 8 * SEC,
	 .temptation = 0.3,
	 .news_lost = 0.05,
	 .weight = {[ACT_MOVE] = 1}},
	{.name = "discovery",
	 .what = "anchors are found: router advertisements, DHAAD, DNS",
	 .places = 5,
	 .nics = 1,
	 .anchored = true,
	 .found = true,
	 .fixed = 1,
	 .spares = 1,
	 .pause = 8 * SEC,
	 .sessions = 2,
	 .others = 1,
	 .session_least = 10 * SEC,
	 .faults = {.loss = 0.01, .jitter = 10 * MSEC},
	 .weight = {[ACT_MOVE] = 12, [ACT_AGENT_DOWN] = 1}},
	{.name = "switch",
	 .what = "agents stand in for each other; switches and revocations",
	 .places = 4,
	 .nics = 1,
	 .anchored = true,
	 .spares = 1,
	 .pause = 10 * SEC,
	 .sessions = 3,
	 .session_least = 20 * SEC,
	 .faults = {.loss = 0.01, .jitter = 10 * MSEC},
	 .weight = {[ACT_MOVE] = 12,
		    [ACT_SWITCH] = 1,
		    [ACT_REVOKE] = 1,
		    [ACT_AGENT_DOWN] = 2,
		    [ACT_AGENT_DATA] = 1}},
	{.name = "plain",
	 .what = "networks that keep the prefix in place, places without a router",
	 .places = 6,
	 .nics = 1,
	 .anchored = true,
	 .plain = true,
	 .pause = 8 * SEC,
	 .sessions = 2,
	 .others = 1,
	 .session_least = 10 * SEC,
	 .weight = {[ACT_MOVE] = 10, [ACT_FLAP] = 2}},
	{.name = "storm",
	 .what = "all of it at once",
	 .places = 8,
	 .nics = 2,
	 .fixed = 1,
	 .anchored = true,
	 .spares = 1,
	 .temporary = true,
	 .pause = 5 * SEC,
	 .sessions = 3,
	 .others = 2,
	 .session_least = 8 * SEC,
	 .temptation = 0.1,
	 .news_lost = 0.1,
	 .faults = {.loss = 0.03, .duplicate = 0.03, .late = 0.03, .jitter = 20 * MSEC},
	 .weight = {[ACT_MOVE] = 30,
		    [ACT_FLAP] = 6,
		    [ACT_UPLINK] = 6,
		    [ACT_ROUTER] = 2,
		    [ACT_AGENT_DOWN] = 3,
		    [ACT_AGENT_DATA] = 1,
		    [ACT_AGENT_MUTE] = 1,
		    [ACT_AGENT_REFUSE] = 1,
		    [ACT_AGENT_CLOCK] = 1,
		    [ACT_AGENT_STINGY] = 1,
		    [ACT_SWITCH] = 1,
		    [ACT_REVOKE] = 1,
		    [ACT_SUSPEND] = 2,
		    [ACT_CLOCK] = 1,
		    [ACT_RESYNC] = 2,
		    [ACT_RESTART] = 1,
		    [ACT_MANAGER] = 2,
		    [ACT_HOSTILE] = 8,
		    [ACT_SETTINGS] = 1}},
};
const unsigned n_scenarios = sizeof(scenarios) / sizeof(*scenarios);

static void act(void *owner, void *data)
{
	struct run *r = owner;

	(void)data;
	if (r->calm)
		return;
	sched_at(&r->net.sched,
		 r->net.sched.now +
			 rng_between(&r->rng, r->scenario->pause / 4, r->scenario->pause / 4 * 7),
		 act, r, NULL);
	run_act(r);
}

static void pass(struct run *r, usec_t duration)
{
	usec_t until = r->net.sched.now + duration;

	while (!r->check.failed && sched_step(&r->net.sched, until))
		;
}

static uint64_t handovers(const struct run *r)
{
	return r->host->engine ? r->host->engine->n_handovers : 0;
}

/* Until there were enough handovers; the daemon may die in between, and count anew. */
static uint64_t live(struct run *r, uint64_t wanted)
{
	usec_t end = r->net.sched.now + LONG_ENOUGH;
	uint64_t count = 0, seen = handovers(r);

	while (count < wanted && !r->check.failed && sched_step(&r->net.sched, end)) {
		uint64_t now = handovers(r);

		count += now > seen ? now - seen : 0;
		seen = now;
	}
	return count;
}

static void settle_down(struct run *r)
{
	r->calm = true;
	run_heal(r);
	pass(r, QUIET);
	if (!r->check.failed)
		check_converged(&r->check);
	if (r->check.failed)
		return;
	traffic_end(r);
	pass(r, RELEASE);
	if (!r->check.failed)
		check_released(&r->check);
	if (r->check.failed)
		return;
	host_stop(r->host);
	pass(r, 3 * SEC);
	if (!r->check.failed)
		check_stopped(&r->check);
}

void scenario_run(const struct scenario *s, uint64_t seed, uint64_t wanted, FILE *trace,
		  struct result *ret)
{
	static _Thread_local struct run r;

	memset(ret, 0, sizeof(*ret));
	memset(&r, 0, sizeof(r));
	r.scenario = s;
	r.seed = seed;
	r.rng.state = seed;
	run_build(&r);
	r.net.trace = trace;
	r.net.faults = s->faults;
	ret->virtual = r.net.sched.now;
	host_start(r.host);
	nic_attach(&r.host->nic[0], &r.net.place[0]);
	traffic_begin(&r);
	sched_at(&r.net.sched, r.net.sched.now + s->pause, act, &r, NULL);
	ret->handovers = live(&r, wanted);
	if (!r.check.failed)
		settle_down(&r);
	ret->virtual = r.net.sched.now - ret->virtual;
	ret->messages = r.net.messages;
	ret->packets = r.net.packets;
	ret->forged = r.net.forged;
	ret->checks = r.check.done;
	ret->events = r.host->entries;
	ret->sessions = r.host->cookies;
	ret->failed = r.check.failed;
	memcpy(ret->text, r.check.text, sizeof(ret->text));
	run_free(&r);
}
