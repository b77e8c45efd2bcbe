/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A mobile node with its engine, its sessions and its share of every anchor. */
#pragma once

#include "mobility/engine.h"
#include "sched.h"
#include "study.h"

#define LETTER_OCTETS 256

/* A binding cache has one entry for the node: it has one address in each prefix. */
struct bound_home {
	bool bound, known; /* known: the sequence number means something */
	uint16_t sequence;
	struct in6_addr coa;
	usec_t expires;
};

struct flow {
	struct list node;
	uint64_t cookie;
	bool in_need, broken;
	bool lost;     /* for good, to a dead anchor */
	int source;    /* whose prefix its address is of; NOWHERE: begins as soon as there is one */
	int peer;      /* network of the correspondent */
	uint64_t rate; /* kbit/s */
	usec_t ends;
};

struct node {
	const struct setup *setup;
	struct tally *tally;
	struct sched sched;
	struct engine *engine;
	const struct conf *conf;
	struct rng traffic, engine_rng;
	struct mover mover;
	usec_t begins; /* measuring; with measuring set this is the past */
	bool measuring;

	unsigned attachment; /* rises with every change; what belongs to an earlier one is stale */
	int network;         /* attached to, NOWHERE = to none */
	int last_network;
	bool has_address; /* of that network */
	struct nd_router_advert advert;

	struct bound_home cache[ANCHORS];
	unsigned n_bound;
	int dead_anchor; /* NOWHERE = none */
	struct path path[MAX_BINDINGS];
	bool has_path[MAX_BINDINGS];
	struct in6_addr last_coa[ANCHORS]; /* of the last update for that home address */

	struct list flows, lost_flows;
	uint64_t cookies;
	bool watching; /* the engine wants to know of sessions that go */
	usec_t accounted;
	bool failed;  /* the failure was */
	bool at_once; /* it is right now */

	usec_t timer, timer_job;
};

extern const struct engine_ops study_ops;

struct instant node_now(const struct node *n);
/* After each call of the engine: what became of the sessions. */
void node_consequences(struct node *n);
/* How the engine leads what comes from that address, NULL = not at all. */
const struct path *node_path(const struct node *n, int anchor);
void node_solicited(struct node *n);
void node_timer_wanted(struct node *n, usec_t when);

/* home_agent.c */
struct letter {
	int anchor;
	struct in6_addr src, dst, home;
	bool away; /* with a home address option, or a type 2 routing header */
	size_t len;
	uint8_t octets[LETTER_OCTETS];
};
bool home_agent_bound(const struct node *n, int anchor);
/* Has a way to the node where it is now. */
bool home_agent_forwards(const struct node *n, int anchor);
sched_run home_agent_receive;
void home_agent_die(struct node *n, int anchor);

/* flow.c */
void flows_begin(struct node *n);
void flows_free(struct node *n);
/* Those whose address does not work any more break and, if need be, begin anew. */
void flows_settle(struct node *n);
/* Book what has been carried since the last time. */
void flows_account(struct node *n, usec_t now);
/* What happened before does not count. */
void flows_measure(struct node *n);
void flows_fail(struct node *n);
size_t flows_list(const struct node *n, const struct ip6_prefix *sources, unsigned n_sources,
		  struct session_info **ret);
