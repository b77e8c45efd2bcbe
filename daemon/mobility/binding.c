/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mobility/binding.h"

#include <errno.h>
#include <stdlib.h>

#include "mobility/internal.h"

DEFINE_STRTAB(binding_state, "idle", "registering", "registered", "updating", "returning", "home",
	      "withdrawing", "refused");
DEFINE_STRTAB(path_mode, "blocked", "tunnel", "native");

static bool slot_is_free(const struct engine *e, unsigned slot)
{
	struct binding *b;

	list_for_each(b, &e->bindings, node)
		if (b->slot == slot)
			return false;
	return true;
}

int binding_new(struct engine *e, struct anchor *a, const struct conf_home *home,
		struct binding **ret)
{
	struct binding *b;
	unsigned slot = 0;

	while (slot < CONF_MAX_HOMES && !slot_is_free(e, slot))
		slot++;
	if (slot == CONF_MAX_HOMES)
		return -ENOSPC;
	b = calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	b->engine = e;
	b->slot = slot;
	b->home = home->address;
	b->home_prefix = home->prefix;
	b->anchor = a;
	b->last_status = -1;
	b->left_at = e->now.mono;
	b->service = a->conf->has_service ? a->conf->service : SERVICE_FIXED;
	list_init(&b->sessions);
	b->hold_until = b->liveness.check_at = b->solicit_at = USEC_INFINITY;
	b->obstacle.size_at = USEC_INFINITY;
	if (!sequence_recall(b))
		e->ops->random(e->user, &b->sequence, sizeof(b->sequence));
	b->retransmit_at = b->retry_at = b->refresh_at = USEC_INFINITY;
	b->path = (struct path){.slot = slot, .home = b->home, .home_prefix = b->home_prefix};
	list_append(&e->bindings, &b->node);
	*ret = b;
	return 0;
}

void binding_free(struct binding *b)
{
	sessions_forget(b);
	list_remove(&b->node);
	free(b);
}

enum binding_state binding_change_state(struct binding *b, enum binding_state s)
{
	enum binding_state was = b->state;

	b->state = s;
	if (s != was && (s == BINDING_HOME || s == BINDING_IDLE))
		obstacle_reset(b);
	return was;
}

void binding_tell_state(struct binding *b, enum binding_state was)
{
	struct event ev = {
		.kind = EVENT_BINDING_STATE,
		.priority = LOG_INFO,
		.binding = b,
		.anchor = b->anchor,
	};

	if (b->state == was)
		return;
	engine_notify(b->engine, &ev, "%s: %s -> %s (anchor %s)", ADDR_STR(&b->home),
		      binding_state_str((int)was), binding_state_str((int)b->state),
		      b->anchor->name);
	engine_publish(b->engine, OBJECT_BINDING, CHANGE_CHANGED, b);
}

void binding_set_state(struct binding *b, enum binding_state s)
{
	binding_tell_state(b, binding_change_state(b, s));
}

void binding_set_path(struct binding *b, const struct path *p)
{
	int r = b->engine->ops->set_path(b->engine->user, p);

	b->parked = false;
	b->path = *p;
	if (r < 0 && r != b->path_error)
		log_error("%s: cannot set its path (%s): %s", ADDR_STR(&b->home),
			  path_mode_str((int)p->mode), log_strerror(-r));
	b->path_error = r < 0 ? r : 0;
}

bool binding_has_path(struct binding *b)
{
	if (b->path_error) {
		const struct path again = b->path;

		binding_set_path(b, &again);
	}
	return b->path_error == 0;
}

static struct path path_base(const struct binding *b, enum path_mode mode)
{
	return (struct path){
		.slot = b->slot,
		.home = b->home,
		.home_prefix = b->home_prefix,
		.mode = mode,
	};
}

