/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What must hold, looked at after every event.  The invariants, by the names that a failure is
 * reported under:
 *
 *   session-continuity     a session in need keeps its address, and its packets flow, while an
 *                          anchor of it can be reached
 *   make-before-break      while links overlap no packet is lost (scenarios where they always do)
 *   native-first           at the place of its address a session needs no tunnel
 *   no-need-no-binding     nobody in need and the hold time over: no binding, no path
 *   no-need-no-signalling  and no binding update that would make one
 *   withdrawn-in-need      what somebody needs is not withdrawn, and nothing before the hold time
 *   needless-signalling    nothing is signalled for what has not changed
 *   sequence-rises         for each home address and agent, modulo 2^16
 *   authenticity           what nothing authenticates changes no binding, no path, no anchor's
 *                          standing
 *   update-rate, back-off  RFC 6275 sections 11.7.1, 11.8 and 12
 *   refresh-in-time        no binding in need runs out at an agent that can be reached
 *   acceptance             only our anchors, only to our care-of addresses, and let go in time
 *   timer-progress         a timer that rings has something to do
 *   counters-rise
 *   consistency            the engine's tables agree with each other, and with the kernel's
 *   well-formed-updates, sends-where-it-can, paths-make-sense
 *                          what it hands to the kernel
 *   convergence, tidy      in the end all is well, and then all is gone
 *
 * Disturbances (losses, moves, crashes, ...) may cost packets.  After a chain of them everything
 * must be well again within a bound: what finding a router or a dead tunnel takes, and one more
 * interval of a retransmission that has backed off meanwhile.
 */
#pragma once

#include "host.h"

#define CHECK_HOMES 192
#define CHECK_ACCEPTED HOST_ACCEPTED
#define CHECK_BINDINGS 64
#define CHECK_ANCHORS 32
#define CHECK_AGENTS 4

/* Binding updates for one home address at one agent. */
struct check_updates {
	const struct home_agent *agent;
	bool any;
	uint16_t sequence;
	usec_t recent[3];
	struct in6_addr coa;
	uint16_t lifetime;
	usec_t interval;  /* between the last two of one exchange */
	bool undisturbed; /* nothing but time has passed since the last one */
};

struct check_home {
	struct in6_addr home;
	usec_t known_until; /* the last session that the engine knew of ended then */
	usec_t need_until;  /* somebody was in need, or it could not be withdrawn, until then */
	struct check_updates updates[CHECK_AGENTS];
};

struct check_standing { /* of a binding */
	struct in6_addr home, coa;
	const struct anchor *anchor;
	bool registered;
	usec_t expires;
	uint16_t sequence;
	enum binding_state state;
	struct path path;
};

struct check_anchor {
	struct in6_addr address;
	enum anchor_health health;
	bool leaving;
	int last_status;
};

struct check {
	struct network *net;
	struct host *host;
	uint64_t done; /* invariants looked at */
	bool failed;
	char text[800];

	usec_t born, disturbed_at, chain_start;
	usec_t online_since; /* USEC_INFINITY while offline */
	usec_t slow_until;   /* an agent has told it to stay away for long */
	enum stimulus stimulus;
	bool lossless; /* its links overlap */
	usec_t slack;  /* to find a router when advertisements are lost, or a dead tunnel */
	unsigned n_homes;
	struct check_home home[CHECK_HOMES];

	unsigned n_bindings, n_anchors;
	struct check_standing binding[CHECK_BINDINGS];
	struct check_anchor anchor[CHECK_ANCHORS];

	usec_t stale_since[CHECK_ACCEPTED]; /* of accepted[], 0 = in use */
	struct host_accepted stale[CHECK_ACCEPTED];
	unsigned n_stale;
	struct counters counters;
	uint64_t events;
};

void check_attach(struct check *c, struct network *n, struct host *h);
void check_fail(struct check *c, const char *invariant, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* From now on something else is to be expected of everybody. */
void check_disturb(struct check *c);
/* How long things may take to be well after the last disturbance. */
usec_t check_bound(const struct check *c);
bool check_well(struct check *c);
/* After a quiet time; after the end of all sessions; after the withdrawal of everything. */
void check_converged(struct check *c);
void check_released(struct check *c);
void check_stopped(struct check *c);

/* check_updates.c, check_state.c */
struct check_home *check_home(struct check *c, const struct in6_addr *home);
void check_update(void *user, struct host *h, const struct update *u);
void check_time_passes(struct check *c, enum stimulus s);
void check_snapshot(struct check *c);
void check_authenticity(struct check *c);
void check_acceptance(struct check *c);
void check_counters(struct check *c);
void check_consistency(struct check *c);
