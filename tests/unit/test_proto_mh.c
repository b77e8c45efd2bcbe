/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mobility Header: alignment, limits, order of options, sequence numbers, status names. */
#include <criterion/criterion.h>

#include <errno.h>

#include "test_proto.h"

/* A binding update with every option. */
static void fill_everything(struct mh_message *m)
{
	static const uint8_t flow[] = {0, 1, 0, 2, 0, 0, 0};
	struct mh_options *o = &m->opt;

	memset(m, 0, sizeof(*m));
	m->type = MH_BU;
	m->bu.sequence = 0xfffe;
	m->bu.flags = BU_ACK | BU_HOME;
	m->bu.lifetime = 0xffff;
	o->has_refresh_advice = o->has_alt_coa = o->has_nonce_indices = true;
	o->has_ipv4_coa = o->has_ipv4_home = o->has_ipv4_ack = o->has_nat_detection = true;
	o->has_replay = o->has_auth = o->has_binding_auth = true;
	o->refresh_advice = 300;
	o->alt_coa = addr(COA);
	o->home_nonce = 1;
	o->careof_nonce = 2;
	o->n_prefixes = 2;
	o->prefix[0] = prefix("2001:db8:f::/48");
	o->prefix[1] = prefix("::/0");
	o->n_bids = 3;
	for (uint8_t i = 0; i < 3; i++) {
		static const uint8_t coa_len[] = {0, 4, 16};

		o->bid[i].bid = (uint16_t)(i + 1);
		o->bid[i].status = 164;
		o->bid[i].flags_pri = 0x80 | 5;
		o->bid[i].coa_len = coa_len[i];
		memset(o->bid[i].coa, 0xc0 + i, coa_len[i]);
	}
	o->flow_id = flow;
	o->flow_id_len = sizeof(flow);
	o->ipv4_coa.s_addr = 0x01020304;
	o->ipv4_home_plen = 24;
	o->ipv4_home_want_prefix = true;
	o->ipv4_home.s_addr = 0x05060708;
	o->ipv4_ack_status = 128;
	o->ipv4_ack_plen = 31;
	o->ipv4_ack.s_addr = 0x090a0b0c;
	o->nat_force_udp = true;
	o->nat_refresh = 0xffffffff;
	o->mn_id_subtype = 1;
	o->mn_id_len = 5;
	memcpy(o->mn_id, "a@b.c", 5);
	o->replay = 0x0102030405060708;
	o->auth_subtype = 1;
	o->auth_spi = 0xdeadbeef;
	o->auth_len = 12;
	memset(o->auth_data, 0xaa, 12);
	memset(o->binding_auth, 0xbb, 12);
}

Test(proto_mh, every_option_there_and_back)
{
	struct mh_message m, back;
	uint8_t buf[MH_MAX_LEN];
	int len;

	fill_everything(&m);
	len = mh_encode(&m, buf, sizeof(buf));
	cr_assert_gt(len, 0);
	cr_assert_eq(len % 8, 0);
	cr_assert_eq(buf[1], len / 8 - 1);
	cr_assert_eq(buf[4] | buf[5], 0, "the checksum is left to the caller");
	cr_assert_eq(mh_decode(buf, (size_t)len, &back), 0);
	cr_assert(mh_message_same(&m, &back));
	cr_assert_eq(back.auth_offset, m.auth_offset);
	cr_assert_eq(back.binding_auth_offset, m.binding_auth_offset);
	cr_assert_arr_eq(buf + m.auth_offset, m.opt.auth_data, 12);
	cr_assert_arr_eq(buf + m.binding_auth_offset, m.opt.binding_auth, 12);
	cr_assert_eq(m.binding_auth_offset + 12, len, "nothing follows the authenticator");
}

/* x and y of the alignment "xn + y" by option type. */
static const struct {
	uint8_t type, x, y;
} alignments[] = {
	{2, 2, 0},  {3, 8, 6},  {4, 2, 0},  {5, 8, 2},  {6, 8, 4},  {8, 1, 0},  {9, 4, 1},
	{10, 8, 2}, {29, 4, 0}, {30, 4, 0}, {31, 4, 0}, {32, 4, 0}, {45, 2, 0},
};

static void check_alignment(const uint8_t *buf, size_t at)
{
	uint8_t type = buf[at], len = buf[at + 1];

	if (type == 35)
		cr_assert_eq(len == 4 ? at % 2 : at % 8 - 2, 0, "binding identifier at %zu", at);
	for (size_t i = 0; i < sizeof(alignments) / sizeof(*alignments); i++)
		if (alignments[i].type == type)
			cr_assert_eq(at % alignments[i].x, alignments[i].y, "option %u at %zu",
				     type, at);
}

