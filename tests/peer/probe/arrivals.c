/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "arrivals.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define GROW_BITS 65536u

void arrivals_init(struct arrivals *a, usec_t threshold, usec_t now)
{
	*a = (struct arrivals){.start = now, .threshold = threshold};
}

void arrivals_free(struct arrivals *a)
{
	free(a->seen);
	free(a->gaps);
	*a = (struct arrivals){0};
}

static int make_room(struct arrivals *a, uint32_t sequence)
{
	uint32_t bits = (sequence / GROW_BITS + 1) * GROW_BITS;
	uint8_t *seen;

	if (sequence < a->seen_bits)
		return 0;
	seen = realloc(a->seen, bits / 8);
	if (!seen)
		return -ENOMEM;
	memset(seen + a->seen_bits / 8, 0, (bits - a->seen_bits) / 8);
	a->seen = seen;
	a->seen_bits = bits;
	return 0;
}

static int gap_add(struct arrivals *a, usec_t start, usec_t end, uint32_t lost)
{
	struct arrival_gap *gaps = a->gaps;

	/* Room doubles: at every power of two the list is full. */
	if ((a->n_gaps & (a->n_gaps - 1)) == 0)
		gaps = realloc(gaps, (a->n_gaps ? 2 * a->n_gaps : 1) * sizeof(*gaps));
	if (!gaps)
		return -ENOMEM;
	a->gaps = gaps;
	gaps[a->n_gaps++] = (struct arrival_gap){.start = start, .end = end, .lost = lost};
	return 0;
}

int arrivals_add(struct arrivals *a, uint32_t sequence, usec_t now)
{
	uint32_t skipped = sequence > a->next ? sequence - a->next : 0;
	uint8_t bit = (uint8_t)(1 << sequence % 8);
	bool first = a->received == 0;
	int r = 0;

	if (sequence >= ARRIVALS_MAX_SEQUENCE)
		return -ERANGE;
	if (make_room(a, sequence) < 0)
		return -ENOMEM;
	if (a->seen[sequence / 8] & bit) {
		a->duplicates++;
		return 0;
	}
	a->seen[sequence / 8] |= bit;
	a->received++;
	if (sequence < a->next)
		a->reordered++;
	else
		a->next = sequence + 1;
	/* How long the first one takes is the path's round trip, unless others were lost. */
	if (first && skipped > 0)
		r = gap_add(a, a->start, now, skipped);
	else if (!first && now - a->last > a->threshold)
		r = gap_add(a, a->last, now, skipped);
	a->last = now;
	return r;
}

int arrivals_finish(struct arrivals *a, uint32_t sent, usec_t now)
{
	if (a->next >= sent)
		return 0;
	return gap_add(a, a->received ? a->last : a->start, now, sent - a->next);
}
