/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small world around the engine: virtual clock, links and routers at the test's command, home
 * agents (engine_agent.h), and a journal of every operation.  Shared by the unit tests and the fuzz
 * program of the engine.
 *
 * What no caller may ever do wrong is judged here, at the operation: world_fail() ends the process.
 */
#pragma once

#include "mobility/engine.h"

#include "engine_agent.h"
#include "engine_host.h"

#define WORLD_MAX_ACCEPTED (CONF_MAX_HOMES * 8)
#define WORLD_MAX_LINKS 16
#define ACCEPT_GRACE_TIME (10 * USEC_PER_SEC) /* as the design promises it */

enum world_op_kind {
	OP_SEND,
	OP_SOLICIT,
	OP_PROBE_ROUTER,
	OP_FOUND_ROUTER,
	OP_ANNOUNCE,
	OP_ANSWER,
	OP_LEAVE_ADDRESS,
	OP_LEAVE_ROUTER,
	OP_PATH,
	OP_CONFIRM,
	OP_DROP,
	OP_ACCEPT,
	OP_REJECT,
};

struct world_op {
	enum world_op_kind kind;
	usec_t at;
	int ifindex;
	struct in6_addr home, anchor;
	struct in6_addr coa;          /* or what is left */
	uint8_t mac[6];               /* OP_PROBE_ROUTER, OP_FOUND_ROUTER */
	struct path path;             /* OP_PATH, OP_CONFIRM, OP_DROP */
	struct agent_received update; /* OP_SEND */
};

/* What accept() has opened and reject() has not closed. */
struct world_accepted {
	struct in6_addr home, anchor, coa;
	usec_t first_data;
};

struct world_pending { /* a message on its way to us */
	struct list node;
	usec_t at;
	int ifindex; /* is lost when that link is down on arrival */
	struct agent_message message;
};

struct world {
	struct conf *conf;
	struct engine *e;
	struct instant now;
	usec_t timer;
	struct world_op *op;
	unsigned n_ops, op_room;
	struct world_accepted accepted[WORLD_MAX_ACCEPTED];
	unsigned n_accepted;
	struct path path[CONF_MAX_HOMES]; /* as last set, by slot */
	unsigned n_paths[CONF_MAX_HOMES]; /* how often */
	bool link_up[WORLD_MAX_LINKS];    /* by ifindex */
	struct agent agent[CONF_MAX_ANCHORS];
	unsigned n_agents;
	struct list pending;
	int send_error; /* what send() answers: 0 or -errno */
	bool strangers; /* there may be home agents that this world does not play: they are silent */
	int path_error; /* what set_path() answers for a tunnel: 0 or -errno */
	unsigned published[OBJECT_OFFERS + 1][CHANGE_REMOVED + 1];
	unsigned persisted;
	struct host host;
	uint32_t seed;
};

/*
 * A world with this configuration.  Anchors without Insecure= get the key that their agent has.
 * Nothing has been told to the engine yet.
 */
struct world *world_new(const char *conf);
void world_free(struct world *w);
void world_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* One anchor at HA that serves HOA; with two, the second anchor at HA2 serves HOA2. */
#define HA "2001:db8:1::1"
#define HOA "2001:db8:1::100"
#define HOME_PREFIX "2001:db8:1::/64"
#define HA2 "2001:db8:2::1"
#define HOA2 "2001:db8:2::100"
#define HOME_PREFIX2 "2001:db8:2::/64"
#define WORLD_ONE \
	"[Anchor one]\nAddress=" HA "\nHomeAddress=" HOA "/64\nSPI=256\nKeyFile=/none\n" \
	"Identifier=mn@example.net\n"
#define WORLD_TWO \
	WORLD_ONE "[Anchor two]\nAddress=" HA2 "\nHomeAddress=" HOA2 "/64\nSPI=257\n" \
		  "KeyFile=/none\nAlgorithm=hmac-sha256-128\n"

struct in6_addr world_addr(const char *s);
struct binding *world_binding(const struct world *w, const char *home);
struct agent *world_agent(struct world *w, const char *address);

/* --- time ------------------------------------------------------------------------------- */

/* Let time pass: timers ring, messages arrive.  Fails when the engine spins. */
void world_run(struct world *w, usec_t duration);
/* Let time pass without the engine noticing, as in a suspended machine. */
void world_sleep(struct world *w, usec_t duration);

/* --- events ----------------------------------------------------------------------------- */

/* Where a host can be: a link, a router on it, the prefix it advertises, our address in it. */
struct place {
	int ifindex;
	const char *link, *router, *prefix, *coa;
};
extern const struct place place_a, place_b, place_home, place_home2; /* on wlan0 */
extern const struct place place_wire;                                /* on eth0 */

void world_start(struct world *w);
/* Link up, advertisement, address, default route; and the link goes down. */
void world_arrive(struct world *w, const struct place *p);
void world_leave(struct world *w, const struct place *p);
/* Let time pass where we are: the router goes on advertising. */
void world_stay(struct world *w, const struct place *p, usec_t duration);
/* The world of most tests: started, at place_a, bound. */
struct world *world_bound(const char *conf, const struct place *p);

void world_link(struct world *w, int ifindex, const char *name, bool up);
void world_link_gone(struct world *w, int ifindex);
struct nd_router_advert world_advert_of(const char *prefix, uint16_t lifetime);
void world_advert(struct world *w, int ifindex, const char *router, const char *prefix,
		  uint16_t lifetime);
struct address_event world_address_of(int ifindex, const char *addr);
void world_address(struct world *w, int ifindex, const char *addr);
void world_address_gone(struct world *w, int ifindex, const char *addr);
void world_route(struct world *w, int ifindex, const char *router, uint32_t metric, bool from_ra);
void world_route_gone(struct world *w, int ifindex, const char *router);
void world_neighbour(struct world *w, int ifindex, const char *addr, bool reachable);
/* A router that was probed answers; mac: as it says, NULL = it does not. */
void world_router_answer(struct world *w, int ifindex, const char *router, const uint8_t *mac);
void world_deliver(struct world *w, const struct agent_ack *ack);
void world_message(struct world *w, const struct agent_message *m);
/* The first packet that accept() let in to this care-of address. */
void world_data(struct world *w, const char *home, const char *coa);

/* --- the journal ------------------------------------------------------------------------ */

unsigned world_count(const struct world *w, enum world_op_kind kind);
/* The n-th operation of a kind, from 0; or the last.  Fails if there is none. */
const struct world_op *world_nth(const struct world *w, enum world_op_kind kind, unsigned n);
const struct world_op *world_last(const struct world *w, enum world_op_kind kind);
/* Forget the journal, not the state. */
void world_forget(struct world *w);

const struct path *world_path(const struct world *w, const char *home);
bool world_tunnels(const struct world *w, const char *home, const char *coa);
bool world_accepts(const struct world *w, const char *home, const char *coa);
