/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Properties of a prefix that matter for mobility (RFC 7333 REQ2, RFC 8653), as any source may state them: configuration,
 * router advertisements, provisioning domains, home agents.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/strtab.h"

enum service_type { /* RFC 8653 section 3, weakest promise first */
		    SERVICE_NON_PERSISTENT,
		    SERVICE_GRACEFUL_REPLACEMENT,
		    SERVICE_SESSION_LASTING,
		    SERVICE_FIXED,
		    SERVICE_TYPE_MAX,
};
DECLARE_STRTAB(service_type); /* "non-persistent", "graceful-replacement", ... */

enum prefix_anchoring {
	PREFIX_ANCHORING_UNKNOWN,
	PREFIX_LOCAL,    /* nobody delivers its packets elsewhere */
	PREFIX_ANCHORED, /* a home agent does */
	PREFIX_ANCHORING_MAX,
};
DECLARE_STRTAB(prefix_anchoring); /* "unknown", "local", "anchored" */

enum prefix_mobility {
	PREFIX_MOBILITY_UNKNOWN,
	PREFIX_MOBILITY_NONE,
	PREFIX_MOBILITY_HOST,    /* by our own bindings */
	PREFIX_MOBILITY_NETWORK, /* the network keeps it in place (RFC 5213, GTP) */
	PREFIX_MOBILITY_MAX,
};
DECLARE_STRTAB(prefix_mobility); /* "unknown", "none", "host", "network" */

enum property {
	PROPERTY_ANCHORING,
	PROPERTY_ANCHOR,
	PROPERTY_SERVICE,
	PROPERTY_MOBILITY,
	PROPERTY_INTERNET,
	PROPERTY_PUBLISHED,
	PROPERTY_COST,
	PROPERTY_MAX,
};
DECLARE_STRTAB(
	property); /* "anchoring", "anchor", "service", "mobility", "internet", "published", "cost" */

/* Who said so; of two the higher one counts. */
enum property_source {
	SOURCE_DEFAULT,       /* of its class */
	SOURCE_INFERRED,      /* from how the network behaves */
	SOURCE_RA,            /* standard options of router advertisements */
	SOURCE_OPTION,        /* the experimental prefix property option */
	SOURCE_PVD,           /* additional information of a provisioning domain, HTTPS verified */
	SOURCE_BINDING,       /* a binding that lives, or its home agent's word */
	SOURCE_ADMINISTRATOR, /* configuration */
	SOURCE_MAX,
};
DECLARE_STRTAB(
	property_source); /* "default", "inferred", "router-advertisement", "prefix-property-option", "provisioning-domain",
				    "binding", "configuration" */

#define PROPERTY_ANCHOR_MAX 63

struct properties {
	unsigned set; /* bits 1u << enum property: the members that mean something */
	enum prefix_anchoring anchoring;
	char anchor[PROPERTY_ANCHOR_MAX + 1]; /* name of an [Anchor] section, or an address */
	enum service_type service;
	enum prefix_mobility mobility;
	bool internet;  /* reaches general destinations */
	bool published; /* others know its addresses, for servers */
	uint32_t cost;  /* 0 = cheapest */
};

static inline bool properties_have(const struct properties *p, enum property which)
{
	return p->set & (1u << which);
}
