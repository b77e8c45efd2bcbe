/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whole messages against octets made by an independent generator: what is encoded must equal them
 * octet for octet, and what is decoded from them must have every field right.
 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include <arpa/inet.h>

#include "proto/auth.h"
#include "proto/ext.h"
#include "test_proto.h"

#define HAO "870201020000c91020010db8000100000000000000000100"
#define RH2 "870202010000000020010db8000100000000000000000100"

enum security {
	NONE,
	MN_HA,        /* mobility message authentication option */
	BINDING_AUTH, /* binding authorization data */
};

struct vector {
	char name[48];
	char src[24], dst[24]; /* of the IPv6 header */
	bool hao, rh2;
	enum security security;
	char hex[256]; /* from behind the IPv6 header */
	void (*fill)(struct mh_message *m);
};

static const uint8_t flow_id[] = {
	0x00, 0x05, 0x00, 0x0a, 0x00, 0x00, 0x02, 0x02, 0x00, 0x64, 0x01, 0x02, 0x00, 0x00,
	0x03, 0x19, 0x02, 0x00, 0x80, 0x82, 0x00, 0x00, 0x20, 0x01, 0x0d, 0xb8, 0x00, 0x03,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x01, 0xbb, 0x06,
};
static const uint8_t cookie[8] = {0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8};
static const uint8_t home_token[8] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77};
static const uint8_t careof_token[8] = {0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};

static struct mip_sa test_sa(void)
{
	struct mip_sa sa = {.spi = 256, .alg = MIP_AUTH_HMAC_SHA1_96, .key_len = 16};

	for (uint8_t i = 0; i < 16; i++)
		sa.key[i] = i;
	return sa;
}

static void fill_bu(struct mh_message *m, uint16_t sequence, uint16_t flags, uint16_t lifetime,
		    const char *alt_coa)
{
	m->type = MH_BU;
	m->bu.sequence = sequence;
	m->bu.flags = flags;
	m->bu.lifetime = lifetime;
	m->opt.has_alt_coa = alt_coa != NULL;
	if (alt_coa)
		m->opt.alt_coa = addr(alt_coa);
}

static void fill_ba(struct mh_message *m, uint16_t sequence, uint16_t lifetime)
{
	m->type = MH_BA;
	m->ba.status = BA_ACCEPTED;
	m->ba.sequence = sequence;
	m->ba.lifetime = lifetime;
}

static void fill_auth(struct mh_message *m)
{
	m->opt.has_auth = true;
	m->opt.auth_subtype = 1;
	m->opt.auth_spi = 256;
	m->opt.auth_len = 12;
}

static void fill_bid(struct mh_message *m)
{
	struct in6_addr coa = addr(COA);

	m->opt.n_bids = 1;
	m->opt.bid[0].bid = 100;
	m->opt.bid[0].flags_pri = 10;
	m->opt.bid[0].coa_len = 16;
	memcpy(m->opt.bid[0].coa, &coa, 16);
}

static void fill_v1(struct mh_message *m)
{
	fill_bu(m, 0x1234, BU_ACK | BU_HOME, 105, COA);
}

static void fill_v2(struct mh_message *m)
{
	fill_ba(m, 0x1234, 100);
}

static void fill_v3(struct mh_message *m)
{
	fill_bu(m, 1, BU_ACK, 105, NULL);
	m->opt.has_nonce_indices = true;
	m->opt.home_nonce = 7;
	m->opt.careof_nonce = 9;
	m->opt.has_binding_auth = true;
}

static void fill_v4(struct mh_message *m)
{
	static const char nai[] = "mn@example.net";

	fill_bu(m, 0x1234, BU_ACK | BU_HOME, 105, COA);
	m->opt.mn_id_subtype = 1;
	m->opt.mn_id_len = sizeof(nai) - 1;
	memcpy(m->opt.mn_id, nai, sizeof(nai) - 1);
	m->opt.has_replay = true;
	m->opt.replay = 0xe000000080000000;
	fill_auth(m);
}

