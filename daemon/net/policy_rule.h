/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One routing rule of the policy (policy_route.c): as it should be, and as netlink has it. */
#pragma once

#include <libmnl/libmnl.h>

#include "net/net.h"

/* Priorities behind those of home addresses and of our device; conf->rule_priority is added. */
#define POLICY_HOLD 65  /* goes to the end: nothing behind it acts */
#define POLICY_GUARD 66 /* what policy is not for goes there */
#define POLICY_FIRST 67 /* one for each run of rules of the same service */
#define POLICY_END 99   /* does nothing, and is the last of all priorities */
#define POLICY_ORDERS (POLICY_END - POLICY_FIRST)
_Static_assert(POLICY_ORDERS == NET_POLICY_ORDERS, "the range of RulePriority=");

#define POLICY_GUARDS 8
#define POLICY_RULES_MAX (1 + POLICY_GUARDS + NET_POLICY_RULES)

/* All are for packets of this host alone. */
struct policy_route {
	uint32_t priority;
	uint8_t action;  /* FR_ACT_* */
	uint32_t target; /* table, or priority of FR_ACT_GOTO */
	uint8_t protocol;
	uint16_t port_from, port_to;           /* 0: all */
	struct ip6_prefix source, destination; /* length 0: all, of source: also none yet */
	bool has_user;
	uid_t user;
};

/*
 * All that the kernel needs for a policy, in the order in which it is to be put there; table: by service, 0 = no address, left
 * to the kernel.  None if no rule gives anything.
 */
unsigned policy_routes_make(const struct net_policy *policy,
			    const uint32_t table[static SERVICE_TYPE_MAX], uint32_t base,
			    struct policy_route ret[static POLICY_RULES_MAX]);
struct policy_route policy_route_hold(uint32_t base);

bool policy_route_equal(const struct policy_route *a, const struct policy_route *b);

/* RTM_NEWRULE or RTM_DELRULE, to be acknowledged. */
#define POLICY_ROUTE_MESSAGE 512
struct nlmsghdr *policy_route_message(char buf[static POLICY_ROUTE_MESSAGE],
				      const struct policy_route *r, bool add);
/* False: it is none of ours, of any kind. */
bool policy_route_parse(const struct nlmsghdr *h, uint32_t base, struct policy_route *ret);
