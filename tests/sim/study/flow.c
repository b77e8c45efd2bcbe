/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sessions begin by a Poisson process and last as a Pareto distribution says.  One whose address does not work any more breaks, and
 * its application begins anew from the address that new sessions have by then, for the rest of what it had to do.
 */
#include <stdlib.h>
#include <string.h>

#include "node.h"

#define SHAPE 1.5 /* of the lengths: a finite mean, no finite variance */
#define LONGEST (24 * 3600.0)
#define MEAN_RATE 256.0 /* kbit/s, exponential */
#define PORT_IN_NEED 22
#define PORT_OTHER 443

static double shortest(const struct setup *s)
{
	return s->length * (SHAPE - 1) / SHAPE;
}

static double exponential(struct rng *r, double mean)
{
	return -mean * log(1 - rng_unit(r));
}

static double whole_length(const struct setup *s, double u)
{
	return fmin(shortest(s) * pow(1 - u, -1 / SHAPE), LONGEST);
}

/* What is left, at a random moment, of one that is alive then. */
static double rest_of_length(const struct setup *s, double u)
{
	double least = shortest(s);

	if (u < least / s->length)
		return u * s->length;
	return fmin(least * pow(SHAPE * (1 - u), -1 / (SHAPE - 1)), LONGEST);
}

static void tell_gone(struct node *n, uint64_t cookie)
{
	if (n->watching)
		engine_session_gone(n->engine, node_now(n), cookie);
}

static void end(void *owner, void *data)
{
	struct flow *f = *(struct flow **)data;
	struct node *n = owner;
	uint64_t cookie = f->cookie;
	bool lost = f->lost;

	list_remove(&f->node);
	free(f);
	if (lost)
		return;
	tell_gone(n, cookie);
	node_consequences(n);
}

/* Every number is drawn whatever becomes of it: the next session is the same in every mode. */
static void begin(struct node *n, bool under_way)
{
	const struct setup *s = n->setup;
	struct flow *f = sim_alloc(sizeof(*f));
	double u = rng_unit(&n->traffic);
	double length = under_way ? rest_of_length(s, u) : whole_length(s, u);
	double local = rng_unit(&n->traffic);
	unsigned remote = rng_below(&n->traffic, NETWORKS);

	f->cookie = ++n->cookies;
	f->in_need = rng_unit(&n->traffic) < s->in_need;
	f->rate = (uint64_t)exponential(&n->traffic, MEAN_RATE) + 1;
	f->peer = local < s->local ? n->last_network : (int)remote;
	f->source = NOWHERE;
	f->ends = n->sched.now + (usec_t)(length * 1e6);
	list_append(&n->flows, &f->node);
	sched_at(&n->sched, f->ends, end, n, sim_copy(&f, sizeof(f)));
	if (n->measuring)
		n->tally->seen[f->in_need]++;
	if (n->failed)
		n->tally->begun_later[f->in_need]++;
}

static void next_begin(void *owner, void *data);

static void await_next(struct node *n)
{
	double mean = n->setup->length / n->setup->alive;

	sched_at(&n->sched, n->sched.now + (usec_t)(exponential(&n->traffic, mean) * 1e6),
		 next_begin, n, NULL);
}

static void next_begin(void *owner, void *data)
{
	struct node *n = owner;

	(void)data;
	begin(n, false);
	flows_settle(n);
	await_next(n);
}

void flows_begin(struct node *n)
{
	double product = rng_unit(&n->traffic);

	list_init(&n->flows);
	list_init(&n->lost_flows);
	while (product > exp(-n->setup->alive)) { /* their number is Poisson's */
		begin(n, true);
		product *= rng_unit(&n->traffic);
	}
	await_next(n);
}

static void free_all(struct list *flows)
{
	struct flow *f, *t;

	list_for_each_safe(f, t, flows, node) {
		list_remove(&f->node);
		free(f);
	}
}

void flows_free(struct node *n)
{
	free_all(&n->flows);
	free_all(&n->lost_flows);
}

/* --- what becomes of them ------------------------------------------------------------------ */

static bool is_native(const struct node *n, const struct flow *f)
{
	return n->has_address && f->source == n->network;
}

static bool has_way(const struct node *n, const struct flow *f)
{
	return is_native(n, f) || (f->source != n->dead_anchor && node_path(n, f->source));
}

static int new_source(const struct node *n)
{
	return n->setup->mode == MODE_CENTRAL ? CENTRAL : n->network;
}

/* Nothing can stand in for a dead anchor where all depends on it. */
static void lose(struct node *n, struct flow *f)
{
	if (n->at_once)
		n->tally->lost_at_once[f->in_need]++;
	else
		n->tally->lost_later[f->in_need]++;
	f->lost = true;
	list_remove(&f->node);
	list_append(&n->lost_flows, &f->node);
}

