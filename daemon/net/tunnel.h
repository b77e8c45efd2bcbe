/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages to the kernel about its own tunnels (ip6_tunnel): each function completes one in buf, of TUNNEL_MESSAGE_SIZE octets,
 * and netlink_talk() sends it.
 */
#pragma once

#include <linux/if_link.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define TUNNEL_MESSAGE_SIZE 1024
#define TUNNEL_HOP_LIMIT 64

struct nlmsghdr;

struct tunnel_spec {
	const char *name;
	struct in6_addr local, remote;
	int link;      /* that its packets leave by, 0 = any */
	uint32_t mark; /* that they are routed with */
};

/* A new interface, down: IPv6 in IPv6 between these two addresses and no others, traffic class and flow label as inside. */
struct nlmsghdr *tunnel_add(void *buf, const struct tunnel_spec *s);
/* No addresses of its own.  Before it is up. */
struct nlmsghdr *tunnel_plain(void *buf, int ifindex);
struct nlmsghdr *tunnel_up(void *buf, int ifindex);
struct nlmsghdr *tunnel_delete(void *buf, int ifindex);
/* ifindex 0: all interfaces that are tunnels of this kind. */
struct nlmsghdr *tunnel_get(void *buf, int ifindex);

/* What the kernel says of an interface; false if it is none of that kind. */
struct tunnel_info {
	char name[IFNAMSIZ];
	int ifindex;
	bool up;
	struct tunnel_spec spec; /* its name is above */
	struct rtnl_link_stats64 counters;
};
bool tunnel_parse(const struct nlmsghdr *h, struct tunnel_info *ret);

/* A note on an interface, at most 255 octets. */
struct nlmsghdr *link_note(void *buf, int ifindex, const char *text);
/* "" if there is none. */
int link_read_note(int ifindex, char *ret, size_t size);
/* 0: there is none.  if_nametoindex(3) would let the kernel look for a module of that name, which takes a process. */
int link_index(const char *name);
/* By whatever kind of interface; 0 if it cannot be read. */
uint64_t link_sent_packets(int ifindex);

/* What carries the mark is routed by a table of its own ... */
struct nlmsghdr *mark_rule(void *buf, bool add, uint32_t priority, uint32_t table, uint32_t mark);
/* ... in which there is one default route; next_hop :: = none. */
struct nlmsghdr *mark_route(void *buf, uint32_t table, int ifindex,
			    const struct in6_addr *next_hop);
/* Whichever there is. */
struct nlmsghdr *unmark_route(void *buf, uint32_t table);
