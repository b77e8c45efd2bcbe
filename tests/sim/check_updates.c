/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must hold of the binding updates that leave. */
#include <string.h>

#include "agent.h"
#include "check.h"
#include "socket.h"

#define MAX_UPDATE_RATE 3
#define INITIAL_TIMEOUT (1 * USEC_PER_SEC)
#define MAX_TIMEOUT (32 * USEC_PER_SEC)
#define TOLERANCE (20 * USEC_PER_MSEC)
#define HOLD_EARLY (500 * USEC_PER_MSEC)
#define HOLD_LATE (500 * USEC_PER_MSEC)
#define NEARLY_OVER (20 * USEC_PER_SEC)
#define CARRY_ON (5 * USEC_PER_SEC) /* to learn that a session is over */

struct check_home *check_home(struct check *c, const struct in6_addr *home)
{
	struct check_home *h;

	for (h = c->home; h < c->home + c->n_homes; h++)
		if (addr_equal(&h->home, home))
			return h;
	if (c->n_homes == CHECK_HOMES) {
		/* The one that has been quiet for longest. */
		struct check_home *oldest = c->home;

		for (h = c->home; h < c->home + c->n_homes; h++)
			if (h->need_until < oldest->need_until &&
			    !engine_find_home(c->host->engine, &h->home))
				oldest = h;
		h = oldest;
	} else {
		h = &c->home[c->n_homes++];
	}
	memset(h, 0, sizeof(*h));
	h->home = *home;
	h->need_until = c->net->sched.now;
	return h;
}

static struct check_updates *updates_at(struct check_home *h, const struct home_agent *a)
{
	for (unsigned i = 0; i < CHECK_AGENTS; i++) {
		if (!h->updates[i].agent)
			h->updates[i].agent = a;
		if (h->updates[i].agent == a)
			return &h->updates[i];
	}
	return NULL;
}

/* An event other than the passing of time may be a reason for another update at once. */
void check_time_passes(struct check *c, enum stimulus s)
{
	for (unsigned i = 0; i < c->n_homes && s != STIM_TIMER; i++)
		for (unsigned j = 0; j < CHECK_AGENTS; j++)
			c->home[i].updates[j].undisturbed = false;
}

static void check_interval(struct check *c, struct check_updates *last, const struct update *u)
{
	usec_t now = c->net->sched.now, interval = now - last->recent[0];
	bool same = addr_equal(&last->coa, &u->coa) && !last->lifetime == !u->lifetime;

	c->done++;
	if (c->stimulus != STIM_TIMER || !same || !last->undisturbed) {
		last->interval = 0;
		return;
	}
	/* The same again, because time has passed: a retransmission, or a refresh. */
	if (interval + TOLERANCE < INITIAL_TIMEOUT)
		check_fail(c, "back-off", "an update for %s follows the last one after %.3f s",
			   ADDR_STR(&u->home), (double)interval / 1e6);
	if (last->interval && interval + TOLERANCE < last->interval * 2 &&
	    interval + TOLERANCE < MAX_TIMEOUT)
		check_fail(c, "back-off", "updates for %s are %.3f s and then %.3f s apart",
			   ADDR_STR(&u->home), (double)last->interval / 1e6,
			   (double)interval / 1e6);
	last->interval = interval;
}

/* The agent has said what it knows (status 135), and that may be half the range away. */
static bool as_told(const struct update *u)
{
	const struct cache_entry *e = agent_lookup(u->agent, &u->home);

	return e && u->sequence == (uint16_t)(e->sequence + 1);
}

static bool in_need_now(const struct host *h, const struct in6_addr *home)
{
	const struct sock *s;

	list_for_each(s, &h->sockets, node)
		if (sock_in_need(s) && !s->told && addr_equal(&s->info.source, home))
			return true;
	return false;
}

static bool just_moved(const struct check *c)
{
	const struct engine *e = c->host->engine;
	const struct handover *h = engine_handover(e, e->n_handovers);

	return h && h->start.mono + HOLD_EARLY > c->net->sched.now;
}

