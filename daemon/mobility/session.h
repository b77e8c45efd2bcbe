/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sessions: transport sessions of this host, as the kernel knows them.
 *
 * While a prefix is native nobody looks at them.  When it is left, those on its addresses are listed once; as long as
 * one of them is in need the prefix has a binding, and the kernel tells when one goes.
 */
#pragma once

#include <limits.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/list.h"
#include "base/property.h"
#include "base/usec.h"

struct binding;
struct policy_rule;

/* One socket as it stands in the kernel. */
struct session_info {
	uint64_t cookie;                     /* the kernel's name of the socket, never used twice */
	uint8_t protocol;                    /* IPPROTO_TCP, IPPROTO_UDP */
	struct in6_addr source, destination; /* destination ::, not connected */
	uint16_t source_port, destination_port; /* host order */
	uid_t uid;
	uint32_t inode;
	uint64_t cgroup_id; /* 0 = not known */
	bool listening;     /* waits for others: in need only if it is to be reached (fixed) */
};

struct session_owner {
	pid_t pid; /* 0 = not found */
	char executable[PATH_MAX];
	char control_group[PATH_MAX]; /* below the root of the unified hierarchy, begins with '/' */
};

/* One that the engine keeps an eye on. */
struct session {
	struct list node;      /* of its binding */
	struct list hash_node; /* of engine.sessions */
	struct binding *binding;
	struct session_info info;
	pid_t pid; /* 0 = nobody had to know */
	enum service_type requested, granted;
	const struct policy_rule *rule; /* that said so; NULL = none matched */
	usec_t since;                   /* when it came to the engine's notice */
	bool in_need;
	bool listed; /* by the look that runs */
};
