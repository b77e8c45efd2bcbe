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

enum anchor_origin {
	ANCHOR_FROM_CONFIG,
	ANCHOR_FROM_RA,
	ANCHOR_FROM_DHAAD,
	ANCHOR_FROM_DNS,
	ANCHOR_FROM_SWITCH, /* named by a home agent switch message */
	ANCHOR_ORIGIN_MAX,
};
DECLARE_STRTAB(
	anchor_origin); /* "configuration", "router-advertisement", "dhaad", "dns", "switch" */

/* What an anchor can do, remembered from how it answered. */
enum anchor_ability {
	ABILITY_UNKNOWN,
	ABILITY_YES,
	ABILITY_NO,
	ABILITY_MAX,
};
DECLARE_STRTAB(anchor_ability); /* "unknown", "yes", "no" */

struct anchor_counters {
	uint64_t bu_sent, bu_retransmitted, ba_received, ba_accepted, ba_rejected;
	uint64_t dropped_auth;       /* messages that failed authentication */
	uint64_t dropped_unexpected; /* no outstanding update with that sequence, wrong address */
	uint64_t dropped_malformed;
	uint64_t probes_sent, probes_answered;
	uint64_t switches, revocations; /* authenticated ones */
};

struct anchor {
	struct list node;
	const struct conf_anchor *conf;
	char name[CONF_NAME_MAX +
		  8]; /* of its section; the second and later agents of one: NAME:2 ... */
	enum anchor_origin origin;
	bool has_prefix; /* found on a link: it serves this prefix, else those of its section */
	struct ip6_prefix prefix;
	int preference;   /* of the section, then as advertised or by its place in the list */
	usec_t out_since; /* when its health last changed, or it was found silent again */
	usec_t found;     /* when it was heard of last */
	bool leaving; /* has asked us to go elsewhere (RFC 5142): nothing new is registered there */
	enum anchor_ability echo, prefix_discovery, switching, revocation;
	struct in6_addr address;
	bool has_sa;
	struct mip_sa sa;
	bool key_proven;      /* a message has passed authentication with this key */
	unsigned failed_auth; /* messages in a row that did not, up to now */
	enum anchor_health health;
	int last_status;    /* of the last acknowledgement, -1 = none yet */
	bool rtt_elsewhere; /* that was at another place */
	usec_t rtt;         /* smoothed, 0 = not measured */
	usec_t rtt_last;
	usec_t echo_sent; /* an echo to measure the round trip is under way, 0 = none */
	uint16_t echo_sequence;
	uint64_t last_replay; /* newest timestamp that came with an authentic message */
	int64_t clock_offset; /* its clock minus ours in microseconds, learnt by status 144 */
	struct anchor_counters n;
};

/* Is the first to be preferred?  By health, then the measured round trip where it makes a difference, then preference (E7). */
bool anchor_better(const struct anchor *a, const struct anchor *b);