void binding_path_blocked(struct binding *b)
{
	struct path p = path_base(b, PATH_BLOCKED);

	p.adopt = b->adopted && b->state == BINDING_IDLE && !b->engine->stopping;
	p.wake = b->service != SERVICE_FIXED;
	binding_set_path(b, &p);
	if (p.wake && !binding_needed(b))
		b->engine->ops->watch_activity(b->engine->user, &b->home);
}

/* Whoever says that he is a home agent must show it before he sees the traffic of a session (E11). */
static bool anchor_is_proven(const struct binding *b)
{
	return b->registered || b->anchor->origin == ANCHOR_FROM_CONFIG ||
	       b->anchor->n.ba_accepted > 0;
}

/* By the update that was sent last, if nothing has kept it. */
static bool is_known_to_anchor(const struct binding *b, const struct in6_addr *coa)
{
	const struct binding_outstanding *last =
		b->n_outstanding ? &b->outstanding[b->n_outstanding - 1] : NULL;

	if (last)
		return last->lifetime && addr_equal(&last->coa, coa);
	return b->registered && addr_equal(&b->registered_coa, coa);
}

void binding_path_tunnel(struct binding *b)
{
	struct path p = path_base(b, PATH_TUNNEL);

	if (!anchor_is_proven(b)) {
		binding_path_blocked(b);
		return;
	}
	p.anchor = b->anchor->address;
	p.coa = b->coa;
	p.ifindex = b->link->ifindex;
	p.next_hop = b->engine->next_hop;
	p.unannounced = !is_known_to_anchor(b, &b->coa);
	binding_set_path(b, &p);
}

void binding_confirm_path(struct binding *b)
{
	if (b->path.mode == PATH_TUNNEL && path_alive(b->engine, &b->path) && b->registered &&
	    b->state != BINDING_RETURNING && b->state != BINDING_WITHDRAWING &&
	    addr_equal(&b->registered_coa, &b->path.coa) && binding_has_path(b))
		b->engine->ops->confirm_path(b->engine->user, &b->path);
}

void binding_path_home(struct binding *b, struct link *home, bool dad)
{
	struct path p = path_base(b, PATH_HOME);
	struct router *r = link_best_router(home, &b->home);

	p.ifindex = home->ifindex;
	p.claimed_ifindex = link_has_address(home, b) ? 0 : home->ifindex;
	b->ordinary = !p.claimed_ifindex;
	p.dad = dad;
	if (r)
		p.next_hop = r->addr;
	binding_set_path(b, &p);
}

/* Where the tunnel leaves, when only that has changed. */
static void binding_follow_router(struct binding *b)
{
	const struct engine *e = b->engine;

	if (b->path.ifindex == e->uplink->ifindex && addr_equal(&b->path.next_hop, &e->next_hop))
		return;
	b->link = e->uplink;
	binding_path_tunnel(b);
}

/* The router of the uplink changed, or the link came back, while the care-of address stayed. */
static void binding_follow_link(struct binding *b)
{
	const struct engine *e = b->engine;

	b->link = e->uplink;
	if (b->state != BINDING_REGISTERED && b->retransmit_at == USEC_INFINITY) {
		b->retransmit_at = e->now.mono; /* it could not be sent while there was no link */
		b->postponed = true;
	}
	if (b->path.mode == PATH_TUNNEL && addr_equal(&b->path.coa, &b->coa))
		binding_follow_router(b);
	else if (!path_alive(e, &b->path) || b->path.unannounced)
		binding_path_tunnel(b); /* the old one was kept while it worked (E10) */
}

/*
 * The update that has to wait leaves before any return home: until then the tunnel carries nothing, and it is what goes on if
 * this is not the home at all (E11).
 */
static bool is_to_be_announced(const struct binding *b)
{
	return b->path.mode == PATH_TUNNEL && b->path.unannounced &&
	       (b->state == BINDING_REGISTERING || b->state == BINDING_UPDATING) &&
	       path_alive(b->engine, &b->path);
}

