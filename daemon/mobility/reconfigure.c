/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Another configuration while running: what stays is left alone, what goes is withdrawn. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mobility/internal.h"

/* The same home agent under the same name; what was found is kept while its section still looks for agents. */
static const struct conf_anchor *find_conf(const struct conf *conf, const struct anchor *a)
{
	const struct conf_anchor *ca;

	list_for_each(ca, &conf->anchors, node) {
		if (strcmp(ca->name, a->conf->name) != 0)
			continue;
		if (a->origin == ANCHOR_FROM_CONFIG)
			return ca->has_address && addr_equal(&ca->address, &a->address) ? ca : NULL;
		return ca->discover || a->origin == ANCHOR_FROM_SWITCH ? ca : NULL;
	}
	return NULL;
}

static struct anchor *find_anchor(const struct engine *e, const struct conf_anchor *ca)
{
	struct anchor *a;

	list_for_each(a, &e->anchors, node)
		if (a->conf == ca && a->origin == ANCHOR_FROM_CONFIG)
			return a;
	return NULL;
}

static bool serves(const struct engine *e, const struct conf_anchor *ca, const struct binding *b)
{
	if (b->automatic)
		return ca->home_auto;
	if (b->dynamic)
		return anchor_serves(e, b->anchor, &b->home_prefix);
	for (unsigned i = 0; i < ca->n_homes; i++)
		if (addr_equal(&ca->home[i].address, &b->home) &&
		    prefix_equal(&ca->home[i].prefix, &b->home_prefix))
			return true;
	return false;
}

/*
 * The home address was being withdrawn.  At the same anchor its binding simply lives on; at another one the withdrawal has
 * been sent and is not waited for, since address and path have one owner.  True if there is nothing more to do.
 */
static bool take_over(struct engine *e, const struct anchor *a, const struct in6_addr *home)
{
	struct binding *b = engine_find_home(e, home);

	if (!b)
		return false;
	/* Where another agent has taken over from this one, it stays there. */
	if (b->anchor == a || !b->removed) {
		if (b->removed) {
			b->removed = false;
			binding_stop_exchange(b);
			binding_set_state(b, BINDING_IDLE);
		}
		return true;
	}
	binding_stop_exchange(b);
	binding_set_state(b, BINDING_IDLE);
	engine_reap(e);
	return false;
}

/* The rules that its sessions point at go; they are judged anew. */
static void policy_changed(struct binding *b)
{
	struct session *s;

	list_for_each(s, &b->sessions, node)
		s->rule = NULL;
	b->looked = false;
}

static int add_homes(struct engine *e, struct anchor *a)
{
	for (unsigned i = 0; i < a->conf->n_homes; i++) {
		struct binding *b;
		int r;

		if (take_over(e, a, &a->conf->home[i].address))
			continue;
		r = binding_new(e, a, &a->conf->home[i], &b);
		if (r < 0)
			return r;
		binding_path_blocked(b);
		engine_publish(e, OBJECT_BINDING, CHANGE_ADDED, b);
	}
	return 0;
}

/* In use, or configured: one may be about to get its first binding. */
static bool is_wanted(const struct engine *e, const struct anchor *a)
{
	const struct conf_anchor *ca;

	list_for_each(ca, &e->conf->anchors, node)
		if (ca == a->conf)
			return true;
	return anchor_in_use(e, a);
}

static void reap_anchors(struct engine *e)
{
	struct anchor *a, *ta;

	list_for_each_safe(a, ta, &e->anchors, node)
		if (!is_wanted(e, a))
			anchor_remove(e, a);
}

int engine_reconfigure(struct engine *e, struct instant now, const struct conf *conf)
{
	const struct conf_anchor *ca;
	struct binding *b, *tb;
	struct anchor *a, *ta;
	struct link *l;
	int r = 0;

	e->now = now;
	e->conf = conf;
	if ((r = discovery_configure(e)) < 0)
		return r;
	need_reconsider(e);
	list_for_each(b, &e->bindings, node)
		policy_changed(b);
	list_for_each(l, &e->links, node)
		l->conf = conf_link_find(conf, l->name);
	list_for_each_safe(b, tb, &e->bindings, node) {
		ca = find_conf(conf, b->anchor);
		if (ca && serves(e, ca, b))
			continue;
		b->removed = true;
		b->successor = NULL; /* that was for one who stays */
		b->drain_until = 0;
		binding_withdraw(b);
	}
	/* Withdrawals are signed with the key they were configured with, so they left first; what
	 * they still need of the old configuration is kept by main until they are done. */
	list_for_each_safe(a, ta, &e->anchors, node) {
		ca = find_conf(conf, a);
		if (ca)
			anchor_configure(a, ca);
		engine_publish(e, OBJECT_ANCHOR, CHANGE_CHANGED, a);
	}
	list_for_each(ca, &conf->anchors, node) {
		if (!ca->has_address)
			continue;
		a = find_anchor(e, ca);
		if (!a && (r = anchor_new(e, ca, &a)) < 0)
			break;
		if ((r = add_homes(e, a)) < 0)
			break;
	}
	list_for_each(b, &e->bindings, node) {
		if (!b->dynamic)
			b->service = b->anchor->conf->has_service ? b->anchor->conf->service
								  : SERVICE_FIXED;
		b->refused_for_good = false;
		if (!b->removed && b->state == BINDING_REFUSED && e->uplink)
			binding_register(b);
	}
	reap_anchors(e);
	engine_settle(e);
	return r;
}

bool engine_uses(const struct engine *e, const struct conf *conf)
{
	const struct conf_anchor *ca;
	struct anchor *a;

	if (e->conf == conf)
		return true;
	list_for_each(a, &e->anchors, node)
		list_for_each(ca, &conf->anchors, node)
			if (a->conf == ca)
				return true;
	return false;
}

/* Its withdrawal is over, or its address is native again and nothing of ours is in the way. */
static bool is_over(const struct binding *b)
{
	if (b->removed)
		return b->state != BINDING_WITHDRAWING;
	if (!b->dynamic || b->successor)
		return false;
	switch (b->state) {
	case BINDING_HOME:
		return !b->on_request && (!b->path.claimed_ifindex || !binding_needed(b));
	case BINDING_IDLE:
	case BINDING_REFUSED:
		return !binding_needed(b);
	default:
		return false;
	}
}

bool engine_reap(struct engine *e)
{
	struct binding *b, *tb;
	bool gone = false;

	list_for_each_safe(b, tb, &e->bindings, node) {
		if (!is_over(b))
			continue;
		accepted_forget(e, b);
		e->ops->drop_path(e->user, &b->path);
		/* With the claim goes what the kernel would have made of the advertisement: it needs another. */
		if (b->dynamic && !b->on_request && b->path.claimed_ifindex && b->link)
			link_solicit(b->link);
		engine_publish(e, OBJECT_BINDING, CHANGE_REMOVED, b);
		sequence_retire(b);
		need_unbound(b);
		binding_free(b);
		gone = true;
	}
	if (!gone)
		return false;
	reap_anchors(e);
	e->ops->persist(e->user);
	return true;
}
