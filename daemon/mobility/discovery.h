/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Discovery of home agents (RFC 6275 sections 7 and 11.4.1, RFC 5026): what is heard is only a candidate.  It becomes an
 * anchor in use by acknowledging a binding update with the key of its section.
 */
#pragma once

#include "base/list.h"
#include "base/usec.h"
#include "conf/conf.h"

/* For each [Anchor] section that looks for agents. */
struct discovery {
	struct list node;
	const struct conf_anchor *conf;
	/* Dynamic home agent address discovery */
	uint16_t identifier; /* of the request under way */
	unsigned requests;   /* sent without an answer */
	usec_t dhaad_at;     /* next request; USEC_INFINITY = none */
	usec_t timeout;
	/* DNS */
	usec_t dns_at; /* next lookup */
	bool resolving;
};
