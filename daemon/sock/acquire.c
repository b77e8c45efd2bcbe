/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests for an address (RFC 8653 section 3.3).
 *
 * What is there is given at once.  What is not is wanted of the engine, and the request waits: for the publication that
 * brings it, or until its time is over.  Nothing here waits itself.
 */
#include <errno.h>
#include <stdlib.h>

#include "sock/internal.h"

#define KNOWN_FLAGS (DMM_F_REQUIRE | DMM_F_NOWAIT | DMM_F_NEW)
#define CHUNK 64
#define ANSWERS_PER_TURN 512
#define MISSING_INTERVAL (USEC_PER_SEC / 200)
#define MISSING_BURST (MAX_WAITING / USER_SHARE) /* what may wait anyway */
#define FRESH_INTERVAL (15 * USEC_PER_SEC)
#define FRESH_BURST 4

struct waiter_chunk {
	struct waiter_chunk *next;
	struct waiter waiter[CHUNK];
};

/* --- what became of sockets that asked --------------------------------------------------------------- */

void acquire_remember(struct sock *s, uint64_t cookie, uid_t uid, enum service_type type)
{
	struct acquisition *a = &s->acquisition;

	if (cookie)
		a->asked[a->n_asked++ % ASKED_RING] = (struct asked){cookie, uid, type};
}

/* --- answers ----------------------------------------------------------------------------------------- */

static bool give(struct client *c, uint32_t id, const struct offer *o)
{
	c->sock->acquisition.acquired++;
	return client_reply(c, DMM_OP_ACQUIRE, id, 0, o);
}

static bool refuse(struct client *c, uint32_t id, uint64_t cookie, enum service_type type)
{
	c->sock->acquisition.refused++;
	acquire_remember(c->sock, cookie, c->user->uid, type);
	return client_reply(c, DMM_OP_ACQUIRE, id, EADDRNOTAVAIL, NULL);
}

static bool deny(struct client *c, const struct dmm_request *q, enum service_type type)
{
	c->sock->acquisition.denied++;
	acquire_remember(c->sock, q->cookie, c->user->uid, type);
	server_complain(c->sock, TROUBLE_DENIED, c);
	return client_reply(c, q->op, q->id, EPERM, NULL);
}

static bool too_many(struct client *c, const struct dmm_request *q)
{
	c->sock->acquisition.refused++;
	server_complain(c->sock, TROUBLE_RATE, c);
	return client_reply(c, q->op, q->id, EAGAIN, NULL);
}

/* --- waiting ----------------------------------------------------------------------------------------- */

static struct waiter *waiter_new(struct acquisition *a)
{
	struct waiter_chunk *chunk;
	struct waiter *w;

	if (list_empty(&a->unused)) {
		chunk = a->n_allocated < MAX_WAITING ? calloc(1, sizeof(*chunk)) : NULL;
		if (!chunk)
			return NULL;
		chunk->next = a->chunks;
		a->chunks = chunk;
		a->n_allocated += CHUNK;
		for (unsigned i = 0; i < CHUNK; i++)
			list_append(&a->unused, &chunk->waiter[i].node);
	}
	w = list_entry(a->unused.next, struct waiter, node);
	list_remove(&w->node);
	return w;
}

static void waiter_free(struct acquisition *a, struct waiter *w)
{
	if (a->next == &w->node)
		a->next = w->node.next;
	w->owner->user->waiting--;
	a->n_waiting--;
	list_remove(&w->client);
	list_remove(&w->node);
	list_append(&a->unused, &w->node);
}

static void arm(struct acquisition *a)
{
	loop_timer_set(a->timer,
		       list_empty(&a->waiting)
			       ? USEC_INFINITY
			       : list_entry(a->waiting.next, struct waiter, node)->deadline);
}

/* Most have the same patience: the place is at the end, or near it. */
static void enqueue(struct acquisition *a, struct waiter *w)
{
	struct list *at = a->waiting.prev;

	while (at != &a->waiting && list_entry(at, struct waiter, node)->deadline > w->deadline)
		at = at->prev;
	list_append(at->next, &w->node);
	if (a->waiting.next == &w->node)
		arm(a);
}

static bool wait_for(struct client *c, const struct dmm_request *q, enum service_type type)
{
	struct acquisition *a = &c->sock->acquisition;
	uint32_t ms = q->timeout_ms ? q->timeout_ms : DMM_TIMEOUT_DEFAULT_MS;
	struct waiter *w = NULL;

	if (c->user->waiting < MAX_WAITING / USER_SHARE)
		w = waiter_new(a);
	if (!w)
		return too_many(c, q);
	if (ms > DMM_TIMEOUT_MAX_MS)
		ms = DMM_TIMEOUT_MAX_MS;
	w->owner = c;
	w->deadline = loop_now().mono + ms * USEC_PER_MSEC;
	w->cookie = q->cookie;
	w->id = q->id;
	w->type = type;
	list_append(&c->waiting, &w->client);
	c->user->waiting++;
	a->n_waiting++;
	enqueue(a, w);
	return true;
}

void acquire_forget(struct client *c)
{
	struct waiter *w, *next;

	list_for_each_safe(w, next, &c->waiting, client)
		waiter_free(&c->sock->acquisition, w);
}

