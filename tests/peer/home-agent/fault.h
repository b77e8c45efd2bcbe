/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Misbehaviour on request, for tests of what a mobile node does with it: binding updates ignored or
 * refused, messages spoilt in one exact way.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strtab.h"
#include "icmp_error.h"
#include "proto/ext.h"
#include "proto/mh.h"

enum message_fault {
	MESSAGE_FAULT_NONE,
	MESSAGE_FAULT_TRUNCATED,      /* the last 8 octets missing, Header Len as before */
	MESSAGE_FAULT_OVERSIZED,      /* 600 octets behind the end that Header Len tells */
	MESSAGE_FAULT_BAD_AUTH,       /* one bit of the authenticator flipped */
	MESSAGE_FAULT_NO_AUTH,        /* no authentication option, though there is an association */
	MESSAGE_FAULT_BAD_CHECKSUM,   /* one bit of the checksum flipped */
	MESSAGE_FAULT_WRONG_SEQUENCE, /* a sequence number never sent, everything else right */
	MESSAGE_FAULT_WRONG_HOA,      /* routing header with somebody else's home address */
	MESSAGE_FAULT_NO_RH2,         /* sent to the care-of address without routing header */
	MESSAGE_FAULT_REPLAYED,       /* the acknowledgement sent before this one, octet by octet */
	MESSAGE_FAULT_WRONG_SPI,      /* the next SPI, authenticator right for it */
	MESSAGE_FAULT_DELAYED,        /* right, but late */
	MESSAGE_FAULT_DUPLICATE,      /* right, twice */
	MESSAGE_FAULT_UNKNOWN_OPTION, /* right, with four unassigned options of 246 octets in front */
	MESSAGE_FAULT_MAX,
};
DECLARE_STRTAB(message_fault); /* "none", "truncated", "oversized", "bad-auth", ... */

struct faults {
	bool silent;               /* neither answers nor forwards anything */
	bool drop_data;            /* the tunnel carries nothing, signalling lives */
	unsigned drop;             /* binding updates still to be ignored */
	unsigned status_count;     /* binding updates still to be answered with `status` */
	uint8_t status;            /* and not acted upon */
	unsigned mutate_count;     /* acknowledgements still to be spoilt */
	enum message_fault mutate; /* in this way */
	unsigned mutate_delay_ms;
	unsigned icmp_count; /* binding updates still to be answered with an ICMPv6 error */
	struct icmp_error icmp;
};

/* A fault that any message can have, not only an acknowledgement. */
bool fault_is_general(enum message_fault fault);

/* Takes one off the remaining number: what happens to the next acknowledgement. */
enum message_fault faults_next_ack(struct faults *f);

/* The steps at which a fault enters a message.  Each does nothing for the faults of others. */
void fault_message(enum message_fault fault, struct mh_message *m);
void fault_spi(enum message_fault fault, uint32_t *spi);
/* Encoded, not yet signed: *len may grow up to cap. */
void fault_encoded(enum message_fault fault, struct mh_message *m, uint8_t *buf, size_t *len,
		   size_t cap);
void fault_signed(enum message_fault fault, const struct mh_message *m, uint8_t *buf);
void fault_addresses(enum message_fault fault, struct ip6_packet *p);
/* Before and after the checksum, which covers what is sent. */
void fault_sized(enum message_fault fault, uint8_t *buf, size_t *len, size_t cap);
void fault_summed(enum message_fault fault, uint8_t *buf);
