/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "grid.h"

#include <stdlib.h>
#include <string.h>

#define LAST_MILE (5 * USEC_PER_MSEC)
#define HOP_DELAY (1 * USEC_PER_MSEC)
#define ROUTER_LIFETIME 9000
#define PREFIX_VALID 86400
#define PREFIX_PREFERRED 14400
#define NODE_IDENTIFIER 0x4d
#define PEER_NETWORKS 0x100

static unsigned distance(int a, int b)
{
	return (unsigned)(abs(a % GRID - b % GRID) + abs(a / GRID - b / GRID));
}

static int place_of(int anchor)
{
	return anchor == CENTRAL ? CENTRE : anchor;
}

unsigned grid_hops(int from, int to)
{
	return distance(from, to) + 1;
}

unsigned grid_hops_through(int from, int anchor, int to)
{
	return distance(from, place_of(anchor)) + distance(place_of(anchor), to) + 1;
}

usec_t grid_delay(int from, int anchor)
{
	return LAST_MILE + distance(from, place_of(anchor)) * HOP_DELAY;
}

/* 2001:db8:0:SUBNET::IDENTIFIER */
static struct in6_addr address(unsigned subnet, unsigned identifier)
{
	struct in6_addr a = {.s6_addr = {0x20, 0x01, 0x0d, 0xb8}};

	a.s6_addr[6] = (uint8_t)(subnet >> 8);
	a.s6_addr[7] = (uint8_t)subnet;
	a.s6_addr[15] = (uint8_t)identifier;
	return a;
}

static unsigned subnet_of(int anchor)
{
	return (unsigned)anchor + 1;
}

struct ip6_prefix grid_prefix(int anchor)
{
	struct in6_addr a = address(subnet_of(anchor), 0);

	return prefix_make(&a, 64);
}

struct ip6_prefix grid_all(void)
{
	struct in6_addr a = address(0, 0);

	return prefix_make(&a, 48);
}

struct in6_addr grid_agent(int anchor)
{
	return address(subnet_of(anchor), 1);
}

struct in6_addr grid_router(int network)
{
	struct in6_addr a = {.s6_addr = {0xfe, 0x80}};

	a.s6_addr[15] = (uint8_t)subnet_of(network);
	return a;
}

struct in6_addr grid_address(int anchor)
{
	return address(subnet_of(anchor), NODE_IDENTIFIER);
}

struct in6_addr grid_peer(int network)
{
	return address(PEER_NETWORKS + (unsigned)network, 1);
}

int grid_find(const struct in6_addr *addr)
{
	int anchor = addr->s6_addr[6] << 8 | addr->s6_addr[7];

	return anchor >= 1 && anchor <= ANCHORS ? anchor - 1 : NOWHERE;
}

void grid_advert(int network, struct nd_router_advert *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->hop_limit = 64;
	ret->router_lifetime = ROUTER_LIFETIME;
	ret->home_agent = true;
	ret->n_prefixes = 1;
	ret->prefix[0] = (struct nd_prefix_info){
		.prefix = grid_prefix(network),
		.router_address = grid_agent(network),
		.on_link = true,
		.autonomous = true,
		.router_flag = true,
		.valid = PREFIX_VALID,
		.preferred = PREFIX_PREFERRED,
	};
}