static void binding_evaluate_home(struct binding *b, struct link *home)
{
	struct router *r = link_best_router(home, &b->home);

	if (b->state == BINDING_RETURNING && b->link == home) {
		if (b->path.mode == PATH_TUNNEL && !path_alive(b->engine, &b->path))
			binding_path_home(b, home, false);
		return;
	}
	b->left_at = b->engine->now.mono;
	if (b->state == BINDING_HOME && b->link == home) {
		b->looked = false;
		if ((r && !addr_equal(&b->path.next_hop, &r->addr)) ||
		    (!b->path.claimed_ifindex && !link_has_address(home, b)))
			binding_path_home(b, home, false);
		return;
	}
	if (b->registered || b->n_outstanding) {
		if (!is_to_be_announced(b))
			binding_return_home(b, home);
		return;
	}
	b->link = home;
	handover_join(b);
	accepted_retire(b->engine, b, NULL);
	binding_path_home(b, home, true);
	binding_set_state(b, BINDING_HOME);
	if (!b->path.claimed_ifindex)
		need_end(b);
	b->engine->ops->persist(b->engine->user);
	handover_leave(b, true);
}

/* A withdrawal goes on from wherever we are. */
static void binding_follow_withdrawing(struct binding *b)
{
	struct engine *e = b->engine;

	if (b->state != BINDING_WITHDRAWING || !e->uplink ||
	    (b->link == e->uplink && addr_equal(&b->coa, &e->coa)))
		return;
	b->link = e->uplink;
	if (addr_equal(&b->coa, &e->coa))
		return; /* what has been sent still holds */
	b->coa = e->coa;
	b->retries = 0;
	b->timeout = BINDING_INITIAL_TIMEOUT;
	b->retransmit_at = e->now.mono;
	b->postponed = true;
	if (!b->parked)
		accepted_add(e, b, &b->coa);
}

void binding_park(struct binding *b)
{
	struct engine *e = b->engine;

	binding_stop_exchange(b);
	binding_set_state(b, BINDING_WITHDRAWING);
	if (!e->uplink)
		b->coa = in6addr_any; /* it has not been tried from anywhere yet */
	if (b->parked)
		return;
	accepted_forget(e, b);
	e->ops->drop_path(e->user, &b->path);
	b->path = path_base(b, PATH_BLOCKED);
	b->path_error = 0;
	b->parked = true;
}

void binding_withdrawn(struct binding *b)
{
	liveness_end(b);
	binding_set_state(b, BINDING_IDLE);
	if (binding_succeed(b) || b->dynamic || b->removed || b->engine->stopping)
		return;
	binding_path_blocked(b);
	if (b->anchor->leaving) { /* it has asked to be left, and there is no other */
		b->retry_at = usec_add(b->engine->now.mono, BINDING_SLOW_RETRY);
		binding_set_state(b, BINDING_REFUSED);
	}
}

/* Away, and nobody needs it. */
static void binding_rest(struct binding *b)
{
	switch (b->state) {
	case BINDING_WITHDRAWING:
		binding_follow_withdrawing(b);
		return;
	case BINDING_IDLE:
		return;
	case BINDING_HOME:
	case BINDING_REFUSED:
		if (b->dynamic && !b->successor && !need_close(b)) {
			if (b->n_in_need)
				binding_evaluate(b); /* somebody has just come */
			return;
		}
		binding_stop_exchange(b);
		b->retry_at = USEC_INFINITY;
		binding_withdrawn(b);
		return;
	case BINDING_RETURNING:
		binding_set_state(b, BINDING_REGISTERED); /* not at home after all */
		break;
	case BINDING_REGISTERING:
	case BINDING_REGISTERED:
	case BINDING_UPDATING:
	case BINDING_STATE_MAX:
		break;
	}
	binding_withdraw(b);
}

/*
 * The care-of address is a home address whose agent has not confirmed its return: until it has, answers to that address would go
 * where the agent still sends them.  Not waited for longer than one try.
 */
