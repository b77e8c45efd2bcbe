/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Need: which home addresses some session still counts on (E3), and when nobody does any more (E4).
 *
 * While an address is native nothing is tracked.  When its place is left the kernel is asked once which sessions are on it;
 * if one is in need the address gets a binding, and the kernel tells when each is gone.  Before a withdrawal the address is closed to new
 * sessions and the kernel is asked again: who came in between keeps the binding.
 */
#include <errno.h>
#include <stdlib.h>

#include "mobility/internal.h"

#define MAX_LOOK CONF_MAX_HOMES
#define RECHECK_AFTER \
	(1 * USEC_PER_SEC) /* who picked its source just before the move has sent by then */

bool binding_needed(const struct binding *b)
{
	return b->service == SERVICE_FIXED || b->needed;
}

/* Who waits for others is in need only if he is to be reached. */
static bool type_in_need(const struct session_info *i, enum service_type type)
{
	if (i->listening)
		return type == SERVICE_FIXED;
	return type != SERVICE_NON_PERSISTENT;
}

static void set_in_need(struct session *s, bool in_need)
{
	if (s->in_need == in_need)
		return;
	s->in_need = in_need;
	if (in_need)
		s->binding->n_in_need++;
	else
		s->binding->n_in_need--;
}

static bool stays_at_home(const struct binding *b)
{
	return b->state == BINDING_HOME && (!b->dynamic || b->on_request);
}

/* The last session in need is gone: the hold time begins.  Another one came: it is over. */
static void update_hold(struct binding *b)
{
	struct engine *e = b->engine;

	if (b->n_in_need) {
		b->needed = true;
		b->hold_until = USEC_INFINITY;
	} else if (b->needed && stays_at_home(b)) { /* there is no binding to hold */
		b->needed = false;
		b->hold_until = USEC_INFINITY;
	} else if (b->needed && b->hold_until == USEC_INFINITY) {
		b->hold_until = usec_add(e->now.mono, e->conf->hold_time);
	}
	engine_publish(e, OBJECT_BINDING, CHANGE_CHANGED, b);
}

/* Graceful replacement: the old address is kept for a while after its place was left, so that the application can move. */
static bool grace_is_over(const struct engine *e, enum service_type type, usec_t left_at)
{
	return type == SERVICE_GRACEFUL_REPLACEMENT &&
	       usec_add(left_at, e->conf->grace_time) <= e->now.mono;
}

static void session_add(struct binding *b, const struct session_info *info, enum service_type type,
			const struct policy_rule *rule, pid_t pid)
{
	struct engine *e = b->engine;
	struct session *s = session_find(e, info->cookie);

	if (s && s->binding != b) { /* bound to another address since */
		session_free(s);
		s = NULL;
	}
	if (!s) {
		s = session_new(b, info);
		if (!s)
			return;
		e->counters.sessions_tracked[type]++;
	}
	s->requested = type;
	s->granted = b->service > type ? b->service : type;
	s->rule = rule;
	if (pid)
		s->pid = pid;
	set_in_need(s, type_in_need(info, type) && !grace_is_over(e, type, b->left_at));
}

/* An address alone (DHCPv6) does not tell its prefix: what one link has. */
static struct ip6_prefix home_prefix_of(const struct in6_addr *addr, uint8_t plen)
{
	return prefix_make(addr, plen == 128 ? 64 : plen);
}

/* --- looking ------------------------------------------------------------------------------ */

/* One address that somebody may still use. */
struct look {
	struct in6_addr addr;
	uint8_t plen;
	usec_t left_at;
	struct link_address *left; /* of a place that we have left, no binding yet */
	bool missed;               /* there is need, and no binding could be made */
	struct binding *binding;
};

struct looks {
	unsigned n;
	struct look at[MAX_LOOK];
};

static void look_at(struct looks *l, struct look one)
{
	if (l->n < MAX_LOOK)
		l->at[l->n++] = one;
}

static struct look look_of(struct binding *b)
{
	return (struct look){.addr = b->home, .plen = b->home_prefix.len, .binding = b};
}

