/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The simulator: the real engine in virtual time, in a network that does what networks do.
 *
 *   rng.h sched.*      random numbers that repeat, virtual time
 *   network.*          places (access routers), what happens to messages on their way
 *   agent.*            home agents: binding cache, authentication, what they say unasked
 *   host.*             a mobile node around one engine: its kernel's links, addresses, routes
 *   host_ops.c         what the engine asks of it
 *   socket.*           sockets, the packets they send, and what becomes of those
 *   hostile.*          what somebody else would like the engine to believe
 *   settings.*         configurations
 *
 *   scenario.*         lives of one mobile node, by name
 *   build.c act.c traffic.c   its network and settings; moves and faults; sessions
 *   check*.*           what must hold after every event
 *   main.c             options, many seeds, the summary
 *
 * The first group knows nothing of the second: any number of networks with any number of mobile
 * nodes live in one process.  RFC 6275 for home agents, RFC 4861 and 4862 for routers and hosts,
 * RFC 4285, 5142 and 5846 for the messages.
 */
#pragma once

#include <stdio.h>

#include "mobility/engine.h"
#include "rng.h"
#include "sched.h"

struct host;
struct home_agent;
struct sock;

/* Where a host can attach: one router, one prefix. */
struct place {
	char name[24];
	struct ip6_prefix prefix;
	struct in6_addr router;        /* link-local */
	bool silent;                   /* its router has vanished */
	bool plain;                    /* no router at all: no IPv6, or captive */
	struct home_agent *advertises; /* H flag and home agent information, NULL = none */
	usec_t delay, interval;        /* to anywhere; between unsolicited advertisements */
	uint32_t valid, preferred;     /* seconds */
	uint16_t router_lifetime;
};

/* What a network may do to any one message. */
struct faults {
	double loss, duplicate, late;
	usec_t jitter;
};

/* Why the engine is called. */
enum stimulus {
	STIM_KERNEL,       /* links, addresses, routes, sockets, resynchronisation */
	STIM_ADVERT,       /* a router advertisement of the router that is there */
	STIM_MESSAGE,      /* what a home agent has sent, perhaps twice or late */
	STIM_FORGED,       /* what it has not sent, or long ago */
	STIM_FALSE_ADVERT, /* of a router that is not there */
	STIM_TIMER,
	STIM_CONTROL, /* start, stop, reconfiguration */
};

/* A binding update that the engine has handed to the kernel. */
struct update {
	int ifindex;
	const struct home_agent *agent;
	struct in6_addr src, home, coa;
	bool away;
	uint16_t sequence, lifetime;
};

/* Somebody who looks on.  Every member may be NULL. */
struct observer {
	void *user;
	void (*before)(void *user, struct host *h, enum stimulus s);
	void (*after)(void *user, struct host *h, enum stimulus s);
	void (*update)(void *user, struct host *h, const struct update *u);
	/* Something has happened that may cost packets, or an answer. */
	void (*disturbed)(void *user, struct host *h, const char *what);
	/* A packet of a socket is about to leave; one has come back. */
	void (*sending)(void *user, struct host *h, struct sock *s);
	void (*answered)(void *user, struct host *h, struct sock *s);
	void (*lost)(void *user, struct host *h, struct sock *s, const char *why);
	void (*closed)(void *user, struct host *h, struct sock *s);
	/* The engine asks for, or sends, what no correct one does. */
	void (*broken)(void *user, struct host *h, const char *invariant, const char *text);
	void (*event)(void *user, struct host *h, const struct event *ev);
	/* A binding has ended at an agent without a de-registration. */
	void (*expired)(void *user, struct host *h, const struct home_agent *a,
			const struct in6_addr *home);
	void (*restarted)(void *user, struct host *h, bool saved);
};

struct network {
	struct sched sched;
	struct rng rng;
	struct faults faults;
	unsigned n_places, n_agents;
	struct place *place;
	struct home_agent **agent;
	struct list hosts;
	struct observer observer;
	FILE *trace; /* NULL = silent */
	uint64_t messages, forged, packets;
};

/* A mobility or ICMPv6 message on its way. */
struct mail {
	usec_t posted; /* when it was written */
	struct host *host;
	struct home_agent *agent;
	struct in6_addr src, dst; /* of the fixed header */
	bool away; /* `home` is in a home address option or a type 2 routing header */
	struct in6_addr home;
	uint8_t next_header;
	size_t len;
	uint8_t octets[MH_MAX_LEN];
};

void network_init(struct network *n, uint64_t seed, usec_t now);
/* Hosts first: they are not the network's to free. */
void network_free(struct network *n);
struct place *network_add_places(struct network *n, unsigned count);
struct home_agent *network_add_agent(struct network *n, struct home_agent *a);

void network_trace(const struct network *n, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void network_disturb(struct network *n, struct host *h, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void network_broken(struct network *n, struct host *h, const char *invariant, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Signalling takes its way: it arrives once, twice, late, or not at all.  The mail is copied. */
void network_post(struct network *n, usec_t delay, sched_run *arrive, const struct mail *m);
/* The same for data: no copies.  False: lost. */
bool network_carry(struct network *n, usec_t delay, usec_t *ret_delay);

/* What clocks that are right say. */
usec_t network_real(const struct network *n);

/*
 * The agent that a packet for this address is delivered to: on the link of its prefix the last one
 * to say where it is counts
 * (neighbour discovery), be it an agent or the host.  NULL: that link itself.
 */
struct home_agent *network_find_binding(struct network *n, const struct in6_addr *home);
struct home_agent *network_find_agent(struct network *n, const struct in6_addr *address);