static bool coa_is_returning(const struct engine *e)
{
	const struct binding *b = engine_find_home(e, &e->coa);

	return b && b->state == BINDING_RETURNING && b->retries == 0 && b->n_outstanding;
}

/* Right after a restart nobody has said yet which prefixes are here. */
static bool may_be_home(const struct binding *b)
{
	return b->on_request && b->adopted && b->state == BINDING_IDLE && !b->registered &&
	       !link_knows_prefixes(b->engine->uplink);
}

/* Nobody is in need any more, and the hold time runs. */
static bool is_held_only(const struct binding *b)
{
	return b->service != SERVICE_FIXED && !b->n_in_need && !b->unlisted &&
	       b->hold_until != USEC_INFINITY;
}

void binding_evaluate(struct binding *b)
{
	struct engine *e = b->engine;
	struct link *home = find_home_link(e, b);

	if (b->removed) {
		binding_follow_withdrawing(b);
		return;
	}
	if (b->dynamic && b->state == BINDING_IDLE && !binding_needed(b) &&
	    !(b->on_request && home))
		return; /* about to go */
	if (b->state == BINDING_WITHDRAWING && !binding_needed(b) && e->uplink &&
	    !addr_equal(&e->coa, &b->home)) {
		/* Who says that this is its home need not be believed; but if it is, sessions may begin here. */
		if (home)
			b->looked = false;
		binding_follow_withdrawing(b);
		return;
	}
	if (home) {
		binding_evaluate_home(b, home);
		return;
	}
	if (!e->uplink)
		return;
	if (!binding_needed(b) || b->successor ||
	    (b->state == BINDING_WITHDRAWING && b->anchor->leaving)) {
		binding_rest(b);
		return;
	}
	if (coa_is_returning(e) || may_be_home(b))
		return;
	if (is_held_only(b) && b->state != BINDING_IDLE && !addr_equal(&b->coa, &e->coa)) {
		b->hold_until = e->now.mono; /* not worth another registration */
		return;
	}
	switch (b->state) {
	case BINDING_IDLE:
	case BINDING_HOME:
	case BINDING_RETURNING:
	case BINDING_WITHDRAWING: /* somebody came after all */
		if (!b->refused_for_good) {
			binding_register(b);
			return;
		}
		binding_path_blocked(b);
		b->retry_at = USEC_INFINITY;
		binding_set_state(b, BINDING_REFUSED);
		return;
	case BINDING_REGISTERING:
	case BINDING_REGISTERED:
	case BINDING_UPDATING:
		if (!addr_equal(&b->coa, &e->coa))
			binding_register(b);
		else
			binding_follow_link(b);
		return;
	case BINDING_REFUSED:
		/* What was refused elsewhere may be accepted here, unless it was for good. */
		if (!addr_equal(&b->coa, &e->coa) && !b->refused_for_good) {
			b->backoff = 0;
			binding_register(b);
		} else if (b->path.mode == PATH_TUNNEL && addr_equal(&b->path.coa, &e->coa)) {
			binding_follow_router(b);
		}
		return;
	case BINDING_STATE_MAX:
		return;
	}
}

void binding_forget_link(struct engine *e, const struct link *l)
{
	struct binding *b;

	list_for_each(b, &e->bindings, node) {
		if (b->link == l)
			b->link = NULL;
		if (b->doubted == l)
			b->doubted = NULL;
	}
	if (e->uplink == l)
		e->uplink = NULL;
}

/*
 * The agent looks for us as soon as it has our de-registration, to send its answer; the kernel takes a moment to make the
 * claimed address ours.  If the solicitation came in between, this answers it (RFC 6275 section 11.5.5).
 */
void binding_claimed(struct engine *e, const struct link *l, const struct in6_addr *addr)
{
	struct binding *b = engine_find_home(e, addr);

	if (b && b->state == BINDING_RETURNING && b->link == l &&
	    b->path.claimed_ifindex == l->ifindex)
		e->ops->answer(e->user, l->ifindex, &b->home, &b->anchor->address);
}

