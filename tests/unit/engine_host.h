/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host side of the engine's world: its sockets, its traffic, its lookups. */
#pragma once

#include "mobility/engine.h"

#define HOST_MAX_SESSIONS 4096

struct host_echo {
	int ifindex;
	struct in6_addr src, dst;
	uint16_t identifier, sequence;
	size_t octets;
};

struct host {
	struct session_info session[HOST_MAX_SESSIONS];
	unsigned n_sessions;
	unsigned n_listings, n_owners, n_destroyed;
	int list_error; /* what list_sessions() answers: 0 or -errno */
	uint64_t next_cookie;
	bool watching;
	struct in6_addr watched; /* home address of the last watch_activity() */
	unsigned n_watched;
	uint64_t sent[CONF_MAX_HOMES], received[CONF_MAX_HOMES]; /* packets, by slot */
	struct host_echo echo;                                   /* the last one */
	unsigned n_echoes, n_answered;
	uint32_t mtu;       /* of the last limit_mtu() */
	bool mute;          /* anchors answer no echo */
	bool shut;          /* tunnels carry none ... */
	unsigned n_shut_in; /* ... of these */
	unsigned n_icmp;    /* packets with ICMPv6 that were sent as they are */
	unsigned n_other;   /* mobility messages that are no binding updates */
	char resolving[CONF_DOMAIN_MAX + 1], fetching[CONF_DOMAIN_MAX + 1];
	unsigned n_resolved, n_fetched;
	unsigned events[EVENT_KIND_MAX];
	char last_event[320];
};

struct world;

/* Fill in the operations of the host. */
void host_operations(struct engine_ops *ops);

/* Replace the policy by these rules, as they stand in a file. */
void world_policy(struct world *w, const char *text);
/* ssh (22) is session-lasting, 5060 graceful-replacement. */
#define POLICY_SSH \
	"[Rule ssh]\nPort=22\nService=session-lasting\n" \
	"[Rule sip]\nPort=5060\nService=graceful-replacement\n"
/* Anchors on the access routers of place_a and place_b. */
#define ANCHOR_A "2001:db8:a::1"
#define ANCHOR_B "2001:db8:b::1"
#define WORLD_NATIVE \
	"[Anchor a]\nAddress=" ANCHOR_A "\nPrefix=2001:db8:a::/64\nSPI=256\nKeyFile=/none\n" \
	"[Anchor b]\nAddress=" ANCHOR_B "\nPrefix=2001:db8:b::/64\nSPI=257\nKeyFile=/none\n"
/* Another one that serves the prefix of place_a. */
#define ANCHOR_SPARE "2001:db8:a::2"
#define WORLD_SPARE \
	WORLD_NATIVE "[Anchor spare]\nAddress=" ANCHOR_SPARE \
		     "\nPrefix=2001:db8:a::/64\nSPI=258\nKeyFile=/none\nPreference=-1\n"
/* Started at place_a, with that policy. */
struct world *world_native(const char *conf);
/* And gone to place_b with an ssh session, for so long; the journal begins there. */
struct world *world_away(const char *conf, usec_t stay);

/* A TCP session from that address to a port of a correspondent; the cookie. */
uint64_t world_session(struct world *w, const char *source, uint16_t port);
/* It ends, and the kernel says so. */
void world_session_end(struct world *w, uint64_t cookie);
/* What has been asked is answered. */
void host_run(struct world *w);
