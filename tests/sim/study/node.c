/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node.h"

#include <stdlib.h>
#include <string.h>

#include "settings.h"

#define BIRTH (1000 * USEC_PER_SEC)
#define BIRTH_REAL (1767225600 * USEC_PER_SEC)
#define IFINDEX 2
#define IFNAME "wlan0"
#define GAP (50 * USEC_PER_MSEC) /* between two access points */
#define ADVERT_DELAY (20 * USEC_PER_MSEC)
#define PORT_IN_NEED 22

struct instant node_now(const struct node *n)
{
	return (struct instant){n->sched.now, BIRTH_REAL + n->sched.now};
}

void node_consequences(struct node *n)
{
	flows_settle(n);
}

const struct path *node_path(const struct node *n, int anchor)
{
	struct in6_addr home = grid_address(anchor);

	for (unsigned i = 0; i < MAX_BINDINGS; i++)
		if (n->has_path[i] && addr_equal(&n->path[i].home, &home))
			return &n->path[i];
	return NULL;
}

/* --- timers -------------------------------------------------------------------------------- */

static void timer(void *owner, void *data)
{
	struct node *n = owner;

	(void)data;
	if (n->timer_job == n->sched.now)
		n->timer_job = USEC_INFINITY;
	if (n->timer <= n->sched.now) {
		n->timer = USEC_INFINITY;
		engine_timer(n->engine, node_now(n));
		node_consequences(n);
	} else {
		node_timer_wanted(n, n->timer);
	}
}

void node_timer_wanted(struct node *n, usec_t when)
{
	usec_t at = when > n->sched.now ? when : n->sched.now;

	n->timer = when;
	if (when == USEC_INFINITY || at >= n->timer_job)
		return;
	n->timer_job = at;
	sched_at(&n->sched, at, timer, n, NULL);
}

/* --- attachment ---------------------------------------------------------------------------- */

static void tell_link(struct node *n)
{
	struct link_event ev = {
		.ifindex = IFINDEX, .name = IFNAME, .up = n->network != NOWHERE, .mtu = 1500};

	engine_link(n->engine, node_now(n), &ev);
	node_consequences(n);
}

static void tell_address(struct node *n, int network, bool removed)
{
	struct address_event ev = {
		.ifindex = IFINDEX,
		.addr = grid_address(network),
		.plen = 64,
		.is_slaac = true,
		.valid_until = n->sched.now + 86400 * USEC_PER_SEC,
		.removed = removed,
	};

	engine_address(n->engine, node_now(n), &ev);
	node_consequences(n);
}

static bool is_stale(const struct node *n, const void *data)
{
	return *(const unsigned *)data != n->attachment;
}

static void later(struct node *n, usec_t delay, sched_run *what)
{
	sched_at(&n->sched, n->sched.now + delay, what, n,
		 sim_copy(&n->attachment, sizeof(n->attachment)));
}

static void advert(void *owner, void *data)
{
	struct node *n = owner;
	struct in6_addr router;

	if (is_stale(n, data) || n->has_address)
		return;
	router = grid_router(n->network);
	grid_advert(n->network, &n->advert);
	engine_router_advert(n->engine, node_now(n), IFINDEX, &router, &n->advert);
	n->has_address = true;
	n->tally->handovers += n->measuring && n->attachment;
	tell_address(n, n->network, false);
}

void node_solicited(struct node *n)
{
	if (n->network != NOWHERE)
		later(n, ADVERT_DELAY, advert);
}

static void attach(void *owner, void *data)
{
	struct node *n = owner;

	if (is_stale(n, data))
		return;
	n->network = n->last_network;
	tell_link(n);
}

/* The carrier goes; the network manager takes the addresses of the link away with it. */
static void detach(struct node *n)
{
	int left = n->has_address ? n->network : NOWHERE;

	n->attachment++;
	n->network = NOWHERE;
	n->has_address = false;
	tell_link(n);
	if (left != NOWHERE)
		tell_address(n, left, true);
}

