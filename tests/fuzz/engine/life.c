/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"

static const usec_t waits[] = {0, 20 * MSEC, 1 * SEC, 10 * SEC};

/* --- another run --------------------------------------------------------------------------- */

static bool is_found(const struct fuzz *f, const struct agent *a)
{
	return a->conf >= f->found && a->conf < f->found + f->n_found;
}

/* The agents and the sockets of the host do not care. */
static void take_over(struct fuzz *f, struct world *w, const struct world *old)
{
	for (unsigned j = 0; j < old->n_agents; j++) {
		if (is_found(f, &old->agent[j]) && w->n_agents < CONF_MAX_ANCHORS)
			w->agent[w->n_agents++] = old->agent[j];
		for (unsigned i = 0; i < w->n_agents; i++)
			if (addr_equal(&w->agent[i].conf->address, &old->agent[j].conf->address)) {
				memcpy(w->agent[i].cache, old->agent[j].cache,
				       sizeof(w->agent[i].cache));
				w->agent[i].n_cache = old->agent[j].n_cache;
			}
	}
	w->now = old->now;
	memcpy(w->host.session, old->host.session, old->host.n_sessions * sizeof(*w->host.session));
	w->host.n_sessions = old->host.n_sessions;
	w->host.next_cookie = old->host.next_cookie;
}

/* Restart: another engine with the same agents, and what the first has saved. */
void event_restart(struct fuzz *f)
{
	struct state_entry saved[STATE_ENTRIES_MAX];
	unsigned n = engine_save(f->w->e, saved, N(saved));
	struct world *old = f->w, *w = fuzz_world(f, f->conf);

	take_over(f, w, old);
	world_free(old);
	f->w = w;
	f->stopping = f->resyncing = f->has_order = false;
	check_excuse(f);
	for (unsigned i = 0; i < MAX_PAIRS; i++)
		memset(f->pair[i].at, 0, sizeof(f->pair[i].at));
	world_run(w, 2 * SEC);
	if (u8(f) & 1) {
		for (unsigned i = 0; i < n; i++)
			engine_restore(w->e, &saved[i]);
	} else {
		n = 0;
	}
	/* Those that are known no more draw their numbers anew. */
	for (unsigned i = 0; i < MAX_PAIRS; i++) {
		const struct binding *b = engine_find_home(w->e, &f->pair[i].home);

		f->pair[i].any &=
			n && b && b->adopted && addr_equal(&b->anchor->address, &f->pair[i].anchor);
	}
	if (u8(f) & 1)
		world_arrive(w, &place_wire);
	world_start(w);
}

/* --- another configuration ------------------------------------------------------------------- */

/* The agents of a configuration; those that are there stay as they are. */
static void add_agents(struct world *w, const struct conf *conf)
{
	const struct conf_anchor *a;

	list_for_each(a, &conf->anchors, node) {
		bool there = !a->has_address;

		for (unsigned i = 0; i < w->n_agents; i++)
			there |= addr_equal(&w->agent[i].conf->address, &a->address);
		if (!there && w->n_agents < CONF_MAX_ANCHORS)
			agent_init(&w->agent[w->n_agents++], a);
	}
}

static void remove_agents(struct world *w, const struct conf *conf)
{
	const struct conf_anchor *a;
	unsigned kept = 0;

	for (unsigned i = 0; i < w->n_agents; i++) {
		bool theirs = false;

		list_for_each(a, &conf->anchors, node)
			theirs |= w->agent[i].conf == a;
		if (!theirs)
			w->agent[kept++] = w->agent[i];
	}
	w->n_agents = kept;
}

/* A home address that comes back draws its sequence number anew. */
static void forget_removed(struct fuzz *f)
{
	for (unsigned i = 0; i < MAX_PAIRS; i++) {
		bool there = false;
		struct binding *b;

		list_for_each(b, &f->w->e->bindings, node)
			there |= addr_equal(&b->home, &f->pair[i].home) &&
				 addr_equal(&b->anchor->address, &f->pair[i].anchor);
		if (!there) {
			f->pair[i].any = false;
			memset(f->pair[i].at, 0, sizeof(f->pair[i].at));
		}
	}
}

/* What is withdrawn goes, even when nobody answers. */
static void wait_for_release(struct fuzz *f, const struct conf *conf)
{
	for (unsigned i = 0; i < 3 && engine_uses(f->w->e, conf); i++)
		world_run(f->w, 60 * SEC);
	check_excuse(f);
	if (engine_uses(f->w->e, conf)) {
		f->w->send_error = 0;
		world_arrive(f->w, &place_wire);
		world_run(f->w, 60 * SEC);
	}
	require(!engine_uses(f->w->e, conf), "another configuration stays in use");
}