/* True if the engine was told of something. */
static bool settle(struct node *n, struct flow *f)
{
	uint64_t cookie = f->cookie;

	if (f->source == NOWHERE) {
		f->source = new_source(n);
		if (f->source != n->dead_anchor || is_native(n, f))
			return false;
	}
	if (has_way(n, f))
		return false;
	if (f->source == n->dead_anchor && (f->in_need || n->setup->mode == MODE_CENTRAL)) {
		lose(n, f);
	} else {
		if (n->measuring && !f->broken)
			n->tally->broken[f->in_need]++;
		f->broken = true;
		f->cookie = ++n->cookies;
		f->source = new_source(n);
	}
	tell_gone(n, cookie);
	return true;
}

void flows_settle(struct node *n)
{
	struct flow *f, *t;
	/* While there is no address nothing is decided, unless there is nothing to wait for. */
	bool again = n->has_address || (n->at_once && n->setup->mode == MODE_CENTRAL);

	while (again) {
		again = false;
		list_for_each_safe(f, t, &n->flows, node)
			again |= settle(n, f);
	}
}

void flows_measure(struct node *n)
{
	struct flow *f;

	list_for_each(f, &n->flows, node) {
		f->broken = false;
		n->tally->seen[f->in_need]++;
	}
}

void flows_fail(struct node *n)
{
	struct flow *f;

	list_for_each(f, &n->flows, node)
		n->tally->alive[f->in_need]++;
	n->failed = true;
	n->at_once = true;
	flows_settle(n);
	n->at_once = false;
}

/* --- what they carry ------------------------------------------------------------------------ */

static void account(struct node *n, const struct flow *f, uint64_t ms)
{
	struct tally *t = n->tally;
	uint64_t traffic = f->rate * ms;
	const struct path *p;
	unsigned direct, taken;

	if (f->source == NOWHERE || !n->has_address) {
		t->outage[f->in_need] += ms;
		return;
	}
	direct = grid_hops(n->network, f->peer);
	if (is_native(n, f)) {
		t->direct[f->in_need] += traffic;
		t->hops_direct += traffic * direct;
		t->hops_taken += traffic * direct;
		return;
	}
	p = node_path(n, f->source);
	if (!p || p->mode != PATH_TUNNEL || !home_agent_forwards(n, f->source)) {
		t->outage[f->in_need] += ms;
		return;
	}
	taken = grid_hops_through(n->network, f->source, f->peer);
	t->tunnelled[f->in_need] += traffic;
	t->hops_direct += traffic * direct;
	t->hops_taken += traffic * taken;
	t->tunnel_hops_direct += traffic * direct;
	t->tunnel_hops_taken += traffic * taken;
}

void flows_account(struct node *n, usec_t now)
{
	uint64_t ms = now / USEC_PER_MSEC - n->accounted / USEC_PER_MSEC;
	struct tally *t = n->tally;
	struct flow *f;

	n->accounted = now;
	if (!n->measuring || !ms)
		return;
	t->node_time += ms;
	t->binding_time[n->n_bound < MAX_BINDINGS ? n->n_bound : MAX_BINDINGS] += ms;
	if (n->n_bound > t->most_bindings)
		t->most_bindings = n->n_bound;
	list_for_each(f, &n->flows, node)
		account(n, f, ms);
}

/* --- what the engine sees -------------------------------------------------------------------- */

static bool is_asked_for(const struct in6_addr *source, const struct ip6_prefix *sources,
			 unsigned n_sources)
{
	for (unsigned i = 0; i < n_sources; i++)
		if (prefix_contains(&sources[i], source))
			return true;
	return false;
}

size_t flows_list(const struct node *n, const struct ip6_prefix *sources, unsigned n_sources,
		  struct session_info **ret)
{
	const struct flow *f;
	size_t size = 0;

	list_for_each(f, &n->flows, node)
		size++;
	*ret = sim_alloc((size + 1) * sizeof(**ret));
	size = 0;
	list_for_each(f, &n->flows, node) {
		struct in6_addr source;

		if (f->source == NOWHERE)
			continue;
		source = grid_address(f->source);
		if (!is_asked_for(&source, sources, n_sources))
			continue;
		(*ret)[size++] = (struct session_info){
			.cookie = f->cookie,
			.protocol = IPPROTO_TCP,
			.source = source,
			.destination = grid_peer(f->peer),
			.source_port = (uint16_t)(32768 + f->cookie % 28000),
			.destination_port = f->in_need ? PORT_IN_NEED : PORT_OTHER,
			.uid = 1000,
		};
	}
	return size;
}