void binding_trust_link(const struct link *l)
{
	struct binding *b;

	list_for_each(b, &l->engine->bindings, node)
		if (b->doubted == l)
			b->doubted = NULL;
}

/* While there is no uplink nothing can be sent: the next attachment looks again. */
static bool can_send(const struct binding *b)
{
	return b->state == BINDING_RETURNING ? b->link && b->link->up : b->engine->uplink != NULL;
}

/* When something is to be sent, in this state. */
static usec_t send_deadline(const struct binding *b)
{
	if (!can_send(b))
		return USEC_INFINITY;
	switch (b->state) {
	case BINDING_REGISTERED:
		return b->refresh_at;
	case BINDING_REFUSED:
		return b->retry_at;
	case BINDING_REGISTERING:
	case BINDING_UPDATING:
	case BINDING_RETURNING:
	case BINDING_WITHDRAWING:
		return b->retransmit_at;
	case BINDING_IDLE:
	case BINDING_HOME:
	case BINDING_STATE_MAX:
		break;
	}
	return USEC_INFINITY;
}

usec_t binding_next_timer(const struct binding *b)
{
	static usec_t (*const others[])(const struct binding *) = {
		need_next_timer,
		change_next_timer,
		prefix_discovery_next_timer,
		obstacle_next_timer,
	};
	usec_t next = send_deadline(b);

	if (b->expires && b->expires < next)
		next = b->expires;
	if (b->doubted && b->doubted_until > b->engine->now.mono && b->doubted_until < next)
		next = b->doubted_until;
	if (b->liveness.check_at < next)
		next = b->liveness.check_at;
	for (unsigned i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (others[i](b) < next)
			next = others[i](b);
	return next;
}

static void binding_expire(struct binding *b)
{
	struct engine *e = b->engine;

	log_warning("%s: the binding at %s has expired", ADDR_STR(&b->home), b->anchor->name);
	b->expires = 0;
	b->registered = false;
	e->ops->persist(e->user);
	if (b->state == BINDING_REGISTERED) {
		b->retransmit_at = e->now.mono;
		b->postponed = true; /* nothing has been sent yet that could time out */
		binding_set_state(b, BINDING_REGISTERING);
	} else if (b->state == BINDING_UPDATING) {
		binding_set_state(b, BINDING_REGISTERING);
	} else if (b->state == BINDING_REFUSED) {
		binding_path_blocked(b);
	} else if (b->state == BINDING_WITHDRAWING) {
		binding_stop_exchange(b);
		binding_withdrawn(b);
	}
}

void binding_timer(struct binding *b)
{
	need_timer(b);
	change_timer(b);
	liveness_timer(b);
	prefix_discovery_timer(b);
	obstacle_timer(b);
	if (b->expires && b->engine->now.mono >= b->expires)
		binding_expire(b);
	if (b->engine->now.mono < send_deadline(b))
		return;
	if (b->state == BINDING_REGISTERED)
		binding_refresh(b);
	else if (b->state == BINDING_REFUSED)
		binding_register(b);
	else
		binding_retransmit(b);
}

const char *binding_waiting_for(const struct binding *b)
{
	switch (b->state) {
	case BINDING_IDLE:
		return binding_needed(b) ? "a care-of address" : NULL;
	case BINDING_REGISTERING:
	case BINDING_UPDATING:
	case BINDING_RETURNING:
	case BINDING_WITHDRAWING:
		return b->anchor->health == ANCHOR_SILENT
			       ? "an acknowledgement; the home agent is silent"
			       : "the home agent's acknowledgement";
	case BINDING_REFUSED:
		return b->retry_at == USEC_INFINITY
			       ? "a change of the configuration: the home agent refused for good"
			       : "the next attempt after a refusal";
	case BINDING_REGISTERED:
		return b->liveness.dead ? "an answer through its tunnel, which is dead" : NULL;
	case BINDING_HOME:
	case BINDING_STATE_MAX:
		break;
	}
	return NULL;
}
