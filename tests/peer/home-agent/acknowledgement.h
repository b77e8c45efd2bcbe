/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Binding acknowledgements (RFC 6275 sections 6.1.8, 9.5.4 and 10.3), authenticated and protected
 * against replay as in RFC 4285.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/auth.h"
#include "proto/mh.h"

struct agent;

/* All that an answer needs to know of the binding update; can wait while DAD goes on. */
struct acknowledgement {
	struct in6_addr agent;   /* source: our address that the update came to */
	struct in6_addr to;      /* the update's source in its IPv6 header */
	struct in6_addr home;    /* by type 2 routing header, when away */
	struct in6_addr coa;     /* being bound; enters the authenticator */
	bool away;               /* the update had a home address option */
	const struct mip_sa *sa; /* NULL: not authenticated */
	uint16_t sequence;       /* of the update; the last accepted one with status 135 */
	uint16_t lifetime;       /* granted, unit 4 s */
	uint16_t refresh_advice; /* unit 4 s, 0 = none */
	uint8_t status;
	bool has_replay;
	uint64_t replay;
	uint8_t mn_id_subtype, mn_id_len;
	uint8_t mn_id[MH_MAX_IDENTIFIER];
};

/* Send it, spoilt where a fault is scripted.  Failures are logged. */
void acknowledgement_send(struct agent *a, const struct acknowledgement *ack);
/*
 * The same when the packets that came right behind the update have been passed on: they are let in from the moment it was
 * accepted.
 */
void acknowledgement_behind_data(struct agent *a, const struct acknowledgement *ack);
/* Those that still wait, before something changes how they are sent. */
void acknowledgements_flush(struct agent *a);
int acknowledgements_open(struct agent *a);
void acknowledgements_close(struct agent *a);
