/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The maps of the BPF data plane, as seen from both sides.  They are pinned under PinDirectory= by
 * their names, together with the programs, and outlive the daemon: a crash stops no traffic.
 *
 * All addresses are in network order.  PLANE_VERSION changes with any layout here: a pinned plane
 * of another version is replaced, not used.
 */
#pragma once

#include <linux/types.h>

#define PLANE_VERSION 6
#define PLANE_MAX_HOMES 64
#define PLANE_MAX_ACCEPT 1024

struct plane_addr {
	__u32 w[4];
};

/* map "config", one entry, key 0 */
struct plane_config {
	__u32 version;
	__u32 ifindex; /* our own device; 0 = none: leave everything alone */
	__u8 mac[8];   /* its address in the first 6 octets */
};

/* map "binding": what leaves from a home address; key: the home address */
struct plane_binding {
	struct plane_addr anchor;   /* outer destination */
	struct plane_addr coa;      /* outer source */
	struct plane_addr next_hop; /* on the uplink; :: on a link without neighbours */
	__u32 ifindex;              /* uplink */
	__u32 slot;                 /* index into "sent" */
	__u32 watched;              /* the home address may be in "watch": worth a look */
	__u32 doubted;              /* the next hop may have to be resolved: see resolved() */
	__u32 paused;               /* nothing can leave yet, or any more: it is held */
};

/*
 * map "watch", key: the home address: the next packet from it is told by a record of that address in the ring buffer
 * "activity", and the entry goes.
 */
struct plane_watch {
	__u32 pad;
};

/* map "accept": who may send to a home address, and to which care-of address */
struct plane_accept_key {
	struct plane_addr home, anchor, coa;
};

struct plane_accept {
	__u64 first_ns; /* CLOCK_BOOTTIME of the first packet let in, 0 = none yet */
	__u32 slot;     /* index into "received" */
	__u32 pad;
};

/*
 * map "coa": care-of addresses in use; what comes to others is not ours to judge.  Signalling from a care-of address leaves
 * through our device too and takes this way: the main table may still hold the route of a link that is gone.
 */
struct plane_coa {
	struct plane_addr next_hop;
	__u32 ifindex;
	__u32 answered; /* an anchor has sent something since this was written: the next hop has been resolved */
};

/*
 * map "held": the newest packet of each of some flows of a home address that was sent while its link was down; the daemon
 * sends it by the next path.
 */
#define PLANE_HELD_FLOWS 8u /* of a home address */
#define PLANE_MAX_HELD (PLANE_MAX_HOMES * PLANE_HELD_FLOWS)
#define PLANE_HELD_NS 60000000000ull /* nobody waits for what is older */
#define PLANE_HELD_SIZE 1500
/* A flow that has sent so many in a row, none later than this after the one before, is a stream while that goes on. */
#define PLANE_STREAM_ROW 8u
#define PLANE_STREAM_NS 50000000ull

struct plane_held_key {
	struct plane_addr home;
	__u32 place; /* below PLANE_HELD_FLOWS */
};

struct plane_held {
	__u64 at_ns;           /* CLOCK_BOOTTIME */
	struct plane_addr coa; /* its path did not take it, or has taken it since */
	__u32 flow;            /* a hash of destination and ports, or identifier of ICMPv6 */
	__u32 row;             /* packets of its flow before it, each soon behind the last */
	__u32 len;
	/* From the IPv6 header on; the checksum of its payload may still have to be made. */
	__u8 packet[PLANE_HELD_SIZE];
	__u64 at_ns_too; /* another one than at_ns: it was read while it was written */
};

/* map "uplink": key: interface index; value: bits of what to undo at stop, also after a crash. */
#define PLANE_UPLINK_QUEUE 1u          /* the clsact queue is ours */
#define PLANE_UPLINK_OPTIMISTIC_DAD 2u /* optimistic_dad was 0 */
#define PLANE_UPLINK_USE_OPTIMISTIC 4u /* use_optimistic was 0 */
#define PLANE_MAX_UPLINKS \
	1024 /* all interfaces that look like one: hosts of containers have hundreds */

/* map "owner", key: slot: the home address that its counters belong to, a struct plane_addr */

/* maps "sent" and "received", per CPU, key: slot */
struct plane_traffic {
	__u64 packets, bytes;
};

/* map "dropped", per CPU, key: */
enum plane_drop {
	PLANE_DROP_NO_BINDING,   /* left a home address that has no path */
	PLANE_DROP_NOT_ACCEPTED, /* claimed to be tunnelled, but not by the anchor of its
				    destination */
	PLANE_DROP_MALFORMED,
	PLANE_DROP_ECN,    /* congestion marked outside, not ECN-capable inside (RFC 6040) */
	PLANE_DROP_FAILED, /* the kernel refused to resize the packet */
	PLANE_DROP_MAX,
};

/*
 * Mark of a mobility message or mobile prefix advertisement that came with a type 2 routing header, which is taken out
 * before the daemon's raw socket sees it (SO_RCVMARK).  No other packet carries it.
 */
#define PLANE_MARK_RH2 0x646d6d32u
