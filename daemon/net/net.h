/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel: what the engine hears from it and what the engine wants of it.
 *
 *   net.c        life, adoption at start, removal at stop
 *   monitor.c    netlink events and dumps (libmnl)
 *   rtnl.c       changes by netlink (libnl-route-3)
 *   ipv4.c       whether there is IPv4, in words
 *   uplink.c     per-interface state, optimistic DAD
 *   datagram.c   messages on raw sockets
 *   nd.c         router advertisements, solicitations
 *   mobility.c   mobility messages
 *   path.c       home address, rule and routes of a binding; address.c  the address itself
 *   policy_route.c  addresses for sockets that do not ask, by routing rules; policy_rule.c  one of these rules
 *   plane.c      which data plane; plane_bpf.c  the BPF one, plane_ring.c  what it tells, bpf/ its programs
 *   plane_kernel.c  the one of the kernel's own tunnels; plane_kernel_tunnel.c  these, plane_kernel_passage.c  whose
 *                packets they carry, plane_kernel_stranger.c  whose they do not, plane_kernel_listen.c  what they tell,
 *                plane_kernel_undo.c  what to undo,
 *                plane_kernel_probe.c  whether the kernel has them, plane_kernel_audit.c  whether they are as they should be
 *   plane_kernel_protection.c  what of these is protected by ESP; esp.c  states and policies of that
 *   tunnel.c     messages about them; match.c  filters on addresses
 *   routing_header.c  type 2 routing headers where the plane leaves them to us
 *   bpf.c        bpf(2) on pinned objects; tc.c  attaching programs (clsact)
 *   netlink.c    single requests (libmnl)
 *   audit.c      whether all this is there and as it should be; plane_audit.c  the plane's part
 *   leave.c      addresses and routers of an earlier place
 *   pmtu.c       path MTU of the tunnels; relay.c  ICMPv6 errors about their packets
 *   multicast.c  keeps multicast away from our devices
 *   reconcile.c  puts back what others remove
 *   sessions.c   sockets on given source addresses (sock_diag); session_filter.c  which those are
 *   session_watch.c  sockets that go; session_destroy.c  those that are made to; session_bytes.c  what they carried
 *   owner.c      whose a socket is; control_group.c  control groups by number
 *   source.c     which source address the kernel takes
 *   icmp.c       echo requests; answers and errors (RFC 4443, RFC 6275 section 6)
 *   resolve.c    home agents by DNS (RFC 5026)
 *   fetch.c      additional information of provisioning domains (RFC 8801), by a program of its own
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
int net_probe_router(struct net *n, int ifindex, const struct in6_addr *router,
		     const uint8_t mac[6]);
int net_found_router(int ifindex, const struct in6_addr *router, const uint8_t mac[6]);
int net_announce(struct net *n, int ifindex, const struct in6_addr *home);
int net_answer(struct net *n, int ifindex, const struct in6_addr *home, const struct in6_addr *to);
void net_leave_address(struct net *n, int ifindex, const struct in6_addr *addr);
void net_leave_router(struct net *n, int ifindex, const struct in6_addr *router);
int net_set_path(struct net *n, const struct path *path);
void net_confirm_path(struct net *n, const struct path *path);
void net_drop_path(struct net *n, const struct path *path);
int net_accept(struct net *n, const struct in6_addr *home, const struct in6_addr *anchor,
	       const struct in6_addr *coa);
void net_reject(struct net *n, const struct in6_addr *home, const struct in6_addr *anchor,
		const struct in6_addr *coa);
usec_t net_first_data(struct net *n, const struct in6_addr *home, const struct in6_addr *anchor,
		      const struct in6_addr *coa);
int net_list_sessions(struct net *n, const struct ip6_prefix *sources, unsigned n_sources,
		      struct session_info **ret, size_t *ret_n);
void net_watch_sessions(struct net *n, bool on);
/* Every datagram socket of IPv6, also those without a source address (then ::). */
int net_list_datagrams(struct net *n, struct session_info **ret, size_t *ret_n);
/* End the sockets on these addresses: their owners get ECONNABORTED. */
void net_destroy_sessions(struct net *n, const struct in6_addr *source, unsigned n_sources);
/* What TCP sockets on these sources have carried, by cookie; freed by the caller.  For views: it is slower than a list. */
struct session_bytes {
	uint64_t cookie, sent, received;
};
int net_session_bytes(struct net *n, const struct ip6_prefix *sources, unsigned n_sources,
		      struct session_bytes **ret, size_t *ret_n);
