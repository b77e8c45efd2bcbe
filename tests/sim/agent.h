/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Home agents (RFC 6275 section 10): a binding cache, and knobs that make them fail. */
#pragma once

#include "network.h"
#include "proto/mh.h"

#define AGENT_MAX_PREFIXES 8
#define AGENT_BUCKETS 64

struct cache_entry { /* the sequence number outlives the binding */
	struct list node;
	struct in6_addr home, coa;
	struct in6_addr
		former; /* care-of address; packets on their way from there are still welcome */
	usec_t former_until;
	uint16_t sequence, lifetime;
	bool bound, away;
	bool forgotten; /* the agent knows nothing of it, its link still does */
	usec_t since, expires;
	struct host *host;
};

struct home_agent {
	struct network *net;
	char name[40];
	struct in6_addr address;
	struct mip_sa sa;
	bool has_sa, check_clock;
	unsigned n_prefixes;
	struct ip6_prefix prefix[AGENT_MAX_PREFIXES];
	uint16_t preference; /* as it tells in discovery */
	usec_t delay;        /* from the edge of the core to it */

	bool down;      /* neither signalling nor data */
	bool data_dead; /* answers updates, forwards nothing */
	bool mute;      /* forwards, answers nothing */
	int refuses;    /* every update with this status, -1 = none */
	bool leaving;   /* has asked everybody to go elsewhere: no extensions */
	uint16_t grant; /* longest lifetime, unit 4 s */
	uint16_t advice;
	int64_t skew;         /* its clock is ahead, microseconds */
	uint16_t revocations; /* sequence number of the last */

	struct list cache[AGENT_BUCKETS];
	uint64_t updates, accepted, refused, forwarded, dropped;
};

struct home_agent *agent_new(struct network *n, const char *name, const struct in6_addr *address);
void agent_free(struct home_agent *a);
bool agent_serves(const struct home_agent *a, const struct in6_addr *home);
struct cache_entry *agent_lookup(const struct home_agent *a, const struct in6_addr *home);
/* Does it take packets for the home address from there? */
bool agent_knows(const struct home_agent *a, const struct in6_addr *home,
		 const struct in6_addr *coa);
/* Does it forward now? */
bool agent_forwards(const struct home_agent *a);

/* It loses power and, if it is to forget, its bindings. */
void agent_crash(struct home_agent *a, bool forget);
void agent_recover(struct home_agent *a);

/* Ask the hosts that are bound here to go to these others (RFC 5142); take a binding away. */
void agent_switch(struct home_agent *a, struct home_agent *const *others, unsigned n);
void agent_revoke(struct home_agent *a, struct cache_entry *c, uint8_t trigger);

/* Mail from a host: binding updates, ICMPv6. */
sched_run agent_mail;
/* Mail to a host at its care-of address. */
struct mail agent_write(const struct home_agent *a, struct host *h, const struct in6_addr *home,
			const struct in6_addr *coa, bool away);
/* Encode, sign (with sa unless NULL) and complete a mobility message. */
void mail_encode(struct mail *m, struct mh_message *mh, const struct mip_sa *sa,
		 const struct in6_addr *coa);
