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
 *   binding.c          the binding update list; sequence.c what outlives its entries
 *   registration.c     binding updates: build, send, retransmit
 *   acknowledgement.c  what a home agent answers
 *   acceptance.c       who may send to us from where
 *   handover.c         records of moves
 *   prefix.c           the prefix table; properties.c, domain.c what is known of each
 *   session.c, need.c, policy.c   which sessions count on which address
 *   request.c, orphan.c   addresses for applications that ask, and the end of those that are left
 *   anchor.c           home agents, and which one is best; discovery.c how they are found
 *   change.c           another anchor takes over; revocation.c one takes a binding back
 *   liveness.c         whether tunnels are alive; obstacle.c what is in their way
 *   icmp.c, prefix_discovery.c   ICMPv6 messages
 *   explain.c          which address a session would get, and why; event.c what happened
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
#include "mobility/counters.h"
#include "mobility/event.h"
#include "mobility/handover.h"
#include "mobility/link.h"
#include "mobility/prefix.h"
#include "mobility/session.h"
#include "proto/ext.h"
#include "proto/nd.h"
#include "proto/pvd.h"

enum engine_object {
	OBJECT_ENGINE, /* object: struct engine; the summary changed */
	OBJECT_LINK,
	OBJECT_PREFIX,
	OBJECT_ANCHOR,
	OBJECT_BINDING,
	OBJECT_HANDOVER,
	OBJECT_OFFERS, /* object: struct engine; what applications can be given may have changed (request.h) */
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
	/* Ask a router, by its link-layer address, whether it is here (RFC 6059 section 5). */
	int (*probe_router)(void *user, int ifindex, const struct in6_addr *router,
			    const uint8_t mac[6]);
	/* It has answered: packets may be sent to it there. */
	int (*found_router)(void *user, int ifindex, const struct in6_addr *router,
			    const uint8_t mac[6]);
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
	/* The path that was set last is good: the anchor lets in what it may have thrown away until now. */
	void (*confirm_path)(void *user, const struct path *path);
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
	/* Tunnelled packets of a binding so far. */
	void (*traffic)(void *user, unsigned slot, uint64_t *ret_sent, uint64_t *ret_received);
	/* engine_activity(), once, at the next packet that leaves from this home address. */
	void (*watch_activity)(void *user, const struct in6_addr *home);

	/* Sockets whose source address is in one of these prefixes: TCP in any state but TIME_WAIT, UDP bound to the address.
	 * *ret is freed by the engine.  The answer is complete or an error. */
	int (*list_sessions)(void *user, const struct ip6_prefix *sources, unsigned n,
			     struct session_info **ret, size_t *ret_n);
	/* From now on engine_session_gone() for each TCP or UDP socket that goes, or no more. */
	void (*watch_sessions)(void *user, bool on);
	/* End every TCP and UDP socket on these addresses, so that their owners notice at once. */
	void (*destroy_sessions)(void *user, const struct in6_addr *source, unsigned n);
	/* Asked only when a rule of the policy, or a person, wants to know.  -ENOENT: not found. */
	int (*session_owner)(void *user, const struct session_info *s, struct session_owner *ret);

	/* An ICMPv6 echo request by the way that the host's own packets from src take; ifindex 0: as routed.  Its answer comes by
	 * engine_icmp().  octets: of the whole packet, no more than the path from src is thought to carry; 0 = no matter. */
	int (*echo)(void *user, int ifindex, const struct in6_addr *src, const struct in6_addr *dst,
		    uint16_t identifier, uint16_t sequence, size_t octets);
	/* Packets from that home address get no larger than this while it takes this path. */
	void (*limit_mtu)(void *user, const struct in6_addr *home, uint32_t octets);
	/* Look up the home agents of a domain; engine_resolved() follows in any case. */
	int (*resolve)(void *user, const char *domain);
	/* Fetch the additional information of a provisioning domain by HTTPS over that link; engine_domain() follows. */
	int (*fetch_domain)(void *user, int ifindex, const char *domain);

	/* Call engine_timer() at that time; replaces the earlier wish.  USEC_INFINITY = never. */
	void (*set_timer)(void *user, usec_t when);
	void (*random)(void *user, void *buf, size_t len);
	/* Sequence numbers or bindings changed: save engine_save() soon, not now. */
	void (*persist)(void *user);
	/* Something a user may want to see changed. */
	void (*publish)(void *user, enum engine_object kind, enum engine_change change,
			const void *object);
	void (*notify)(void *user, const struct event *ev);
};

#define SESSION_BUCKETS 256
#define ECHO_LARGEST SIZE_MAX /* octets of an echo request: what the path is thought to carry */

/* Identifiers of our echo requests; answers to others do not concern us. */
enum echo_identifier {
	ECHO_PATH = 0x646d, /* through a tunnel */
	ECHO_ANCHOR,        /* to an anchor from the care-of address */
	ECHO_INQUIRY,       /* the same because it is silent */
	ECHO_SIZE,          /* through a tunnel, large */
};

struct engine {
	const struct engine_ops *ops;
	void *user;
	const struct conf *conf;
	struct instant now; /* of the event being handled */
	bool started, stopping;
	bool holding, settle_due;

