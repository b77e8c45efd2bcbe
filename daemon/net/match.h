/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Classic filter programs that look for addresses in the IPv6 header: for packet sockets, and for filters of interfaces where
 * there are no programs of the other kind.
 */
#pragma once

#include <linux/filter.h>
#include <netinet/in.h>

#include "conf/conf.h"

#define MATCH_SOURCE 8 /* octet of the IPv6 header */
#define MATCH_DESTINATION 24
#define MATCH_CODE_EACH 9 /* instructions for each address */
#define MATCH_CODE_ON_LINK 6
#define MATCH_MAX (2 * CONF_MAX_HOMES)

struct match {
	unsigned n;
	struct sock_filter code[MATCH_CODE_EACH * MATCH_MAX + MATCH_CODE_ON_LINK + 1];
};

/* If the address is there, return that value.  What is too much is left out: it goes on to the end. */
void match_add(struct match *m, unsigned at, const struct in6_addr *addr, uint32_t value);
/* If both are there, as source and destination. */
void match_add_pair(struct match *m, const struct in6_addr *src, const struct in6_addr *dst,
		    uint32_t value);
/* If the address there is link-local or multicast. */
void match_add_on_link(struct match *m, unsigned at, uint32_t value);
/* If none was. */
void match_end(struct match *m, uint32_t value);
