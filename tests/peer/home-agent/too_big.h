/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ICMPv6 Packet Too Big from the tunnel entry (RFC 2473 section 7.1, RFC 4443 section 3.2). */
#pragma once

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

struct agent;

/* Tell the source of an IPv6 packet that `mtu` octets pass.  0, or a negative errno. */
int too_big_send(const struct agent *a, const struct in6_addr *from, const uint8_t *packet,
		 size_t len, unsigned mtu);