/* Over to another configuration, and back. */
void reconfigure(struct fuzz *f)
{
	uint8_t group = confs[f->conf].group;
	unsigned which = u8(f) % n_confs;
	struct world *other;

	if (f->stopping || f->resyncing || (confs[which].group != group && which != CONF_NOTHING) ||
	    group > 2)
		return;
	other = fuzz_world(f, which);
	forget_removed(f);
	add_agents(f->w, other->conf);
	require(engine_reconfigure(f->w->e, f->w->now, other->conf) == 0, "reconfiguration");
	check_excuse(f);
	check(f);
	let_run(f, PICK(f, waits));
	forget_removed(f);
	require(engine_reconfigure(f->w->e, f->w->now, f->w->conf) == 0, "reconfiguration");
	check_excuse(f);
	check(f);
	wait_for_release(f, other->conf);
	remove_agents(f->w, other->conf);
	world_free(other);
}

/* --- the end ------------------------------------------------------------------------------- */

void event_stop(struct fuzz *f)
{
	usec_t end = f->w->now.mono + 2 * SEC;

	if (u8(f) & 7)
		return;
	f->stopping = true;
	engine_stop(f->w->e, f->w->now);
	world_run(f->w, 2 * SEC);
	require(f->w->now.mono >= end && engine_stopped(f->w->e), "does not stop");
}

static void make_friendly(struct world *w)
{
	w->send_error = w->host.list_error = 0;
	w->host.mute = false;
	for (unsigned i = 0; i < w->n_agents; i++) {
		w->agent[i].silent = false;
		w->agent[i].status = -1;
		w->agent[i].lose = 0;
		w->agent[i].grant = UINT16_MAX;
		w->agent[i].advice = 0;
		w->agent[i].rtt = 20 * MSEC;
	}
}

static const struct agent *agent_of(const struct world *w, const struct anchor *a)
{
	for (unsigned i = 0; i < w->n_agents; i++)
		if (addr_equal(&w->agent[i].conf->address, &a->address) &&
		    w->agent[i].has_sa == a->has_sa &&
		    (!a->has_sa || (w->agent[i].sa.spi == a->sa.spi &&
				    memcmp(w->agent[i].sa.key, a->sa.key, a->sa.key_len) == 0)))
			return &w->agent[i];
	return NULL;
}

/* Among all that were heard of there is one that exists. */
static bool can_be_bound(const struct world *w, const struct binding *b)
{
	struct anchor *a;

	if (!binding_needed(b) || b->removed)
		return false;
	list_for_each(a, &w->e->anchors, node)
		if (anchor_serves(w->e, a, &b->home_prefix) && agent_of(w, a))
			return true;
	return false;
}

static void check_bound(const struct world *w, const struct binding *b)
{
	const struct agent *a = agent_of(w, b->anchor);
	const struct agent_binding *c = a ? agent_find(a, &b->home) : NULL;

	require(b->state == BINDING_REGISTERED || b->state == BINDING_UPDATING,
		"a binding is stranded");
	require(w->path[b->slot].mode == PATH_TUNNEL &&
			addr_equal(&w->path[b->slot].coa, &b->coa) &&
			w->path[b->slot].ifindex == place_wire.ifindex,
		"a path leads nowhere");
	if (c)
		require(c->bound && addr_equal(&c->coa, &b->coa), "the agent sends elsewhere");
}

/* Among those that never answer the right one is found in time. */
static usec_t patience(const struct engine *e)
{
	struct anchor *a;
	usec_t t = 60 * SEC;

	list_for_each(a, &e->anchors, node)
		if (a->origin != ANCHOR_FROM_CONFIG)
			t += 100 * SEC;
	return t;
}

void settle(struct fuzz *f)
{
	struct world *w = f->w;
	struct binding *b;

	if (f->stopping)
		return;
	if (f->resyncing)
		event_resync(f);
	for (int i = 1; i < WORLD_MAX_LINKS; i++)
		if (engine_find_link(w->e, i))
			world_link_gone(w, i);
	check(f);
	make_friendly(w);
	let_run(f, 10 * SEC);
	world_arrive(w, &place_a); /* the agent may have told lies of the other place */
	let_run(f, 60 * SEC);
	world_leave(w, &place_a);
	world_arrive(w, &place_wire);
	let_run(f, 60 * SEC);
	check(f);
	require(engine_reconfigure(w->e, w->now, w->conf) == 0, "reconfiguration");
	world_stay(w, &place_wire, patience(w->e));
	check_excuse(f);
	check(f);
	list_for_each(b, &w->e->bindings, node)
		if (can_be_bound(w, b))
			check_bound(w, b);
}
