/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"

/* Four updates of a withdrawal with doubling timeouts from one second on, and what the rate limit may add. */
#define WITHDRAWAL_TIME (20 * SEC)

/* --- updates ----------------------------------------------------------------------------- */

static struct pair *pair_of(struct fuzz *f, const struct in6_addr *home,
			    const struct in6_addr *anchor)
{
	struct pair *p;

	for (unsigned i = 0; i < f->n_pairs && i < MAX_PAIRS; i++)
		if (addr_equal(&f->pair[i].home, home) && addr_equal(&f->pair[i].anchor, anchor))
			return &f->pair[i];
	p = &f->pair[f->n_pairs++ % MAX_PAIRS];
	*p = (struct pair){.home = *home, .anchor = *anchor};
	return p;
}

static void check_update(struct fuzz *f, const struct agent_received *u)
{
	struct pair *p = pair_of(f, &u->home, &u->dst);

	/* Status 135 may lead further than one: to behind what the agent had last, half way round at
	 * most. */
	require(!p->any || (uint16_t)(u->sequence - p->sequence - 1) <= 32768,
		"a sequence number was used again");
	require(!p->at[2] || u->at - p->at[2] >= SEC, "more than three updates in a second");
	p->any = true;
	p->sequence = u->sequence;
	memmove(p->at + 1, p->at, sizeof(p->at) - sizeof(p->at[0]));
	p->at[0] = u->at;
	f->update[f->n_updates++ % REMEMBERED] = *u;
}

/* --- objects ----------------------------------------------------------------------------- */

static bool has_link(const struct engine *e, const struct link *wanted)
{
	struct link *l;

	list_for_each(l, &e->links, node)
		if (l == wanted)
			return true;
	return wanted == NULL;
}

static bool has_anchor(const struct engine *e, const struct anchor *wanted)
{
	struct anchor *a;

	list_for_each(a, &e->anchors, node)
		if (a == wanted)
			return true;
	return wanted == NULL;
}

static unsigned check_sessions(struct engine *e, const struct binding *b)
{
	unsigned n = 0, in_need = 0;
	struct session *s;

	list_for_each(s, &b->sessions, node) {
		n++;
		in_need += s->in_need;
		require(s->binding == b, "a session of another binding");
		require(session_find(e, s->info.cookie) == s, "a session that cannot be found");
	}
	require(in_need == b->n_in_need, "a wrong number of sessions in need");
	require(!b->n_in_need || b->service == SERVICE_FIXED || b->needed,
		"sessions in need and no binding");
	return n;
}

static void check_binding(const struct world *w, const struct binding *b)
{
	unsigned accepted = 0;

	require(has_link(w->e, b->link), "a binding on a link that is no more");
	require(b->anchor && has_anchor(w->e, b->anchor), "a binding at an anchor that is no more");
	require(has_anchor(w->e, b->successor), "a successor that is no more");
	require(b->n_outstanding <= BINDING_MAX_OUTSTANDING, "too many outstanding updates");
	require(!b->expires || b->registered, "an end without a binding");
	require(b->state != BINDING_REGISTERED || b->registered, "registered, it says");
	for (unsigned i = 0; i < w->n_accepted; i++)
		accepted += addr_equal(&w->accepted[i].home, &b->home) &&
			    addr_equal(&w->accepted[i].anchor, &b->anchor->address);
	require(accepted <= MAX_CARE_OF, "lets in from everywhere");
}

static void check_anchors(const struct engine *e)
{
	struct anchor *a, *other;

	list_for_each(a, &e->anchors, node) {
		unsigned n = 0;

		list_for_each(other, &e->anchors, node) {
			n += other->conf == a->conf;
			require(other == a || strcmp(other->name, a->name) != 0,
				"two anchors of one name");
		}
		require(n <= SECTION_AGENTS, "too many agents of one section");
		require(!addr_is_any(&a->address), "an anchor nowhere");
	}
}

/* --- need -------------------------------------------------------------------------------- */

void check_excuse(struct fuzz *f)
{
	memset(f->idle_since, 0, sizeof(f->idle_since));
}

static bool is_idle(const struct binding *b)
{
	/* On its own link nothing is tunnelled: the de-registration may take as long as it takes. */
	return b->dynamic && !b->n_in_need && !b->parked && b->service != SERVICE_FIXED &&
	       b->state != BINDING_RETURNING && b->state != BINDING_HOME;
}

/* E4: nothing is kept that nobody needs. */
static void check_need(struct fuzz *f)
{
	const struct engine *e = f->w->e;
	bool idle[CONF_MAX_HOMES] = {false};
	struct binding *b;

	if (!addr_equal(&f->idle_coa, &e->coa) || f->w->host.list_error || f->w->send_error ||
	    f->resyncing || f->stopping || !e->uplink)
		check_excuse(f);
	f->idle_coa = e->coa;
	list_for_each(b, &e->bindings, node) {
		uint64_t home;

		if (!is_idle(b))
			continue;
		memcpy(&home, b->home.s6_addr + 8, sizeof(home));
		home ^= b->home.s6_addr[5];
		idle[b->slot] = true;
		if (!f->idle_since[b->slot] || f->idle_home[b->slot] != home)
			f->idle_since[b->slot] = f->w->now.mono;
		f->idle_home[b->slot] = home;
		require(f->w->now.mono - f->idle_since[b->slot] <=
				e->conf->hold_time + WITHDRAWAL_TIME,
			"a binding that nobody needs");
	}
	for (unsigned i = 0; i < CONF_MAX_HOMES; i++)
		if (!idle[i])
			f->idle_since[i] = 0;
}

