/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What dmmd leaves for libdmmsock, without dmmd: a table in a directory of its own, addresses in a namespace. */
#ifndef TEST_DMMSOCK_H
#define TEST_DMMSOCK_H

#include <stdbool.h>

#include "libsock-ext/include/dmmsock.h"
#include "libsock-ext/table.h"

#define FAKE_CAPACITY 8
#define FAKE_SERVER "2001:db8:b::80"
#define FAKE_SESSION "2001:db8:a::1"
#define FAKE_FIXED "2001:db8:f::1"
#define FAKE_GRACEFUL "2001:db8:e::1"
#define FAKE_ABSENT "2001:db8:dead::1"

struct fake {
	char directory[64];
	struct dmm_table *table; /* to be written */
	bool alone;              /* in a network namespace, with all addresses but FAKE_ABSENT */
};

/* A namespace, a directory with a table of nothing in it, and the library looking there. */
void fake_begin(struct fake *f);
void fake_end(struct fake *f);

/* Another file in place of the first. */
void fake_replace(struct fake *f);

struct in6_addr fake_address(const char *text);
struct sockaddr_in6 fake_name(const char *text, unsigned port);
struct dmm_table_entry fake_entry(const char *address, enum dmm_service_type type);

/* The first n entries; an entry is the best of its type if it is the last of it. */
void fake_publish(struct fake *f, const struct dmm_table_entry *entries, unsigned n);
/* One usable address of each type. */
void fake_publish_all(struct fake *f);

/* Where a connection of that socket to FAKE_SERVER starts from: text, or the name of an error. */
const char *fake_source(int fd);

#endif
