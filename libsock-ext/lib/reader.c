/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a table says.  Nothing in it is believed twice: sizes come from the first check, entries are copied. */
#include "reader.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "../include/dmmsock.h"

#define CAPACITY_MAX 65536u
#define TRIES 64 /* a writer that comes in between so often does not do it on purpose */

int reader_check(const struct dmm_table *table, size_t size)
{
	if (size < sizeof(*table) || table->magic != DMM_TABLE_MAGIC ||
	    table->version != DMM_TABLE_VERSION ||
	    table->entry_size != sizeof(struct dmm_table_entry) || table->capacity == 0 ||
	    table->capacity > CAPACITY_MAX || size < DMM_TABLE_SIZE(table->capacity))
		return -EINVAL;
	return 0;
}

static uint64_t generation_of(const struct dmm_table *table)
{
	return __atomic_load_n(&table->generation, __ATOMIC_ACQUIRE);
}

/* After the reads that it is about. */
static bool unchanged(const struct dmm_table *table, uint64_t generation)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&table->generation, __ATOMIC_RELAXED) == generation;
}

static uint64_t boottime_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static bool is_source(const struct in6_addr *a)
{
	return !IN6_IS_ADDR_UNSPECIFIED(a) && !IN6_IS_ADDR_LOOPBACK(a) &&
	       !IN6_IS_ADDR_MULTICAST(a) && !IN6_IS_ADDR_LINKLOCAL(a) && !IN6_IS_ADDR_V4MAPPED(a);
}

static bool fit(const struct dmm_table_entry *entry)
{
	return (entry->state == DMM_ENTRY_USABLE || entry->state == DMM_ENTRY_ON_DEMAND) &&
	       is_source(&entry->address) &&
	       (!entry->valid_until || boottime_ns() < entry->valid_until);
}

/* One try: 0 or -EADDRNOTAVAIL, right only if the generation has not changed. */
static int pick_once(const struct dmm_table_slot *slot, const struct dmm_table_entry *entries,
		     uint32_t capacity, unsigned type, struct dmm_table_entry *ret,
		     bool *restricted)
{
	uint32_t n = *(const volatile uint32_t *)&slot->n;
	int32_t best = *(const volatile int32_t *)&slot->best[type];

	*restricted = *(const volatile uint32_t *)&slot->restricted >> type & 1;
	if (n > capacity)
		n = capacity;
	if (best < 0 || (uint32_t)best >= n)
		return -EADDRNOTAVAIL;
	*ret = entries[best];
	if (fit(ret))
		return 0;
	for (uint32_t i = 0; i < n; i++) {
		*ret = entries[i];
		if (ret->type == type && fit(ret))
			return 0;
	}
	return -EADDRNOTAVAIL;
}

int reader_pick_from(const struct dmm_table *table, uint32_t capacity, unsigned type,
		     struct dmm_table_entry *ret, bool *restricted)
{
	if (type >= DMM_TABLE_TYPES)
		return -EADDRNOTAVAIL;
	for (unsigned i = 0; i < TRIES; i++) {
		uint64_t generation = generation_of(table);
		unsigned active = generation & 1;
		struct dmm_table_entry entry;
		bool limited;
		int r = pick_once(&table->slot[active], table->entry + active * (size_t)capacity,
				  capacity, type, &entry, &limited);

		if (!unchanged(table, generation))
			continue;
		*restricted = limited || (r == 0 && entry.flags & DMM_ENTRY_RESTRICTED);
		if (r == 0)
			*ret = entry;
		return r;
	}
	*restricted = true; /* unknown: ask */
	return -EADDRNOTAVAIL;
}

int reader_find_in(const struct dmm_table *table, uint32_t capacity, const struct in6_addr *address,
		   struct dmm_table_entry *ret)
{
	for (unsigned i = 0; i < TRIES; i++) {
		uint64_t generation = generation_of(table);
		unsigned active = generation & 1;
		const struct dmm_table_entry *entries = table->entry + active * (size_t)capacity;
		uint32_t n = *(const volatile uint32_t *)&table->slot[active].n;
		struct dmm_table_entry entry;
		bool found = false;

		if (n > capacity)
			n = capacity;
		for (uint32_t k = 0; k < n && !found; k++) {
			entry = entries[k];
			found = IN6_ARE_ADDR_EQUAL(&entry.address, address);
		}
		if (!unchanged(table, generation))
			continue;
		if (!found)
			return -ENOENT;
		*ret = entry;
		return 0;
	}
	return -ENOENT;
}
