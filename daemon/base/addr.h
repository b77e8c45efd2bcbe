/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IPv6 addresses and prefixes: compare, print, parse. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct ip6_prefix {
	struct in6_addr addr; /* network order; bits past len are zero (prefix_mask) */
	uint8_t len;          /* 0..128 */
};

/* Room for any address or prefix in text, with the NUL. */
#define ADDR_STRLEN 50

struct addr_buf {
	char s[ADDR_STRLEN];
};

/* Text of an address or prefix in a caller-provided buffer:  addr_str(a, &(struct addr_buf){}) */
const char *addr_to_str(const struct in6_addr *a, struct addr_buf *buf);
const char *prefix_to_str(const struct ip6_prefix *p, struct addr_buf *buf);
#define ADDR_STR(a) addr_to_str((a), &(struct addr_buf){{0}})
#define PREFIX_STR(p) prefix_to_str((p), &(struct addr_buf){{0}})

/* 0, or -EINVAL.  prefix_parse takes "addr/len"; bits past len are cleared. */
int addr_parse(const char *s, struct in6_addr *ret);
int prefix_parse(const char *s, struct ip6_prefix *ret);

static inline bool addr_equal(const struct in6_addr *a, const struct in6_addr *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}
bool addr_is_any(const struct in6_addr *a);
bool addr_is_linklocal(const struct in6_addr *a);
bool addr_is_multicast(const struct in6_addr *a);
/* Usable as home, care-of or home agent address: unicast, neither link-local, loopback nor :: */
bool addr_is_routable(const struct in6_addr *a);

struct ip6_prefix prefix_make(const struct in6_addr *a, unsigned len);
static inline bool prefix_equal(const struct ip6_prefix *a, const struct ip6_prefix *b)
{
	return a->len == b->len && addr_equal(&a->addr, &b->addr);
}
bool prefix_contains(const struct ip6_prefix *p, const struct in6_addr *a);
