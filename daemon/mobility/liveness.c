/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is a tunnel alive?  Looked at only while it carries sessions: as long as packets come in nothing is sent.  When packets leave and
 * none comes, echo requests go through the tunnel to the anchor; after ProbeCount= unanswered ones the path is dead.
 */
#include "mobility/internal.h"

static bool carries_sessions(const struct binding *b)
{
	return !list_empty(&b->sessions);
}

static bool can_probe(const struct binding *b)
{
	return carries_sessions(b) && b->anchor->echo != ABILITY_NO;
}

static bool can_watch(const struct binding *b)
{
	const struct engine *e = b->engine;

	return e->conf->liveness && e->uplink && b->registered && b->path.mode == PATH_TUNNEL &&
	       !b->removed && b->state != BINDING_WITHDRAWING && b->state != BINDING_RETURNING;
}

static void look(struct binding *b, bool *ret_sent, bool *ret_received)
{
	uint64_t sent = 0, received = 0;

	b->engine->ops->traffic(b->engine->user, b->slot, &sent, &received);
	*ret_sent = sent > b->liveness.sent;
	*ret_received = received > b->liveness.received;
	b->liveness.sent = sent;
	b->liveness.received = received;
}

static void probe(struct binding *b)
{
	struct engine *e = b->engine;
	struct liveness *l = &b->liveness;

	if (b->path_error)
		return; /* nothing would leave */
	e->ops->random(e->user, &l->sequence, sizeof(l->sequence));
	l->probe_sent = l->probed = e->now.mono;
	if (b->anchor->echo == ABILITY_NO)
		return;
	b->anchor->n.probes_sent++;
	e->ops->echo(e->user, 0, &b->home, &b->anchor->address, ECHO_PATH, l->sequence, 0);
	l->sent++; /* our own packets are no traffic */
}

static void set_dead(struct binding *b, bool dead)
{
	struct event ev = {
		.kind = dead ? EVENT_PATH_DEAD : EVENT_PATH_ALIVE,
		.priority = dead ? LOG_WARNING : LOG_INFO,
		.binding = b,
		.anchor = b->anchor,
	};

	if (b->liveness.dead == dead)
		return;
	b->liveness.dead = dead;
	engine_notify(b->engine, &ev, "the tunnel of %s to anchor %s %s", ADDR_STR(&b->home),
		      b->anchor->name, dead ? "carries nothing any more" : "is alive again");
	engine_publish(b->engine, OBJECT_BINDING, CHANGE_CHANGED, b);
}

static void answered(struct binding *b)
{
	b->liveness.unanswered = 0;
	b->liveness.probe_sent = 0;
	obstacle_tunnel_answers(b);
	set_dead(b, false);
}

/* Its acknowledgement of a binding update, which is authenticated, is what tells then. */
static void ask_anchor(struct binding *b)
{
	struct engine *e = b->engine;

	if (b->state != BINDING_REGISTERED || e->now.mono < b->liveness.asked_until)
		return;
	b->liveness.asked = true;
	b->liveness.asked_until = usec_add(e->now.mono, e->conf->idle_probe_interval);
	binding_refresh(b);
}

static void suspect(struct binding *b)
{
	bool was_dead;

	b->liveness.unanswered = 0;
	b->liveness.probe_sent = 0;
	obstacle_tunnel_silent(b);
	/* One that has never answered an echo may just not do so. */
	if (b->anchor->echo != ABILITY_YES) {
		ask_anchor(b);
		return;
	}
	was_dead = b->liveness.dead;
	set_dead(b, true);
	anchor_set_health(b->engine, b->anchor, ANCHOR_SILENT);
	if (binding_fail_over(b, "its tunnel is dead"))
		return;
	if (!was_dead)
		sessions_lost(b, "its tunnel is dead and no other anchor serves the prefix");
	ask_anchor(b);
}

/* That it answers no probe is not its nature. */
void liveness_blocked(struct binding *b)
{
	if (b->anchor->echo == ABILITY_NO)
		b->anchor->echo = ABILITY_UNKNOWN;
	set_dead(b, true);
}

void liveness_acknowledged(struct binding *b)
{
	bool blocked = obstacle_acknowledged(b);

	if (!b->liveness.asked)
		return;
	b->liveness.asked = false;
	if (blocked)
		liveness_blocked(b);
	if (blocked || b->anchor->echo != ABILITY_UNKNOWN)
		return;
	b->anchor->echo = ABILITY_NO;
	engine_publish(b->engine, OBJECT_ANCHOR, CHANGE_CHANGED, b->anchor);
}