void check(struct fuzz *f)
{
	struct world *w = f->w;
	struct state_entry saved[STATE_ENTRIES_MAX];
	unsigned n_sessions = 0, n_bindings = 0;
	uint64_t slots = 0;
	struct binding *b;
	struct prefix *p;

	for (unsigned i = 0; i < w->n_ops; i++)
		if (w->op[i].kind == OP_SEND)
			check_update(f, &w->op[i].update);
	world_forget(w);
	require(has_link(w->e, w->e->uplink), "an uplink that is no more");
	list_for_each(b, &w->e->bindings, node) {
		check_binding(w, b);
		n_sessions += check_sessions(w->e, b);
		n_bindings++;
		require(b->slot < CONF_MAX_HOMES && !(slots >> b->slot & 1), "a slot taken twice");
		slots |= (uint64_t)1 << b->slot;
	}
	require(n_sessions == w->e->n_sessions, "a wrong number of sessions");
	require(n_bindings <= CONF_MAX_HOMES, "too many bindings");
	require(w->host.watching == w->e->watching_sessions, "watches or does not");
	require(w->host.watching || !n_sessions, "sessions that nobody watches");
	require(!w->host.watching || n_sessions || !w->e->started, "watches nothing");
	list_for_each(p, &w->e->prefixes, node) {
		require(has_link(w->e, p->link), "a prefix on a link that is no more");
		require(has_anchor(w->e, p->anchor), "a prefix of an anchor that is no more");
	}
	check_anchors(w->e);
	check_need(f);
	require(engine_save(w->e, saved, N(saved)) >= n_bindings, "saves too little");
	require(engine_place(w->e) != NULL, "is nowhere");
	engine_waiting_for(w->e);
}

#define LOOK_EVERY (5 * SEC)
#define LOOK_FOR (60 * SEC) /* what goes on for longer goes on for ever */

void let_run(struct fuzz *f, usec_t duration)
{
	for (usec_t t = 0; t < LOOK_FOR && duration > LOOK_EVERY; t += LOOK_EVERY) {
		world_run(f->w, LOOK_EVERY);
		check(f);
		duration -= LOOK_EVERY;
	}
	if (duration > LOOK_EVERY)
		check_excuse(f);
	world_run(f->w, duration);
	check(f);
}

/* --- what only authenticated messages change ----------------------------------------------- */

void take_standing(const struct engine *e, struct standing *ret)
{
	struct binding *b;
	struct anchor *a;

	ret->n = ret->n_anchors = 0;
	list_for_each(b, &e->bindings, node)
		ret->binding[ret->n++] = (struct binding_standing){
			b->home,       b->registered_coa, b->anchor->address,
			b->registered, b->expires,        b->path};
	list_for_each(a, &e->anchors, node)
		if (ret->n_anchors < N(ret->anchor))
			ret->anchor[ret->n_anchors++] = (struct anchor_standing){
				a->conf, a->address, a->health, a->leaving};
}

void take_settled(struct fuzz *f, struct standing *ret)
{
	engine_timer(f->w->e, f->w->now);
	take_standing(f->w->e, ret);
}

static const struct binding_standing *find_before(const struct standing *before,
						  const struct binding *b)
{
	for (unsigned i = 0; i < before->n; i++)
		if (addr_equal(&before->binding[i].home, &b->home))
			return &before->binding[i];
	return NULL;
}

void check_not_bound(const struct engine *e, const struct standing *before)
{
	struct binding *b;

	list_for_each(b, &e->bindings, node) {
		const struct binding_standing *was = find_before(before, b);

		require(!b->registered || (was && was->registered),
			"registered without an acknowledgement");
		require(!b->registered || addr_equal(&b->registered_coa, &was->coa),
			"registered elsewhere without an acknowledgement");
		require(b->expires == 0 || b->expires == was->expires,
			"a lifetime without an acknowledgement");
	}
}

static bool same_path(const struct path *a, const struct path *b)
{
	return a->mode == b->mode && a->ifindex == b->ifindex && addr_equal(&a->coa, &b->coa) &&
	       addr_equal(&a->anchor, &b->anchor) && addr_equal(&a->next_hop, &b->next_hop) &&
	       a->claimed_ifindex == b->claimed_ifindex && a->closed == b->closed;
}

void check_unchanged(const struct engine *e, const struct standing *before)
{
	unsigned n = 0;
	struct binding *b;
	struct anchor *a;

	check_not_bound(e, before);
	list_for_each(b, &e->bindings, node) {
		const struct binding_standing *was = find_before(before, b);

		if (!was)
			continue;
		n++;
		require(b->registered == was->registered, "lost a binding to a false message");
		require(addr_equal(&b->anchor->address, &was->anchor),
			"another anchor by a false message");
		require(same_path(&b->path, &was->path), "another path by a false message");
	}
	require(n == before->n, "a home address went by a false message");
	list_for_each(a, &e->anchors, node)
		for (unsigned i = 0; i < before->n_anchors; i++)
			if (before->anchor[i].conf == a->conf &&
			    addr_equal(&before->anchor[i].address, &a->address))
				require(before->anchor[i].health == a->health &&
						before->anchor[i].leaving == a->leaving,
					"an anchor's standing by a false message");
}
