/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands between the host and an anchor, as far as it shows: networks and firewalls that let some packets through. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strtab.h"
#include "base/usec.h"

enum obstacle_kind {
	OBSTACLE_NONE,
	OBSTACLE_UNREACHABLE, /* nothing is answered from here */
	OBSTACLE_SIGNALLING,  /* echo requests are, binding updates are not: protocol 135 */
	OBSTACLE_TUNNEL,      /* both are, but nothing comes through the tunnel: protocol 41 */
	OBSTACLE_MTU,         /* small packets come through, large ones vanish without a word */
	OBSTACLE_MAX,
};
DECLARE_STRTAB(obstacle_kind); /* "none", "unreachable", "signalling", "tunnel", "mtu" */

struct binding;

/* One for each binding. */
struct obstacle {
	enum obstacle_kind kind;
	/* An echo request straight to the anchor, outside of the tunnel: 0 = none yet. */
	usec_t asked, answered;
	uint16_t sequence;
	bool no_answers; /* the tunnel has answered no probe since */
	/* Large probes, for packets that leave by a tunnel that is alive while none comes back */
	unsigned one_way; /* looks in a row at which that was so */
	unsigned size;    /* index of the size that is tried, from the largest on */
	unsigned tries;
	usec_t size_at; /* next try; USEC_INFINITY = none */
	uint16_t size_sequence;
	usec_t size_next; /* not begun anew before */
	uint32_t mtu;     /* OBSTACLE_MTU: what goes through, octets of the inner packet */
};

/* What it is and what can be done about it, "" = nothing stands in the way. */
const char *obstacle_words(const struct binding *b, char *buf, size_t size);