	struct list links, prefixes, anchors, bindings;
	struct list domains;       /* of struct domain */
	struct list left_prefixes; /* not in the table any more, but an address still has them */
	struct list remembered;    /* sequence numbers of home addresses without a binding */
	unsigned n_remembered;
	struct list discoveries; /* of struct discovery */
	bool measure_due; /* the round trips to anchors, as soon as the care-of address is no longer optimistic */
	usec_t recheck_at;   /* look again for sessions that began during a move */
	struct link *uplink; /* that carries the current care-of address, or NULL */
	struct in6_addr coa; /* current care-of address, or :: */
	struct in6_addr next_hop;
	char left_link[IFNAMSIZ]; /* name of the last uplink */
	usec_t lost_at; /* when the last uplink was lost, 0 = it is there or was left on purpose */
	usec_t stop_deadline;
	struct list accepted; /* what accept() was called for, with its end */
	bool handover_open;   /* bindings still join the newest handover */
	usec_t data_until; /* first data of the newest handover are looked for; 0 = they are not */
	struct handover handovers[HANDOVER_RING];
	struct list sessions[SESSION_BUCKETS]; /* of struct session, by cookie */
	unsigned n_sessions;
	bool watching_sessions;
	usec_t interest[SERVICE_TYPE_MAX]; /* an address of this type is kept ready until then */
	bool offers_due;                   /* what applications can be given may have changed */
	struct in6_addr gone[16];          /* addresses that went away with their place */
	unsigned n_gone;
	struct counters counters;
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
	bool early;    /* optimistic, and told before the kernel delivers anything to it */
	bool is_slaac; /* by the kernel's own autoconfiguration: no network manager looks after it */
	usec_t valid_until; /* USEC_INFINITY = for ever */
	bool removed;
};
void engine_address(struct engine *e, struct instant now, const struct address_event *ev);

/* Whether the link has IPv4; it matters for words alone. */
void engine_ipv4(struct engine *e, struct instant now, int ifindex, bool present);

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

/* A router that was probed has answered; mac: as it says, NULL = it does not. */
void engine_router_answer(struct engine *e, struct instant now, int ifindex,
			  const struct in6_addr *router, const uint8_t *mac);

/* A mobility message as received; its addresses are those of the pseudo-header. */
struct message_event {
	struct in6_addr src, dst;
	bool has_rh2;     /* came with a type 2 routing header ... */
	bool rh2_unknown; /* ... or the kernel cannot tell */
	const uint8_t *mh;
	size_t len;
};
void engine_message(struct engine *e, struct instant now, const struct message_event *ev);

/* An ICMPv6 message for us: echo reply, an error about what we sent, home agent discovery, prefix advertisement. */
struct icmp_event {
	int ifindex;
	struct in6_addr src, dst; /* dst as in the header, or the type 2 routing header's address */
	bool has_rh2, rh2_unknown;
	const uint8_t *icmp; /* from the type on, checksum verified */
	size_t len;
};
void engine_icmp(struct engine *e, struct instant now, const struct icmp_event *ev);

/* A socket is gone; what is not tracked is ignored. */
void engine_session_gone(struct engine *e, struct instant now, uint64_t cookie);
/* List the sessions of all bindings anew, for a view. */
void engine_look(struct engine *e, struct instant now);
/* Somebody is about to read the handovers: nobody wakes up to see whether data have come. */
void engine_look_for_data(struct engine *e, struct instant now);
/* Such news were lost. */
void engine_sessions_lost(struct engine *e, struct instant now);
/* The packet that watch_activity() asked for has left. */
void engine_activity(struct engine *e, struct instant now, const struct in6_addr *home);

/* Answers of resolve(), best first, n = 0: none; and of fetch_domain(), info NULL: none. */
void engine_resolved(struct engine *e, struct instant now, const char *domain,
		     const struct in6_addr *agent, unsigned n);
void engine_domain(struct engine *e, struct instant now, int ifindex, const char *domain,
		   const struct pvd_info *info);

/* Probe every tunnel now, whether it carries sessions or not: liveness.probe_answered tells. */
void engine_probe(struct engine *e, struct instant now);

/* What follows from the events told in between is decided once, at the end: of many at once, or of one that comes in parts. */
void engine_hold(struct engine *e);
void engine_release(struct engine *e);

void engine_timer(struct engine *e, struct instant now);

/*
 * Events were lost.  Between begin and end everything is told again; what is not told is gone.
 */
void engine_resync(struct engine *e, struct instant now, bool begin);

/* Views for the bus and the command line. */
const struct handover *engine_handover(const struct engine *e, uint64_t id); /* NULL if gone */
struct binding *engine_find_home(const struct engine *e, const struct in6_addr *home);
/* Has accept() been called for it, and reject() not yet? */
bool engine_accepts(const struct engine *e, const struct in6_addr *home,
		    const struct in6_addr *anchor, const struct in6_addr *coa);
struct link *engine_find_link(const struct engine *e, int ifindex);
/* Is the address, or the router, still of a place that has been left? */
bool engine_has_left(const struct engine *e, int ifindex, const struct in6_addr *addr,
		     bool is_router);
/* Where am I, in one word: "home", "away", "offline", "starting", "local" (there is no home address away
 * from its link: nothing is registered).
 */
const char *engine_place(const struct engine *e);
const char *engine_waiting_for(const struct engine *e);
