/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "check.h"

#include <stdarg.h>
#include <string.h>

#include "agent.h"
#include "socket.h"

#define BACK_OFF (33 * USEC_PER_SEC) /* MAX_BINDACK_TIMEOUT, and a little */
#define FIRST_STEPS (30 * USEC_PER_SEC)
#define WITHDRAWAL (20 * USEC_PER_SEC)

void check_fail(struct check *c, const char *invariant, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (c->failed)
		return;
	c->failed = true;
	n = snprintf(c->text, sizeof(c->text), "%s at %.6f s: ", invariant,
		     (double)c->net->sched.now / 1e6);
	va_start(ap, fmt);
	vsnprintf(c->text + n, sizeof(c->text) - (size_t)n, fmt, ap);
	va_end(ap);
	network_trace(c->net, "FAILED %s", c->text);
}

static usec_t latest(usec_t a, usec_t b)
{
	return a > b ? a : b;
}

/* --- disturbances ------------------------------------------------------------------------ */

static bool sock_well(const struct check *c, const struct sock *s)
{
	return !sock_in_need(s) || s->told || s->answered_at >= c->disturbed_at ||
	       s->opened >= c->disturbed_at;
}

bool check_well(struct check *c)
{
	const struct binding *b;
	const struct sock *s;

	if (!c->host->engine || c->host->suspended)
		return false;
	list_for_each(b, &c->host->engine->bindings, node)
		if (b->state != BINDING_REGISTERED && b->state != BINDING_HOME &&
		    b->state != BINDING_IDLE)
			return false;
	list_for_each(s, &c->host->sockets, node)
		if (!sock_well(c, s))
			return false;
	return true;
}

void check_disturb(struct check *c)
{
	struct check_home *h;

	if (check_well(c))
		c->chain_start = c->net->sched.now;
	c->disturbed_at = c->net->sched.now;
	for (h = c->home; h < c->home + c->n_homes; h++)
		for (unsigned i = 0; i < CHECK_AGENTS; i++)
			h->updates[i].undisturbed = false;
}

static void disturbed(void *user, struct host *h, const char *what)
{
	(void)user, (void)what;
	if (h->checker)
		check_disturb(h->checker);
}

usec_t check_bound(const struct check *c)
{
	usec_t chain = c->disturbed_at - c->chain_start;

	return c->slack + (chain < BACK_OFF ? chain : BACK_OFF);
}

static bool settled(const struct check *c)
{
	usec_t now = c->net->sched.now;

	return now > c->disturbed_at + check_bound(c) && now > c->slow_until && c->host->engine &&
	       !c->host->suspended;
}

/* --- sessions ---------------------------------------------------------------------------- */

static bool can_be_reached(const struct check *c, const struct in6_addr *home)
{
	struct nic *nic = host_nic_of(c->host, home);

	if (nic && nic_find(nic, home)) {
		const struct home_agent *a = network_find_binding(c->net, home);

		return !a || (!a->mute && a->refuses < 0 && !a->leaving);
	}
	if (!host_online(c->host))
		return false;
	for (unsigned i = 0; i < c->net->n_agents; i++) {
		const struct home_agent *a = c->net->agent[i];

		if (agent_serves(a, home) && agent_forwards(a) && !a->mute && a->refuses < 0 &&
		    !a->leaving && a->grant >= 2)
			return true;
	}
	return false;
}

static void sending(void *user, struct host *h, struct sock *s)
{
	struct check *c = h->checker;
	const struct host_path *p = host_path(h, &s->info.source);
	struct nic *nic = host_nic_of(h, &s->info.source);
	usec_t now = h->net->sched.now, since;

	(void)user;
	if (!c || !settled(c))
		return;
	c->done++;
	if (p && p->path.mode == PATH_TUNNEL && nic && nic_find(nic, &s->info.source) &&
	    nic->has_route && nic->ifindex == h->engine->uplink->ifindex) {
		check_fail(c, "native-first", "%s is tunnelled although it is at %s",
			   ADDR_STR(&s->info.source), nic->place->name);
		return;
	}
	if (!sock_in_need(s) || s->told || !can_be_reached(c, &s->info.source))
		return;
	since = latest(latest(s->answered_at, s->disturbed_at),
		       latest(c->disturbed_at, c->slow_until));
	if (now > since + check_bound(c))
		check_fail(
			c, "session-continuity",
			"session %llu on %s has heard nothing for %.1f s, undisturbed for %.1f s",
			(unsigned long long)s->cookie, ADDR_STR(&s->info.source),
			(double)(now - s->answered_at) / 1e6,
			(double)(now - c->disturbed_at) / 1e6);
}

