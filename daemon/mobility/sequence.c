/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sequence numbers outlive their bindings: an agent may remember the last one of a home address for longer than we need a
 * binding for it, and takes none that is not newer (RFC 6275 sections 9.5.1 and 11.7.1).
 */
#include <stdlib.h>
#include <string.h>

#include "mobility/internal.h"

#define MAX_REMEMBERED 128 /* home addresses; the one not used for longest is forgotten */

struct remembered {
	struct list node; /* newest last */
	struct in6_addr home, agent;
	uint16_t sequence;
	usec_t recent_sent[3]; /* to that agent: its rate limit holds as well */
};

static struct remembered *find(const struct engine *e, const struct in6_addr *home)
{
	struct remembered *m;

	list_for_each(m, &e->remembered, node)
		if (addr_equal(&m->home, home))
			return m;
	return NULL;
}

static void forget(struct engine *e, struct remembered *m)
{
	list_remove(&m->node);
	e->n_remembered--;
	free(m);
}

bool sequence_recall(struct binding *b)
{
	struct remembered *m = find(b->engine, &b->home);

	if (!m)
		return false;
	b->sequence = m->sequence;
	if (addr_equal(&m->agent, &b->anchor->address))
		memcpy(b->recent_sent, m->recent_sent, sizeof(b->recent_sent));
	forget(b->engine, m);
	return true;
}

static struct remembered *remember(struct engine *e, const struct in6_addr *home,
				   const struct in6_addr *agent, uint16_t sequence)
{
	struct remembered *m = find(e, home);

	if (!m) {
		if (e->n_remembered == MAX_REMEMBERED)
			forget(e, list_entry(e->remembered.next, struct remembered, node));
		m = calloc(1, sizeof(*m));
		if (!m)
			return NULL;
		e->n_remembered++;
		list_append(&e->remembered, &m->node);
	}
	m->home = *home;
	m->agent = *agent;
	m->sequence = sequence;
	return m;
}

void sequence_remember(struct engine *e, const struct in6_addr *home, const struct in6_addr *agent,
		       uint16_t sequence)
{
	remember(e, home, agent, sequence);
}

void sequence_retire(const struct binding *b)
{
	struct remembered *m = remember(b->engine, &b->home, &b->anchor->address, b->sequence);

	if (m)
		memcpy(m->recent_sent, b->recent_sent, sizeof(m->recent_sent));
}

unsigned sequences_save(const struct engine *e, struct state_entry *saved, unsigned max)
{
	struct remembered *m;
	unsigned n = 0;

	list_for_each(m, &e->remembered, node)
		if (n < max)
			saved[n++] = (struct state_entry){
				.home = m->home, .anchor = m->agent, .sequence = m->sequence};
	return n;
}

void sequences_free(struct engine *e)
{
	struct remembered *m, *t;

	list_for_each_safe(m, t, &e->remembered, node)
		forget(e, m);
}
