/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sessions of the mobile node: they begin where it is, and end when they like. */
#include <stdlib.h>

#include "mobility/request.h"
#include "scenario.h"
#include "socket.h"

#define SSH 22
#define HTTPS 443
#define TAIL 1.3 /* shape of the session lengths */
#define LONGEST (600 * USEC_PER_SEC)
#define ASKING 0.3 /* of those in need: the application asks, and no policy speaks for it */
#define ARRIVAL (500 * USEC_PER_MSEC)
#define PATIENCE \
	(20 * USEC_PER_SEC) /* of a session that hears nothing and can begin anew elsewhere */

struct life {
	uint64_t cookie;
};

static void end(void *owner, void *data)
{
	struct run *r = owner;
	const struct life *l = data;
	struct sock *s = sock_find(r->host, l->cookie);

	if (s && !host_sleeps(r->host, end, r, l, sizeof(*l)))
		sock_close(s);
}

static void begin_at(struct run *r, const struct in6_addr *source, bool in_need, bool asks,
		     usec_t length)
{
	usec_t interval = rng_between(&r->rng, 300, 2000) * USEC_PER_MSEC;
	struct sock *s = sock_open(r->host, source,
				   in_need ? SERVICE_SESSION_LASTING : SERVICE_NON_PERSISTENT,
				   in_need && !asks ? SSH : HTTPS, interval);
	struct life l = {s->cookie};

	sched_at(&r->net.sched, r->net.sched.now + length, end, r, sim_copy(&l, sizeof(l)));
}

/* What libdmmsock does for an application that asks. */
static bool ask(struct run *r, struct in6_addr *ret)
{
	struct host *h = r->host;
	struct offers o;
	int best;

	host_enter(h, STIM_CONTROL);
	engine_want(h->engine, host_now(h), SERVICE_SESSION_LASTING);
	engine_offers(h->engine, &o);
	host_leave(h, STIM_CONTROL);
	best = o.best[SERVICE_SESSION_LASTING];
	if (best < 0 || o.offer[best].draining)
		return false;
	*ret = o.offer[best].source;
	return true;
}

static void begin(struct run *r, bool in_need)
{
	usec_t length = rng_pareto(&r->rng, r->scenario->session_least, TAIL, LONGEST);
	struct host *h = r->host;
	struct in6_addr source;
	struct binding *b;

	/* Those with a home address use it. */
	if (in_need && r->scenario->fixed && h->engine &&
	    (!r->scenario->anchored || rng_chance(&r->rng, 0.4))) {
		unsigned n = rng_below(&r->rng, r->scenario->fixed);

		list_for_each(b, &h->engine->bindings, node)
			if (b->service == SERVICE_FIXED && n-- == 0) {
				begin_at(r, &b->home, true, true, length);
				return;
			}
	}
	if (in_need && h->engine && rng_chance(&r->rng, ASKING) && ask(r, &source))
		begin_at(r, &source, true, true, length);
	else if (host_source(h, &source))
		begin_at(r, &source, in_need, false, length);
}

static void give_up(struct run *r)
{
	usec_t now = r->net.sched.now;
	struct sock *s, *t;

	list_for_each_safe(s, t, &r->host->sockets, node)
		if ((!sock_in_need(s) || s->told) && s->answered_at + PATIENCE < now)
			sock_close(s);
}

/* Once a second: so many sessions begin that on average the wanted number is alive. */
static void tick(void *owner, void *data)
{
	struct run *r = owner;
	const struct scenario *s = r->scenario;
	double mean = (double)s->session_least * TAIL / (TAIL - 1) / 1e6;

	(void)data;
	if (r->calm)
		return;
	sched_at(&r->net.sched, r->net.sched.now + USEC_PER_SEC, tick, r, NULL);
	if (r->host->suspended || !r->host->engine)
		return;
	give_up(r);
	if (rng_chance(&r->rng, s->sessions / mean))
		begin(r, true);
	if (rng_chance(&r->rng, s->others / mean))
		begin(r, false);
}

/* One that the daemon has given up is gone at once, though the news of that come later. */
static bool is_given_up(struct host *h, const struct in6_addr *a)
{
	if (host_path(h, a))
		return false;
	for (unsigned i = 0; i < h->n_nics; i++)
		for (unsigned j = 0; j < h->nic[i].n_addresses; j++)
			if (h->nic[i].address[j].ours && addr_equal(&h->nic[i].address[j].addr, a))
				return true;
	return false;
}

/* Somebody may have picked it as a source not long ago: it is, or was, the place's own or bound. */
static bool is_fresh(struct host *h, const struct in6_addr *home)
{
	usec_t since = h->net->sched.now - ARRIVAL;
	struct nic_address *a;

	if (host_path(h, home))
		return true;
	for (unsigned i = 0; i < h->n_nics; i++)
		if ((a = nic_find(&h->nic[i], home)) &&
		    (a->preferred_until > since || a->bound_until > since))
			return h->nic[0].attached_at > since;
	return false;
}

/* In the middle of what the engine does. */
static void tempt(void *user, struct host *h, enum moment m, const struct in6_addr *home)
{
	struct run *r = user;
	struct sock *s, *t;

	if (r->calm || !rng_chance(&r->rng, r->scenario->temptation))
		return;
	if (rng_chance(&r->rng, 0.5)) {
		/*
		 * Later on, an address that is left and has no binding is for nobody who does not
		 * insist.
		 */
		if (host_has_address(h, home) && !is_given_up(h, home) && is_fresh(h, home)) {
			network_trace(&r->net, "at the worst moment (%d):", (int)m);
			begin_at(r, home, true, false, rng_between(&r->rng, 1, 20) * USEC_PER_SEC);
		}
		return;
	}
	list_for_each_safe(s, t, &h->sockets, node)
		if (addr_equal(&s->info.source, home) && rng_chance(&r->rng, 0.5)) {
			network_trace(&r->net, "at the worst moment (%d):", (int)m);
			sock_close(s);
		}
}

void traffic_begin(struct run *r)
{
	r->host->moment = tempt;
	r->host->user = r;
	sched_at(&r->net.sched, r->net.sched.now, tick, r, NULL);
}

void traffic_end(struct run *r)
{
	struct sock *s, *t;

	list_for_each_safe(s, t, &r->host->sockets, node)
		sock_close(s);
}
