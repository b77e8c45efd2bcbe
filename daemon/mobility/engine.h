/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mobility engine of a mobile node (RFC 6275 section 11, design rules E1-E14).
 *
 * It makes no system call and reads no clock.  It is told events, each with its time, and acts
 * through a table of operations: main.c connects both to the kernel, tests connect them to a
 * virtual network.
 *
 *   engine.c           life, event entry points, timers
 *   link.c             links, addresses, attachment
 *   router.c           router advertisements, default routers
 *   selection.c        the care-of address, and what to do on a move
 *   binding.c          the binding update list
 *   registration.c     binding updates: build, send, retransmit
 *   acknowledgement.c  what a home agent answers
 *   acceptance.c       who may send to us from where
 *   handover.c         records of moves
 *   prefix.c           the prefix table
 *   reconfigure.c      another configuration, while running
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/usec.h"
#include "conf/conf.h"
#include "conf/state.h"
#include "mobility/anchor.h"
#include "mobility/binding.h"
#include "mobility/handover.h"
#include "mobility/link.h"
#include "mobility/prefix.h"
#include "proto/ext.h"

enum engine_object {
	OBJECT_ENGINE, /* object: struct engine; the summary changed */
	OBJECT_LINK,
	OBJECT_PREFIX,
	OBJECT_ANCHOR,
	OBJECT_BINDING,
	OBJECT_HANDOVER,
};

enum engine_change {
	CHANGE_ADDED,
	CHANGE_CHANGED,
	CHANGE_REMOVED, /* the object is still valid during the call */
};

/* All return 0 or -errno unless said otherwise.  None may call back into the engine. */
struct engine_ops {
	/* Send a packet (fixed header, home address option, Mobility Header) out of a link. */
	int (*send)(void *user, int ifindex, const struct ip6_packet *packet);
	/* Multicast a router solicitation / an unsolicited neighbour advertisement for a home
	 * address. */
	int (*solicit)(void *user, int ifindex);
	int (*announce)(void *user, int ifindex, const struct in6_addr *home);
	/* The same to one node on the link, as an answer to a solicitation that we may have missed. */
	int (*answer)(void *user, int ifindex, const struct in6_addr *home,
		      const struct in6_addr *to);
	/* The attachment that gave the kernel this address, this default router, is over, and the kernel does not
	 * know: no new session is to use them (E1, E5).  An advertisement brings either back. */
	void (*leave_address)(void *user, int ifindex, const struct in6_addr *addr);
	void (*leave_router)(void *user, int ifindex, const struct in6_addr *router);
	/* Make packets from the home address take this path; idempotent.  The address exists from
	 * the first call on. */
	int (*set_path)(void *user, const struct path *path);
	/* Remove the home address and everything that belongs to it. */
	void (*drop_path)(void *user, const struct path *path);
	/* Let in (or no more) what this anchor sends for the home address to this care-of address.
	 */
	int (*accept)(void *user, const struct in6_addr *home, const struct in6_addr *anchor,
		      const struct in6_addr *coa);
	void (*reject)(void *user, const struct in6_addr *home, const struct in6_addr *anchor,
		       const struct in6_addr *coa);
	/* Monotonic time of the first packet let in by that accept(), 0 = none yet. */
	usec_t (*first_data)(void *user, const struct in6_addr *home, const struct in6_addr *anchor,
			     const struct in6_addr *coa);
	/* Call engine_timer() at that time; replaces the earlier wish.  USEC_INFINITY = never. */
	void (*set_timer)(void *user, usec_t when);
	void (*random)(void *user, void *buf, size_t len);
	/* Sequence numbers or bindings changed: save engine_save() soon, not now. */
	void (*persist)(void *user);
	/* Something a user may want to see changed. */
	void (*publish)(void *user, enum engine_object kind, enum engine_change change,
			const void *object);
};

struct engine {
	const struct engine_ops *ops;
	void *user;
	const struct conf *conf;
	struct instant now; /* of the event being handled */
	bool started, stopping;

