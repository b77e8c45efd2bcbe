/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Links: network interfaces with their current attachment - carrier, routers, addresses.
 *
 * An attachment has a number (epoch) that rises whenever the link loses its carrier.  What was
 * learnt in an earlier attachment is not used until this one confirms it: a router advertisement
 * for the prefix, or a default route for static addresses (movement detection, RFC 6275
 * section 11.5.1; RFC 6059).
 */
#pragma once

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/list.h"
#include "base/strtab.h"
#include "base/usec.h"
#include "conf/conf.h"
#include "proto/nd.h"

struct domain;
struct engine;

enum link_state {
	LINK_DOWN,        /* no carrier or administratively down */
	LINK_SOLICITING,  /* up, no router heard yet */
	LINK_CONFIGURING, /* router known, no usable address yet */
	LINK_ATTACHED,    /* has a care-of address candidate */
	LINK_STATE_MAX,
};
DECLARE_STRTAB(link_state);

struct link_address {
	struct list node;
	struct in6_addr addr;
	uint8_t plen;
	bool tentative;  /* duplicate address detection runs, address not usable */
	bool optimistic; /* DAD runs, usable (RFC 4429) */
	bool early;      /* optimistic, and the kernel delivers nothing to it yet */
	bool duplicate;  /* DAD failed */
	bool deprecated, temporary, is_static, is_slaac;
	uint32_t confirmed_epoch; /* attachment that confirmed the prefix; 0 = none */
	usec_t valid_until;
	usec_t since;
	bool seen;         /* since a resynchronisation began */
	bool given_up;     /* the kernel has been told that its place was left */
	usec_t left_at;    /* when its place was left; 0 = it has not been */
	bool looked;       /* its place was left, and nobody in need was on it */
	usec_t settles_at; /* who picked it as a source before it was left has sent by then */
	bool settled;      /* nobody in need was on it then either */
	bool orphaned;     /* its place was left, and the sessions on it have been ended */
};

enum router_origin {
	ROUTER_RA,    /* heard on our own socket */
	ROUTER_ROUTE, /* a default route of the kernel */
	ROUTER_ORIGIN_MAX,
};
DECLARE_STRTAB(router_origin);

struct router {
	struct list node;
	struct in6_addr addr; /* next hop, link-local as a rule */
	enum router_origin origin;
	bool has_route;     /* the kernel has a default route through it ... */
	bool left;          /* the kernel has been told that it is not here any more */
	bool route_seen;    /* since a resynchronisation began */
	bool route_from_ra; /* ... which it learnt from an advertisement */
	uint32_t metric;
	bool unreachable; /* neighbour unreachability detection gave up */
	usec_t expires;   /* end of the router lifetime */
	uint32_t epoch;   /* attachment in which it was last heard */
	bool remembered; /* in this one it has only answered a probe: what it advertised is from before */
	usec_t heard;
	bool has_mac; /* it has said its link-layer address */
	uint8_t mac[6];
	bool home_agent; /* H flag: a hint, never a reason to trust */
	enum nd_preference preference;
	unsigned n_prefixes;
	struct nd_prefix_info prefix[ND_MAX_PREFIXES];
	usec_t prefix_heard[ND_MAX_PREFIXES];   /* when each was last advertised */
	struct domain *domain[ND_MAX_PREFIXES]; /* that each is of; NULL = none that is named */
	unsigned n_routes;                      /* more specific ones, RFC 4191 */
	struct nd_route_info route[ND_MAX_ROUTES];
	usec_t route_heard[ND_MAX_ROUTES];
	bool captive_portal; /* says that there is one (RFC 8910) */
};

/* A prefix of the link, in this attachment and in an earlier one. */
struct link_memory {
	struct ip6_prefix prefix;
	uint32_t epoch; /* that it was last seen in; 0 = the slot is free */
	struct in6_addr router;
	bool carried_over; /* it was here before, but another router had it */
	struct in6_addr earlier_router;
};
#define LINK_MEMORIES 8

struct link {
	struct list node;
	struct engine *engine;
	int ifindex;
	char name[IFNAMSIZ];
	bool up, seen;
	bool has_ipv4;
	uint32_t mtu;
	const struct conf_link *conf;
	enum link_state state;
	uint32_t epoch; /* number of the attachment, from 1 */
	usec_t up_since;
	/* Addresses of ours that another host here had already */
	unsigned n_collisions;
	uint32_t collided_epoch;
	usec_t collided_at;
	struct list addresses, routers;
	struct link_memory memory[LINK_MEMORIES];
	/* Router solicitation (RFC 4861 section 6.3.7) */
	unsigned solicits_sent;
	usec_t solicit_timer;
	usec_t probe_deadline; /* a new router showed up: the old ones must answer until then */
	/* When the current attachment reached each step, for the handover record; 0 = not yet */
	usec_t ra_at, address_at;
	/* Damping of a link that flaps */
	usec_t down_at;    /* when it last lost its carrier, 0 = never */
	unsigned flaps;    /* in a row */
	usec_t settled_at; /* a working link is not left for this one before */
};

/* NULL: it has not got it. */
struct link_address *link_find_address(const struct link *l, const struct in6_addr *addr);

/* What the link waits for, in words for the user, or NULL when attached. */
const char *link_waiting_for(const struct link *l);
