/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The test of everything: probes go through all tunnels, then what the kernel has is compared with what it should have, and
 * keys and anchors are looked at.  It waits for answers in the loop.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "loop/loop.h"
#include "obs/obs.h"

#define PATIENCE (2 * USEC_PER_SEC)
#define MAX_AUDIT 512
#define LOOK_AGAIN (20 * USEC_PER_MSEC)
#define MIN_INTERVAL \
	(1 * USEC_PER_SEC) /* anybody may ask for it, and probes cost others something */

struct selftest {
	struct engine *engine;
	struct net *net;
	const struct sock *sock; /* NULL: none */
	sd_event_source *timer;
	void (*done)(void *user, const struct findings *f);
	void *user;
	bool wanted, probing;
	usec_t since;
};

static bool answered(const struct selftest *t)
{
	const struct binding *b;

	list_for_each(b, &t->engine->bindings, node) {
		const struct liveness *l = &b->liveness;

		if (b->path.mode == PATH_TUNNEL && l->probe_sent && l->probe_answered < t->since)
			return false;
	}
	return true;
}

static void look_at_kernel(const struct selftest *t, struct findings *f)
{
	_cleanup_free_ struct audit_result *results =
		(struct audit_result *)calloc(MAX_AUDIT, sizeof(*results));

	if (!t->net)
		return;
	if (results)
		findings_of_audit(f, results, net_audit(t->net, results, MAX_AUDIT));
	else
		f->incomplete = true;
}

static void look_at_socket(const struct selftest *t, struct findings *f)
{
	struct audit_result results[SOCK_CHECKS];

	if (t->sock)
		findings_of_audit(f, results, sock_check(t->sock, results));
}

static void finish(struct selftest *t)
{
	struct findings f = {0};

	t->wanted = t->probing = false;
	findings_of_engine(&f, t->engine, t->net, t->since);
	look_at_kernel(t, &f);
	look_at_socket(t, &f);
	if (f.incomplete)
		log_warning("no memory for all results of the test");
	t->done(t->user, &f);
	findings_free(&f);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *user)
{
	struct selftest *t = (struct selftest *)user;
	struct instant now = loop_now();

	(void)s, (void)usec;
	if (!t->probing) {
		t->probing = true;
		t->since = now.mono;
		engine_probe(t->engine, now);
	}
	if (answered(t) || now.mono >= usec_add(t->since, PATIENCE))
		finish(t);
	else
		loop_timer_set(t->timer, usec_add(now.mono, LOOK_AGAIN));
	return 0;
}

int selftest_start(struct selftest *t)
{
	usec_t now = loop_now().mono, earliest = usec_add(t->since, MIN_INTERVAL);

	if (t->wanted)
		return 0;
	t->wanted = true;
	loop_timer_set(t->timer, t->since && earliest > now ? earliest : now);
	return 0;
}

int selftest_new(sd_event *ev, struct engine *e, struct net *n, const struct sock *s,
		 void (*done)(void *user, const struct findings *f), void *user,
		 struct selftest **ret)
{
	struct selftest *t = (struct selftest *)calloc(1, sizeof(*t));
	int r;

	if (!t)
		return -ENOMEM;
	*t = (struct selftest){.engine = e, .net = n, .sock = s, .done = done, .user = user};
	r = loop_timer_new(ev, on_timer, t, &t->timer);
	if (r < 0) {
		free(t);
		return r;
	}
	*ret = t;
	return 0;
}

void selftest_free(struct selftest *t)
{
	if (!t)
		return;
	sd_event_source_disable_unref(t->timer);
	free(t);
}
