/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mobility/handover.h"

#include <stdio.h>
#include <string.h>

#include "mobility/internal.h"

DEFINE_STRTAB(handover_mode, "start", "break", "make", "return");
DEFINE_STRTAB(handover_phase, "link_up", "ra", "address", "bu", "ba", "data");
DEFINE_STRTAB(handover_result, "running", "done", "failed", "superseded");

/* Data that come later behind the last acknowledgement are not those that waited for it. */
#define DATA_PATIENCE (10 * USEC_PER_SEC)

const struct handover *engine_handover(const struct engine *e, uint64_t id)
{
	if (id == 0 || id > e->n_handovers || e->n_handovers - id >= HANDOVER_RING)
		return NULL;
	return &e->handovers[(id - 1) % HANDOVER_RING];
}

static struct handover *newest(struct engine *e)
{
	return e->n_handovers ? &e->handovers[(e->n_handovers - 1) % HANDOVER_RING] : NULL;
}

static struct handover *handover_current(struct engine *e)
{
	struct handover *h = newest(e);

	return h && h->result == HANDOVER_RUNNING ? h : NULL;
}

static void set_phase(struct engine *e, struct handover *h, enum handover_phase p)
{
	h->phase[p] = (int64_t)(e->now.mono - h->start.mono);
}

static void finish(struct engine *e, struct handover *h, enum handover_result result)
{
	struct event ev = {.kind = EVENT_HANDOVER, .priority = LOG_NOTICE, .handover = h};

	h->result = result;
	e->counters.handovers[h->mode][result]++;
	if (result == HANDOVER_DONE && h->phase[PHASE_BA] != HANDOVER_NOT_REACHED)
		e->counters.handover_time += (usec_t)h->phase[PHASE_BA];
	engine_notify(e, &ev, "handover %llu %s: %s -> %s, %u binding%s", (unsigned long long)h->id,
		      handover_result_str((int)result), h->from_link[0] ? h->from_link : "-",
		      h->to_link, h->bindings, h->bindings == 1 ? "" : "s");
	engine_publish(e, OBJECT_HANDOVER, CHANGE_CHANGED, h);
}

void handover_begin(struct engine *e, const struct in6_addr *from_coa, bool old_alive)
{
	struct handover *old = newest(e), *h;
	const struct link *to = e->uplink;
	const usec_t steps[] = {to->up_since, to->ra_at, to->address_at};
	usec_t since = old ? old->start.mono : 0, start = e->now.mono;
	struct binding *b;

	handover_check_data(e);
	if (old && old->result == HANDOVER_RUNNING)
		finish(e, old, HANDOVER_SUPERSEDED);
	if (e->lost_at > since)
		since = e->lost_at;
	/* Steps of the new attachment belong to this move if they came after the last one began, and if it is
	 * this attachment that caused the move: else the loss of the old one did. */
	if (to->address_at != e->now.mono)
		since = start = e->lost_at ? e->lost_at : start;
	for (unsigned i = 0; i < 3; i++)
		if (steps[i] > since && steps[i] < start)
			start = steps[i];

	h = &e->handovers[e->n_handovers++ % HANDOVER_RING];
	memset(h, 0, sizeof(*h));
	h->id = e->n_handovers;
	h->start.mono = start;
	h->start.real = usec_sub(e->now.real, e->now.mono - start);
	for (unsigned i = 0; i < PHASE_MAX; i++)
		h->phase[i] = HANDOVER_NOT_REACHED;
	for (unsigned i = 0; i < 3; i++)
		if (steps[i] >= start)
			h->phase[PHASE_LINK_UP + i] = (int64_t)(steps[i] - start);
	memcpy(h->from_link, e->left_link, sizeof(h->from_link));
	snprintf(h->to_link, sizeof(h->to_link), "%s", to->name);
	h->from_coa = *from_coa;
	h->to_coa = e->coa;
	if (addr_is_any(from_coa))
		h->mode = HANDOVER_START;
	else
		h->mode = old_alive ? HANDOVER_MAKE : HANDOVER_BREAK;
	list_for_each(b, &e->bindings, node)
		b->in_handover = false;
	e->handover_open = true;
	e->data_until = 0;
	engine_publish(e, OBJECT_HANDOVER, CHANGE_ADDED, h);
}

void handover_bu_sent(struct engine *e)
{
	struct handover *h = handover_current(e);

	if (!h)
		return;
	h->mh_sent++;
	if (h->phase[PHASE_BU] == HANDOVER_NOT_REACHED)
		set_phase(e, h, PHASE_BU);
}

void handover_ba_received(struct engine *e)
{
	struct handover *h = handover_current(e);

	if (!h)
		return;
	h->mh_received++;
}

void handover_ba_accepted(struct engine *e)
{
	struct handover *h = handover_current(e);

	if (h)
		set_phase(e, h, PHASE_BA);
}

static void check_done(struct engine *e)
{
	struct handover *h = handover_current(e);

	if (!h || e->handover_open || h->acknowledged + h->refused < h->bindings)
		return;
	finish(e, h, h->refused ? HANDOVER_FAILED : HANDOVER_DONE);
	if (h->acknowledged && h->phase[PHASE_BA] != HANDOVER_NOT_REACHED) {
		e->data_until = usec_add(e->now.mono, DATA_PATIENCE);
		handover_check_data(e);
	}
}

void handover_join(struct binding *b)
{
	struct handover *h = handover_current(b->engine);

	if (!h || !b->engine->handover_open || b->in_handover)
		return;
	b->in_handover = true;
	h->bindings++;
}

void handover_close(struct engine *e)
{
	struct handover *h = handover_current(e);
	unsigned home = 0;
	struct binding *b;

	e->handover_open = false;
	if (!h)
		return;
	list_for_each(b, &e->bindings, node)
		if (b->in_handover && (b->state == BINDING_RETURNING || b->state == BINDING_HOME))
			home++;
	if (home && home == h->bindings - h->refused)
		h->mode = HANDOVER_RETURN;
	check_done(e);
}

void handover_leave(struct binding *b, bool accepted)
{
	struct handover *h = handover_current(b->engine);

	if (!h || !b->in_handover)
		return;
	if (accepted)
		h->acknowledged++;
	else
		h->refused++;
	b->in_handover = false;
	check_done(b->engine);
}

void handover_check_data(struct engine *e)
{
	struct handover *h = newest(e);
	usec_t first = USEC_INFINITY, t;
	struct binding *b;

	if (!h || !e->data_until)
		return;
	list_for_each(b, &e->bindings, node) {
		if (b->path.mode != PATH_TUNNEL)
			continue;
		t = e->ops->first_data(e->user, &b->home, &b->anchor->address, &b->path.coa);
		if (t >= h->start.mono && t && t < first)
			first = t;
	}
	if (first <= e->data_until) {
		h->phase[PHASE_DATA] = (int64_t)first - (int64_t)h->start.mono;
		engine_publish(e, OBJECT_HANDOVER, CHANGE_CHANGED, h);
	}
	if (first != USEC_INFINITY || e->now.mono > e->data_until)
		e->data_until = 0;
}

void engine_look_for_data(struct engine *e, struct instant now)
{
	e->now = now;
	handover_check_data(e);
}
