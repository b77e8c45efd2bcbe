/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Distributed against centralised mobility management, by the engine of dmmd itself in virtual time.  ../STUDY.md tells what is
 * modelled, what came out and what that does not show.
 *
 *   main.c      options, the runs that make the study
 *   run.c       one run: its nodes over all processors
 *   node.c      the life of a mobile node; node_ops.c what its engine asks for
 *   home_agent.c     the home agent that answers it
 *   flow.c      sessions: begin, end, break; what they carry by which way
 *   mover.c     where a node is; grid.c what the network looks like
 *   csv.c       results; check.c relations that must hold between them
 *
 * Nodes have no influence on each other, so each lives alone from beginning to end, and its anchors exist once for each node: what
 * is asked of an anchor as a whole (how many bindings it has) is summed up at fixed times.  Movement and traffic of a node follow
 * from seed and number alone: they are the same in every mode.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/usec.h"
#include "grid.h"
#include "mover.h"

enum mode {
	MODE_DISTRIBUTED, /* every access router anchors its own prefix */
	MODE_CENTRAL,     /* one home address at one anchor, for everything */
	MODE_NONE,        /* no anchor at all */
	MODE_MAX,
};

struct setup {
	enum mode mode;
	enum movement movement;
	uint64_t seed;
	unsigned nodes;
	usec_t warmup, duration;
	double in_need; /* share of sessions that must outlive a move */
	double length;  /* mean of sessions, seconds */
	double alive;   /* mean number of sessions at a time */
	double local;   /* share of correspondents in the network where the session begins */
	bool fails;     /* FAILING_ANCHOR, or the central one, dies at half-time */
};

#define SAMPLE_INTERVAL (10 * USEC_PER_SEC)
#define MAX_SAMPLES 4096
#define MAX_BINDINGS 64 /* CONF_MAX_HOMES */

/* Sums over all nodes and the measured time; whole numbers, so that their order does not matter. */
struct tally {
	uint64_t node_time; /* milliseconds */
	uint64_t handovers; /* that came to an address at another network */
	uint64_t moves, refreshes, retransmissions, withdrawals, returns; /* binding updates */
	uint64_t acknowledgements;
	uint64_t echoes; /* requests */
	uint64_t octets; /* of binding updates and acknowledgements, IPv6 header included */

	/* Traffic in kbit/s x milliseconds, of sessions [not in need, in need]. */
	uint64_t direct[2], tunnelled[2];
	uint64_t hops_direct, hops_taken; /* traffic x hops: as the network could, as it was */
	uint64_t tunnel_hops_direct, tunnel_hops_taken; /* the same of what was tunnelled */
	uint64_t outage[2];                             /* session-milliseconds without a way */

	uint64_t seen[2], broken[2];             /* sessions */
	uint64_t binding_time[MAX_BINDINGS + 1]; /* node-milliseconds with so many bindings */
	uint64_t slots_missing;                  /* paths that had no room: must stay 0 */

	/* Sessions that lived at the failure, that began later; those of either that were lost at once, later. */
	uint64_t alive[2], begun_later[2], lost_at_once[2], lost_later[2];

	/* No sums of the above kind from here on. */
	uint64_t most_bindings;            /* of one node at a time */
	uint32_t at[MAX_SAMPLES][ANCHORS]; /* bindings at a time and an anchor */
};

/* The same for the same setup, on however many processors. */
#define MAX_WORKERS 64
void run(const struct setup *s, unsigned workers, struct tally *ret);

/* One node of it, added to the sums. */
void node_live(const struct setup *s, unsigned number, struct tally *t);

static inline uint64_t tally_updates(const struct tally *t)
{
	return t->moves + t->refreshes + t->retransmissions + t->withdrawals + t->returns;
}

/* What is written of a run. */
struct figures {
	double residence;    /* seconds */
	double per_hour;     /* binding updates and acknowledgements of one node */
	double octets;       /* of them, per node and hour */
	double per_handover; /* messages */
	double tunnelled, tunnelled_in_need, tunnelled_by_chance; /* shares of all traffic */
	double stretch, tunnel_stretch;
	double bindings, most_bindings;  /* of a node: mean, most */
	double anchor_mean, anchor_most; /* of an anchor: mean, most at a time */
	double anchor_busiest;           /* mean of the busiest */
	double broken, broken_rest;      /* shares of sessions in need, of the others */
	double lost_at_once; /* share of the sessions in need that lived at the failure */
	double lost;         /* at any time, of those that lived then or began later */
	double lost_all;     /* the same of all sessions, in need or not */
	double handovers;    /* of a node per hour */
};
struct figures figures_of(const struct setup *s, const struct tally *t);
unsigned samples_of(const struct setup *s);

extern const char *const mode_names[MODE_MAX];
extern const char *const movement_names[MOVEMENT_MAX];

/* 0, or how many relations did not hold; each is told of. */
unsigned check_relations(uint64_t seed, unsigned nodes, usec_t duration, unsigned workers);
