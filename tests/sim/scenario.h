/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happens to a mobile node: one seed, one life. */
#pragma once

#include "check.h"

enum act {
	ACT_MOVE,       /* to another place, with a hole or without */
	ACT_FLAP,       /* the link comes and goes */
	ACT_UPLINK,     /* the second link comes, goes, or becomes the better one */
	ACT_OVERLAP,    /* over to the other link; the one left goes elsewhere later */
	ACT_ROUTER,     /* a router vanishes for a while */
	ACT_AGENT_DOWN, /* a home agent crashes, with its bindings or without */
	ACT_AGENT_DATA, /* forwards nothing any more */
	ACT_AGENT_MUTE, /* answers nothing any more */
	ACT_AGENT_REFUSE,
	ACT_AGENT_CLOCK,
	ACT_AGENT_STINGY, /* grants short lifetimes */
	ACT_SWITCH,       /* asks everybody to leave (RFC 5142) */
	ACT_REVOKE,       /* takes a binding back (RFC 5846) */
	ACT_SUSPEND,
	ACT_CLOCK, /* the wall clock steps */
	ACT_RESYNC,
	ACT_RESTART, /* the daemon dies and is started again */
	ACT_MANAGER, /* an address is removed and put back */
	ACT_HOSTILE,
	ACT_SETTINGS, /* another configuration */
	ACT_MAX,
};

struct scenario {
	const char *name, *what;
	unsigned places;
	unsigned nics;
	unsigned fixed;  /* configured home addresses, each at an agent of its own */
	bool anchored;   /* each place has an agent for its prefix */
	unsigned spares; /* more agents for each prefix */
	bool found;      /* agents are not configured: they have to be found */
	bool plain;      /* some places have no router, one prefix is in two places */
	bool temporary;  /* temporary addresses (RFC 8981) */
	struct faults faults;
	usec_t pause;         /* between two acts, on average */
	double sessions;      /* in need, alive at a time, on average */
	double others;        /* that are not */
	usec_t session_least; /* heavy-tailed from here on */
	double temptation;    /* sessions that begin or end at the worst moment */
	double news_lost;
	bool lossless; /* links always overlap */
	unsigned weight[ACT_MAX];
};

extern const struct scenario scenarios[];
extern const unsigned n_scenarios;

struct run {
	const struct scenario *scenario;
	uint64_t seed;
	struct rng rng;
	struct network net;
	struct conf *conf, *other_conf; /* in use, and the one before */
	struct host *host;
	struct check check;
	bool calm; /* nothing happens any more */
	uint64_t acts;
};

struct result {
	uint64_t handovers, messages, packets, checks, events, forged, sessions;
	usec_t virtual;
	bool failed;
	char text[800];
};

/* One life with at least so many handovers. */
void scenario_run(const struct scenario *s, uint64_t seed, uint64_t handovers, FILE *trace,
		  struct result *ret);

/* act.c, traffic.c, build.c */
void run_build(struct run *r);
void run_free(struct run *r);
struct conf *run_settings(struct run *r);
void run_act(struct run *r);
void run_heal(struct run *r);
void traffic_begin(struct run *r);
void traffic_end(struct run *r);
