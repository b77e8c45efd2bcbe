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

int binding_new(struct engine *e, struct anchor *a, const struct conf_home *home)
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
	e->ops->random(e->user, &b->sequence, sizeof(b->sequence));
	b->retransmit_at = b->retry_at = b->refresh_at = USEC_INFINITY;
	b->path = (struct path){.slot = slot, .home = b->home, .home_prefix = b->home_prefix};
	list_append(&e->bindings, &b->node);
	return 0;
}

void binding_free(struct binding *b)
{
	list_remove(&b->node);
	free(b);
}

void binding_set_state(struct binding *b, enum binding_state s)
{
	if (s == b->state)
		return;
	log_info("%s: %s -> %s (anchor %s)", ADDR_STR(&b->home), binding_state_str((int)b->state),
		 binding_state_str((int)s), b->anchor->conf->name);
	b->state = s;
	engine_publish(b->engine, OBJECT_BINDING, CHANGE_CHANGED, b);
}

void binding_set_path(struct binding *b, const struct path *p)
{
	int r = b->engine->ops->set_path(b->engine->user, p);

	b->path = *p;
	if (r < 0)
		log_error("%s: cannot set its path (%s): %s", ADDR_STR(&b->home),
			  path_mode_str((int)p->mode), log_strerror(-r));
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
	binding_set_path(b, &p);
}

void binding_path_tunnel(struct binding *b)
{
	struct path p = path_base(b, PATH_TUNNEL);

	p.anchor = b->anchor->address;
	p.coa = b->coa;
	p.ifindex = b->link->ifindex;
	p.next_hop = b->engine->next_hop;
	binding_set_path(b, &p);
}

void binding_path_home(struct binding *b, struct link *home, bool dad)
{
	struct path p = path_base(b, PATH_HOME);
	struct router *r = link_best_router(home, &b->home);

	p.ifindex = p.claimed_ifindex = home->ifindex;
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
	else if (!path_alive(e, &b->path))
		binding_path_tunnel(b); /* the old one was kept while it worked (E10) */
}

static void binding_evaluate_home(struct binding *b, struct link *home)
{
	struct router *r = link_best_router(home, &b->home);

	if (b->state == BINDING_RETURNING && b->link == home) {
		if (b->path.mode == PATH_TUNNEL && !path_alive(b->engine, &b->path))
			binding_path_home(b, home, false);
		return;
	}
	if (b->state == BINDING_HOME && b->link == home) {
		if (r && !addr_equal(&b->path.next_hop, &r->addr))
			binding_path_home(b, home, false);
		return;
	}
	if (b->registered || b->n_outstanding) {
		binding_return_home(b, home);
		return;
	}
	b->link = home;
	handover_join(b);
	accepted_retire(b->engine, b, NULL);
	binding_path_home(b, home, true);
	binding_set_state(b, BINDING_HOME);
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
	b->coa = e->coa;
	b->link = e->uplink;
	b->retransmit_at = e->now.mono;
	b->postponed = true;
	accepted_add(e, b, &b->coa);
}

void binding_evaluate(struct binding *b)
{
	struct engine *e = b->engine;
	struct link *home = find_home_link(e, b);

	if (b->removed) {
		binding_follow_withdrawing(b);
		return;
	}
	if (home) {
		binding_evaluate_home(b, home);
		return;
	}
	if (!e->uplink)
		return;
	switch (b->state) {
	case BINDING_IDLE:
	case BINDING_HOME:
	case BINDING_RETURNING:
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
	case BINDING_WITHDRAWING:
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

	if (b && b->state == BINDING_RETURNING && b->link == l)
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
	usec_t next = send_deadline(b);

	if (b->expires && b->expires < next)
		next = b->expires;
	if (b->doubted && b->doubted_until > b->engine->now.mono && b->doubted_until < next)
		next = b->doubted_until;
	return next;
}

static void binding_expire(struct binding *b)
{
	struct engine *e = b->engine;

	log_warning("%s: the binding at %s has expired", ADDR_STR(&b->home), b->anchor->conf->name);
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
	}
}

void binding_timer(struct binding *b)
{
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
		return "a care-of address";
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
	case BINDING_HOME:
	case BINDING_STATE_MAX:
		break;
	}
	return NULL;
}
