/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mobility/engine.h"

#include <errno.h>
#include <stdlib.h>

#include "mobility/internal.h"

#define STOP_TIMEOUT (2 * USEC_PER_SEC)

int engine_new(const struct conf *conf, const struct engine_ops *ops, void *user,
	       struct engine **ret)
{
	struct engine *e = calloc(1, sizeof(*e));
	struct conf_anchor *ca;
	struct binding *b;
	struct anchor *a;
	int r = 0;

	if (!e)
		return -ENOMEM;
	e->ops = ops;
	e->user = user;
	e->conf = conf;
	list_init(&e->links);
	list_init(&e->prefixes);
	list_init(&e->anchors);
	list_init(&e->bindings);
	list_init(&e->accepted);
	list_init(&e->discoveries);
	list_init(&e->remembered);
	sessions_init(e);
	e->recheck_at = USEC_INFINITY;
	list_init(&e->domains);
	list_init(&e->left_prefixes);

	list_for_each(ca, &conf->anchors, node) {
		if (!ca->has_address)
			continue;
		r = anchor_new(e, ca, &a);
		for (unsigned i = 0; r >= 0 && i < ca->n_homes; i++)
			r = binding_new(e, a, &ca->home[i], &b);
		if (r < 0)
			break;
	}
	if (r >= 0)
		r = discovery_configure(e);
	if (r < 0) {
		engine_free(e);
		return r;
	}
	*ret = e;
	return 0;
}

void engine_free(struct engine *e)
{
	struct binding *b, *tb;
	struct anchor *a, *ta;

	if (!e)
		return;
	list_for_each_safe(b, tb, &e->bindings, node)
		binding_free(b);
	prefixes_free(e);
	discovery_free(e);
	sequences_free(e);
	domains_free(e);
	links_free(e);
	accepted_free(e);
	list_for_each_safe(a, ta, &e->anchors, node)
		anchor_free(a);
	free(e);
}

void engine_publish(struct engine *e, enum engine_object kind, enum engine_change change,
		    const void *object)
{
	e->offers_due |= kind != OBJECT_OFFERS && kind != OBJECT_HANDOVER;
	e->ops->publish(e->user, kind, change, object);
}

struct binding *engine_find_home(const struct engine *e, const struct in6_addr *home)
{
	struct binding *b;

	list_for_each(b, &e->bindings, node)
		if (addr_equal(&b->home, home))
			return b;
	return NULL;
}

struct link *engine_find_link(const struct engine *e, int ifindex)
{
	struct link *l;

	list_for_each(l, &e->links, node)
		if (l->ifindex == ifindex)
			return l;
	return NULL;
}

static void arm_timer(struct engine *e)
{
	usec_t next = USEC_INFINITY, t;
	struct binding *b;
	struct link *l;

	list_for_each(b, &e->bindings, node)
		if ((t = binding_next_timer(b)) < next)
			next = t;
	list_for_each(l, &e->links, node)
		if ((t = link_next_timer(l)) < next)
			next = t;
	if ((t = accepted_expire(e)) < next)
		next = t;
	if (!e->stopping && (t = discovery_next_timer(e)) < next)
		next = t;
	if ((t = domain_next_timer(e)) < next)
		next = t;
	if (e->uplink && e->recheck_at < next)
		next = e->recheck_at;
	if (e->stopping && e->stop_deadline > e->now.mono && e->stop_deadline < next)
		next = e->stop_deadline;
	e->ops->set_timer(e->user, next);
}

void engine_hold(struct engine *e)
{
	e->holding = true;
}

void engine_release(struct engine *e)
{
	e->holding = false;
	if (e->settle_due)
		engine_settle(e);
}

void engine_settle(struct engine *e)
{
	struct link *l;

	e->settle_due = e->holding;
	if (!e->started || e->holding)
		return;
	if (!e->stopping) {
		discovery_homes(e);
		selection_run(e);
	}
	if (engine_reap(e) && !e->stopping) {
		discovery_homes(e);
		/* What was a home address is a native one again, and may be a care-of address. */
		list_for_each(l, &e->links, node)
			link_update_state(l);
		selection_run(e);
	}
	if (!e->stopping)
		discovery_timer(e);
	need_settle(e);
	prefixes_update(e);
	requests_update(e);
	arm_timer(e);
}