/* Walk the options behind a binding update; what they are aligned to, and how much is padding. */
static void check_options(const uint8_t *buf, size_t len)
{
	size_t at = 12, padding = 0;

	while (at < len) {
		size_t size = buf[at] == 0 ? 1 : 2u + buf[at + 1];

		if (buf[at] <= 1) {
			padding += size;
			cr_assert_lt(padding, 8);
			for (size_t i = at + 2; i < at + size; i++)
				cr_assert_eq(buf[i], 0);
		} else {
			check_alignment(buf, at);
			padding = 0;
		}
		at += size;
	}
	cr_assert_eq(at, len);
}

Test(proto_mh, alignment_whatever_the_identifier)
{
	uint8_t buf[MH_MAX_LEN];
	struct mh_message m;

	fill_everything(&m);
	for (unsigned n = 1; n <= MH_MAX_IDENTIFIER; n++) {
		int len;

		m.opt.mn_id_len = (uint8_t)n;
		memset(m.opt.mn_id, 'x', n);
		len = mh_encode(&m, buf, sizeof(buf));
		cr_assert_gt(len, 0);
		check_options(buf, (size_t)len);
	}
}

Test(proto_mh, the_message_ends_with_its_authentication)
{
	uint8_t buf[MH_MAX_LEN];

	for (unsigned auth = 0; auth <= MH_MAX_AUTH; auth++) {
		for (unsigned n = 1; n <= 40; n++) {
			struct mh_message m, back;
			int len;

			fill_everything(&m);
			m.opt.has_binding_auth = false;
			memset(m.opt.binding_auth, 0, sizeof(m.opt.binding_auth));
			memset(m.opt.mn_id, 0, sizeof(m.opt.mn_id));
			memset(m.opt.mn_id, 'x', n);
			m.opt.mn_id_len = (uint8_t)n;
			memset(m.opt.auth_data, 0, sizeof(m.opt.auth_data));
			memset(m.opt.auth_data, 0x5a, auth);
			m.opt.auth_len = (uint8_t)auth;
			len = mh_encode(&m, buf, sizeof(buf));
			cr_assert_gt(len, 0);
			check_options(buf, (size_t)len);
			if (auth % 4 == 0)
				cr_assert_eq(m.auth_offset + auth, len);
			cr_assert_eq(mh_decode(buf, (size_t)len, &back), 0);
			cr_assert(mh_message_same(&m, &back));
		}
	}
}

Test(proto_mh, places_of_the_authentication_option)
{
	struct mh_message m;
	uint8_t buf[64];

	memset(&m, 0, sizeof(m));
	m.type = MH_BA;
	m.opt.has_auth = true;
	m.opt.auth_subtype = 1;
	m.opt.auth_len = 12;
	cr_assert_eq(mh_encode(&m, buf, sizeof(buf)), 32);
	cr_assert_eq(m.auth_offset - 7, 8 + 5);
	m.opt.auth_len = 16;
	cr_assert_eq(mh_encode(&m, buf, sizeof(buf)), 40);
	cr_assert_eq(m.auth_offset - 7, 16 + 1);
	m.opt.auth_len = 20;
	cr_assert_eq(mh_encode(&m, buf, sizeof(buf)), 40);
	cr_assert_eq(m.auth_offset - 7, 8 + 5);
}

Test(proto_mh, encode_needs_room_for_everything)
{
	uint8_t buf[MH_MAX_LEN];
	struct mh_message m;
	int len;

	fill_everything(&m);
	len = mh_encode(&m, buf, sizeof(buf));
	for (int cap = 0; cap < len; cap++) {
		uint8_t *exact = (uint8_t *)malloc((size_t)cap + 1);

		cr_assert_eq(mh_encode(&m, exact, (size_t)cap), -ENOBUFS, "%d", cap);
		free(exact);
	}
	cr_assert_eq(mh_encode(&m, buf, (size_t)len), len);
}

