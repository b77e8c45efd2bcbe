/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The prefix table: every prefix the host has or had, with its state and properties. */
#pragma once

#include <stdbool.h>

#include "base/addr.h"
#include "base/list.h"
#include "base/property.h"
#include "base/strtab.h"
#include "base/usec.h"
#include "conf/conf.h"

enum prefix_state {
	PREFIX_NATIVE,      /* on its own link: no tunnel, no signalling */
	PREFIX_REGISTERING, /* anchored, away; its anchor has not accepted a binding yet */
	PREFIX_REMOTE,      /* anchored, away, bound */
	PREFIX_DRAINING,    /* being withdrawn: no new sessions */
	PREFIX_LOST,        /* no way to reach its addresses now */
	PREFIX_STATE_MAX,
};
DECLARE_STRTAB(prefix_state); /* "native", "registering", "remote", "draining", "lost" */

enum prefix_origin {
	PREFIX_FROM_RA,
	PREFIX_FROM_ADDRESS, /* configured on the link by somebody else */
	PREFIX_FROM_CONFIG,
	PREFIX_ORIGIN_MAX,
};
DECLARE_STRTAB(prefix_origin); /* "router-advertisement", "address", "configuration" */

struct anchor;
struct link;

struct prefix {
	struct list node;
	struct ip6_prefix prefix;
	enum prefix_state state;
	enum prefix_anchoring anchoring;
	enum prefix_origin origin;
	enum service_type service;
	struct properties properties;
	enum property_source source[PROPERTY_MAX]; /* of each property that is set */
	char domain[CONF_DOMAIN_MAX + 1];          /* provisioning domain, "" = none named */
	bool domain_verified; /* which has confirmed that the prefix is its own */
	unsigned sessions;    /* in need, as far as anybody has looked: 0 while native */
	/* NULL unless anchored; of a native one: who would serve it after a move. */
	struct anchor *anchor;
	struct link *link; /* where it is native, else NULL */
	usec_t valid_until, preferred_until;
	bool wanted; /* by the update that runs */
};
