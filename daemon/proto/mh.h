/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Mobility Header (RFC 6275 section 6.1): messages and their mobility options, bytes <->
 * structs.
 *
 * All integers in these structs are in host order, addresses in network order.  Lifetimes and
 * refresh intervals are in the unit of the wire: 4 seconds.  Nothing here allocates.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/strtab.h"

#define MH_NEXT_HEADER 135
#define MH_MAX_LEN 2048    /* Header Len is 8 bits of 8 octets */
#define MH_LIFETIME_UNIT 4 /* seconds */
#define MH_MAX_BIDS 8      /* Binding Identifier options per message */
#define MH_MAX_PREFIXES 8  /* Mobile Network Prefix options per message */
#define MH_MAX_HA_ADDRS 16 /* addresses in a Home Agent Switch message */
#define MH_MAX_IDENTIFIER 254
#define MH_MAX_AUTH 64 /* authentication data octets */

/* IANA "Mobility Header Types" */
enum mh_type {
	MH_BRR = 0,
	MH_HOTI = 1,
	MH_COTI = 2,
	MH_HOT = 3,
	MH_COT = 4,
	MH_BU = 5,
	MH_BA = 6,
	MH_BE = 7,
	MH_HAS = 12,  /* Home Agent Switch, RFC 5142 */
	MH_BREV = 16, /* Binding Revocation, RFC 5846 */
	MH_UPN = 19,  /* Update Notification, RFC 7077 */
};

/* Binding Update flags, 16 bits (RFC 6275 6.1.7 and successors) */
#define BU_ACK 0x8000u
#define BU_HOME 0x4000u
#define BU_LINKLOCAL 0x2000u
#define BU_KEYMGMT 0x1000u
#define BU_MAP 0x0800u
#define BU_ROUTER 0x0400u
#define BU_PROXY 0x0200u
#define BU_FORCE_UDP 0x0100u
#define BU_TLV 0x0080u
#define BU_OVERWRITE 0x0040u /* RFC 5648; shares its bit with PMIPv6's B */

/* Binding Acknowledgement flags, 8 bits */
#define BA_KEYMGMT 0x80u
#define BA_ROUTER 0x40u
#define BA_PROXY 0x20u

/* Binding Acknowledgement status codes; below 128 the binding was accepted */
enum ba_status {
	BA_ACCEPTED = 0,
	BA_ACCEPTED_PREFIX_DISCOVERY = 1,
	BA_UNSPECIFIED = 128,
	BA_PROHIBITED = 129,
	BA_NO_RESOURCES = 130,
	BA_HOME_REG_UNSUPPORTED = 131,
	BA_NOT_HOME_SUBNET = 132,
	BA_NOT_HOME_AGENT = 133,
	BA_DAD_FAILED = 134,
	BA_SEQUENCE_OUT_OF_WINDOW = 135,
	BA_EXPIRED_HOME_NONCE = 136,
	BA_EXPIRED_CAREOF_NONCE = 137,
	BA_EXPIRED_NONCES = 138,
	BA_TYPE_CHANGE = 139,
	BA_ID_MISMATCH = 144, /* RFC 4285 */
	BA_MESG_ID_REQUIRED = 145,
	BA_AUTH_FAIL = 146,
	BA_INVALID_COA = 174,
};
/* The registered name of any status, in words; "unassigned" where there is none. */
const char *ba_status_str(unsigned status);

struct mh_bu {
	uint16_t sequence;
	uint16_t flags;
	uint16_t lifetime;
};

struct mh_ba {
	uint8_t status;
	uint8_t flags;
	uint16_t sequence;
	uint16_t lifetime;
};

struct mh_be { /* Binding Error */
	uint8_t status;
	struct in6_addr home;
};

struct mh_has {
	unsigned n;
	struct in6_addr addr[MH_MAX_HA_ADDRS];
};

struct mh_test { /* HoTI, CoTI (cookie), HoT, CoT (all) */
	uint16_t nonce_index;
	uint8_t cookie[8];
	uint8_t token[8];
};

struct mh_brev { /* type 1 = BRI with a trigger, 2 = BRA with a status */
	uint8_t type;
	uint8_t code;
	uint16_t sequence;
	uint16_t flags;
};

struct mh_upn {
	uint16_t sequence;
	uint16_t reason;
	uint16_t flags;
};

struct mh_bid { /* Binding Identifier, RFC 5648; coa_len is 0, 4 or 16 */
	uint16_t bid;
	uint8_t status;
	uint8_t flags_pri; /* H 0x80 | BID-PRI */
	uint8_t coa_len;
	uint8_t coa[16];
};