const struct session_bytes *session_bytes_find(const struct session_bytes *b, size_t n,
					       uint64_t cookie);
/* -ENOENT, or -EACCES: an owner may be there, but we are not allowed to look. */
int net_session_owner(struct net *n, const struct session_info *s, struct session_owner *ret);
/*
 * The number of the control group that a process is in: -EPERM if it is the root of all, or its directory does not belong to
 * the user (0: to whomever).
 */
int net_control_group_of(pid_t pid, uid_t uid, uint64_t *ret);
/* All that there are; freed by the caller. */
int net_list_control_groups(uint64_t **ret, size_t *ret_n);
/* The source address of a socket that is connected and has asked for nothing. */
int net_source(const struct in6_addr *destination, struct in6_addr *ret);
int net_echo(struct net *n, int ifindex, const struct in6_addr *src, const struct in6_addr *dst,
	     uint16_t identifier, uint16_t sequence, size_t octets);
void net_limit_mtu(struct net *n, const struct in6_addr *home, uint32_t octets);
/* -EBUSY: too many at a time.  After 0, engine_resolved() and engine_domain() follow in any case, but not within the call. */
int net_resolve(struct net *n, const char *domain);
int net_fetch_domain(struct net *n, int ifindex, const char *domain);

/*
 * What the policy gives to sockets of this host that have no source address when they connect (policy_route.c).  Those that
 * have bound one are never concerned.
 */
#define NET_POLICY_RULES 96
#define NET_POLICY_ORDERS 32
struct net_policy_rule {
	unsigned order; /* the lower one counts; of the same, one is as good as the other */
	enum service_type service;     /* non-persistent: left to the kernel */
	uint8_t protocol;              /* IPPROTO_TCP, IPPROTO_UDP */
	uint16_t port_from, port_to;   /* of the other end; 0: all */
	struct ip6_prefix destination; /* length 0: all */
	bool has_user;
	uid_t user;
};
struct net_policy {
	unsigned n; /* in ascending order */
	struct net_policy_rule rule[NET_POLICY_RULES];
	struct in6_addr source[SERVICE_TYPE_MAX]; /* a home address; ::: none, left to the kernel */
};
/* NULL: no rules.  Told anew whenever the addresses that can be given may have changed.  0, or -errno, logged. */
int net_route_policy(struct net *n, const struct net_policy *policy);

/* Tunnelled traffic of a binding, since its slot was given to its home address. */
struct net_traffic {
	uint64_t sent_packets, sent_bytes, received_packets, received_bytes;
};
void net_traffic(struct net *n, unsigned slot, struct net_traffic *ret);
/* engine_activity() at the next packet that leaves from this home address, also when it has no path; once. */
void net_watch_activity(struct net *n, const struct in6_addr *home);

/*
 * Is everything in the kernel as it should be?  At most max results; returns how many.  The words of what is well may be
 * empty; those of what is not say what is wrong and what helps.
 */
struct audit_result {
	char what[96];
	bool ok;
	char words[512]; /* with the longest path of a file */
};
unsigned net_audit(struct net *n, struct audit_result *ret, unsigned max);

/* How what goes through the tunnel of a path is protected (PayloadProtection=). */
enum net_protection {
	NET_PROTECTION_NONE,
	NET_PROTECTION_ESP,
	NET_PROTECTION_BLOCKED, /* it should be and cannot: nothing goes through */
	NET_PROTECTION_MAX,
};
DECLARE_STRTAB(net_protection); /* "no", "esp", "blocked" */
/* words: NULL, or what keeps it from that and what can be done. */
enum net_protection net_protection(struct net *n, const struct path *path, const char **ret_words);

/* Does the data plane know how to? */
bool net_can_protect(const struct net *n);

/* The name of the data plane: "bpf", "kernel". */
const char *net_plane(const struct net *n);
/* Packets that the plane has refused since it was loaded. */
enum net_drop {
	NET_DROP_NO_BINDING,   /* left a home address that has no path */
	NET_DROP_NOT_ACCEPTED, /* claimed to be tunnelled, but not by the anchor */
	NET_DROP_MALFORMED,
	NET_DROP_ECN, /* congestion marked outside, not ECN-capable inside */
	NET_DROP_FAILED,
	NET_DROP_MAX,
};
DECLARE_STRTAB(net_drop); /* "no-binding", "not-accepted", "malformed", "ecn", "failed" */
void net_dropped(struct net *n, uint64_t ret[static NET_DROP_MAX]);
