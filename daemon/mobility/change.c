/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Another anchor takes over a binding (E8, E9): because the present one is dead, or because it asks us to go (home agent
 * switch, RFC 5142).  The home address stays, and so do its sessions.
 */
#include "mobility/internal.h"

#define UNKNOWN_RTT (250 * USEC_PER_MSEC) /* twice that of most agents */

void binding_change_anchor(struct binding *b, struct anchor *to, const char *why)
{
	struct engine *e = b->engine;
	struct event ev = {
		.kind = EVENT_ANCHOR_SWITCH, .priority = LOG_NOTICE, .binding = b, .anchor = to};

	engine_notify(e, &ev, "%s goes from anchor %s to %s: %s", ADDR_STR(&b->home),
		      b->anchor->name, to->name, why);
	binding_stop_exchange(b);
	liveness_end(b);
	b->anchor = to;
	b->successor = NULL;
	b->registered = false;
	b->refused_for_good = false;
	b->expires = 0;
	b->backoff = 0;
	binding_register(b);
	/* The old one carries nothing any more: data follow right behind the update. */
	if (b->link && b->path.mode == PATH_TUNNEL && !addr_equal(&b->path.anchor, &to->address))
		binding_path_tunnel(b);
}

bool binding_fail_over(struct binding *b, const char *why)
{
	struct anchor *other = anchor_best_but(b->engine, &b->home_prefix, b->anchor);

	if (b->engine->stopping)
		return false;
	if (other && !anchor_is_out(b->engine, other)) {
		binding_change_anchor(b, other, why);
		return true;
	}
	discovery_wanted(b->engine, b->anchor->conf);
	return false;
}

/* Who sent the error may also see the update on its way: the agent's own answer gets the time that it takes. */
static usec_t answer_time(const struct binding *b)
{
	return b->anchor->rtt ? 2 * b->anchor->rtt : UNKNOWN_RTT;
}

void binding_unreachable(struct binding *b, uint16_t sequence)
{
	usec_t at = b->engine->now.mono;
	const struct binding_outstanding *last =
		b->n_outstanding ? &b->outstanding[b->n_outstanding - 1] : NULL;

	if (!last || last->sequence != sequence || b->postponed ||
	    b->retransmit_at == USEC_INFINITY)
		return;
	if (b->retries >= SILENT_AFTER) /* asking faster does not help any more */
		return;
	if (usec_add(last->sent, answer_time(b)) > at)
		at = usec_add(last->sent, answer_time(b));
	if (at < b->retransmit_at)
		b->retransmit_at = at;
}

/* --- home agent switch -------------------------------------------------------------------- */

static struct anchor *candidate(struct engine *e, struct anchor *from,
				const struct in6_addr *address)
{
	struct anchor *a;

	list_for_each(a, &e->anchors, node)
		if (addr_equal(&a->address, address))
			return a == from ? NULL : a;
	return anchor_found(e, from->conf, address, ANCHOR_FROM_SWITCH, 0, NULL);
}

/* In the order of the list, but those in the home prefix first; an empty list leaves it to us. */
static struct anchor *choose_successor(struct engine *e, const struct binding *b,
				       const struct mh_has *has)
{
	for (unsigned pass = 0; pass < 2; pass++)
		for (unsigned i = 0; i < has->n; i++) {
			bool in_prefix = prefix_contains(&b->home_prefix, &has->addr[i]);
			struct anchor *a = in_prefix == (pass == 0)
						   ? candidate(e, b->anchor, &has->addr[i])
						   : NULL;

			if (a && anchor_serves(e, a, &b->home_prefix))
				return a;
		}
	return has->n ? NULL : anchor_best_but(e, &b->home_prefix, b->anchor);
}

/*
 * The de-registration at the present agent is the answer to its message (RFC 5142 section 6); when it is done the successor
 * gets the binding.
 */
static void move_to(struct binding *b, struct anchor *to)
{
	b->successor = to;
	binding_withdraw(b);
}

static bool is_away(const struct binding *b)
{
	return b->state == BINDING_REGISTERING || b->state == BINDING_REGISTERED ||
	       b->state == BINDING_UPDATING;
}

/*
 * Nobody else serves the prefix: its sessions may stay until the agent goes, and without any it is left at once.  A home
 * address that we made is made anew elsewhere; from now on this one lives by its sessions alone.
 */
static void drain(struct binding *b, usec_t deadline)
{
	if (b->automatic) {
		b->automatic = false;
		b->dynamic = true;
		b->service = SERVICE_SESSION_LASTING;
		b->needed = b->n_in_need > 0;
	}
	if (list_empty(&b->sessions)) {
		binding_withdraw(b);
		return;
	}
	b->drain_until = deadline;
	engine_publish(b->engine, OBJECT_BINDING, CHANGE_CHANGED, b);
	log_notice("%s: no other anchor serves its prefix, it is kept for its sessions as long as "
		   "%s does",
		   ADDR_STR(&b->home), b->anchor->name);
	discovery_wanted(b->engine, b->anchor->conf);
}

void switch_received(struct engine *e, struct binding *heard, const struct mh_message *m)
{
	struct anchor *from = heard->anchor, *to;
	usec_t keep = m->opt.has_refresh_advice
			      ? m->opt.refresh_advice * MH_LIFETIME_UNIT * USEC_PER_SEC
			      : 0;
	struct binding *b;

	from->n.switches++;
	from->switching = ABILITY_YES;
	if (!from->leaving)
		log_notice("anchor %s asks to use another home agent", from->name);
	from->leaving = true;
	engine_publish(e, OBJECT_ANCHOR, CHANGE_CHANGED, from);
	list_for_each(b, &e->bindings, node) {
		if (b->anchor != from || b->removed || b->successor || !is_away(b))
			continue;
		to = choose_successor(e, b, &m->has);
		if (to)
			move_to(b, to);
		else
			drain(b, usec_add(e->now.mono,
					  keep ? keep : usec_sub(b->expires, e->now.mono)));
	}
}

bool binding_succeed(struct binding *b)
{
	struct anchor *to = b->successor;

	if (!to)
		return false;
	b->successor = NULL;
	binding_change_anchor(b, to, "its home agent asked for it");
	return true;
}

usec_t change_next_timer(const struct binding *b)
{
	return b->drain_until ? b->drain_until : USEC_INFINITY;
}

/* Time is up at an agent that wants to be left, and nobody else serves the prefix. */
void change_timer(struct binding *b)
{
	if (!b->drain_until || b->engine->now.mono < b->drain_until)
		return;
	b->drain_until = 0;
	sessions_lost(b, "its home agent has gone out of service");
	sessions_forget(b);
	need_ignore(b);
	b->needed = false;
	b->hold_until = USEC_INFINITY;
	binding_withdraw(b);
}
