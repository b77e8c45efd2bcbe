/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Payload protection of the kernel's own tunnels (RFC 6275 section 5.5): what ip6_tunnel has encapsulated goes through ESP
 * (RFC 4303) in transport mode, which is octet for octet what ESP in tunnel mode sends:
 *
 *   IPv6 care-of address > home agent, ESP [ IPv6 home address > correspondent, ... ]
 *
 * For each tunnel two policies, out and in, for protocol 41 between its two ends: nothing leaves without a state, and what
 * comes in without one is refused.  The kernel tells states by destination and SPI.  So there is one state out for each home
 * agent, from any address, whose sequence numbers go on over all moves, and one state in for each care-of address.
 *
 * The policies are sub policies where the kernel has those: programs that flush or add policies of their own, as VPNs do when
 * they start, do not meet them.
 *
 * All of it carries our request ID, and what does not is never touched.  Keys are wiped from what was sent and received.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "conf/payload.h"

#define ESP_REQUEST_ID 0x646d6d65u
#define ESP_PRIORITY 77 /* before policies of others, which may let such packets pass as they are */

/* Octets of an inner packet that fit into an outer one: headers of IPv6 and ESP, the vector, whole blocks, the check value. */
#define ESP_BLOCK 16u
#define ESP_AROUND (40u + 8u + 16u + 16u)
#define ESP_TRAILER 2u
static inline uint32_t esp_inner_mtu(uint32_t outer)
{
	return (outer - ESP_AROUND) / ESP_BLOCK * ESP_BLOCK - ESP_TRAILER;
}
/* The largest outer one with no more than that in it. */
static inline uint32_t esp_outer_mtu(uint32_t inner)
{
	return (inner + ESP_TRAILER) / ESP_BLOCK * ESP_BLOCK + ESP_AROUND;
}

struct esp;

/* Is it of use between these two ends?  coa NULL: a state out, for all tunnels to that home agent; spi 0: a policy. */
typedef bool (*esp_wanted_t)(const struct in6_addr *coa, const struct in6_addr *anchor,
			     uint32_t spi, void *user);

/* Sockets to the kernel; its own changes are not told by esp_changed().  -errno: it has no IPsec. */
int esp_open(struct esp **ret);
void esp_close(struct esp *e);
/* Can such states be made?  Where that takes modules, this loads them. */
int esp_probe(struct esp *e);

/* Both states and both policies of a tunnel, if they are not there yet.  -EEXIST: somebody else has what it takes. */
int esp_protect(struct esp *e, const struct in6_addr *coa, const struct in6_addr *anchor,
		const struct conf_esp *keys);
/* All there, as esp_protect() would leave it? */
bool esp_is_protected(struct esp *e, const struct in6_addr *coa, const struct in6_addr *anchor,
		      const struct conf_esp *keys);
/* Remove what is ours and not wanted. */
void esp_sweep(struct esp *e, esp_wanted_t is_wanted, void *user);
/* Packets that have come in with our SPI, and not with our keys; 0 if it cannot be read. */
uint64_t esp_failed(struct esp *e, const struct in6_addr *coa, const struct conf_esp *keys);

/*
 * Is an algorithm, as the kernel shows it, the wanted one?  Its key begins at octet `key` of `size`.  A kernel that is locked down
 * to keep secrets (confidentiality) shows zeros for keys: then the rest has to do, and a new key needs a new SPI.
 */
bool esp_is_algorithm(const void *got, const void *wanted, size_t size, size_t key);

/* Becomes readable when somebody has removed or changed states or policies. */
int esp_fd(const struct esp *e);
bool esp_changed(struct esp *e);
