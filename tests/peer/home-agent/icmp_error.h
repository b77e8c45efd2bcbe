/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ICMPv6 errors (RFC 4443 section 3), about as much of the packet as fits. */
#pragma once

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

struct agent;

struct icmp_error {
	uint8_t type, code;
	uint32_t word; /* behind the checksum: MTU, pointer or nothing */
};

/*
 * Complain to the source of an IPv6 packet.  0 or a negative errno; -EINVAL for a source that
 * nobody can answer to.
 */
int icmp_error_send(const struct agent *a, const struct in6_addr *from, const uint8_t *packet,
		    size_t len, const struct icmp_error *error);