static void fill_v5(struct mh_message *m)
{
	m->type = MH_HAS;
	m->has.n = 2;
	m->has.addr[0] = addr("2001:db8:1::2");
	m->has.addr[1] = addr("2001:db8:4::1");
	m->opt.has_refresh_advice = true;
	m->opt.refresh_advice = 75;
}

static void fill_v6(struct mh_message *m)
{
	fill_bu(m, 2, BU_ACK | BU_HOME | BU_OVERWRITE, 105, NULL);
	fill_bid(m);
}

static void fill_v8(struct mh_message *m)
{
	m->type = MH_BREV;
	m->brev.type = 1;
	m->brev.code = 1;
	m->brev.sequence = 77;
}

static void fill_v9(struct mh_message *m)
{
	m->type = MH_BE;
	m->be.status = 1;
	m->be.home = addr(HOA);
}

static void fill_v10(struct mh_message *m)
{
	fill_bu(m, 3, BU_ACK | BU_HOME | BU_ROUTER, 105, COA);
	m->opt.n_prefixes = 1;
	m->opt.prefix[0] = prefix("2001:db8:f::/64");
}

static void fill_v11(struct mh_message *m)
{
	m->type = MH_HOTI;
	memcpy(m->test.cookie, cookie, sizeof(cookie));
}

static void fill_v12(struct mh_message *m)
{
	m->type = MH_UPN;
	m->upn.sequence = 5;
	m->upn.reason = 1;
	m->upn.flags = 0x8000;
}

static void fill_v13(struct mh_message *m)
{
	fill_bu(m, 3, BU_ACK | BU_HOME, 105, NULL);
	fill_bid(m);
	m->opt.flow_id = flow_id;
	m->opt.flow_id_len = sizeof(flow_id);
}

static void fill_v14(struct mh_message *m)
{
	fill_bu(m, 4, BU_ACK | BU_HOME | BU_FORCE_UDP, 105, NULL);
	m->opt.has_ipv4_coa = true;
	m->opt.ipv4_coa.s_addr = inet_addr("198.51.100.7");
	m->opt.has_ipv4_home = true;
	m->opt.ipv4_home_plen = 32;
}

static void fill_v15(struct mh_message *m)
{
	fill_ba(m, 4, 100);
	m->opt.has_ipv4_ack = true;
	m->opt.ipv4_ack_plen = 32;
	m->opt.ipv4_ack.s_addr = inet_addr("192.0.2.5");
	m->opt.has_nat_detection = true;
	m->opt.nat_refresh = 110;
}

static void fill_v16(struct mh_message *m)
{
	m->type = MH_HOT;
	m->test.nonce_index = 7;
	memcpy(m->test.cookie, cookie, sizeof(cookie));
	memcpy(m->test.token, home_token, sizeof(home_token));
}

static void fill_v17(struct mh_message *m)
{
	fill_ba(m, 1, 105);
	m->opt.has_binding_auth = true;
}

static void fill_v18(struct mh_message *m)
{
	fill_bu(m, 5, BU_ACK | BU_HOME, 0, HOA);
}

static void fill_v19(struct mh_message *m)
{
	fill_bu(m, 0x1235, BU_ACK | BU_HOME, 0, COA);
}

static void fill_v20(struct mh_message *m)
{
	fill_ba(m, 0x1234, 100);
	fill_auth(m);
}

static void fill_switch(struct mh_message *m)
{
	m->type = MH_HAS;
	m->has.n = 1;
	m->has.addr[0] = addr("2001:db8:4::1");
	m->opt.has_refresh_advice = true;
	m->opt.refresh_advice = 75;
	fill_auth(m);
}

static void fill_revocation(struct mh_message *m, uint8_t type, uint8_t code, uint16_t flags)
{
	m->type = MH_BREV;
	m->brev.type = type;
	m->brev.code = code;
	m->brev.sequence = 77;
	m->brev.flags = flags;
	fill_auth(m);
}

static void fill_indication(struct mh_message *m)
{
	fill_revocation(m, 1, 7, 0);
}

