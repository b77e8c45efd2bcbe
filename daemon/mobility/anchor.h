/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Anchors: home agents, what we know of them and how they behave. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>

#include "base/list.h"
#include "base/strtab.h"
#include "base/usec.h"
#include "conf/conf.h"
#include "proto/auth.h"

enum anchor_health {
	ANCHOR_UNTRIED,
	ANCHOR_REACHABLE, /* answered the last binding update */
	ANCHOR_SILENT,    /* the last updates were not acknowledged */
	ANCHOR_REFUSING,  /* rejects us; see last_status */
	ANCHOR_HEALTH_MAX,
};
DECLARE_STRTAB(anchor_health); /* "untried", "reachable", "silent", "refusing" */

struct anchor_counters {
	uint64_t bu_sent, bu_retransmitted, ba_received, ba_accepted, ba_rejected;
	uint64_t dropped_auth;       /* acknowledgements that failed authentication */
	uint64_t dropped_unexpected; /* no outstanding update with that sequence, wrong address */
	uint64_t dropped_malformed;
};

struct anchor {
	struct list node;
	const struct conf_anchor *conf;
	struct in6_addr address;
	bool has_sa;
	struct mip_sa sa;
	enum anchor_health health;
	int last_status; /* of the last acknowledgement, -1 = none yet */
	usec_t rtt;      /* smoothed, 0 = not measured */
	usec_t rtt_last;
	int64_t clock_offset; /* its clock minus ours in microseconds, learnt by status 144 */
	struct anchor_counters n;
};