/* What waits for registration is better than nothing when the time is over. */
static int on_deadline(sd_event_source *source, uint64_t usec, void *user)
{
	struct sock *s = user;
	struct acquisition *a = &s->acquisition;
	const usec_t now = loop_now().mono;

	(void)source, (void)usec;
	for (unsigned i = 0; i < ANSWERS_PER_TURN && !list_empty(&a->waiting); i++) {
		struct waiter w = *list_entry(a->waiting.next, struct waiter, node);
		int found = offer_for(s, w.type);

		if (w.deadline > now)
			break;
		waiter_free(a, list_entry(a->waiting.next, struct waiter, node));
		if (found >= 0)
			give(w.owner, w.id, &s->offers.offer[found]);
		else
			refuse(w.owner, w.id, w.cookie, w.type);
	}
	arm(a);
	return 0;
}

static const struct offer *ready_offer(const struct sock *s, enum service_type type)
{
	int i = offer_for(s, type);

	return i >= 0 && !s->offers.offer[i].on_demand ? &s->offers.offer[i] : NULL;
}

static int on_answer(sd_event_source *source, void *user)
{
	struct sock *s = user;
	struct acquisition *a = &s->acquisition;

	/* Giving may end a client, with all that it waits for. */
	for (unsigned n = 0; n < ANSWERS_PER_TURN && a->next != &a->waiting;) {
		struct waiter *w = list_entry(a->next, struct waiter, node), copy = *w;
		const struct offer *o = ready_offer(s, w->type);

		a->next = a->next->next;
		if (!o)
			continue;
		waiter_free(a, w);
		give(copy.owner, copy.id, o);
		n++;
	}
	if (a->next != &a->waiting)
		sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	arm(a);
	return 0;
}

void acquire_offers_changed(struct sock *s)
{
	struct acquisition *a = &s->acquisition;

	a->next = a->waiting.next;
	if (a->n_waiting)
		sd_event_source_set_enabled(a->answer, SD_EVENT_ONESHOT);
}

/* --- requests ---------------------------------------------------------------------------------------- */

static bool acquire_new(struct client *c, const struct dmm_request *q, enum service_type type)
{
	struct sock *s = c->sock;
	struct in6_addr source;
	const struct offer *o;
	int r;

	if (!permit_has(&s->conf->acquire, c))
		return deny(c, q, type);
	if (!bucket_take(&c->user->fresh, loop_now().mono, FRESH_INTERVAL, FRESH_BURST))
		return too_many(c, q);
	r = engine_want_new(s->engine, loop_now(), type, &source);
	if (r < 0)
		return refuse(c, q->id, q->cookie, type);
	sock_publish(s);
	o = offer_find(s, &source);
	return o ? give(c, q->id, o) : refuse(c, q->id, q->cookie, type);
}

bool acquire_request(struct client *c, const struct dmm_request *q)
{
	static const struct offer left_to_the_kernel = {.type = SERVICE_NON_PERSISTENT};
	struct sock *s = c->sock;
	enum service_type type;
	int best;

	if (!type_from_library(q->type, &type) || (q->flags & ~KNOWN_FLAGS))
		return client_reply(c, q->op, q->id, EINVAL, NULL);
	if (type == SERVICE_NON_PERSISTENT)
		return give(c, q->id, &left_to_the_kernel);
	if (type == SERVICE_FIXED && !permit_has(&s->conf->fixed, c))
		return deny(c, q, type);
	if ((q->flags & DMM_F_NEW) && type != SERVICE_FIXED)
		return acquire_new(c, q, type);
	best = offer_for(s, type);
	if (best >= 0 && !s->offers.offer[best].on_demand)
		return give(c, q->id, &s->offers.offer[best]);
	/* Whoever may have a fixed address may have it registered. */
	if (type != SERVICE_FIXED && !permit_has(&s->conf->acquire, c))
		return best >= 0 ? give(c, q->id, &s->offers.offer[best]) : deny(c, q, type);
	if (!bucket_take(&c->user->missing, loop_now().mono, MISSING_INTERVAL, MISSING_BURST))
		return too_many(c, q);
	sock_want(s, type);
	if (q->flags & DMM_F_NOWAIT)
		return best >= 0 ? give(c, q->id, &s->offers.offer[best])
				 : refuse(c, q->id, q->cookie, type);
	return wait_for(c, q, type);
}

int acquire_init(struct sock *s)
{
	struct acquisition *a = &s->acquisition;
	int r;

	list_init(&a->waiting);
	list_init(&a->unused);
	a->next = &a->waiting;
	if ((r = loop_timer_new(s->ev, on_deadline, s, &a->timer)) < 0 ||
	    (r = sd_event_source_set_priority(a->timer, SD_EVENT_PRIORITY_IDLE)) < 0 ||
	    (r = sd_event_add_defer(s->ev, &a->answer, on_answer, s)) < 0 ||
	    (r = sd_event_source_set_priority(a->answer, SD_EVENT_PRIORITY_IDLE)) < 0)
		return r;
	return sd_event_source_set_enabled(a->answer, SD_EVENT_OFF);
}

void acquire_close(struct sock *s)
{
	struct acquisition *a = &s->acquisition;
	struct waiter_chunk *next;

	a->timer = sd_event_source_disable_unref(a->timer);
	a->answer = sd_event_source_disable_unref(a->answer);
	for (; a->chunks; a->chunks = next) {
		next = a->chunks->next;
		free(a->chunks);
	}
}
