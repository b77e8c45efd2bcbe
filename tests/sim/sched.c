/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sched.h"

#include <stdlib.h>
#include <string.h>

void *sim_alloc(size_t size)
{
	void *p = calloc(1, size);

	if (!p)
		abort();
	return p;
}

void *sim_copy(const void *data, size_t size)
{
	return memcpy(sim_alloc(size), data, size);
}

void sched_init(struct sched *s, usec_t now)
{
	memset(s, 0, sizeof(*s));
	s->now = now;
}

void sched_free(struct sched *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->heap[i].data);
	free(s->heap);
}

static bool earlier(const struct job *a, const struct job *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

void sched_at(struct sched *s, usec_t at, sched_run *run, void *owner, void *data)
{
	struct job j = {at < s->now ? s->now : at, s->orders++, run, owner, data};
	size_t i = s->n++;

	if (s->n > s->room) {
		s->room = s->room ? 2 * s->room : 256;
		s->heap = realloc(s->heap, s->room * sizeof(*s->heap));
		if (!s->heap)
			abort();
	}
	for (; i && earlier(&j, &s->heap[(i - 1) / 2]); i = (i - 1) / 2)
		s->heap[i] = s->heap[(i - 1) / 2];
	s->heap[i] = j;
}

static struct job take_first(struct sched *s)
{
	struct job first = s->heap[0], last = s->heap[--s->n];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < s->n) {
		if (child + 1 < s->n && earlier(&s->heap[child + 1], &s->heap[child]))
			child++;
		if (!earlier(&s->heap[child], &last))
			break;
		s->heap[i] = s->heap[child];
		i = child;
	}
	s->heap[i] = last;
	return first;
}

bool sched_step(struct sched *s, usec_t until)
{
	struct job j;

	if (!s->n || s->heap[0].at > until) {
		s->now = until;
		return false;
	}
	j = take_first(s);
	s->now = j.at;
	s->done++;
	j.run(j.owner, j.data);
	free(j.data);
	return true;
}
