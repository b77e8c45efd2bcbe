/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policy as routing rules can express it. */
#pragma once

#include "conf/conf.h"
#include "conf/policy.h"
#include "net/net.h"

/* Rules that act only when an address is left. */
struct policy_gaps {
	char program[POLICY_NAME_MAX +
		     1]; /* the first that names programs or control groups, "" = none */
	char fixed[POLICY_NAME_MAX + 1]; /* the first that gives what not all users may have */
	char rest[POLICY_NAME_MAX + 1];  /* this one and all behind it were too many */
};

/*
 * ret->source is left alone.  What a rule says that no routing rule can see, or may do, is left to the kernel for all that the
 * rule might match: never another address than the daemon itself would give.
 */
void policy_translate(const struct list *rules, bool fixed_for_all, struct net_policy *ret,
		      struct policy_gaps *gaps);
