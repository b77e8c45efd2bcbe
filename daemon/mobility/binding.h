/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The binding update list (RFC 6275 section 11.1): one entry for each home address.
 *
 * An entry is created from the configuration and lives as long as its home address does.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/list.h"
#include "base/property.h"
#include "base/strtab.h"
#include "base/usec.h"
#include "mobility/obstacle.h"

struct anchor;
struct engine;
struct link;

enum binding_state {
	BINDING_IDLE,        /* nothing registered, nothing sent: no care-of address yet */
	BINDING_REGISTERING, /* first update sent, no binding at the agent as far as we know */
	BINDING_REGISTERED,
	BINDING_UPDATING,    /* registered; a refresh or a new care-of address is being sent */
	BINDING_RETURNING,   /* on the home link, de-registration not yet acknowledged */
	BINDING_HOME,        /* on the home link, no binding */
	BINDING_WITHDRAWING, /* de-registration sent from away */
	BINDING_REFUSED,     /* rejected by the agent; waiting, or given up: see retry_at */
	BINDING_STATE_MAX,
};
DECLARE_STRTAB(binding_state); /* "idle", "registering", "registered", ... */

/* What packets from the home address take. */
enum path_mode {
	PATH_BLOCKED, /* the address exists, nothing can be sent from it */
	PATH_TUNNEL,  /* through the anchor from a care-of address */
	PATH_HOME,    /* natively on the home link */
	PATH_MODE_MAX,
};
DECLARE_STRTAB(path_mode); /* "blocked", "tunnel", "native" */

struct path {
	unsigned slot; /* number of the binding: chooses table and rule, below CONF_MAX_HOMES */
	struct in6_addr home;
	struct ip6_prefix home_prefix;
	enum path_mode mode;
	struct in6_addr anchor;   /* PATH_TUNNEL: outer destination */
	struct in6_addr coa;      /* PATH_TUNNEL: outer source */
	int ifindex;              /* PATH_TUNNEL, PATH_HOME: packets leave here */
	struct in6_addr next_hop; /* router on that link */
	/* Link on which the home address is ours to answer for (neighbour discovery), 0 = none. Set
	 * from the moment the de-registration is sent, before packets change to that link. */
	int claimed_ifindex;
	/* Right after a restart: make sure the address is there, leave alone where its packets go.
	 */
	bool adopt;
	/* No new session may start from the home address: it is off the device while the path stays (before a withdrawal). */
	bool closed;
	/* Registered on demand: while blocked, what leaves from it is dropped but makes itself known. */
	bool wake;
	bool dad; /* no binding lives that would defend the address: detect duplicates */
	/* No binding update has told the anchor of the care-of address yet: nothing leaves by it. */
	bool unannounced;
};

/* An update that may still be acknowledged. */
struct binding_outstanding {
	uint16_t sequence;
	struct in6_addr coa;
	uint16_t lifetime; /* asked, unit 4 s */
	usec_t sent;
	uint64_t replay;      /* timestamp sent, 0 = none */
	int64_t clock_offset; /* that it was made with */
};
#define BINDING_MAX_OUTSTANDING 8

/* Is the tunnel alive?  Looked at only while it carries sessions. */
struct liveness {
	uint64_t sent, received; /* packets, when last looked */
	usec_t check_at;         /* USEC_INFINITY = not watched */
	unsigned unanswered;     /* probes in a row */
	uint16_t sequence;       /* of the last probe */
	usec_t probed;           /* when the last probe left, 0 = never */
	usec_t probe_sent;       /* 0 = none is under way */
	usec_t probe_answered;   /* when the last answer came */
	usec_t rtt;              /* of the last probe that was answered */
	bool idle;               /* nothing has moved since the last look */
	bool watched;
	struct in6_addr
		tried; /* care-of address from which another anchor has been tried for no answer */
	bool asked;    /* a refresh is under way because no probe was answered */
	usec_t asked_until; /* not asked again before */
	bool dead;
};

