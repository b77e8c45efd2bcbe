/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * proto/: bytes to structs and back.  No I/O, no clock, no allocation; every octet of input is read
 * through the bounded cursors of base/.
 *
 *   wire.h         one description of a layout for both directions
 *   mh.c           the Mobility Header and the bodies of its messages
 *   mh_options.c   the table of mobility options, their alignment and padding
 *   mh_status.c    names of the binding acknowledgement status codes
 *   checksum.c     the upper-layer checksum of mobility and ICMPv6 messages
 *   auth.c         mobility message authentication, binding authorization data
 *   ext.c          IPv6 packets with the home address option or the type 2 routing header
 *   nd.c           router solicitations, neighbour solicitations and advertisements
 *   nd_option.h    what messages with Neighbour Discovery options share
 *   nd_ra.c        router advertisements
 *   nd_prefix.c    ... prefix information, nd_domain.c provisioning domains, nd_property.c prefix properties
 *   icmp6.h        how ICMPv6 requests and replies begin
 *   icmp6_echo.c   echo
 *   dhaad.c        dynamic home agent address discovery
 *   mobile_prefix.c  mobile prefix solicitations and advertisements
 *   pvd.c          additional information of provisioning domains
 *
 * Documents: RFC 6275 (Mobile IPv6), 3963 (network mobility), 4283 and 4285 (identifier and
 * authentication options), 5142 (home agent switch), 5555 (dual stack), 5648 and 6089 (multiple
 * care-of addresses, flows), 5846 (revocation), 7077 (update notification), 4861 and 4191
 * (neighbour discovery), 8801 (provisioning domains), 8910 (captive portals).
 */
#include "proto/mh.h"

#include <errno.h>

#include "proto/mh_options.h"
#include "proto/wire.h"

#define PAYLOAD_PROTO_NONE 59
#define FIXED_LEN 6 /* Payload Proto to Checksum */

static void transfer_brr(struct wire *w, struct mh_message *m)
{
	(void)m;
	wire_reserved(w, 2);
}

static void transfer_test_init(struct wire *w, struct mh_message *m)
{
	wire_reserved(w, 2);
	wire_bytes(w, m->test.cookie, sizeof(m->test.cookie));
}

static void transfer_test(struct wire *w, struct mh_message *m)
{
	wire_u16(w, &m->test.nonce_index);
	wire_bytes(w, m->test.cookie, sizeof(m->test.cookie));
	wire_bytes(w, m->test.token, sizeof(m->test.token));
}

static void transfer_bu(struct wire *w, struct mh_message *m)
{
	wire_u16(w, &m->bu.sequence);
	wire_u16(w, &m->bu.flags);
	wire_u16(w, &m->bu.lifetime);
}

static void transfer_ba(struct wire *w, struct mh_message *m)
{
	wire_u8(w, &m->ba.status);
	wire_u8(w, &m->ba.flags);
	wire_u16(w, &m->ba.sequence);
	wire_u16(w, &m->ba.lifetime);
}

static void transfer_be(struct wire *w, struct mh_message *m)
{
	wire_u8(w, &m->be.status);
	wire_reserved(w, 1);
	wire_bytes(w, &m->be.home, sizeof(m->be.home));
}

/* The list is in order of preference: what exceeds ours is the least wanted. */
static void transfer_has(struct wire *w, struct mh_message *m)
{
	uint8_t count = (uint8_t)m->has.n;

	if (w->encoding && m->has.n > MH_MAX_HA_ADDRS) {
		w->refused = true;
		return;
	}
	wire_u8(w, &count);
	wire_reserved(w, 1);
	m->has.n = count < MH_MAX_HA_ADDRS ? count : MH_MAX_HA_ADDRS;
	for (unsigned i = 0; i < m->has.n; i++)
		wire_bytes(w, &m->has.addr[i], sizeof(m->has.addr[i]));
	wire_reserved(w, (count - m->has.n) * sizeof(m->has.addr[0]));
}

static void transfer_brev(struct wire *w, struct mh_message *m)
{
	wire_u8(w, &m->brev.type);
	wire_u8(w, &m->brev.code);
	wire_u16(w, &m->brev.sequence);
	wire_u16(w, &m->brev.flags);
}

static void transfer_upn(struct wire *w, struct mh_message *m)
{
	wire_u16(w, &m->upn.sequence);
	wire_u16(w, &m->upn.reason);
	wire_u16(w, &m->upn.flags);
}

/* By message type: what stands between the checksum and the options. */
static void (*const bodies[])(struct wire *w, struct mh_message *m) = {
	[MH_BRR] = transfer_brr,   [MH_HOTI] = transfer_test_init, [MH_COTI] = transfer_test_init,
	[MH_HOT] = transfer_test,  [MH_COT] = transfer_test,       [MH_BU] = transfer_bu,
	[MH_BA] = transfer_ba,     [MH_BE] = transfer_be,          [MH_HAS] = transfer_has,
	[MH_BREV] = transfer_brev, [MH_UPN] = transfer_upn,
};

static bool type_known(uint8_t type)
{
	return type < sizeof(bodies) / sizeof(*bodies) && bodies[type];
}

int mh_decode(const uint8_t *buf, size_t len, struct mh_message *ret)
{
	struct reader r = reader_make(buf, len);
	uint8_t payload_proto = read_u8(&r), header_len = read_u8(&r), type = read_u8(&r);
	size_t total = (header_len + 1u) * 8;
	struct wire w = {0};
	struct mh_message m;
	int err;

	if (r.failed || len < total)
		return -EBADMSG;
	if (!type_known(type)) {
		ret->type = type;
		return -EOPNOTSUPP;
	}
	if (payload_proto != PAYLOAD_PROTO_NONE)
		return -EPROTO;
	memset(&m, 0, sizeof(m));
	m.type = type;
	w.r = reader_make(buf + FIXED_LEN, total - FIXED_LEN);
	bodies[type](&w, &m);
	if (!wire_ok(&w))
		return -EMSGSIZE;
	err = mh_options_decode(&w.r, buf, &m);
	if (err < 0)
		return err;
	memcpy(ret, &m, sizeof(*ret));
	return 0;
}

int mh_encode(struct mh_message *m, uint8_t *buf, size_t cap)
{
	struct wire w = {.encoding = true,
			 .w = writer_make(buf, cap < MH_MAX_LEN ? cap : MH_MAX_LEN)};
	int err;

	if (!type_known(m->type))
		return -EINVAL;
	m->auth_offset = m->binding_auth_offset = 0;
	write_u8(&w.w, PAYLOAD_PROTO_NONE);
	write_u8(&w.w, 0);
	write_u8(&w.w, m->type);
	write_room(&w.w, 3);
	bodies[m->type](&w, m);
	if (w.refused)
		return -EINVAL;
	err = mh_options_encode(&w, m);
	if (err < 0)
		return err;
	buf[1] = (uint8_t)(w.w.len / 8 - 1);
	return (int)w.w.len;
}

bool mh_sequence_newer(uint16_t a, uint16_t b)
{
	uint16_t ahead = (uint16_t)(a - b);

	return ahead > 0 && ahead < 0x8000;
}
