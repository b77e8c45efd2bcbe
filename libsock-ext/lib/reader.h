/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading dmmd's table: a look into mapped memory, no system call unless the table has been replaced. */
#ifndef DMM_READER_H
#define DMM_READER_H

#include <stdbool.h>
#include <sys/types.h>

#include "../table.h"

/*
 * Map the table, or the one that came in its place.  Looks at the file at most once a second; `asked`: if there is no
 * table, at once.
 */
void reader_refresh(bool asked);

/* There is a table, and dmmd has not ended in order. */
bool reader_usable(void);

struct reader_facts {
	uint64_t netns_cookie;
	uint64_t generation;
	uid_t owner; /* of the file */
};
bool reader_facts(struct reader_facts *ret);

/*
 * dmmd's choice for a type, or another one of the same type if that has expired.  0, or
 * -ENOENT	no table
 * -EADDRNOTAVAIL	no such address, *restricted is set nevertheless
 */
int reader_pick(unsigned type, struct dmm_table_entry *ret, bool *restricted);

/* The entry of an address: 0 or -ENOENT. */
int reader_find(const struct in6_addr *address, struct dmm_table_entry *ret);

/* What a table must be like; octets of the file.  0 or -EINVAL. */
int reader_check(const struct dmm_table *table, size_t size);

/* Read from a table with that many entries: as the two above. */
int reader_pick_from(const struct dmm_table *table, uint32_t capacity, unsigned type,
		     struct dmm_table_entry *ret, bool *restricted);
int reader_find_in(const struct dmm_table *table, uint32_t capacity, const struct in6_addr *address,
		   struct dmm_table_entry *ret);

#endif
