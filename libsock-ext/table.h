/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table of addresses that applications can be given: /run/dmmd/table, written by dmmd, mapped read-only by everybody.
 *
 * Two slots and a generation: the writer fills the slot that is not active and then raises the generation, so a
 * writer that is interrupted stops nobody.  A reader copies what it needs and looks at the generation again.
 * The file never shrinks.  A larger table is another file of the same name; the old one says so (SUPERSEDED).
 * All numbers in host order, addresses in network order.
 */
#ifndef DMM_TABLE_H
#define DMM_TABLE_H

#include <netinet/in.h>
#include <stdint.h>

#define DMM_DIRECTORY "/run/dmmd" /* environment DMM_DIRECTORY, unless the program is privileged */
#define DMM_TABLE_NAME "table"
#define DMM_SOCKET_NAME "sock"

#define DMM_TABLE_MAGIC 0x54444d44u
#define DMM_TABLE_VERSION 1
#define DMM_TABLE_TYPES 5 /* enum dmm_service_type */

#define DMM_TABLE_SUPERSEDED 1u /* open the file anew */
#define DMM_TABLE_STOPPED 2u    /* dmmd has ended in order: as if there were none */

enum dmm_entry_state {
	DMM_ENTRY_USABLE = 1,
	DMM_ENTRY_ON_DEMAND, /* can be used; the first packets wait until it is registered: better acquire it */
	DMM_ENTRY_DRAINING, /* not for new sessions */
};

#define DMM_ENTRY_TUNNELLED 1u
#define DMM_ENTRY_RESTRICTED 2u /* not for everybody: ask dmmd (ACQUIRE) */

struct dmm_table_entry { /* 64 octets */
	struct in6_addr address;
	struct in6_addr prefix;
	uint8_t prefix_length;
	uint8_t type;  /* enum dmm_service_type: the strongest promise it keeps */
	uint8_t state; /* enum dmm_entry_state */
	uint8_t reserved;
	uint32_t ifindex;     /* interface by which packets from it leave */
	uint64_t valid_until; /* CLOCK_BOOTTIME, ns; 0 = no end known */
	uint32_t flags;       /* DMM_ENTRY_* */
	uint32_t reserved2[3];
};

struct dmm_table_slot {
	uint32_t n;                    /* entries */
	int32_t best[DMM_TABLE_TYPES]; /* index of dmmd's choice for each type; -1 = none */
	uint32_t restricted;           /* bit 1u << type: not for everybody, ask dmmd */
	uint32_t reserved;
};

struct dmm_table {
	uint32_t magic;
	uint16_t version, entry_size;
	uint32_t flags;        /* DMM_TABLE_SUPERSEDED, changes in place */
	uint32_t capacity;     /* entries in each slot */
	uint64_t netns_cookie; /* SO_NETNS_COOKIE; 0 = not known (before Linux 5.14): not checked */
	uint64_t instance;     /* CLOCK_BOOTTIME at which dmmd began, ns */
	uint64_t generation;   /* the active slot is slot[generation & 1] */
	uint64_t reserved[3];
	struct dmm_table_slot slot[2];
	/* entry[2][capacity] */
	struct dmm_table_entry entry[];
};

#define DMM_TABLE_SIZE(capacity) \
	(sizeof(struct dmm_table) + 2 * (size_t)(capacity) * sizeof(struct dmm_table_entry))

#endif
