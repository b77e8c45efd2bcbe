/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mobility/session.h"

#include <stdlib.h>

#include "mobility/internal.h"

static struct list *bucket(struct engine *e, uint64_t cookie)
{
	return &e->sessions[cookie % SESSION_BUCKETS];
}

void sessions_init(struct engine *e)
{
	for (unsigned i = 0; i < SESSION_BUCKETS; i++)
		list_init(&e->sessions[i]);
}

struct session *session_find(struct engine *e, uint64_t cookie)
{
	struct session *s;

	list_for_each(s, bucket(e, cookie), hash_node)
		if (s->info.cookie == cookie)
			return s;
	return NULL;
}

struct session *session_new(struct binding *b, const struct session_info *info)
{
	struct engine *e = b->engine;
	struct session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->binding = b;
	s->info = *info;
	s->since = e->now.mono;
	list_append(&b->sessions, &s->node);
	list_append(bucket(e, info->cookie), &s->hash_node);
	e->n_sessions++;
	return s;
}

void session_free(struct session *s)
{
	struct engine *e = s->binding->engine;

	if (s->in_need)
		s->binding->n_in_need--;
	e->counters.sessions_over++;
	e->counters.session_time += e->now.mono - s->since;
	e->n_sessions--;
	list_remove(&s->node);
	list_remove(&s->hash_node);
	free(s);
}

void sessions_forget(struct binding *b)
{
	struct session *s, *t;

	list_for_each_safe(s, t, &b->sessions, node)
		session_free(s);
}

void sessions_lost(struct binding *b, const char *why)
{
	struct session *s;

	list_for_each(s, &b->sessions, node) {
		struct event ev = {
			.kind = EVENT_SESSION_LOST,
			.priority = LOG_WARNING,
			.binding = b,
			.anchor = b->anchor,
			.session = s,
		};

		if (!s->in_need)
			continue;
		b->engine->counters.sessions_lost++;
		engine_notify(b->engine, &ev,
			      "a session of user %u from %s port %u to %s port %u: %s", s->info.uid,
			      ADDR_STR(&s->info.source), s->info.source_port,
			      ADDR_STR(&s->info.destination), s->info.destination_port, why);
	}
}
