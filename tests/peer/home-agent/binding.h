/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The binding cache (RFC 6275 sections 9.1 and 10.1) and what a binding means for packets: the
 * route of the home address into the tunnel and its defence on the home link.
 *
 *     none --update--> tentative --DAD delay--> bound --expiry--> none
 *                      tentative --address in use--> none
 *                                               bound --de-registration--> deleted --10 s--> none
 *
 * An entry stays after its binding has ended, so that the newest timestamp of the mobile node is
 * remembered; a deleted one also knows its sequence number and answers repeated de-registrations.
 */
#pragma once

#include <netinet/in.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/list.h"
#include "base/strtab.h"
#include "base/usec.h"

#define BINDING_DELETED_FOR (10 * USEC_PER_SEC) /* MAX_DELETE_BCE_TIMEOUT */
#define BINDING_PREVIOUS_COA_FOR \
	(5 * USEC_PER_SEC) /* packets under way from the old care-of address */

struct agent;
struct mobile_node;
struct acknowledgement;

enum binding_state {
	BINDING_NONE,
	BINDING_TENTATIVE,
	BINDING_BOUND,
	BINDING_DELETED,
	BINDING_STATE_MAX,
};
DECLARE_STRTAB(binding_state);

struct binding {
	struct list node;
	struct agent *owner;
	enum binding_state state;
	struct in6_addr home, coa, agent; /* agent: our address that the update came to */
	const struct mobile_node *mn;     /* borrowed from the configuration */
	uint16_t sequence, flags;
	usec_t expires;
	struct in6_addr previous_coa;
	usec_t previous_until;
	uint64_t last_timestamp; /* of the newest authenticated update, RFC 4285 section 6 */
	sd_event_source *timer;  /* end of the state */
	struct acknowledgement *pending; /* to be sent when the tentative state ends */
	uint64_t packets_in, bytes_in, packets_out, bytes_out;
	uint8_t *last_ack; /* the packet that carried the last acknowledgement, for its replay */
	size_t last_ack_len;
};

struct binding *binding_find(const struct agent *a, const struct in6_addr *home);
/* The entry of a home address, made in state none when there is none.  NULL: no memory. */
struct binding *binding_obtain(struct agent *a, const struct in6_addr *home,
			       const struct mobile_node *mn);
/* An entry in use (tentative or bound) whose home address is this one. */
struct binding *binding_active(const struct agent *a, const struct in6_addr *home);

/* What a valid binding update says. */
struct binding_update {
	struct in6_addr agent, coa;
	uint16_t sequence, flags;
	usec_t lifetime;
};

/* Register: tentative for dad_delay (0: bound at once), or a new care-of address or lifetime. */
int binding_register(struct binding *b, const struct binding_update *u, usec_t dad_delay);
/* Somebody else has the home address: the update that waits is refused. */
void binding_duplicate(struct binding *b);
/* De-register: the home address is the mobile node's own again. */
void binding_deregister(struct binding *b, uint16_t sequence);
/* Lose the binding without a trace for the mobile node, as a restart would. */
void binding_forget(struct binding *b);

/* An outer source is right for this home address: the care-of address, or the last one for 5 s. */
bool binding_source_ok(const struct binding *b, const struct in6_addr *source);

void bindings_free(struct agent *a);