Test(proto_mh, encode_refuses_what_the_wire_cannot_hold)
{
	uint8_t buf[MH_MAX_LEN];
	struct mh_message m;

#define REFUSED(change) \
	do { \
		fill_everything(&m); \
		change; \
		cr_assert_eq(mh_encode(&m, buf, sizeof(buf)), -EINVAL, #change); \
	} while (0)
	REFUSED(m.type = 8);
	REFUSED(m.type = 255);
	REFUSED(m.opt.n_prefixes = MH_MAX_PREFIXES + 1);
	REFUSED(m.opt.n_bids = MH_MAX_BIDS + 1);
	REFUSED(m.opt.prefix[1].len = 129);
	REFUSED(m.opt.bid[1].coa_len = 5);
	REFUSED(m.opt.bid[1].coa_len = 17);
	REFUSED(m.opt.flow_id_len = 5);
	REFUSED(m.opt.ipv4_home_plen = 33);
	REFUSED(m.opt.ipv4_home_plen = 64 + 1);
	REFUSED(m.opt.ipv4_ack_plen = 33);
	REFUSED(m.opt.mn_id_len = 255);
	REFUSED(m.opt.auth_len = MH_MAX_AUTH + 1);
	REFUSED(m.type = MH_HAS; m.has.n = MH_MAX_HA_ADDRS + 1);
#undef REFUSED
}

Test(proto_mh, the_longest_message)
{
	uint8_t buf[MH_MAX_LEN] = {59, 255, MH_BRR};
	struct mh_message m;

	cr_assert_eq(mh_decode(buf, sizeof(buf), &m), 0, "2040 Pad1 options");
	cr_assert_eq(m.type, MH_BRR);
}

Test(proto_mh, octets_behind_the_message_are_not_its)
{
	uint8_t buf[32];
	size_t len = unhex("3b01060000000000123400640102000003", buf, sizeof(buf));
	struct mh_message m;

	cr_assert_eq(mh_decode(buf, len, &m), 0);
	cr_assert_eq(m.ba.sequence, 0x1234);
}

Test(proto_mh, unknown_options_are_skipped)
{
	uint8_t buf[64];
	size_t len = unhex("3b0306000000000012340064"
			   "fe03010203"       /* unassigned */
			   "0707020102030405" /* link-layer address, which nobody here reads */
			   "00"
			   "02020009"
			   "0100",
			   buf, sizeof(buf));
	struct mh_message m;

	cr_assert_eq(len, 32);
	cr_assert_eq(mh_decode(buf, len, &m), 0);
	cr_assert(m.opt.has_refresh_advice);
	cr_assert_eq(m.opt.refresh_advice, 9);
}

Test(proto_mh, the_first_of_a_repeated_option_counts)
{
	uint8_t buf[32];
	size_t len = unhex("3b020600000000001234006402020001020200020100", buf, sizeof(buf));
	struct mh_message m;

	len += unhex("0000", buf + len, sizeof(buf) - len);
	cr_assert_eq(mh_decode(buf, len, &m), 0);
	cr_assert_eq(m.opt.refresh_advice, 1);
}

Test(proto_mh, lists_beyond_the_limit_are_cut)
{
	uint8_t buf[MH_MAX_LEN] = {59, 0, MH_BU};
	struct mh_message m;
	size_t len = 12;

	for (uint8_t i = 0; i < MH_MAX_PREFIXES + 2; i++, len += 20)
		memcpy(buf + len, (uint8_t[]){6, 18, 0, 64, 0x20, i}, 6);
	for (uint8_t i = 0; i < MH_MAX_BIDS + 2; i++, len += 6)
		memcpy(buf + len, (uint8_t[]){35, 4, 0, i}, 4);
	len = (len + 7) / 8 * 8;
	buf[1] = (uint8_t)(len / 8 - 1);
	cr_assert_eq(mh_decode(buf, len, &m), 0);
	cr_assert_eq(m.opt.n_prefixes, MH_MAX_PREFIXES);
	cr_assert_eq(m.opt.n_bids, MH_MAX_BIDS);
	cr_assert_eq(m.opt.prefix[MH_MAX_PREFIXES - 1].addr.s6_addr[1], MH_MAX_PREFIXES - 1);
	cr_assert_eq(m.opt.bid[MH_MAX_BIDS - 1].bid, MH_MAX_BIDS - 1);

	/* Home Agent Switch: the list is in order of preference. */
	memset(buf, 0, sizeof(buf));
	memcpy(buf,
	       (uint8_t[]){59, 2 * (MH_MAX_HA_ADDRS + 3), MH_HAS, 0, 0, 0, MH_MAX_HA_ADDRS + 3}, 7);
	for (uint8_t i = 0; i < MH_MAX_HA_ADDRS + 3; i++)
		buf[8 + 16 * i] = i;
	cr_assert_eq(mh_decode(buf, 8 + 16 * (MH_MAX_HA_ADDRS + 3), &m), 0);
	cr_assert_eq(m.has.n, MH_MAX_HA_ADDRS);
	cr_assert_eq(m.has.addr[MH_MAX_HA_ADDRS - 1].s6_addr[0], MH_MAX_HA_ADDRS - 1);
}

Test(proto_mh, prefix_bits_past_the_length_are_cleared)
{
	uint8_t buf[40];
	size_t len = unhex("3b04050000000000c00000690106000000000000"
			   "0612002020010db8ffffffffffffffffffffffff",
			   buf, sizeof(buf));
	struct mh_message m;

	cr_assert_eq(mh_decode(buf, len, &m), 0);
	cr_assert_str_eq(PREFIX_STR(&m.opt.prefix[0]), "2001:db8::/32");
}

/* Nobody vouches for what stands behind an authentication option. */
Test(proto_mh, options_behind_an_authenticator_are_not_seen)
{
	uint8_t buf[128];
	size_t len = unhex("3b060600000000001234006400" /* Pad1 */
			   "09110100000100aaaaaaaaaaaaaaaaaaaaaaaa"
			   "02020009"
			   "09110100000101bbbbbbbbbbbbbbbbbbbbbbbb"
			   "00",
			   buf, sizeof(buf));
	struct mh_message m;

	cr_assert_eq(len, 56);
	cr_assert_eq(mh_decode(buf, len, &m), 0);
	cr_assert(m.opt.has_auth);
	cr_assert_eq(m.opt.auth_spi, 256, "the first one");
	cr_assert_eq(m.auth_offset, 20);
	cr_assert_not(m.opt.has_refresh_advice);
}

Test(proto_mh, the_home_agent_s_authentication_wins)
{
	uint8_t buf[128];
	size_t len = unhex("3b070600000000001234006400" /* Pad1 */
			   "09190200000003bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
			   "0100000000"
			   "09110100000100aaaaaaaaaaaaaaaaaaaaaaaa",
			   buf, sizeof(buf));
	struct mh_message m;

	cr_assert_eq(len, 64);
	cr_assert_eq(mh_decode(buf, len, &m), 0);
	cr_assert_eq(m.opt.auth_subtype, 1);
	cr_assert_eq(m.opt.auth_spi, 256);
	cr_assert_eq(m.opt.auth_len, 12);
	cr_assert_eq(m.auth_offset, 52);
	for (size_t i = 12; i < MH_MAX_AUTH; i++)
		cr_assert_eq(m.opt.auth_data[i], 0);
}

Test(proto_mh, nothing_counts_behind_binding_authorization_data)
{
	uint8_t buf[64];
	size_t len = unhex("3b0606000000000012340064010400000000"
			   "050caaaaaaaaaaaaaaaaaaaaaaaa"
			   "02020009"
			   "00"
			   "09110100000100bbbbbbbbbbbbbbbbbbbbbbbb",
			   buf, sizeof(buf));
	struct mh_message m;

	cr_assert_eq(len, 56);
	cr_assert_eq(mh_decode(buf, len, &m), 0);
	cr_assert(m.opt.has_binding_auth);
	cr_assert_eq(m.binding_auth_offset, 20);
	cr_assert_not(m.opt.has_refresh_advice);
	cr_assert_not(m.opt.has_auth);
}

Test(proto_mh, sequence_arithmetic)
{
	static const struct {
		uint16_t a, b;
		bool newer;
	} cases[] = {
		{1, 0, true},           {0, 1, false},
		{0, 0, false},          {0, 0xffff, true},
		{0xffff, 0, false},     {32767, 0, true},
		{32768, 0, false},      {0, 32768, false},
		{0x8000, 0x0001, true}, {0x0001, 0x8000, false},
		{5, 0xfff0, true},      {0xfff0, 5, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		cr_assert_eq(mh_sequence_newer(cases[i].a, cases[i].b), cases[i].newer, "%u %u",
			     cases[i].a, cases[i].b);
}

Test(proto_mh, status_names)
{
	cr_assert_str_eq(ba_status_str(BA_ACCEPTED), "accepted");
	cr_assert_str_eq(ba_status_str(BA_SEQUENCE_OUT_OF_WINDOW), "sequence number out of window");
	cr_assert_str_eq(ba_status_str(180), "multipath binding not supported");
	cr_assert_str_eq(ba_status_str(7), "unassigned");
	cr_assert_str_eq(ba_status_str(127), "unassigned");
	cr_assert_str_eq(ba_status_str(181), "unassigned");
	cr_assert_str_eq(ba_status_str(1000), "unassigned");
}

Test(proto_mh, checksum_takes_the_field_as_zero)
{
	struct in6_addr src = addr(HOA), dst = addr(HA);
	uint8_t buf[16];
	size_t len = unhex("3b010100d4590000a1a2a3a4a5a6a7a8", buf, sizeof(buf));
	uint16_t sum = mh_checksum(&src, &dst, buf, len);

	buf[4] = buf[5] = 0xff;
	cr_assert_eq(mh_checksum(&src, &dst, buf, len), sum);
	cr_assert_not(mh_checksum_ok(&src, &dst, buf, len));
	mh_set_checksum(&src, &dst, buf, len);
	cr_assert(mh_checksum_ok(&src, &dst, buf, len));
	cr_assert_not(mh_checksum_ok(&src, &dst, buf, 4), "too short to hold one");
	for (size_t bit = 0; bit < len * 8; bit++) {
		buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
		cr_assert_not(mh_checksum_ok(&src, &dst, buf, len));
		buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	cr_assert_not(mh_checksum_ok(&src, &src, buf, len), "another destination");
}
