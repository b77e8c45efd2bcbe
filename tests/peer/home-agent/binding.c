/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binding.h"

#include <errno.h>
#include <stdlib.h>

#include "../common/event.h"
#include "../common/peer.h"
#include "acknowledgement.h"
#include "agent.h"
#include "base/log.h"
#include "home_link.h"
#include "tunnel.h"

DEFINE_STRTAB(binding_state, "none", "tentative", "bound", "deleted");

struct binding *binding_find(const struct agent *a, const struct in6_addr *home)
{
	struct binding *b;

	list_for_each(b, &a->bindings, node)
		if (addr_equal(&b->home, home))
			return b;
	return NULL;
}

struct binding *binding_obtain(struct agent *a, const struct in6_addr *home,
			       const struct mobile_node *mn)
{
	struct binding *b = binding_find(a, home);

	if (b)
		return b;
	b = calloc(1, sizeof(*b));
	if (!b)
		return NULL;
	b->owner = a;
	b->home = *home;
	b->mn = mn;
	list_append(&a->bindings, &b->node);
	return b;
}

struct binding *binding_active(const struct agent *a, const struct in6_addr *home)
{
	struct binding *b = binding_find(a, home);

	return b && (b->state == BINDING_BOUND || b->state == BINDING_TENTATIVE) ? b : NULL;
}

/* Packets of the home address come to the tunnel, before anybody is told that they do. */
static int path_up(struct binding *b)
{
	int r = tunnel_route_add(b->owner->tunnel, &b->home);

	if (r >= 0 && b->owner->home_link)
		r = home_link_defend(b->owner->home_link, b);
	return r;
}

static void path_down(struct binding *b)
{
	if (b->owner->home_link)
		home_link_release(b->owner->home_link, b);
	tunnel_route_del(b->owner->tunnel, &b->home);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *user);

/* The one place where a state changes: the path follows it, and so does the timer. */
static int set_state(struct binding *b, enum binding_state state, usec_t until)
{
	bool was_bound = b->state == BINDING_BOUND, is_bound = state == BINDING_BOUND;
	int r = 0;

	if (b->state != state)
		event_log("binding", "{s:o, s:s, s:s, s:o}", "home", json_addr(&b->home), "from",
			  binding_state_str(b->state), "to", binding_state_str(state), "coa",
			  json_addr(&b->coa));
	b->state = state;
	if (is_bound && !was_bound)
		r = path_up(b);
	if (was_bound && !is_bound)
		path_down(b);
	if (state == BINDING_NONE)
		peer_timer_stop(b->timer);
	else
		peer_timer_set(b->owner->event, &b->timer, until, on_timer, b);
	return r;
}

static int on_timer(sd_event_source *s, uint64_t usec, void *user)
{
	struct binding *b = user;
	struct acknowledgement *pending = b->pending;

	(void)s;
	(void)usec;
	if (b->state != BINDING_TENTATIVE)
		return set_state(b, BINDING_NONE, 0);
	b->pending = NULL;
	if (set_state(b, BINDING_BOUND, b->expires) < 0)
		log_warning("%s: no path for the binding", ADDR_STR(&b->home));
	acknowledgement_send(b->owner, pending);
	free(pending);
	return 0;
}

int binding_register(struct binding *b, const struct binding_update *u, usec_t dad_delay)
{
	bool first = b->state != BINDING_BOUND;
	usec_t now = peer_now();

	if (b->state == BINDING_BOUND && !addr_equal(&b->coa, &u->coa)) {
		b->previous_coa = b->coa;
		b->previous_until = now + BINDING_PREVIOUS_COA_FOR;
	}
	b->agent = u->agent;
	b->coa = u->coa;
	b->sequence = u->sequence;
	b->flags = u->flags;
	b->expires = usec_add(now, u->lifetime);
	if (b->state == BINDING_TENTATIVE)
		return 0;
	if (first && dad_delay > 0) {
		if (b->owner->home_link)
			home_link_probe(b->owner->home_link, &b->home);
		return set_state(b, BINDING_TENTATIVE, now + dad_delay);
	}
	return set_state(b, BINDING_BOUND, b->expires);
}

static void end(struct binding *b, enum binding_state state, usec_t until)
{
	free(b->pending);
	b->pending = NULL;
	b->previous_until = 0;
	set_state(b, state, until);
}

void binding_duplicate(struct binding *b)
{
	struct acknowledgement *pending = b->pending;

	b->pending = NULL;
	b->owner->counters.duplicate_addresses++;
	end(b, BINDING_NONE, 0);
	if (!pending)
		return;
	pending->status = BA_DAD_FAILED;
	pending->lifetime = 0;
	pending->refresh_advice = 0;
	acknowledgement_send(b->owner, pending);
	free(pending);
}

void binding_deregister(struct binding *b, uint16_t sequence)
{
	usec_t now = peer_now();

	b->sequence = sequence;
	end(b, BINDING_DELETED, usec_add(now, BINDING_DELETED_FOR));
	b->previous_coa = b->coa;
	b->previous_until = usec_add(now, BINDING_PREVIOUS_COA_FOR);
}

void binding_forget(struct binding *b)
{
	end(b, BINDING_NONE, 0);
}

bool binding_source_ok(const struct binding *b, const struct in6_addr *source)
{
	return (b->state == BINDING_BOUND && addr_equal(&b->coa, source)) ||
	       (addr_equal(&b->previous_coa, source) && peer_now() < b->previous_until);
}

void bindings_free(struct agent *a)
{
	struct binding *b, *next;

	list_for_each_safe(b, next, &a->bindings, node) {
		binding_forget(b);
		list_remove(&b->node);
		sd_event_source_unref(b->timer);
		free(b->last_ack);
		free(b);
	}
}