/* While away, because nobody is in need any more: not earlier, and not much later. */
static void check_withdrawal(struct check *c, const struct check_home *h, const struct binding *b,
			     const struct update *u)
{
	usec_t now = c->net->sched.now, hold = c->host->conf->hold_time;

	c->done++;
	if (b->service == SERVICE_FIXED || b->removed || c->host->engine->stopping ||
	    u->agent->leaving || b->successor || b->drain_until || addr_equal(&u->coa, &u->home))
		return;
	if (in_need_now(c->host, &u->home))
		check_fail(c, "withdrawn-in-need", "%s is withdrawn, but somebody needs it",
			   ADDR_STR(&u->home));
	else if (addr_equal(&b->registered_coa, &u->coa) &&
		 !just_moved(c) && /* either ends the hold time */
		 now + HOLD_EARLY < h->known_until + hold && now > c->disturbed_at + HOLD_EARLY)
		check_fail(c, "withdrawn-in-need", "%s is withdrawn %.3f s after its last session",
			   ADDR_STR(&u->home), (double)(now - h->known_until) / 1e6);
	else if (c->disturbed_at < h->need_until && c->host->news_lost <= 0 &&
		 now > h->need_until + hold + HOLD_LATE)
		check_fail(c, "withdrawn-in-need",
			   "%s is withdrawn only %.3f s after its last session", ADDR_STR(&u->home),
			   (double)(now - h->need_until) / 1e6);
}

/* The same place, acknowledged, and nothing but the kernel or a router has said anything. */
static bool is_needless(const struct check *c, const struct binding *b, const struct update *u)
{
	return u->lifetime && (c->stimulus == STIM_KERNEL || c->stimulus == STIM_ADVERT) &&
	       b->registered && b->last_status >= 0 && b->last_status < BA_UNSPECIFIED &&
	       !b->n_outstanding && addr_equal(&b->registered_coa, &u->coa) &&
	       addr_equal(&b->anchor->address, &u->agent->address) &&
	       b->expires > c->net->sched.now + NEARLY_OVER;
}

void check_update(void *user, struct host *host, const struct update *u)
{
	struct check *c = host->checker;
	usec_t now = host->net->sched.now;
	struct check_updates *last;
	const struct binding *b;
	struct check_home *h;

	(void)user;
	if (!c)
		return;
	b = host->engine ? engine_find_home(host->engine, &u->home) : NULL;
	h = check_home(c, &u->home);
	last = u->agent ? updates_at(h, u->agent) : NULL;
	if (!last)
		return;
	c->done += 4;
	if (last->any && !mh_sequence_newer(u->sequence, last->sequence) && !as_told(u))
		check_fail(c, "sequence-rises", "%s at %s: %u after %u", ADDR_STR(&u->home),
			   u->agent->name, u->sequence, last->sequence);
	if (last->recent[MAX_UPDATE_RATE - 1] &&
	    now < last->recent[MAX_UPDATE_RATE - 1] + USEC_PER_SEC)
		check_fail(c, "update-rate", "%u updates for %s in %.3f s", MAX_UPDATE_RATE + 1,
			   ADDR_STR(&u->home),
			   (double)(now - last->recent[MAX_UPDATE_RATE - 1]) / 1e6);
	if (u->lifetime && b && b->service != SERVICE_FIXED && c->online_since != USEC_INFINITY &&
	    now > h->need_until + host->conf->hold_time + CARRY_ON &&
	    now > c->disturbed_at + CARRY_ON &&
	    now > c->online_since + host->conf->hold_time + CARRY_ON)
		check_fail(c, "no-need-no-signalling",
			   "an update for %s, which nobody has needed for %.1f s",
			   ADDR_STR(&u->home), (double)(now - h->need_until) / 1e6);
	if (last->any)
		check_interval(c, last, u);
	if (b && !u->lifetime && !(last->any && !last->lifetime))
		check_withdrawal(c, h, b, u);
	if (b && is_needless(c, b, u))
		check_fail(c, "needless-signalling", "an update for %s, where nothing has changed",
			   ADDR_STR(&u->home));
	memmove(last->recent + 1, last->recent, sizeof(last->recent) - sizeof(last->recent[0]));
	last->recent[0] = now;
	last->any = last->undisturbed = true;
	last->sequence = u->sequence;
	last->coa = u->coa;
	last->lifetime = u->lifetime;
}
