/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Other network managers remove what they do not know.  When something that may be ours goes,
 * everything is put back a moment later, once for a burst of events; what is still there is left as
 * it is.  Who takes the same away again and again gets it back less often, and it is said: two
 * managers must not keep a processor busy with each other.
 */
#include <errno.h>
#include <stdlib.h>

#include "net/internal.h"

#define SETTLE (50 * USEC_PER_MSEC)
#define EARN (1 * USEC_PER_SEC)     /* a repair is earned by so much time ... */
#define CREDIT 10                   /* ... and so many are granted in advance; */
#define FIGHT (800 * USEC_PER_MSEC) /* behind that they are so far apart */
#define RETRY_MAX (60 * USEC_PER_SEC)

struct repairs {
	sd_event_source *timer;
	usec_t at;    /* the next one, USEC_INFINITY = none is due */
	usec_t retry; /* grows while repairing fails, 0 = it does not */
	usec_t paid;  /* all repairs so far are earned by then */
	bool asked;   /* for the next one, by what was removed: it is no retry */
	bool fighting;
	const char *what; /* was removed last */
};

static void keep_first(int *r, int next)
{
	if (*r == 0)
		*r = next;
}

/* What fails keeps nothing else from being repaired. */
static int repair(struct net *n)
{
	struct uplink *u;
	int r = device_ensure(n);

	if (!n->device)
		return r;
	list_for_each(u, &n->uplinks, node)
		if (u->want_attached)
			keep_first(&r, uplink_attach(n, u));
	for (unsigned i = 0; i < CONF_MAX_HOMES; i++)
		keep_first(&r, path_repair(n, &n->home[i]));
	keep_first(&r, policy_route_repair(n));
	return r;
}

static void arm(struct repairs *s, usec_t at)
{
	if (s->at <= at)
		return;
	s->at = at;
	loop_timer_set(s->timer, at);
}

static bool is_spent(const struct repairs *s, usec_t now)
{
	return s->paid > usec_add(now, (CREDIT - 1) * EARN);
}

static void pay(struct repairs *s, usec_t now)
{
	const usec_t most = usec_add(now, CREDIT * EARN);
	bool was = s->fighting && s->paid > now;

	s->paid = usec_add(s->paid > now ? s->paid : now, EARN);
	if (s->paid > most)
		s->paid = most;
	s->fighting = was || is_spent(s, now);
	if (s->fighting && !was)
		log_warning("%s of ours is removed again and again: it is put back less "
			    "often" AUDIT_REPAIR_HELPS,
			    s->what);
}

static int on_repair(sd_event_source *source, uint64_t usec, void *user)
{
	struct net *n = user;
	struct repairs *s = n->repairs;
	usec_t now = loop_now().mono;

	(void)source, (void)usec;
	s->at = USEC_INFINITY;
	if (n->removing)
		return 0;
	if (s->asked)
		pay(s, now);
	s->asked = false;
	if (repair(n) == 0) {
		s->retry = 0;
		return 0;
	}
	s->retry = s->retry ? 2 * s->retry : SETTLE;
	if (s->retry > RETRY_MAX)
		s->retry = RETRY_MAX;
	arm(s, usec_add(now, s->retry));
	return 0;
}

int reconcile_init(struct net *n)
{
	n->repairs = calloc(1, sizeof(*n->repairs));
	if (!n->repairs)
		return -ENOMEM;
	n->repairs->at = USEC_INFINITY;
	return loop_timer_new(n->ev, on_repair, n, &n->repairs->timer);
}

void reconcile_free(struct net *n)
{
	if (n->repairs)
		sd_event_source_disable_unref(n->repairs->timer);
	free(n->repairs);
	n->repairs = NULL;
}

void reconcile_soon(struct net *n, const char *what)
{
	struct repairs *s = n->repairs;
	usec_t now = loop_now().mono;

	if (n->removing)
		return;
	s->what = what;
	s->asked = true;
	arm(s, usec_add(now, is_spent(s, now) ? FIGHT : SETTLE));
}

void reconcile_hasten(struct net *n)
{
	if (n->repairs->retry)
		arm(n->repairs, usec_add(loop_now().mono, SETTLE));
}

void reconcile_audit(const struct net *n, struct audit *a)
{
	const struct repairs *s = n->repairs;

	if (s->fighting && s->paid > loop_now().mono)
		audit_add(a, false, "repairs",
			  "%s of ours is removed again and again" AUDIT_REPAIR_HELPS, s->what);
}
