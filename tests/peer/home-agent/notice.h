/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages that the home agent repeats until the mobile node obeys: home agent switch (RFC 5142
 * section 4.1: after 5, 10, 20 s and then every 20 s) and binding revocation (RFC 5846 section 13:
 * once, after 1 s).  They end with the binding that they are about.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "fault.h"
#include "proto/mh.h"

struct agent;
struct binding;

struct notice_options {
	bool tunnelled;           /* through the tunnel instead of by type 2 routing header */
	bool once;                /* never repeated */
	enum message_fault fault; /* a general one; the agent then expects no effect */
};

/*
 * Send a message of type MH_HAS or MH_BREV to the mobile node of a binding, authenticated where
 * there is an association, with a fresh timestamp each time.  A notice of the same type for the
 * same home address is replaced.
 */
int notice_send(struct agent *a, const struct binding *b, const struct mh_message *m,
		const struct notice_options *o);

/* The revocation of this sequence number was answered: true if there was one. */
bool notice_answered(struct agent *a, const struct in6_addr *home, uint16_t sequence);

void notices_free(struct agent *a);
