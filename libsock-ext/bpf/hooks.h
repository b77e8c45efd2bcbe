/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the socket hooks in the kernel and dmmd share: the maps, pinned by dmmd-hooks(8).  All numbers in host order
 * unless said otherwise.
 */
#ifndef DMM_HOOKS_H
#define DMM_HOOKS_H

#include <linux/types.h>

#define HOOKS_VERSION 1
#define HOOKS_TYPES 5 /* enum dmm_service_type */
#define HOOKS_RULES 64
#define HOOKS_RULE_VALUES 8
#define HOOKS_NAMESPACES 64
#define HOOKS_MAX_HELD 16384
#define HOOKS_MAX_GROUPS 4096
#define HOOKS_MAX_ALLOWED 4096

/* "namespaces": hash, key __u64 network namespace cookie.  One for each dmmd; a socket of another namespace is left alone. */
struct hooks_address {
	__u8 address[16]; /* network order; :: = none of this type */
	__u32 ifindex;
	__u32 restricted; /* only for users in "allowed" */
};
struct hooks_namespace {
	__u32 version;
	__u32 n_rules; /* of "rules" that count */
	__u32 rules_at; /* index of the first in "rules": two halves, changed over with this number */
	__u32 reserved;
	__u64 generation; /* that of the table, for IPV6_DMM_STATUS */
	struct hooks_address address[HOOKS_TYPES];
};

/*
 * "rules": array of 2 * HOOKS_RULES * HOOKS_NAMESPACES, the policy for sockets that ask for nothing; the first that matches
 * counts.  A rule that needs more than the kernel sees (executable), and every rule that does not fit, has type
 * HOOKS_UNDECIDED: the socket is left to the kernel's choice, dmmd decides when the address is left.
 */
#define HOOKS_UNDECIDED 255
struct hooks_ports {
	__u16 from, to;
};
struct hooks_prefix {
	__u8 address[16];
	__u32 length;
};
struct hooks_rule {
	__u8 type;     /* enum dmm_service_type, or HOOKS_UNDECIDED */
	__u8 tcp, udp; /* which protocols it is for; UDP only where the rule names it */
	__u8 n_ports, n_prefixes, n_users; /* 0 = any */
	__u8 reserved[2];
	struct hooks_ports port[HOOKS_RULE_VALUES]; /* of the destination */
	struct hooks_prefix prefix[HOOKS_RULE_VALUES];
	__u32 user[HOOKS_RULE_VALUES];
};

/* "allowed": hash, key struct hooks_user, __u32 1: who may have a restricted type. */
struct hooks_user {
	__u64 netns_cookie;
	__u32 uid, type;
};

/*
 * "groups": hash, key __u64 control group id: what dmm-run(1) has asked for, __u32 enum dmm_service_type.  For TCP alone
 * unless HOOKS_GROUP_UDP is added: getaddrinfo(3) connects datagram sockets to see from where packets would start, and
 * puts IPv4 first when that is a deprecated address.
 */
#define HOOKS_GROUP_UDP 0x100u

/* "held": hash, key __u64 socket cookie: datagram sockets that send from an address without being bound to it. */
struct hooks_held {
	__u64 netns_cookie;
	__u8 address[16];
	__u32 type, uid;
};

/*
 * "wanted": ring buffer of 64 KiB: a socket asked for a type of which there is no address, or for a new one (DMM_F_NEW).
 * At most one record for each socket and type.
 */
struct hooks_wanted {
	__u64 netns_cookie, cookie;
	__u8 destination[16];
	__u32 type, uid;
	__u32 flags; /* DMM_F_*; 0 when a rule or control group decided */
	__u32 reserved;
};

/* "sockets": socket storage, private to the programs. */

/* "counters": per-CPU array of __u64. */
enum hooks_counter {
	HOOKS_ASKED,   /* connections and datagrams of sockets that asked */
	HOOKS_POLICY,  /* that a rule or control group decided */
	HOOKS_GIVEN,   /* source addresses given */
	HOOKS_MISSING, /* no address of the type */
	HOOKS_FAILED,  /* the address could not be bound */
	HOOKS_COUNTERS,
};

/*
 * What the kernel has beyond Linux 5.9: read-only data of the programs, set before they are loaded, so that the
 * verifier never sees a call that the kernel lacks.
 */
struct hooks_kernel {
	__u32 set_retval;    /* 5.18: an errno of our own; without it a refusal is EPERM */
	__u32 option_cookie; /* 5.15: the network namespace of a socket whose option is set or read */
};

#endif
