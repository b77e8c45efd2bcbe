/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses for applications that ask (RFC 8653, design rule E2).
 *
 * A session-lasting or graceful request gets an address of its own kind in a native anchored prefix, a request address: all
 * sessions on it have asked, so after a move all of them, and no others, go through the anchor.  It is a binding like those
 * of home addresses, at home until its place is left.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>

#include "mobility/engine.h"

#define OFFERS_MAX 128

struct offer {
	struct in6_addr source;
	struct ip6_prefix prefix;
	enum service_type type; /* the strongest promise that it keeps */
	bool on_demand;         /* a home address that is registered when it is used */
	bool draining;          /* not for new sessions */
	bool tunnelled;
	int ifindex;        /* by which its packets leave, 0 = none now */
	usec_t valid_until; /* USEC_INFINITY = no end known */
};

struct offers {
	int best[SERVICE_TYPE_MAX]; /* index, -1 = none now; never for non-persistent */
	unsigned n;
	struct offer offer[OFFERS_MAX];
};

/* All addresses that can be given now, or could be before.  Told anew by publish(OBJECT_OFFERS). */
void engine_offers(const struct engine *e, struct offers *ret);

/*
 * Somebody asks for a type of which there is no address, or that is only on demand: find an anchor, make or register an
 * address.  From then on one is prepared at each place, for a day since the last such wish.
 */
void engine_want(struct engine *e, struct instant now, enum service_type type);

/* One that nobody has had before.  0, or -EADDRNOTAVAIL; -ENOSPC: all are in use. */
int engine_want_new(struct engine *e, struct instant now, enum service_type type,
		    struct in6_addr *ret);
