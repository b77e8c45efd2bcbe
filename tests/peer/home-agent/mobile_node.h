/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The mobile nodes that the agent serves: home addresses and security associations. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>

#include "base/addr.h"
#include "base/list.h"
#include "proto/auth.h"

struct mobile_node {
	struct list node;
	struct ip6_prefix home; /* /128: one home address; shorter: any address of the prefix */
	bool has_sa;            /* without one, binding updates are believed as they come */
	struct mip_sa sa;
	char nai[MH_MAX_IDENTIFIER + 1]; /* empty: any identifier */
};

/*
 * Parse HOA[/LEN][,spi=N,alg=NAME,keyfile=PATH,nai=STRING].  The key file holds hexadecimal digits.
 * Reports what is wrong and gives a negative errno.
 */
int mobile_node_parse(const char *text, struct mobile_node **ret);
void mobile_node_free(struct mobile_node *mn);

/* The most specific entry for a home address, or NULL. */
const struct mobile_node *mobile_node_find(const struct list *nodes, const struct in6_addr *home);