static void fill_acknowledgement(struct mh_message *m)
{
	fill_revocation(m, 2, 130, 0x2000);
}

static const struct vector vectors[] = {
	{"V1 binding update", COA, HA, true, false, NONE,
	 HAO "3b0305005e761234c00000690100031020010db8000200000000000000000001", fill_v1},
	{"V2 binding acknowledgement", HA, COA, false, true, NONE,
	 RH2 "3b0106004e5800001234006401020000", fill_v2},
	{"V3 binding update to a correspondent", COA, CN, true, false, BINDING_AUTH,
	 HAO "3b030500586a000180000069040400070009050cabd1b357b0367fb6862e6ba4", fill_v3},
	{"V4 authenticated binding update", COA, HA, true, false, MN_HA,
	 HAO "3b09050092ca1234c00000690100031020010db8000200000000000000000001"
	     "080f016d6e406578616d706c652e6e6574000a08e000000080000000"
	     "000911010000010045440be8a92b23430dea2d3a",
	 fill_v4},
	{"V5 home agent switch", HA, COA, false, true, NONE,
	 RH2 "3b050c00fb04020020010db800010000000000000000000220010db8000400000000000000000001"
	     "0202004b01020000",
	 fill_v5},
	{"V5 home agent switch in the tunnel", HA, HOA, false, false, NONE,
	 "3b050c00fb04020020010db800010000000000000000000220010db8000400000000000000000001"
	 "0202004b01020000",
	 fill_v5},
	{"V6 binding identifier", COA, HA, true, false, NONE,
	 HAO "3b0405004fe90002c0400069010400000000"
	     "23140064000a20010db8000200000000000000000001",
	 fill_v6},
	{"V8 binding revocation indication", HA, COA, false, true, NONE,
	 RH2 "3b01100055a20101004d000001020000", fill_v8},
	{"V9 binding error", CN, COA, false, false, NONE,
	 "3b020700322b010020010db8000100000000000000000100", fill_v9},
	{"V10 mobile router", COA, HA, true, false, NONE,
	 HAO "3b06050037700003c40000690100031020010db8000200000000000000000001"
	     "010200000612004020010db8000f00000000000000000000",
	 fill_v10},
	{"V11 home test init", HOA, CN, false, false, NONE, "3b010100d4590000a1a2a3a4a5a6a7a8",
	 fill_v11},
	{"V12 update notification", HA, COA, false, false, NONE, "3b011300d4e700050001800001020000",
	 fill_v12},
	{"V13 flow identification", COA, HA, true, false, NONE,
	 HAO "3b0a0500613d0003c0000069010400000000"
	     "23140064000a20010db8000200000000000000000001"
	     "2d290005000a00000202006401020000031902008082000020010db8000300000000000000000001"
	     "01bb060103000000",
	 fill_v13},
	{"V14 dual-stack binding update", HOA, HA, false, false, NONE,
	 "3b030500b9280004c100006920060000c63364071d0680000000000001020000", fill_v14},
	{"V15 dual-stack binding acknowledgement", HA, HOA, false, false, NONE,
	 "3b03060060760000000400641e060080c00002051f0600000000006e01020000", fill_v15},
	{"V16 home test", CN, HOA, false, false, NONE,
	 "3b02030005390007a1a2a3a4a5a6a7a80011223344556677", fill_v16},
	{"V17 acknowledgement of a correspondent", CN, COA, false, true, BINDING_AUTH,
	 RH2 "3b030600bedc000000010069010400000000050cc0c04ec5b061a57b62bad469", fill_v17},
	{"V18 deregistration at home", HOA, HA, false, false, NONE,
	 "3b03050070100005c00000000100031020010db8000100000000000000000100", fill_v18},
	{"V19 deregistration from away", COA, HA, true, false, NONE,
	 HAO "3b0305005ede1235c00000000100031020010db8000200000000000000000001", fill_v19},
	{"V20 authenticated acknowledgement", HA, COA, false, true, MN_HA,
	 RH2 "3b030600bfa50000123400640009110100000100cb492d6998f0a6e1047240a1", fill_v20},
	{"authenticated home agent switch", HA, COA, false, true, MN_HA,
	 RH2 "3b050c0046d7010020010db80004000000000000000000010202004b00"
	     "091101000001006e110b02cb6b440e177231e2",
	 fill_switch},
	{"authenticated revocation indication", HA, COA, false, true, MN_HA,
	 RH2 "3b031000b5330107004d00000009110100000100a9e22cc672c903b181c1c069", fill_indication},
	{"authenticated revocation acknowledgement", COA, HA, true, false, MN_HA,
	 HAO "3b031000e82f0282004d2000000911010000010088727bed3b39a5437d97d862",
	 fill_acknowledgement},
};

