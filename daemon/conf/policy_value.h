/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keys of a rule. */
#pragma once

#include "conf/policy.h"

struct policy_key {
	const char *key;
	/* One value.  0, -EINVAL, -E2BIG when there are too many, -ENOENT when the host has no such user. */
	int (*add)(struct policy_rule *rule, const char *value);
	size_t offset, size;  /* what an empty assignment clears in the rule */
	bool single;          /* the whole line is one value, which replaces the last */
	const char *accepted; /* in words, to stand behind "accepted: " */
};

#define POLICY_N_KEYS 8
extern const struct policy_key policy_keys[POLICY_N_KEYS];