void engine_start(struct engine *e, struct instant now)
{
	struct link *l;
	struct binding *b;

	e->now = now;
	e->started = true;
	list_for_each(b, &e->bindings, node) {
		if (b->expires_real && b->expires_real <= now.real)
			b->registered = false; /* it ran out while nobody looked */
		else if (b->expires_real && b->registered)
			b->expires = usec_add(now.mono, b->expires_real - now.real);
		if (b->needed && b->service != SERVICE_FIXED)
			b->hold_until = usec_add(now.mono, e->conf->hold_time);
		binding_path_blocked(b);
	}
	list_for_each(l, &e->links, node)
		link_solicit(l);
	engine_publish(e, OBJECT_ENGINE, CHANGE_CHANGED, e);
	engine_settle(e);
}

void engine_stop(struct engine *e, struct instant now)
{
	struct binding *b;

	e->now = now;
	e->stopping = true;
	e->stop_deadline = usec_add(now.mono, STOP_TIMEOUT);
	list_for_each(b, &e->bindings, node) {
		b->successor = NULL;
		binding_withdraw(b);
	}
	engine_settle(e);
}

bool engine_stopped(const struct engine *e)
{
	struct binding *b;

	if (e->now.mono >= e->stop_deadline)
		return true;
	list_for_each(b, &e->bindings, node)
		if (b->state == BINDING_WITHDRAWING || b->state == BINDING_RETURNING)
			return false;
	return true;
}

void engine_timer(struct engine *e, struct instant now)
{
	struct binding *b;
	struct link *l;

	e->now = now;
	list_for_each(l, &e->links, node)
		link_timer(l);
	list_for_each(b, &e->bindings, node)
		binding_timer(b);
	need_recheck(e);
	domain_timer(e);
	handover_check_data(e);
	engine_settle(e);
}

static struct anchor *find_anchor(const struct engine *e, const struct in6_addr *address)
{
	struct anchor *a;

	list_for_each(a, &e->anchors, node)
		if (addr_equal(&a->address, address))
			return a;
	return NULL;
}

void engine_restore(struct engine *e, const struct state_entry *saved)
{
	struct binding *b = engine_find_home(e, &saved->home);
	struct anchor *a;

	if (!b && (saved->registered || saved->on_request))
		b = discovery_restore(e, saved);
	if (!b) {
		sequence_remember(e, &saved->home, &saved->anchor, saved->sequence);
		return;
	}
	if (!addr_equal(&b->anchor->address, &saved->anchor)) {
		/* Another one had taken over, or this state is of another configuration. */
		a = find_anchor(e, &saved->anchor);
		if (!a || !anchor_serves(e, a, &b->home_prefix))
			return;
		b->anchor = a;
	}
	b->sequence = saved->sequence;
	b->adopted = true;
	b->expires_real = saved->expires_real;
	if (saved->on_request)
		b->needed = true; /* likewise, its sessions may be at home */
	if (saved->registered) {
		/* The agent may still hold it: a later return home has to de-register.  How long is
		 * settled by the first acknowledgement. */
		b->registered = true;
		b->registered_coa = saved->coa;
		b->needed = true; /* until its sessions have been listed */
	}
}

unsigned engine_save(const struct engine *e, struct state_entry *saved, unsigned max)
{
	struct binding *b;
	unsigned n = 0;

	list_for_each(b, &e->bindings, node) {
		if (n == max)
			break;
		saved[n++] = (struct state_entry){
			.home = b->home,
			.anchor = b->anchor->address,
			.coa = b->registered_coa,
			.sequence = b->sequence,
			.on_request = b->on_request && !b->unshared,
			.service = b->service,
			/* Before we know better, assume that the agent may hold one. */
			.registered = b->registered || b->state == BINDING_REGISTERING ||
				      (b->state == BINDING_IDLE && binding_needed(b)),
			.expires_real = b->registered && b->expires > e->now.mono
						? usec_add(e->now.real, b->expires - e->now.mono)
						: 0,
		};
	}
	return n + sequences_save(e, saved + n, max - n);
}

const char *engine_place(const struct engine *e)
{
	bool home = !list_empty(&e->bindings);
	struct binding *b;

	if (!e->started)
		return "starting";
	if (!e->uplink)
		return "offline";
	if (list_empty(&e->bindings))
		return "local";
	list_for_each(b, &e->bindings, node)
		if (b->state != BINDING_HOME)
			home = false;
	return home ? "home" : "away";
}

const char *engine_waiting_for(const struct engine *e)
{
	const char *w = NULL;
	struct binding *b;
	struct link *l;

	if (!e->uplink) {
		list_for_each(l, &e->links, node)
			if (l->up && (w = link_waiting_for(l)))
				return w;
		return list_empty(&e->links) ? "a network interface" : "a link to come up";
	}
	if (link_is_captive(e->uplink))
		return "somebody to log in at the captive portal";
	list_for_each(b, &e->bindings, node)
		if ((w = binding_waiting_for(b)))
			return w;
	return NULL;
}