static struct ip6_packet packet_of(const struct vector *v)
{
	return (struct ip6_packet){
		.src = addr(v->src),
		.dst = addr(v->dst),
		.has_home_option = v->hao,
		.has_rh2 = v->rh2,
		.home = v->hao || v->rh2 ? addr(HOA) : in6addr_any,
		.hop_limit = 64,
		.traffic_class = 0xb8,
		.flow_label = 0x12345,
		.next_header = MH_NEXT_HEADER,
	};
}

/* The fixed header written by hand, then the octets of the vector. */
static size_t packet_octets(const struct vector *v, uint8_t *buf, size_t cap)
{
	size_t len = unhex(v->hex, buf + IP6_HEADER_LEN, cap - IP6_HEADER_LEN);
	struct in6_addr src = addr(v->src), dst = addr(v->dst);

	memcpy(buf, (uint8_t[]){0x6b, 0x81, 0x23, 0x45, 0, (uint8_t)len}, 6);
	buf[6] = v->hao ? 60 : v->rh2 ? 43 : 135;
	buf[7] = 64;
	memcpy(buf + 8, &src, 16);
	memcpy(buf + 24, &dst, 16);
	return IP6_HEADER_LEN + len;
}

/* A test runs in a process of its own, where function pointers of this one mean nothing. */
static struct criterion_test_params all_vectors(void)
{
	static size_t indices[sizeof(vectors) / sizeof(*vectors)];

	for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++)
		indices[i] = i;
	return cr_make_param_array(size_t, indices, sizeof(vectors) / sizeof(*vectors));
}

ParameterizedTestParameters(proto_vectors, encode)
{
	return all_vectors();
}

ParameterizedTest(size_t *index, proto_vectors, encode)
{
	const struct vector *v = &vectors[*index];
	struct in6_addr coa = addr(COA), hoa = addr(HOA), cn = addr(CN);
	struct ip6_packet p = packet_of(v);
	uint8_t want[512], mh[256], got[512], kbm[20];
	size_t want_len = packet_octets(v, want, sizeof(want));
	struct mip_sa sa = test_sa();
	struct mh_message m;
	int len;

	memset(&m, 0, sizeof(m));
	v->fill(&m);
	len = mh_encode(&m, mh, sizeof(mh));
	cr_assert_gt(len, 0, "%s: %d", v->name, len);
	if (v->security == MN_HA)
		cr_assert_eq(mip_auth_sign(&sa, &coa, &hoa, &m, mh, (size_t)len), 0);
	if (v->security == BINDING_AUTH) {
		cr_assert_eq(mip_rr_kbm(home_token, careof_token, kbm), 0);
		cr_assert_eq(mip_binding_auth(kbm, &coa, &cn, &m, mh, mh + m.binding_auth_offset),
			     0);
	}
	mh_set_checksum(ip6_packet_source(&p), ip6_packet_destination(&p), mh, (size_t)len);
	p.payload = mh;
	p.payload_len = (size_t)len;
	len = ip6_packet_build(&p, got, sizeof(got));
	cr_assert_eq((size_t)len, want_len, "%s: %d octets, not %zu", v->name, len, want_len);
	cr_assert_arr_eq(got, want, want_len, "%s", v->name);
}

