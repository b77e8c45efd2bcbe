/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table that applications map, as whoever writes it may make it: what is read of it lies inside, and what is chosen
 * is a source.  As few inputs have the right head, each is also tried with one.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libsock-ext/lib/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(const struct dmm_table *table, uint32_t capacity)
{
	const struct in6_addr nobody = {.s6_addr = {0xfd}};
	struct dmm_table_entry entry;
	bool restricted;

	for (unsigned type = 0; type <= DMM_TABLE_TYPES; type++) {
		if (reader_pick_from(table, capacity, type, &entry, &restricted) < 0)
			continue;
		if (type >= DMM_TABLE_TYPES || IN6_IS_ADDR_UNSPECIFIED(&entry.address) ||
		    IN6_IS_ADDR_MULTICAST(&entry.address) || IN6_IS_ADDR_LOOPBACK(&entry.address) ||
		    (entry.state != DMM_ENTRY_USABLE && entry.state != DMM_ENTRY_ON_DEMAND))
			abort();
	}
	if (reader_find_in(table, capacity, &nobody, &entry) == 0 &&
	    !IN6_ARE_ADDR_EQUAL(&entry.address, &nobody))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dmm_table *table = malloc(size ? size : 1); /* nothing behind its end */
	uint32_t capacity;

	if (!table)
		return 0;
	memcpy(table, data, size);
	if (reader_check(table, size) == 0)
		read_all(table, table->capacity);
	if (size >= DMM_TABLE_SIZE(1)) {
		capacity = (uint32_t)((size - sizeof(*table)) / 2 / sizeof(table->entry[0]));
		table->magic = DMM_TABLE_MAGIC;
		table->version = DMM_TABLE_VERSION;
		table->entry_size = sizeof(table->entry[0]);
		table->capacity = capacity;
		if (reader_check(table, size) < 0)
			abort();
		read_all(table, capacity);
	}
	free(table);
	return 0;
}