struct binding {
	struct list node;
	struct engine *engine;
	unsigned slot;
	struct in6_addr home;
	struct ip6_prefix home_prefix;
	struct anchor *anchor;
	enum binding_state state;

	struct in6_addr coa; /* last sent; :: = none */
	struct link *link;   /* of that care-of address, or home link */
	bool registered;     /* the agent holds a binding as far as we know */
	struct in6_addr registered_coa;
	usec_t expires;    /* end of the accepted lifetime; 0 = none */
	usec_t refresh_at; /* next refresh; USEC_INFINITY = none */

	uint16_t sequence;   /* last sent */
	usec_t expires_real; /* of a former run, 0 = not known */
	bool adopted; /* known from a former run, whose paths may still carry traffic (E14) */
	unsigned n_outstanding;
	struct binding_outstanding outstanding[BINDING_MAX_OUTSTANDING]; /* newest last */
	unsigned retries;     /* of the running exchange */
	usec_t backoff;       /* between attempts after refusals, 0 = none yet */
	usec_t timeout;       /* current retransmission interval */
	usec_t retransmit_at; /* USEC_INFINITY = no exchange runs */
	usec_t retry_at; /* BINDING_REFUSED: next attempt; USEC_INFINITY = not before a change */
	int last_status; /* -1 = none */
	/* A link that claims to be home while nobody there acknowledges and the tunnel still works: a
	 * false advertisement must not cost the binding (E11).  Not believed until then. */
	const struct link *doubted;
	usec_t doubted_until;
	int path_error; /* why its path could not be set up, 0 = it was */
	bool parked;  /* withdrawn here, while its agent has not confirmed: nothing is installed */
	bool removed; /* no longer configured: goes as soon as it is withdrawn */
	bool refused_for_good;  /* until the configuration changes */
	bool in_handover;       /* counted in the running handover, outcome open */
	unsigned corrections;   /* statuses 135, 144 answered in the running exchange */
	bool postponed;         /* retransmit_at is not a timeout but a later first try */
	unsigned send_failures; /* in a row: the kernel had no route yet */
	usec_t recent_sent[3];  /* for MAX_UPDATE_RATE */

	/* Need (E3, E4) */
	bool automatic; /* its home address is one we made (HomeAddress=auto) */
	bool dynamic;   /* made when a native prefix was left, goes when it is not needed */
	bool on_request; /* dynamic, and made for sessions that ask: all on it have asked (request.h) */
	bool unshared;      /* for one session alone */
	usec_t given_until; /* unshared: given to somebody who may not have used it yet */
	bool ordinary; /* its home link has it as an address of its own: sessions start from it unasked */
	enum service_type service; /* fixed: always needed */
	struct list sessions;      /* of struct session, all that are known on this address */
	unsigned n_in_need;
	usec_t hold_until; /* nobody has been in need since HoldTime= before; USEC_INFINITY = somebody is */
	usec_t left_at; /* when its link was left */
	bool needed;    /* somebody is in need, or the hold time runs */
	bool unlisted;  /* the kernel would not tell who is on it: held as if somebody were */
	bool looked;    /* its sessions have been listed since it was left */
	/* Liveness of the tunnel */
	struct liveness liveness;
	struct obstacle obstacle;
	/* Anchor change: who takes over when the withdrawal at the present one is over */
	struct anchor *successor;
	usec_t drain_until; /* its agent goes out of service then; 0 = it does not */
	/* Mobile Prefix Discovery */
	usec_t solicit_at; /* USEC_INFINITY = none under way */
	unsigned solicits;
	uint16_t solicit_identifier;
	usec_t home_heard; /* when the agent last spoke of the home prefix, 0 = never */
	uint32_t home_valid, home_preferred;

	struct path path; /* as last given to the kernel side */
};

/* What the binding waits for, in words for the user, or NULL. */
const char *binding_waiting_for(const struct binding *b);
