/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The network: access networks side by side on a square, their routers joined to their neighbours. */
#pragma once

#include "base/addr.h"
#include "base/usec.h"
#include "proto/nd.h"

#define GRID 10
#define CELL 500.0 /* metres */
#define NETWORKS (GRID * GRID)
#define CENTRAL NETWORKS /* the anchor that is none of an access network */
#define ANCHORS (NETWORKS + 1)
#define CENTRE (GRID / 2 * GRID + GRID / 2) /* where it stands */
#define FAILING_ANCHOR CENTRE
#define NOWHERE (-1)

/* Routers on the way, both ends included. */
unsigned grid_hops(int from, int to);
/* The same through an anchor. */
unsigned grid_hops_through(int from, int anchor, int to);
/* Of a packet, one way. */
usec_t grid_delay(int from, int anchor);

struct ip6_prefix grid_prefix(int anchor);
struct ip6_prefix grid_all(void); /* has those of all access networks inside */
struct in6_addr grid_agent(int anchor);
struct in6_addr grid_router(int network);   /* link-local */
struct in6_addr grid_address(int anchor);   /* of the node, in that prefix */
struct in6_addr grid_peer(int network);     /* of a correspondent there */
int grid_find(const struct in6_addr *addr); /* whose prefix it is in; NOWHERE */
void grid_advert(int network, struct nd_router_advert *ret);
