/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Data planes behind one table.  A plane moves packets between home addresses and anchors;
 * addresses, rules and routes around it are path.c's.  All calls are idempotent; 0 or -errno.
 */
#pragma once

#include "net/net.h"

struct audit;
struct nlmsghdr;

struct plane {
	const struct plane_ops *ops;
};

/* How signalling leaves: into an interface, with a mark (0 = none). */
struct plane_way {
	int ifindex;
	uint32_t mark;
};

struct plane_ops {
	const char *name; /* "bpf", "kernel" */
	/* It leaves type 2 routing headers to us: routing_header.c. */
	bool leaves_routing_headers;
	/* It leaves ICMPv6 errors about tunnel packets to us: relay.c. */
	bool leaves_errors;
	/* Our device exists (again) under these indexes of its two ends and this address. */
	int (*set_device)(struct plane *p, int ifindex, int far_end, const uint8_t mac[6]);
	/* Where the default route of a path with a tunnel leads, 0 = nowhere yet; NULL: into our device, all of them. */
	int (*device_for)(struct plane *p, const struct path *path);
	/* One of those. */
	bool (*owns)(struct plane *p, int ifindex);
	/* What the kernel tells of one of those is not as it was made; NULL: there are none. */
	bool (*is_changed)(struct plane *p, const struct nlmsghdr *link);
	/* Let the interface carry tunnels.  has_mac: frames begin with an Ethernet header. */
	int (*attach)(struct plane *p, int ifindex, bool has_mac);
	/* What is to be undone on the interface, bits PLANE_UPLINK_*; remembered over a crash. */
	int (*remember)(struct plane *p, int ifindex, uint32_t undo);
	/* The interface is gone, and what was to be undone on it. */
	void (*uplink_gone)(struct plane *p, int ifindex);
	/* The handover itself: packets from path->home leave by path from now on.  PATH_BLOCKED and
	 * PATH_HOME: no tunnel.  The counters of a slot begin anew with another home address.
	 * down: its link is, or its anchor has not been told; as with pause(). */
	int (*set_path)(struct plane *p, const struct path *path, bool down);
	/* The path that was set last is good; NULL: nothing waits for that. */
	void (*confirm_path)(struct plane *p, const struct path *path);
	/* The link of its path is down: drop what it sends until the path is set with a link that is not. */
	void (*pause)(struct plane *p, const struct path *path);
	/* No path, and nobody waits for a packet from it. */
	void (*forget)(struct plane *p, const struct in6_addr *home);
	/* The first path of this run is in place: what an earlier one had for it may go.  NULL: nothing is kept for that. */
	void (*settle)(struct plane *p, const struct in6_addr *home);
	/* Signalling from this care-of address, sent that way, leaves by that router. */
	int (*set_source)(struct plane *p, const struct in6_addr *coa, int ifindex,
			  const struct in6_addr *next_hop, struct plane_way *ret);
	int (*accept)(struct plane *p, unsigned slot, const struct in6_addr *home,
		      const struct in6_addr *anchor, const struct in6_addr *coa);
	void (*reject)(struct plane *p, const struct in6_addr *home, const struct in6_addr *anchor,
		       const struct in6_addr *coa);
	bool (*is_accepted)(struct plane *p, const struct in6_addr *home,
			    const struct in6_addr *anchor, const struct in6_addr *coa);
	usec_t (*first_data)(struct plane *p, const struct in6_addr *home,
			     const struct in6_addr *anchor, const struct in6_addr *coa);
	void (*traffic)(struct plane *p, unsigned slot, struct net_traffic *ret);
	/* Tell the next packet that leaves from home, with or without a path, once: the descriptor
	 * becomes readable, and next_activity() gives home.  False: nothing more to tell. */
	int (*watch)(struct plane *p, const struct in6_addr *home);
	int (*activity_fd)(struct plane *p);
	bool (*next_activity)(struct plane *p, struct in6_addr *ret_home);
	void (*dropped)(struct plane *p, uint64_t ret[static NET_DROP_MAX]);
	/* Forget state of home addresses that are not among these, left by an earlier run. */
	void (*forget_others)(struct plane *p, const struct engine *e);
	/* The next interface to be undone, which is forgotten; -ENOENT at the end. */
	int (*undo)(struct plane *p, int *ret_ifindex, uint32_t *ret_undo);
	/* Audit: does the interface, our device or an uplink, carry our programs (NULL: there are none); does the path of a
	 * home address stand in the plane; what else is there to check.  What is wrong is told in words. */
	bool (*check_attached)(struct plane *p, int ifindex, bool has_mac);
	const char *(*check_path)(struct plane *p, const struct path *path);
	void (*audit)(struct plane *p, const struct conf *conf, struct audit *a);
	/* How the payload of a path is protected, and what keeps it from that, in words.  NULL: it is not, and need not be. */
	enum net_protection (*protection)(struct plane *p, const struct path *path);
	const char *(*protection_fault)(struct plane *p, const struct path *path);
	/* The configuration is another one now; NULL: nothing of it matters. */
	void (*reconfigure)(struct plane *p, const struct conf *conf);
	/* Undo everything, also what an earlier run left. */
	void (*teardown)(struct plane *p);
	void (*free)(struct plane *p);
};

/* Opens the plane that is configured, or the first that the kernel offers; what an earlier run with another one has left goes. */
int plane_open(const struct conf *conf, struct plane **ret);
/* Unpin what plane_open() had pinned, if we may. */
void plane_unload(const struct conf *conf);
int plane_bpf_open(const struct conf *conf, struct plane **ret);
/* why: what is missing, in words. */
int plane_kernel_open(const struct conf *conf, struct plane **ret, char *why, size_t size);
/* Its interfaces, left by an earlier run. */
void plane_kernel_remove(const struct conf *conf);