/*
 * Mobility options.  A has_ member, a count or a length tells which are present.  mh_encode()
 * writes them in the order of this struct, each at its alignment, authentication last.
 *
 * mh_decode() takes the first of an option that may stand once, and as many of the others as there
 * is room for.  What follows an authentication option is not covered by it and is skipped; an MN-HA
 * option wins over one for the AAA server.
 */
struct mh_options {
	bool has_refresh_advice, has_alt_coa, has_nonce_indices, has_ipv4_coa, has_ipv4_home,
		has_ipv4_ack, has_nat_detection, has_replay, has_auth, has_binding_auth;

	uint16_t refresh_advice;           /* option 2, unit 4 s */
	struct in6_addr alt_coa;           /* option 3 */
	uint16_t home_nonce, careof_nonce; /* option 4 */
	unsigned n_prefixes;               /* option 6 */
	struct ip6_prefix prefix[MH_MAX_PREFIXES];
	unsigned n_bids; /* option 35 */
	struct mh_bid bid[MH_MAX_BIDS];
	const uint8_t *flow_id; /* option 45, its data as found; borrowed from the buffer */
	uint8_t flow_id_len;
	struct in_addr ipv4_coa; /* option 32 */
	uint8_t ipv4_home_plen;  /* option 29 */
	bool ipv4_home_want_prefix;
	struct in_addr ipv4_home;
	uint8_t ipv4_ack_status, ipv4_ack_plen; /* option 30 */
	struct in_addr ipv4_ack;
	bool nat_force_udp; /* option 31 */
	uint32_t nat_refresh;

	uint8_t mn_id_subtype; /* option 8, RFC 4283: 1 = NAI */
	uint8_t mn_id_len;     /* 0 = absent */
	uint8_t mn_id[MH_MAX_IDENTIFIER];
	uint64_t replay;      /* option 10: NTP timestamp, 32.32 bits since 1900 */
	uint8_t auth_subtype; /* option 9: 1 MN-HA, 2 MN-AAA */
	uint32_t auth_spi;
	uint8_t auth_len; /* octets of authentication data */
	uint8_t auth_data[MH_MAX_AUTH];
	uint8_t binding_auth[12]; /* option 5, RFC 6275 6.2.7 */
};

struct mh_message {
	uint8_t type; /* enum mh_type */
	union {
		struct mh_bu bu;
		struct mh_ba ba;
		struct mh_be be;
		struct mh_has has;
		struct mh_test test;
		struct mh_brev brev;
		struct mh_upn upn;
	};
	struct mh_options opt;
	/* Where the octets of the authenticator stand from the start of the header (0 = none): set
	 * by decode and by encode, used by mip_auth_*. */
	uint16_t auth_offset, binding_auth_offset;
};

/*
 * Parse a whole Mobility Header (buf starts at Payload Proto).  Checks: length, Payload Proto,
 * Header Len against the minimum of the type, every option inside the message.  Not the checksum.
 *   0             *ret filled
 *   -EBADMSG      truncated or malformed
 *   -EMSGSIZE     Header Len is below the minimum of the type
 *   -EPROTO       Payload Proto is not 59
 *   -EOPNOTSUPP   a type not in enum mh_type (ret->type is set)
 * A known option whose length or content no sender can mean (a prefix length of 200) is malformed.
 */
int mh_decode(const uint8_t *buf, size_t len, struct mh_message *ret);

/*
 * Write m at buf with its checksum field zero.  Authentication data present in m->opt are written
 * as they are (auth_len octets; zeros before signing).  The length (a multiple of 8), or -ENOBUFS,
 * or -EINVAL for a type it does not know or a value the wire has no room for.  Sets m->auth_offset
 * and m->binding_auth_offset.
 */
int mh_encode(struct mh_message *m, uint8_t *buf, size_t cap);

/*
 * The checksum over pseudo-header and header (section 6.1.1), network-order bytes at mh[4..5] taken
 * as zero. src and dst are the addresses of the pseudo-header: the *home* address where a home
 * address option or a type 2 routing header is present.
 */
uint16_t mh_checksum(const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *mh,
		     size_t len);
void mh_set_checksum(const struct in6_addr *src, const struct in6_addr *dst, uint8_t *mh,
		     size_t len);
bool mh_checksum_ok(const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *mh,
		    size_t len);

/* (a - b) modulo 2^16 is in 1..32767: a is newer (RFC 6275 section 9.5.1). */
bool mh_sequence_newer(uint16_t a, uint16_t b);
