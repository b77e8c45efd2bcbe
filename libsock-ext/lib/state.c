/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state.h"

#include <stdatomic.h>
#include <string.h>

#include "library.h"

#define PROBES 16
#define TRIES 64

/* A place belongs to its cookie; a value whose tag is not that of the cookie counts as none. */
static struct place {
	_Atomic uint64_t cookie; /* 0 = free */
	_Atomic uint64_t value;
} places[STATE_PLACES];

_Static_assert(sizeof(struct state) == sizeof(uint64_t), "a state is one word");

static uint64_t to_word(struct state state)
{
	uint64_t word;

	memcpy(&word, &state, sizeof(word));
	return word;
}

static struct state from_word(uint64_t word)
{
	struct state state;

	memcpy(&state, &word, sizeof(state));
	return state;
}

static unsigned tag_of(uint64_t cookie)
{
	return (unsigned)(cookie % 16381 + 1); /* never 0 */
}

static struct place *probe(uint64_t cookie, unsigned i)
{
	return &places[((cookie * 0x9e3779b97f4a7c15u >> 40) + i) % STATE_PLACES];
}

static struct place *find(uint64_t cookie)
{
	for (unsigned i = 0; i < PROBES; i++) {
		struct place *place = probe(cookie, i);

		if (atomic_load(&place->cookie) == cookie)
			return place;
	}
	return NULL;
}

bool state_get(uint64_t cookie, struct state *ret)
{
	struct place *place = cookie ? find(cookie) : NULL;
	struct state state = {0};

	if (place)
		state = from_word(atomic_load(&place->value));
	if (place && (atomic_load(&place->cookie) != cookie || state.tag != tag_of(cookie)))
		state = (struct state){0};
	*ret = state;
	return state.tag != 0;
}

/* Sockets that were bound need theirs the least; of the same kind, cookies grow with time. */
static struct place *find_victim(uint64_t cookie)
{
	struct place *victim = NULL;
	uint64_t least = 0;

	for (unsigned i = 0; i < PROBES; i++) {
		struct place *place = probe(cookie, i);
		uint64_t age = atomic_load(&place->cookie);

		if (!from_word(atomic_load(&place->value)).bound)
			age |= UINT64_C(1) << 63;
		if (!victim || age < least) {
			victim = place;
			least = age;
		}
	}
	return victim;
}

/* A place that nobody else has: NULL if another thread was faster. */
static struct place *claim(uint64_t cookie)
{
	struct place *place = NULL;
	uint64_t former = 0, value;

	for (unsigned i = 0; i < PROBES; i++) {
		uint64_t none = 0;

		place = probe(cookie, i);
		if (atomic_compare_exchange_strong(&place->cookie, &none, cookie) || none == cookie)
			return place;
	}
	place = find_victim(cookie);
	former = atomic_load(&place->cookie);
	value = atomic_load(&place->value);
	if (!atomic_compare_exchange_strong(&place->value, &value, 0) ||
	    !atomic_compare_exchange_strong(&place->cookie, &former, cookie))
		return NULL;
	return place;
}

void state_put(uint64_t cookie, struct state state)
{
	if (!cookie)
		return;
	state.tag = tag_of(cookie) & 0x3fff;
	for (unsigned i = 0; i < TRIES; i++) {
		struct place *place = find(cookie);

		if (!place)
			place = claim(cookie);
		if (!place)
			continue;
		atomic_store(&place->value, to_word(state));
		if (atomic_load(&place->cookie) == cookie)
			break;
	}
	atomic_fetch_or(&library_active, LIBRARY_STATE);
}