static void lost(void *user, struct host *h, struct sock *s, const char *why)
{
	struct check *c = h->checker;

	(void)user;
	if (!c || !c->lossless)
		return;
	c->done++;
	if (sock_in_need(s) && s->opened > c->born + FIRST_STEPS)
		check_fail(c, "make-before-break", "a packet of session %llu on %s is lost: %s",
			   (unsigned long long)s->cookie, ADDR_STR(&s->info.source), why);
}

static bool is_tracked(const struct host *h, const struct sock *s)
{
	const struct binding *b = h->engine ? engine_find_home(h->engine, &s->info.source) : NULL;
	const struct session *known;

	if (b)
		list_for_each(known, &b->sessions, node)
			if (known->info.cookie == s->cookie)
				return true;
	return false;
}

static void closed(void *user, struct host *h, struct sock *s)
{
	struct check *c = h->checker;
	struct check_home *home;

	(void)user;
	if (!c || !sock_in_need(s))
		return;
	home = check_home(c, &s->info.source);
	home->need_until = h->net->sched.now;
	if (is_tracked(h, s))
		home->known_until = h->net->sched.now;
}

/* --- need -------------------------------------------------------------------------------- */

static bool always_needed(const struct check *c, const struct in6_addr *home)
{
	const struct binding *b = c->host->engine ? engine_find_home(c->host->engine, home) : NULL;

	return b && b->service == SERVICE_FIXED;
}

/* Kept ready, where it is native, for the next one who asks. */
static bool is_prepared(const struct check *c, const struct in6_addr *home)
{
	const struct binding *b = c->host->engine ? engine_find_home(c->host->engine, home) : NULL;

	return b && b->on_request && b->state == BINDING_HOME && b->path.mode == PATH_HOME;
}

static void update_need(struct check *c)
{
	usec_t now = c->net->sched.now;
	const struct sock *s;
	struct check_home *h;

	list_for_each(s, &c->host->sockets, node)
		if (sock_in_need(s)) {
			h = check_home(c, &s->info.source);
			if (h)
				h->need_until = now;
		}
}

static usec_t unneeded_since(const struct check *c, const struct check_home *h)
{
	return latest(h->need_until, latest(c->online_since, c->disturbed_at));
}

static void check_need(struct check *c)
{
	usec_t now = c->net->sched.now, hold = c->host->conf->hold_time;
	const struct binding *b;

	list_for_each(b, &c->host->engine->bindings, node) {
		struct check_home *h = check_home(c, &b->home);

		c->done++;
		if (!h || b->service == SERVICE_FIXED || c->online_since == USEC_INFINITY)
			continue;
		if (unneeded_since(c, h) + hold + WITHDRAWAL > now || now < c->slow_until)
			continue;
		if (b->registered || b->path.mode == PATH_TUNNEL)
			check_fail(c, "no-need-no-binding",
				   "%s is %s, but nobody has needed it for %.1f s",
				   ADDR_STR(&b->home), binding_state_str((int)b->state),
				   (double)(now - h->need_until) / 1e6);
	}
}

/* --- looking on -------------------------------------------------------------------------- */

static void update_online(struct check *c)
{
	bool online = !c->host->suspended && host_online(c->host);

	if (!online)
		c->online_since = USEC_INFINITY;
	else if (c->online_since == USEC_INFINITY)
		c->online_since = c->net->sched.now;
}

static void before(void *user, struct host *h, enum stimulus s)
{
	struct check *c = h->checker;

	(void)user;
	if (!c)
		return;
	c->stimulus = s;
	check_time_passes(c, s);
	if (s == STIM_FORGED || s == STIM_FALSE_ADVERT)
		check_snapshot(c);
}

static void after(void *user, struct host *h, enum stimulus s)
{
	struct check *c = h->checker;

	(void)user;
	if (!c || !h->engine || c->failed)
		return;
	c->events++;
	update_online(c);
	update_need(c);
	if (s == STIM_FORGED || s == STIM_FALSE_ADVERT)
		check_authenticity(c);
	check_consistency(c);
	check_acceptance(c);
	check_need(c);
	if (c->events % 16 == 0)
		check_counters(c);
}

static void broken(void *user, struct host *h, const char *invariant, const char *text)
{
	(void)user;
	if (h->checker)
		check_fail(h->checker, invariant, "%s", text);
}

static void expired(void *user, struct host *h, const struct home_agent *a,
		    const struct in6_addr *home)
{
	struct check *c = h->checker;
	const struct binding *b;

	(void)user;
	if (!c || !h->engine)
		return;
	b = engine_find_home(h->engine, home);
	c->done++;
	if (b && addr_equal(&b->anchor->address, &a->address) && settled(c) && !b->removed &&
	    host_online(h) && can_be_reached(c, home) && b->state != BINDING_HOME &&
	    (always_needed(c, home) || b->n_in_need))
		check_fail(c, "refresh-in-time",
			   "the binding of %s has run out at %s, which is there", ADDR_STR(home),
			   a->name);
}