ParameterizedTestParameters(proto_vectors, decode)
{
	return all_vectors();
}

ParameterizedTest(size_t *index, proto_vectors, decode)
{
	const struct vector *v = &vectors[*index];
	struct in6_addr coa = addr(COA), hoa = addr(HOA), cn = addr(CN);
	struct ip6_packet want = packet_of(v), p;
	uint8_t buf[512], kbm[20], authenticator[12];
	size_t len = packet_octets(v, buf, sizeof(buf));
	struct mip_sa sa = test_sa();
	struct mh_message expected, m;

	cr_assert_eq(ip6_packet_parse(buf, len, &p), 0, "%s", v->name);
	cr_assert(addr_equal(&p.src, &want.src) && addr_equal(&p.dst, &want.dst));
	cr_assert(addr_equal(&p.home, &want.home));
	cr_assert_eq(p.has_home_option, v->hao);
	cr_assert_eq(p.has_rh2, v->rh2);
	cr_assert_eq(p.hop_limit, 64);
	cr_assert_eq(p.traffic_class, 0xb8);
	cr_assert_eq(p.flow_label, 0x12345);
	cr_assert_eq(p.next_header, MH_NEXT_HEADER);
	cr_assert(mh_checksum_ok(ip6_packet_source(&p), ip6_packet_destination(&p), p.payload,
				 p.payload_len));
	cr_assert_eq(mh_checksum(ip6_packet_source(&p), ip6_packet_destination(&p), p.payload,
				 p.payload_len),
		     p.payload[4] << 8 | p.payload[5]);

	cr_assert_eq(mh_decode(p.payload, p.payload_len, &m), 0, "%s", v->name);
	memset(&expected, 0, sizeof(expected));
	v->fill(&expected);
	if (v->security == MN_HA) {
		cr_assert_eq(mip_auth_verify(&sa, &coa, &hoa, &m, p.payload, p.payload_len), 0);
		memcpy(expected.opt.auth_data, p.payload + m.auth_offset, 12);
	}
	if (v->security == BINDING_AUTH) {
		cr_assert_eq(mip_rr_kbm(home_token, careof_token, kbm), 0);
		cr_assert_eq(mip_binding_auth(kbm, &coa, &cn, &m, p.payload, authenticator), 0);
		memcpy(expected.opt.binding_auth, authenticator, 12);
	}
	cr_assert(mh_message_same(&m, &expected), "%s", v->name);
}

/* V7: the home agents anycast address as destination. */
Test(proto_vectors, dhaad_request)
{
	struct ip6_prefix home = prefix("2001:db8:1::/64");
	struct ip6_packet p = {
		.src = addr(COA),
		.dst = dhaad_anycast(&home),
		.hop_limit = 64,
		.next_header = IPPROTO_ICMPV6,
	};
	uint8_t want[8], icmp[8], buf[64];
	uint16_t identifier = 0;
	bool mobile_router = true;

	cr_assert_str_eq(ADDR_STR(&p.dst), "2001:db8:1:0:fdff:ffff:ffff:fffe");
	unhex("90005758beef0000", want, sizeof(want));
	cr_assert_eq(dhaad_request_build(0xbeef, false, icmp, sizeof(icmp)), 8);
	icmp6_set_checksum(&p.src, &p.dst, icmp, sizeof(icmp));
	cr_assert_arr_eq(icmp, want, sizeof(want));

	p.payload = icmp;
	p.payload_len = sizeof(icmp);
	cr_assert_eq(ip6_packet_build(&p, buf, sizeof(buf)), 48);
	cr_assert_eq(ip6_packet_parse(buf, 48, &p), 0);
	cr_assert(icmp6_checksum_ok(&p.src, &p.dst, p.payload, p.payload_len));
	cr_assert_eq(dhaad_request_parse(p.payload, p.payload_len, &identifier, &mobile_router), 0);
	cr_assert_eq(identifier, 0xbeef);
	cr_assert_not(mobile_router);
}