static struct look *find_look(struct looks *l, const struct in6_addr *addr)
{
	for (unsigned i = 0; i < l->n; i++)
		if (addr_equal(&l->at[i].addr, addr))
			return &l->at[i];
	return NULL;
}

static struct binding *binding_of(struct engine *e, struct look *l)
{
	struct ip6_prefix prefix = home_prefix_of(&l->addr, l->plen);
	struct conf_home home = {.address = l->addr, .prefix = prefix};
	struct anchor *a = anchor_best(e, &prefix);
	int r;

	if (l->binding || !a)
		return l->binding;
	r = binding_new(e, a, &home, &l->binding);
	if (r < 0) {
		log_error("%s: cannot keep its sessions: %s", ADDR_STR(&l->addr), log_strerror(-r));
		return NULL;
	}
	l->binding->dynamic = true;
	l->binding->left_at = l->left_at;
	l->binding->service = prefix_service(e, &prefix);
	binding_path_blocked(l->binding);
	engine_publish(e, OBJECT_BINDING, CHANGE_ADDED, l->binding);
	return l->binding;
}

/*
 * Nobody starts from an address that is only given to those who ask, or bind to it: what it stands for is what its sessions
 * have asked for.  On others policy speaks for applications that do not.
 */
static bool has_asked(const struct binding *b)
{
	return b && (b->on_request || (!b->dynamic && !b->ordinary));
}

static void take_listed(struct engine *e, struct looks *l, const struct session_info *info,
			size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct look *at = find_look(l, &info[i].source);
		const struct policy_rule *rule;
		struct session_owner owner;
		bool known = false;
		struct binding *b;
		enum service_type type;

		if (!at)
			continue;
		rule = policy_match(e, &info[i], &owner, &known);
		b = at->binding;
		type = has_asked(b) ? b->service : policy_service(rule);
		if (!b && type_in_need(&info[i], type) && !grace_is_over(e, type, at->left_at)) {
			b = binding_of(e, at);
			at->missed = at->missed || !b;
		}
		if (b)
			session_add(b, &info[i], type, rule, known ? owner.pid : 0);
	}
}

/* Sessions that the kernel did not list are gone, whatever news of that was lost. */
static void forget_unlisted(struct binding *b, const struct session_info *info, size_t n)
{
	struct session *s, *t;

	list_for_each(s, &b->sessions, node)
		s->listed = false;
	for (size_t i = 0; i < n; i++)
		if ((s = session_find(b->engine, info[i].cookie)))
			s->listed = true;
	list_for_each_safe(s, t, &b->sessions, node)
		if (!s->listed)
			session_free(s);
}

static void note_looked(const struct engine *e, const struct look *l)
{
	l->left->looked = true;
	l->left->settled = !l->missed && l->left->settles_at <= e->now.mono;
}

static int list_and_take(struct engine *e, struct looks *l)
{
	struct ip6_prefix sources[MAX_LOOK];
	struct session_info *info = NULL;
	size_t n = 0;
	int r;

	if (!l->n)
		return 0;
	if (!e->watching_sessions) { /* first, so that none goes unnoticed in between */
		e->watching_sessions = true;
		e->ops->watch_sessions(e->user, true);
	}
	for (unsigned i = 0; i < l->n; i++)
		sources[i] = prefix_make(&l->at[i].addr, 128);
	e->counters.session_listings++;
	r = e->ops->list_sessions(e->user, sources, l->n, &info, &n);
	if (r < 0) {
		log_warning("cannot list the sessions of this host: %s", log_strerror(-r));
		e->recheck_at = usec_add(e->now.mono, RECHECK_AFTER);
		return r;
	}
	for (unsigned i = 0; i < l->n; i++)
		if (l->at[i].binding)
			forget_unlisted(l->at[i].binding, info, n);
	take_listed(e, l, info, n);
	free(info);
	for (unsigned i = 0; i < l->n; i++) {
		if (l->at[i].left)
			note_looked(e, &l->at[i]);
		if (l->at[i].binding) {
			l->at[i].binding->looked = true;
			update_hold(l->at[i].binding);
		}
	}
	return 0;
}

static struct ip6_prefix address_prefix(const struct link_address *a)
{
	return home_prefix_of(&a->addr, a->plen);
}

