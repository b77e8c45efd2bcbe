/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sending of mobility messages: sign, sum, put headers around, hand to the kernel as a whole IPv6
 * packet (the kernel can write neither our checksum nor our routing header).
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fault.h"
#include "proto/auth.h"
#include "proto/mh.h"

struct agent;
struct binding;

/* How a message gets to the mobile node. */
struct transmit_route {
	struct in6_addr from, to; /* of the IPv6 header */
	struct in6_addr home;     /* of the mobile node; in the routing header, when with_rh2 */
	bool with_rh2;
	const struct binding *tunnel; /* encapsulated for this binding; NULL: as it is */
};

/* The authentication of a message; sa NULL: none. */
struct transmit_auth {
	const struct mip_sa *sa;
	struct in6_addr coa, home;
};

/*
 * Add the MN-HA option where there is an association, encode, sign, sum and send.  fault is a
 * general one for anything but a binding acknowledgement.  0 or a negative errno, logged.
 */
int transmit_message(struct agent *a, const struct transmit_route *route,
		     const struct transmit_auth *auth, struct mh_message *m,
		     enum message_fault fault);

/* A whole IPv6 packet by our raw socket: 0 or a negative errno. */
int transmit_packet(const struct agent *a, const uint8_t *packet, size_t len);

/* Drop the packets that a fault holds back. */
void transmit_discard_held(struct agent *a);