/* How long an answer is waited for; one that comes later still counts. */
static usec_t probe_timeout(const struct binding *b)
{
	usec_t half = b->engine->conf->probe_interval / 2, twice = 2 * b->liveness.rtt;

	if (b->liveness.dead)
		return b->engine->conf->probe_interval;
	return half > twice ? half : twice;
}

static void go_quiet(struct binding *b)
{
	struct engine *e = b->engine;
	usec_t next = usec_add(b->liveness.probed, e->conf->idle_probe_interval);

	/* From probe to probe; the time in which its answer was waited for is part of it. */
	if (next <= e->now.mono)
		next = usec_add(e->now.mono, e->conf->idle_probe_interval);
	b->liveness.check_at = can_probe(b) ? next : USEC_INFINITY;
	e->ops->watch_activity(e->user, &b->home);
}

static void check(struct binding *b)
{
	const struct conf *conf = b->engine->conf;
	struct liveness *l = &b->liveness;
	bool sent, received, was_idle = b->liveness.idle;
	usec_t now = b->engine->now.mono;

	l->idle = false;
	look(b, &sent, &received);
	if (!binding_has_path(b)) {
		l->unanswered = 0;
		l->probe_sent = 0;
		l->check_at = usec_add(now, conf->probe_interval);
		return;
	}
	if (received)
		obstacle_two_ways(b);
	else if (sent && !l->probe_sent && l->probe_answered)
		obstacle_one_way(b);
	if (received)
		answered(b);
	else if (l->probe_sent && ++l->unanswered >= conf->probe_count) {
		suspect(b);
		if (!can_watch(b))
			return;
	}
	if ((sent && !received) || l->probe_sent || (was_idle && !received && can_probe(b))) {
		probe(b);
		l->check_at = usec_add(now, probe_timeout(b));
	} else if (sent || received) {
		l->check_at = usec_add(now, conf->probe_interval);
	} else {
		l->idle = true;
		go_quiet(b);
	}
}

void liveness_wake(struct binding *b)
{
	struct engine *e = b->engine;

	if (!can_watch(b))
		return;
	b->liveness.idle = false;
	if (b->liveness.check_at > usec_add(e->now.mono, e->conf->probe_interval))
		b->liveness.check_at = usec_add(e->now.mono, e->conf->probe_interval);
}

void liveness_begin(struct binding *b)
{
	struct liveness *l = &b->liveness;
	bool sent, received;

	l->unanswered = 0;
	l->probe_sent = 0;
	l->idle = false;
	l->check_at = USEC_INFINITY;
	obstacle_reset(b);
	set_dead(b, false);
	if (!can_watch(b))
		return;
	l->watched = true;
	look(b, &sent, &received);
	if (!carries_sessions(b)) {
		go_quiet(b);
		return;
	}
	/* While packets come nobody would ask, and what an anchor can do must be known when they stop. */
	if (b->anchor->echo == ABILITY_UNKNOWN)
		probe(b);
	l->check_at = usec_add(b->engine->now.mono, b->engine->conf->probe_interval);
}

void liveness_end(struct binding *b)
{
	b->liveness.watched = false;
	b->liveness.check_at = USEC_INFINITY;
	b->liveness.probe_sent = 0;
}

void liveness_timer(struct binding *b)
{
	if (b->engine->now.mono < b->liveness.check_at)
		return;
	if (can_watch(b))
		check(b);
	else
		liveness_end(b);
}

void liveness_echo_reply(struct engine *e, const struct in6_addr *from, const struct in6_addr *to,
			 uint16_t sequence)
{
	struct binding *b = engine_find_home(e, to);

	if (!b || !b->liveness.probe_sent || b->liveness.sequence != sequence ||
	    !addr_equal(&b->anchor->address, from))
		return;
	b->anchor->n.probes_answered++;
	b->anchor->echo = ABILITY_YES;
	b->liveness.probe_answered = e->now.mono;
	b->liveness.rtt = e->now.mono - b->liveness.probe_sent;
	b->liveness.received++;
	answered(b);
}

void engine_probe(struct engine *e, struct instant now)
{
	struct binding *b;

	e->now = now;
	list_for_each(b, &e->bindings, node) {
		if (b->path.mode != PATH_TUNNEL || !b->registered || !binding_has_path(b))
			continue;
		probe(b);
		b->liveness.check_at = usec_add(now.mono, probe_timeout(b));
	}
	engine_settle(e);
}