static bool is_left(const struct engine *e, const struct link *l, const struct link_address *a)
{
	struct ip6_prefix prefix = address_prefix(a);

	if (!addr_is_routable(&a->addr) || a->duplicate || link_supports(l, a) ||
	    (e->uplink && addr_equal(&a->addr, &e->coa)) || engine_find_home(e, &a->addr))
		return false;
	return anchor_best(e, &prefix) && prefix_service(e, &prefix) != SERVICE_NON_PERSISTENT;
}

static bool is_always_needed(const struct engine *e, const struct link_address *a)
{
	struct ip6_prefix prefix = address_prefix(a);

	return a->confirmed_epoch && prefix_service(e, &prefix) == SERVICE_FIXED;
}

static void leave_now(const struct engine *e, struct link_address *a)
{
	a->settles_at = usec_add(e->now.mono, RECHECK_AFTER);
	a->settled = false;
}

static void note_left(const struct link *l, struct link_address *a)
{
	if (link_supports(l, a)) {
		a->looked = a->orphaned = false;
		a->left_at = 0;
	} else if (!a->left_at) {
		a->left_at = l->engine->now.mono;
		leave_now(l->engine, a);
	}
}

static void collect_left(struct engine *e, struct looks *looks)
{
	struct link_address *a;
	struct link *l;

	list_for_each(l, &e->links, node) {
		if (!l->conf->use)
			continue;
		list_for_each(a, &l->addresses, node) {
			struct look at = {.addr = a->addr, .plen = a->plen, .left = a};

			note_left(l, a);
			at.left_at = a->left_at;
			if (a->looked || !is_left(e, l, a))
				continue;
			if (is_always_needed(e, a))
				binding_of(e, &at);
			look_at(looks, at);
		}
	}
}

void need_update(struct engine *e)
{
	struct looks looks = {0};
	struct binding *b;

	if (!e->uplink)
		return; /* nothing can be registered; who is in need then is seen at the next attachment */
	collect_left(e, &looks);
	list_for_each(b, &e->bindings, node)
		if (!b->looked && !b->removed && !find_home_link(e, b))
			look_at(&looks, look_of(b));
	list_and_take(e, &looks);
}

void need_ignore(const struct binding *b)
{
	struct link_address *a;
	struct link *l;

	list_for_each(l, &b->engine->links, node)
		if ((a = link_find_address(l, &b->home)))
			a->looked = true;
}

void need_unbound(const struct binding *b)
{
	struct link_address *a;
	struct link *l;

	list_for_each(l, &b->engine->links, node)
		if ((a = link_find_address(l, &b->home)))
			leave_now(b->engine, a);
}

/* The next update looks at every address that was left of late. */
static void look_anew(struct engine *e)
{
	struct link_address *a;
	struct link *l;

	list_for_each(l, &e->links, node)
		list_for_each(a, &l->addresses, node)
			if (!a->settled)
				a->looked = false;
}

void need_reconsider(struct engine *e)
{
	struct link_address *a;
	struct link *l;

	list_for_each(l, &e->links, node)
		list_for_each(a, &l->addresses, node)
			a->settled = false;
	e->recheck_at = e->now.mono;
}

void need_moved(struct engine *e)
{
	look_anew(e);
	if (!list_empty(&e->anchors) || e->conf->kill_orphans)
		e->recheck_at = usec_add(e->now.mono, RECHECK_AFTER);
}

void need_address_gone(struct engine *e, const struct link *l, const struct link_address *a)
{
	struct looks looks = {0};

	if (!e->started || e->stopping || !is_left(e, l, a))
		return;
	look_at(&looks, (struct look){.addr = a->addr,
				      .plen = a->plen,
				      .left_at = a->left_at ? a->left_at : e->now.mono});
	list_and_take(e, &looks);
}

/* --- release ------------------------------------------------------------------------------ */

static void set_closed(struct binding *b, bool closed)
{
	struct path p = b->path;

	if (p.closed == closed)
		return;
	p.closed = closed;
	binding_set_path(b, &p);
}