/* At the agent where the binding is, and as it was written down. */
static bool is_saved(const struct host *h, const struct in6_addr *home, const struct home_agent *a)
{
	for (unsigned i = 0; a && i < h->n_saved; i++)
		if (addr_equal(&h->saved[i].home, home) &&
		    addr_equal(&h->saved[i].anchor, &a->address))
			return true;
	return false;
}

static void restarted(void *user, struct host *h, bool saved)
{
	struct check *c = h->checker;
	struct sock *s;

	(void)user;
	if (!c)
		return;
	memset(&c->counters, 0, sizeof(c->counters));
	c->n_stale = 0;
	check_disturb(c);
	for (unsigned i = 0; i < c->n_homes; i++)
		for (unsigned j = 0; j < CHECK_AGENTS; j++) {
			struct check_updates *u = &c->home[i].updates[j];

			/* What it has sent just before it died it need not know. */
			memset(u->recent, 0, sizeof(u->recent));
			u->any &= saved && is_saved(h, &c->home[i].home, u->agent);
		}
	if (saved)
		return;
	list_for_each(s, &h->sockets, node)
		s->told = true; /* what nobody has written down nobody can keep */
}

void check_attach(struct check *c, struct network *n, struct host *h)
{
	memset(c, 0, sizeof(*c));
	c->net = n;
	c->host = h;
	c->online_since = USEC_INFINITY;
	c->born = c->disturbed_at = c->chain_start = n->sched.now;
	h->checker = c;
	n->observer = (struct observer){
		.before = before,
		.after = after,
		.update = check_update,
		.disturbed = disturbed,
		.sending = sending,
		.lost = lost,
		.closed = closed,
		.broken = broken,
		.expired = expired,
		.restarted = restarted,
	};
}

/* --- the end ----------------------------------------------------------------------------- */

void check_converged(struct check *c)
{
	const struct binding *b;
	const struct sock *s;

	if (c->net->sched.now < c->slow_until)
		return;
	list_for_each(b, &c->host->engine->bindings, node) {
		c->done++;
		if ((b->service == SERVICE_FIXED || b->n_in_need) &&
		    b->state != BINDING_REGISTERED && b->state != BINDING_UPDATING &&
		    b->state != BINDING_HOME)
			check_fail(c, "convergence", "all is well, but %s is %s",
				   ADDR_STR(&b->home), binding_state_str((int)b->state));
	}
	list_for_each(s, &c->host->sockets, node) {
		c->done++;
		if (sock_in_need(s) && !s->told &&
		    s->answered_at + 4 * s->interval < c->net->sched.now)
			check_fail(c, "convergence", "all is well, but session %llu on %s is not",
				   (unsigned long long)s->cookie, ADDR_STR(&s->info.source));
	}
}

void check_released(struct check *c)
{
	const struct engine *e = c->host->engine;
	const struct binding *b;

	if (c->net->sched.now < c->slow_until)
		return;
	c->done++;
	list_for_each(b, &e->bindings, node)
		if (b->service != SERVICE_FIXED && !is_prepared(c, &b->home))
			check_fail(c, "tidy", "nobody needs %s, but it is still there, %s",
				   ADDR_STR(&b->home), binding_state_str((int)b->state));
	for (unsigned i = 0; i < CONF_MAX_HOMES; i++)
		if (c->host->path[i].set && !always_needed(c, &c->host->path[i].path.home) &&
		    !is_prepared(c, &c->host->path[i].path.home))
			check_fail(c, "tidy", "nobody needs %s, but its path is still there",
				   ADDR_STR(&c->host->path[i].path.home));
	for (unsigned i = 0; i < c->host->n_accepted; i++)
		if (!always_needed(c, &c->host->accepted[i].home))
			check_fail(c, "tidy", "nobody needs %s, but its anchor is still let in",
				   ADDR_STR(&c->host->accepted[i].home));
	if (e->n_sessions && list_empty(&c->host->sockets))
		check_fail(c, "tidy", "it tracks sessions that are over");
}

void check_stopped(struct check *c)
{
	c->done++;
	if (!engine_stopped(c->host->engine))
		check_fail(c, "tidy", "it does not stop");
	for (unsigned i = 0; i < c->net->n_agents; i++) {
		const struct binding *b;

		list_for_each(b, &c->host->engine->bindings, node) {
			const struct cache_entry *e = agent_lookup(c->net->agent[i], &b->home);

			if (e && e->bound && e->expires > c->net->sched.now &&
			    addr_equal(&b->anchor->address, &c->net->agent[i]->address))
				check_fail(c, "tidy", "it has stopped, but %s still binds %s",
					   c->net->agent[i]->name, ADDR_STR(&b->home));
		}
	}
}
