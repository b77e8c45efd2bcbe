/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why: which source address, prefix, anchor and path a session would get now, and what decided against the others. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/types.h>

#include "mobility/engine.h"

#define EXPLAIN_MAX_CANDIDATES 256
#define EXPLAIN_WORDS_MAX 200

struct explain_request {
	struct in6_addr destination;
	uint16_t port;    /* 0 = any */
	uint8_t protocol; /* 0 = TCP */
	bool has_type;    /* else policy decides */
	enum service_type type;
	uid_t uid;
	struct in6_addr kernel; /* the source that the kernel takes by itself; :: = not known */
};

struct explain_candidate {
	struct in6_addr source; /* :: = the prefix has no usable address now */
	struct ip6_prefix prefix;
	enum prefix_state state;
	char anchor[CONF_NAME_MAX + 8]; /* "" = none */
	char link[IFNAMSIZ];            /* it leaves by; "" = none */
	bool tunnelled;
	bool chosen;
	char words[EXPLAIN_WORDS_MAX]; /* why it was chosen, or the rule that decided against it */
};

struct explain {
	enum service_type requested, granted;
	char asked_by[EXPLAIN_WORDS_MAX]; /* "the request", "rule ssh (/etc/...:3)", "no rule" */
	char words[EXPLAIN_WORDS_MAX];    /* the outcome, or why there is none */
	int chosen;                       /* index, -1 = none */
	unsigned n;
	struct explain_candidate candidate[EXPLAIN_MAX_CANDIDATES];
};

void engine_explain(const struct engine *e, const struct explain_request *q, struct explain *ret);
