/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Handovers: one record for each change of attachment, with the time of each phase.
 *
 * Phase times are microseconds since `start`; HANDOVER_NOT_REACHED where a phase has not happened
 * (for instance link_up in a make-before-break handover between links that were both up).
 */
#pragma once

#include <net/if.h>
#include <netinet/in.h>
#include <stdint.h>

#include "base/strtab.h"
#include "base/usec.h"

#define HANDOVER_RING 32
#define HANDOVER_NOT_REACHED INT64_MIN

enum handover_mode {
	HANDOVER_START,  /* first attachment */
	HANDOVER_BREAK,  /* the old path was gone before the new one was there */
	HANDOVER_MAKE,   /* make before break */
	HANDOVER_RETURN, /* to the home link of every binding involved */
	HANDOVER_MODE_MAX,
};
DECLARE_STRTAB(handover_mode); /* "start", "break", "make", "return" */

enum handover_phase {
	PHASE_LINK_UP,
	PHASE_RA,      /* router advertisement heard */
	PHASE_ADDRESS, /* care-of address usable */
	PHASE_BU,      /* first binding update sent */
	PHASE_BA,      /* last acknowledgement accepted */
	PHASE_DATA,    /* first packet through the new path */
	PHASE_MAX,
};
DECLARE_STRTAB(handover_phase); /* "link_up", "ra", "address", "bu", "ba", "data" */

enum handover_result {
	HANDOVER_RUNNING,
	HANDOVER_DONE,
	HANDOVER_FAILED,     /* at least one binding was refused */
	HANDOVER_SUPERSEDED, /* the next move came first */
	HANDOVER_RESULT_MAX,
};
DECLARE_STRTAB(handover_result); /* "running", "done", "failed", "superseded" */

struct handover {
	uint64_t id; /* from 1 */
	enum handover_mode mode;
	enum handover_result result;
	struct instant start;
	char from_link[IFNAMSIZ], to_link[IFNAMSIZ];
	struct in6_addr from_coa, to_coa; /* :: where there is none */
	int64_t phase[PHASE_MAX];
	unsigned bindings, acknowledged, refused;
	unsigned mh_sent, mh_received;
};
