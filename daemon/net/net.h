/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel: what the engine hears from it and what the engine wants of it.
 *
 *   net.c        life, adoption at start, removal at stop
 *   monitor.c    netlink events and dumps (libmnl)
 *   rtnl.c       changes by netlink (libnl-route-3)
 *   uplink.c     per-interface state, optimistic DAD
 *   datagram.c   messages on raw sockets
 *   nd.c         router advertisements, solicitations
 *   mobility.c   mobility messages
 *   path.c       home address, rule and routes of a binding
 *   plane.c      which data plane; plane_bpf.c  the BPF one, bpf/ its programs
 *   bpf.c        bpf(2) on pinned objects; tc.c  attaching programs (clsact)
 *   leave.c      addresses and routers of an earlier place
 *   pmtu.c       path MTU of the tunnels
 *   reconcile.c  puts back what others remove
 *
 * Everything we make carries our mark: device name, protocol 77 on routes and rules, our table and
 * priority range.  Nothing without it is ever changed.  This folder alone sees netlink.
 */
#pragma once

#include <systemd/sd-event.h>

#include "conf/conf.h"
#include "mobility/engine.h"

struct net;

/* Opens sockets and the data plane, makes or adopts our device.  -errno with a log line that says
 * what is missing. */
int net_new(sd_event *ev, const struct conf *conf, struct net **ret);

/* Tell the engine what is there (links, addresses, routes), then go on telling it what changes. */
int net_start(struct net *n, struct engine *e);

/* Interfaces are used as the new configuration says; names and numbers of ours stay. */
void net_reconfigure(struct net *n, const struct conf *conf);

/* Remove all that is ours. */
void net_teardown(struct net *n);
/* Close; what is in the kernel stays and works on. */
void net_free(struct net *n);

/* The kernel's part of struct engine_ops; `user` is a struct net. */
int net_send(struct net *n, int ifindex, const struct ip6_packet *packet);
int net_solicit(struct net *n, int ifindex);
int net_announce(struct net *n, int ifindex, const struct in6_addr *home);
int net_answer(struct net *n, int ifindex, const struct in6_addr *home, const struct in6_addr *to);
void net_leave_address(struct net *n, int ifindex, const struct in6_addr *addr);
void net_leave_router(struct net *n, int ifindex, const struct in6_addr *router);
int net_set_path(struct net *n, const struct path *path);
void net_drop_path(struct net *n, const struct path *path);
int net_accept(struct net *n, const struct in6_addr *home, const struct in6_addr *anchor,
	       const struct in6_addr *coa);
void net_reject(struct net *n, const struct in6_addr *home, const struct in6_addr *anchor,
		const struct in6_addr *coa);
usec_t net_first_data(struct net *n, const struct in6_addr *home, const struct in6_addr *anchor,
		      const struct in6_addr *coa);

/* Tunnelled traffic of a binding since its plane was loaded. */
struct net_traffic {
	uint64_t sent_packets, sent_bytes, received_packets, received_bytes;
};
void net_traffic(struct net *n, unsigned slot, struct net_traffic *ret);
