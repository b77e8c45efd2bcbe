/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Home addresses in the kernel.
 *
 * A home address may at the same time be an address of an uplink that somebody else has configured there: the kernel, from
 * an advertisement of the home prefix, or a network manager.  Ours carry our protocol number (Linux 5.18); what is not
 * ours is never changed or removed.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct netlink_batch;

struct address_info {
	int ifindex;
	struct in6_addr addr;
	uint8_t plen;
	uint8_t protocol;          /* 0 = not told */
	uint32_t flags;            /* IFA_F_* */
	uint32_t preferred, valid; /* seconds */
};

/*
 * All return 0 or -errno; adding what is there, whoever made it, and removing what is not is no error.  An address is a /128,
 * deprecated (preferred lifetime 0): never chosen for those who did not bind it.  The flag "home" stays off: kernels with
 * Mobile IPv6 built in would make it everybody's default.  dad: detect duplicates, optimistically.
 */
int address_add(int ifindex, const struct in6_addr *addr, bool dad);
/* From our own device. */
int address_remove(int ifindex, const struct in6_addr *addr);
/* From an uplink, if it is ours. */
int address_remove_ours(int ifindex, const struct in6_addr *addr);
bool address_is_ours(const struct address_info *a);

/* Whoever made it: it stays what it is and is not chosen any more, once the batch is sent.  *plen: of its prefix. */
int address_deprecate(int ifindex, const struct in6_addr *addr, struct netlink_batch *batch,
		      uint8_t *plen);

/* Packets to it are taken in though it is not configured: nobody can bind it, but who has it loses nothing. */
int address_take_in(int ifindex, const struct in6_addr *addr, bool on);

/* All IPv6 addresses of the host. */
int address_each(void (*f)(const struct address_info *a, void *user), void *user);