static void cross(void *owner, void *data);

static void move_on(struct node *n)
{
	usec_t at = BIRTH + (usec_t)(mover_next(&n->mover) * 1e6);

	sched_at(&n->sched, at > n->sched.now ? at : n->sched.now, cross, n, NULL);
}

static void cross(void *owner, void *data)
{
	struct node *n = owner;

	(void)data;
	n->last_network = mover_network(&n->mover);
	detach(n);
	later(n, GAP, attach);
	move_on(n);
}

/* --- a life -------------------------------------------------------------------------------- */

static void sample(void *owner, void *data)
{
	struct node *n = owner;
	usec_t number = (n->sched.now - n->begins) / SAMPLE_INTERVAL;

	(void)data;
	for (int a = 0; a < ANCHORS; a++)
		n->tally->at[number][a] += home_agent_bound(n, a);
	if (number + 1 < samples_of(n->setup))
		sched_at(&n->sched, n->sched.now + SAMPLE_INTERVAL, sample, n, NULL);
}

static void begin_measuring(void *owner, void *data)
{
	struct node *n = owner;

	(void)data;
	n->measuring = true;
	flows_measure(n);
	sample(n, NULL);
}

static void fail(void *owner, void *data)
{
	struct node *n = owner;

	(void)data;
	home_agent_die(n, n->setup->mode == MODE_CENTRAL ? CENTRAL : FAILING_ANCHOR);
	flows_fail(n);
}

/* As little as a user would write; probes of tunnels and of anchors are not what is compared. */
static struct conf *configure(const struct setup *s)
{
	struct conf *c = settings_new();
	struct in6_addr home = grid_address(CENTRAL);
	struct ip6_prefix all = grid_all();
	struct conf_anchor *a;

	c->liveness = c->measure_anchors = false;
	settings_add_rule(c, "in need", PORT_IN_NEED, SERVICE_SESSION_LASTING);
	if (s->mode == MODE_NONE)
		return c;
	a = settings_add_anchor(c, mode_names[s->mode], NULL);
	if (s->mode == MODE_CENTRAL) {
		a->has_address = true;
		a->address = grid_agent(CENTRAL);
		settings_add_home(a, &home);
	} else {
		a->discover = CONF_DISCOVER_RA;
		settings_add_prefix(a, &all);
	}
	return c;
}

static void start(struct node *n)
{
	n->last_network = mover_network(&n->mover);
	flows_begin(n);
	move_on(n);
	if (engine_new(n->conf, &study_ops, n, &n->engine) < 0)
		abort();
	n->network = n->last_network;
	tell_link(n);
	engine_start(n->engine, node_now(n));
	node_consequences(n);
}

void node_live(const struct setup *s, unsigned number, struct tally *t)
{
	struct node *n = sim_alloc(sizeof(*n));
	struct rng mixed = {s->seed}, rng = {rng_next(&mixed) ^ number};
	struct conf *conf = configure(s);
	usec_t end = BIRTH + s->warmup + s->duration;

	n->setup = s;
	n->tally = t;
	n->conf = conf;
	n->begins = BIRTH + s->warmup;
	n->network = n->dead_anchor = NOWHERE;
	n->timer = n->timer_job = USEC_INFINITY;
	sched_init(&n->sched, BIRTH);
	mover_init(&n->mover, s->movement, rng_fork(&rng));
	n->traffic = rng_fork(&rng);
	n->engine_rng = rng_fork(&rng);
	n->accounted = BIRTH;
	sched_at(&n->sched, n->begins, begin_measuring, n, NULL);
	if (s->fails)
		sched_at(&n->sched, n->begins + s->duration / 2, fail, n, NULL);
	start(n);
	while (n->sched.n && n->sched.heap[0].at <= end) {
		flows_account(n, n->sched.heap[0].at);
		sched_step(&n->sched, end);
	}
	flows_account(n, end);
	engine_free(n->engine);
	flows_free(n);
	sched_free(&n->sched);
	settings_free(conf);
	free(n);
}