static int look_again(struct binding *b)
{
	struct looks looks = {.n = 1, .at = {look_of(b)}};

	return list_and_take(b->engine, &looks);
}

/* Nobody new may come, and then is there really nobody? */
bool need_close(struct binding *b)
{
	set_closed(b, true);
	b->unlisted = look_again(b) < 0;
	if (b->unlisted || b->n_in_need) {
		set_closed(b, false);
		if (!b->n_in_need)
			b->hold_until = usec_add(b->engine->now.mono, RECHECK_AFTER);
		return false;
	}
	b->hold_until = USEC_INFINITY;
	b->needed = false;
	return true;
}

/* The hold time is over. */
static void release(struct binding *b)
{
	struct engine *e = b->engine;
	struct event ev = {.kind = EVENT_BINDING_WITHDRAWN,
			   .priority = LOG_INFO,
			   .binding = b,
			   .anchor = b->anchor};

	if (!need_close(b))
		return;
	e->counters.withdrawals++;
	engine_notify(e, &ev, "%s is not needed any more, its binding at %s is withdrawn",
		      ADDR_STR(&b->home), b->anchor->name);
	binding_withdraw(b);
}

usec_t need_next_timer(const struct binding *b)
{
	const usec_t grace = b->engine->conf->grace_time;
	usec_t next = b->removed ? USEC_INFINITY : b->hold_until;
	const struct session *s;

	list_for_each(s, &b->sessions, node)
		if (s->in_need && s->requested == SERVICE_GRACEFUL_REPLACEMENT &&
		    usec_add(b->left_at, grace) < next)
			next = usec_add(b->left_at, grace);
	return next;
}

void need_timer(struct binding *b)
{
	struct engine *e = b->engine;
	struct session *s;

	list_for_each(s, &b->sessions, node)
		if (s->in_need && grace_is_over(e, s->requested, b->left_at)) {
			set_in_need(s, false);
			update_hold(b);
		}
	if (b->removed || e->now.mono < b->hold_until)
		return;
	if (b->service == SERVICE_FIXED || stays_at_home(b)) {
		b->hold_until = USEC_INFINITY;
		b->needed = false;
	} else {
		release(b);
	}
}

void need_end(struct binding *b)
{
	sessions_forget(b);
	b->needed = b->looked = false;
	b->hold_until = USEC_INFINITY;
}

void need_recheck(struct engine *e)
{
	if (e->now.mono < e->recheck_at)
		return;
	e->recheck_at = USEC_INFINITY;
	look_anew(e);
	orphans_end(e);
}

/* Nothing is tracked any more: no news, no wake-ups. */
void need_settle(struct engine *e)
{
	if (!e->watching_sessions || e->n_sessions)
		return;
	e->watching_sessions = false;
	e->ops->watch_sessions(e->user, false);
}

/* --- events ------------------------------------------------------------------------------- */

void engine_session_gone(struct engine *e, struct instant now, uint64_t cookie)
{
	struct session *s = session_find(e, cookie);
	struct binding *b;
	bool was_in_need;

	e->now = now;
	if (!s)
		return;
	b = s->binding;
	was_in_need = s->in_need;
	session_free(s);
	if (!was_in_need) {
		need_settle(e);
		return;
	}
	update_hold(b);
	engine_settle(e);
}

/* One listing for all of them. */
static void look_at_bindings(struct engine *e, bool tracked_only)
{
	struct looks looks = {0};
	struct binding *b;

	list_for_each(b, &e->bindings, node)
		if (!tracked_only || !list_empty(&b->sessions))
			look_at(&looks, look_of(b));
	list_and_take(e, &looks);
}

void engine_sessions_lost(struct engine *e, struct instant now)
{
	e->now = now;
	look_at_bindings(e, true);
	engine_settle(e);
}

void engine_look(struct engine *e, struct instant now)
{
	e->now = now;
	look_at_bindings(e, false);
	engine_settle(e);
}

void engine_activity(struct engine *e, struct instant now, const struct in6_addr *home)
{
	struct binding *b = engine_find_home(e, home);

	e->now = now;
	if (!b)
		return;
	look_again(b);
	liveness_wake(b);
	engine_settle(e);
}
