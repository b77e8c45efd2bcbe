/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events: what happened, for the journal, D-Bus and whoever watches.  State is in the objects themselves. */
#pragma once

#include "base/strtab.h"

enum event_kind {
	EVENT_UPLINK,            /* another care-of address, or the one before again */
	EVENT_OFFLINE,           /* no link has one */
	EVENT_PREFIX_STATE,      /* a prefix changed its state */
	EVENT_BINDING_STATE,     /* a binding changed its state */
	EVENT_BINDING_REFUSED,   /* a home agent refused an update */
	EVENT_BINDING_REVOKED,   /* a home agent revoked a binding (RFC 5846) */
	EVENT_BINDING_WITHDRAWN, /* no session needs it any more */
	EVENT_ANCHOR_FOUND,
	EVENT_ANCHOR_HEALTH,
	EVENT_ANCHOR_SWITCH, /* another home agent takes over a binding */
	EVENT_PATH_DEAD,     /* a tunnel carries nothing any more */
	EVENT_PATH_ALIVE,    /* and does again */
	EVENT_SESSION_LOST,  /* the owner of a session in need is told that its address is gone */
	EVENT_HANDOVER,      /* a handover is over */
	EVENT_OBSTACLE,      /* something is in the way to an anchor, or is not any more */
	EVENT_FORGED,        /* something that failed authentication was dropped */
	EVENT_KIND_MAX,
};
DECLARE_STRTAB(event_kind); /* "uplink", "offline", "prefix-state", ... */

struct anchor;
struct binding;
struct handover;
struct link;
struct prefix;
struct session;

struct event {
	enum event_kind kind;
	int priority; /* of syslog(3) */
	/* What it is about; NULL where it does not apply.  Valid during the call. */
	const struct link *link;
	const struct prefix *prefix;
	const struct anchor *anchor;
	const struct binding *binding;
	const struct session *session;
	const struct handover *handover;
	char text[320]; /* a sentence for people */
};