	struct list links, prefixes, anchors, bindings;
	struct link *uplink; /* that carries the current care-of address, or NULL */
	struct in6_addr coa; /* current care-of address, or :: */
	struct in6_addr next_hop;
	char left_link[IFNAMSIZ]; /* name of the last uplink */
	usec_t lost_at; /* when the last uplink was lost, 0 = it is there or was left on purpose */
	usec_t stop_deadline;
	struct list accepted; /* what accept() was called for, with its end */
	bool handover_open;   /* bindings still join the newest handover */
	usec_t data_check_at; /* next look for the first data of the newest handover */
	unsigned data_checks;
	struct handover handovers[HANDOVER_RING];
	uint64_t n_handovers; /* ever; the newest is handovers[(n_handovers - 1) % HANDOVER_RING] */
};

/* conf must outlive the engine. */
int engine_new(const struct conf *conf, const struct engine_ops *ops, void *user,
	       struct engine **ret);
void engine_free(struct engine *e);

/*
 * Start after the first dump of links, addresses and routes has been told; nothing is sent before.
 * engine_stop() withdraws every binding; engine_stopped() is true when all answered or gave up.
 */
void engine_start(struct engine *e, struct instant now);
void engine_stop(struct engine *e, struct instant now);
bool engine_stopped(const struct engine *e);

/*
 * Go over to another configuration.  Home addresses that stay at their anchor keep their binding
 * and lose no packet; those that are gone are withdrawn; what was refused is tried again.  The old
 * configuration must live until engine_uses() says it is not needed any more.  0, or -ENOMEM with
 * part of it done.
 */
int engine_reconfigure(struct engine *e, struct instant now, const struct conf *conf);
bool engine_uses(const struct engine *e, const struct conf *conf);

/* What must survive a restart (E14), by home address.  Before engine_start(). */
void engine_restore(struct engine *e, const struct state_entry *saved);
/* At most `max` entries; returns how many. */
unsigned engine_save(const struct engine *e, struct state_entry *saved, unsigned max);

/* Events. */
struct link_event {
	int ifindex;
	const char *name;
	bool up; /* administratively up and carrier */
	uint32_t mtu;
	bool removed;
};
void engine_link(struct engine *e, struct instant now, const struct link_event *ev);

struct address_event {
	int ifindex;
	struct in6_addr addr;
	uint8_t plen;
	bool tentative, optimistic, duplicate, deprecated, temporary, is_static;
	bool is_slaac; /* by the kernel's own autoconfiguration: no network manager looks after it */
	usec_t valid_until; /* USEC_INFINITY = for ever */
	bool removed;
};
void engine_address(struct engine *e, struct instant now, const struct address_event *ev);

struct route_event { /* a default route of the kernel */
	int ifindex;
	struct in6_addr gateway;
	uint32_t metric;
	bool from_ra;
	bool removed;
};
void engine_route(struct engine *e, struct instant now, const struct route_event *ev);

/* Neighbour unreachability detection gave up on (or reached again) a neighbour. */
void engine_neighbour(struct engine *e, struct instant now, int ifindex,
		      const struct in6_addr *addr, bool reachable);

void engine_router_advert(struct engine *e, struct instant now, int ifindex,
			  const struct in6_addr *router, const struct nd_router_advert *ra);

/* A mobility message as received; its addresses are those of the pseudo-header. */
struct message_event {
	struct in6_addr src, dst;
	bool has_rh2;     /* came with a type 2 routing header ... */
	bool rh2_unknown; /* ... or the kernel cannot tell */
	const uint8_t *mh;
	size_t len;
};
void engine_message(struct engine *e, struct instant now, const struct message_event *ev);

void engine_timer(struct engine *e, struct instant now);

/*
 * Events were lost.  Between begin and end everything is told again; what is not told is gone.
 */
void engine_resync(struct engine *e, struct instant now, bool begin);

/* Views for the bus and the command line. */
const struct handover *engine_handover(const struct engine *e, uint64_t id); /* NULL if gone */
struct binding *engine_find_home(const struct engine *e, const struct in6_addr *home);
struct link *engine_find_link(const struct engine *e, int ifindex);
/* Where am I, in one word: "home", "away", "offline", "starting", "local" (no anchor configured).
 */
const char *engine_place(const struct engine *e);
const char *engine_waiting_for(const struct engine *e);
