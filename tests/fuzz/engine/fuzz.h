/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the engine's fuzz program share. */
#pragma once

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../unit/engine_world.h"
#include "mobility/internal.h"

#define SEC USEC_PER_SEC
#define MSEC USEC_PER_MSEC
#define N(array) (sizeof(array) / sizeof(*(array)))
#define REMEMBERED 8 /* binding updates that may still be answered */
#define MAX_CARE_OF 4
#define MAX_PAIRS 256
#define MAX_SESSIONS 48
#define MAX_FOUND 8
#define SECTION_AGENTS 16 /* of one section, however many are heard of */
#define NO_HOME UINT64_MAX

/* --- configurations (engine/conf.c) ------------------------------------------------------ */

struct fuzz_conf {
	const char *text;
	uint8_t group;   /* those of one agree on keys, so that agents need not change with them */
	bool insecure;   /* some message needs no key */
	bool no_replay;  /* an old message is as good as a new one */
	unsigned policy; /* which of the policies */
};
extern const struct fuzz_conf confs[];
extern const unsigned n_confs;
extern const char *const policies[];
#define CONF_NOTHING 2 /* the empty one, which goes with each */

/* --- the run ----------------------------------------------------------------------------- */

struct pair { /* what is known of the updates of one home address to one agent */
	struct in6_addr home, anchor;
	uint16_t sequence;
	bool any;
	usec_t at[3];
};

struct fuzz {
	const uint8_t *data;
	size_t size, pos;
	unsigned conf;
	struct world *w;
	struct pair pair[MAX_PAIRS];
	unsigned n_pairs; /* ever */
	struct agent_received update[REMEMBERED];
	unsigned n_updates; /* ever */
	bool stopping, resyncing;
	struct conf_anchor found[MAX_FOUND]; /* of agents that no configuration lists */
	unsigned n_found;
	usec_t idle_since[CONF_MAX_HOMES]; /* by slot: a dynamic binding without need */
	uint64_t idle_home[CONF_MAX_HOMES];
	struct in6_addr idle_coa;
	struct agent_message order; /* the last true one, to be replayed */
	bool has_order;
};

void require(bool condition, const char *what);
uint8_t u8(struct fuzz *f);
uint16_t u16(struct fuzz *f);
#define PICK(f, array) ((array)[u8(f) % N(array)])
/* One of few, or some other one in the same prefix. */
struct in6_addr any_agent(struct fuzz *f);
struct in6_addr any_home(struct fuzz *f);
int any_link(struct fuzz *f);

/* A world with that configuration and its policy, ready for sending to agents nobody listed. */
struct world *fuzz_world(struct fuzz *f, unsigned conf);

/* --- what must always hold (engine/check.c) ---------------------------------------------- */

void check(struct fuzz *f);
/* Time passes, and it is looked at now and then. */
void let_run(struct fuzz *f, usec_t duration);
/* Something happened that makes every withdrawal begin anew, or impossible. */
void check_excuse(struct fuzz *f);

/* What only authenticated messages change. */
struct standing {
	unsigned n;
	struct binding_standing {
		struct in6_addr home, coa, anchor;
		bool registered;
		usec_t expires;
		struct path path;
	} binding[CONF_MAX_HOMES];
	unsigned n_anchors;
	struct anchor_standing {
		const struct conf_anchor *conf;
		struct in6_addr address;
		enum anchor_health health;
		bool leaving;
	} anchor[SECTION_AGENTS * 4];
};
void take_standing(const struct engine *e, struct standing *ret);
/* The same when all consequences of what happened before have been drawn. */
void take_settled(struct fuzz *f, struct standing *ret);
/* After an event of the link: nothing is bound by it, only lost. */
void check_not_bound(const struct engine *e, const struct standing *before);
/* After something that nobody signed: nothing is changed. */
void check_unchanged(const struct engine *e, const struct standing *before);

/* --- events ------------------------------------------------------------------------------ */

typedef void event_handler(struct fuzz *f);

/* engine/place.c: links, addresses, routes, advertisements */
event_handler event_link, event_address, event_route, event_advert, event_neighbour, event_arrive,
	event_resync, event_agent_advert, event_clock;
/* engine/message.c: mobility messages */
event_handler event_agent, event_true_ack, event_false_ack, event_bytes, event_hint,
	event_true_order, event_false_order;
/* engine/lookup.c: ICMPv6, DNS, provisioning domains */
event_handler event_icmp_bytes, event_icmp_error, event_echo, event_dhaad, event_prefix_advert,
	event_resolved, event_domain;
/* engine/session.c: sockets of the host and its traffic */
event_handler event_session, event_session_end, event_news, event_traffic, event_host;
/* engine/life.c: another configuration, another run, the end */
event_handler event_restart, event_stop, reconfigure;
/* A friendly end: one link, agents that answer, nothing false any more. */
void settle(struct fuzz *f);
