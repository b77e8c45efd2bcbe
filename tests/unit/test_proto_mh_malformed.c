/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mobility Headers that must be refused.  Each is decoded from a buffer of exactly its size. */
#include <criterion/criterion.h>

#include <errno.h>

#include "test_proto.h"

static int decode_exact(const uint8_t *buf, size_t len, struct mh_message *ret)
{
	uint8_t *exact = (uint8_t *)malloc(len ? len : 1);
	int r;

	memcpy(exact, buf, len);
	r = mh_decode(exact, len, ret);
	free(exact);
	return r;
}

/* The result for hexadecimal octets, with Header Len set to what they are. */
static int decode_hex(const char *hex)
{
	uint8_t buf[MH_MAX_LEN];
	size_t len = unhex(hex, buf, sizeof(buf));
	struct mh_message m;

	cr_assert_eq(len % 8, 0, "%s", hex);
	buf[1] = (uint8_t)(len / 8 - 1);
	return decode_exact(buf, len, &m);
}

static const char authenticated_update[] =
	"3b09050092ca1234c00000690100031020010db8000200000000000000000001"
	"080f016d6e406578616d706c652e6e6574000a08e000000080000000"
	"000911010000010045440be8a92b23430dea2d3a";

Test(proto_mh_malformed, truncated_at_every_octet)
{
	uint8_t buf[128];
	size_t len = unhex(authenticated_update, buf, sizeof(buf));
	struct mh_message m, before;

	memset(&m, 0x5a, sizeof(m));
	memcpy(&before, &m, sizeof(m));
	for (size_t n = 0; n < len; n++)
		cr_assert_eq(decode_exact(buf, n, &m), -EBADMSG, "%zu octets", n);
	cr_assert_eq(memcmp(&m, &before, sizeof(m)), 0, "the result was touched");
	cr_assert_eq(decode_exact(buf, len, &m), 0);
}

/* The same, but Header Len tells of the smaller size: an option is cut in the middle. */
Test(proto_mh_malformed, cut_at_every_unit)
{
	uint8_t buf[128];
	size_t len = unhex(authenticated_update, buf, sizeof(buf));
	struct mh_message m;

	for (size_t n = 8; n < len; n += 8) {
		/* 16: behind PadN, the option's first two octets; 32: between two options */
		int want = n == 8 ? -EMSGSIZE : n == 32 ? 0 : -EBADMSG;

		buf[1] = (uint8_t)(n / 8 - 1);
		cr_assert_eq(decode_exact(buf, n, &m), want, "%zu octets", n);
	}
}

Test(proto_mh_malformed, every_length_an_option_can_claim)
{
	uint8_t buf[128];
	size_t len = unhex(authenticated_update, buf, sizeof(buf));
	struct mh_message m;

	/* The alternate care-of address at 14. */
	for (unsigned claim = 0; claim < 256; claim++) {
		buf[15] = (uint8_t)claim;
		cr_assert_eq(decode_exact(buf, len, &m), claim == 16 ? 0 : -EBADMSG, "%u", claim);
	}
}

Test(proto_mh_malformed, header_len_below_the_minimum)
{
	static const struct {
		uint8_t type, min;
	} types[] = {
		{MH_BRR, 0}, {MH_HOTI, 1}, {MH_COTI, 1}, {MH_HOT, 2},  {MH_COT, 2}, {MH_BU, 1},
		{MH_BA, 1},  {MH_BE, 2},   {MH_HAS, 0},  {MH_BREV, 1}, {MH_UPN, 1},
	};
	struct mh_message m;

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		uint8_t buf[24] = {59, 0, types[i].type};

		for (uint8_t units = 0; units <= 2; units++) {
			buf[1] = units;
			cr_assert_eq(decode_exact(buf, (units + 1u) * 8, &m),
				     units < types[i].min ? -EMSGSIZE : 0, "type %u Header Len %u",
				     types[i].type, units);
		}
	}
}

Test(proto_mh_malformed, payload_proto)
{
	uint8_t buf[] = {58, 0, MH_BRR, 0, 0, 0, 0, 0};
	struct mh_message m;

	cr_assert_eq(decode_exact(buf, sizeof(buf), &m), -EPROTO);
	buf[2] = 99;
	cr_assert_eq(decode_exact(buf, sizeof(buf), &m), -EOPNOTSUPP, "the type comes first");
}

Test(proto_mh_malformed, unknown_types_are_told)
{
	static const uint8_t known[] = {0, 1, 2, 3, 4, 5, 6, 7, 12, 16, 19};
	uint8_t buf[24] = {59, 2};

	for (unsigned type = 0; type < 256; type++) {
		struct mh_message m = {.type = 0};
		int want = memchr(known, (int)type, sizeof(known)) ? 0 : -EOPNOTSUPP;

		buf[2] = (uint8_t)type;
		cr_assert_eq(decode_exact(buf, sizeof(buf), &m), want, "%u", type);
		cr_assert_eq(m.type, type);
	}
}

/* Every length of every known option; the message is as long as it must be. */
Test(proto_mh_malformed, every_length_of_every_option)
{
	static const struct {
		uint8_t type, min, max;
	} options[] = {
		{2, 2, 2},   {3, 16, 16}, {4, 4, 4},    {5, 12, 12}, {6, 18, 18},
		{8, 2, 255}, {9, 5, 69},  {10, 8, 8},   {29, 6, 6},  {30, 6, 6},
		{31, 6, 6},  {32, 6, 6},  {45, 6, 255},
	};
	struct mh_message m;

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		for (unsigned len = 0; len < 256; len++) {
			uint8_t buf[280] = {59, 0, MH_BA};
			size_t total = (12 + 2 + len + 7) / 8 * 8;
			int want = len >= options[i].min && len <= options[i].max ? 0 : -EBADMSG;

			buf[1] = (uint8_t)(total / 8 - 1);
			buf[12] = options[i].type;
			buf[13] = (uint8_t)len;
			cr_assert_eq(decode_exact(buf, total, &m), want, "option %u length %u",
				     options[i].type, len);
		}
	}
}

Test(proto_mh_malformed, binding_identifier_lengths)
{
	struct mh_message m;

	for (unsigned len = 0; len < 40; len++) {
		uint8_t buf[64] = {59, 0, MH_BA};
		size_t total = (12 + 2 + len + 7) / 8 * 8;

		buf[1] = (uint8_t)(total / 8 - 1);
		buf[12] = 35;
		buf[13] = (uint8_t)len;
		cr_assert_eq(decode_exact(buf, total, &m),
			     len == 4 || len == 8 || len == 20 ? 0 : -EBADMSG, "length %u", len);
	}
}

Test(proto_mh_malformed, options)
{
	/* A type octet and no room for its length. */
	cr_assert_eq(decode_hex("3b00060000000000 12340064 000000 02"), -EBADMSG);
	cr_assert_eq(decode_hex("3b00060000000000 12340064 000000 01"), -EBADMSG, "PadN too");
	cr_assert_eq(decode_hex("3b00060000000000 12340064 000000 fe"), -EBADMSG, "unknown too");
	cr_assert_eq(decode_hex("3b00060000000000 12340064 000000 00"), 0);
	/* Past the end, whatever the type. */
	cr_assert_eq(decode_hex("3b00060000000000 12340064 01030000"), -EBADMSG);
	cr_assert_eq(decode_hex("3b00060000000000 12340064 fe030000"), -EBADMSG);
	cr_assert_eq(decode_hex("3b00060000000000 12340064 feff0000"), -EBADMSG);
	/* A mobile network prefix of 129 bits; an IPv4 one of 33. */
	cr_assert_eq(decode_hex("3b00050000000000 c0000069 0612008120010db8"
				"000000000000000000000000"),
		     -EBADMSG);
	cr_assert_eq(decode_hex("3b00050000000000 c0000069 0612008020010db8"
				"000000000000000000000000"),
		     0);
	cr_assert_eq(decode_hex("3b00050000000000 c0000069 1d06840000000000 01020000"), -EBADMSG);
	cr_assert_eq(decode_hex("3b00050000000000 c0000069 1d06820000000000 01020000"), 0);
	cr_assert_eq(decode_hex("3b00060000000000 c0000069 1e06008400000000 01020000"), -EBADMSG);
}

Test(proto_mh_malformed, home_agent_switch_with_more_addresses_than_octets)
{
	cr_assert_eq(decode_hex("3b000c0000000000"), 0, "none");
	cr_assert_eq(decode_hex("3b000c0000000100"), -EMSGSIZE);
	cr_assert_eq(decode_hex("3b000c0000000100 0000000000000000 0000000000000000"), 0);
	cr_assert_eq(decode_hex("3b000c0000000200 0000000000000000 0000000000000000"), -EMSGSIZE);
	cr_assert_eq(decode_hex("3b000c000000ff00 0000000000000000 0000000000000000"), -EMSGSIZE);
}

/* One octet of a good message at a time takes every value: any result, no fault. */
Test(proto_mh_malformed, every_octet_every_value)
{
	uint8_t buf[128];
	size_t len = unhex(authenticated_update, buf, sizeof(buf));
	struct mh_message m;

	for (size_t at = 0; at < len; at++) {
		uint8_t keep = buf[at];

		for (unsigned v = 0; v < 256; v++) {
			uint8_t out[MH_MAX_LEN];

			buf[at] = (uint8_t)v;
			if (decode_exact(buf, len, &m) == 0 && m.opt.flow_id_len == 0)
				cr_assert_gt(mh_encode(&m, out, sizeof(out)), 0);
		}
		buf[at] = keep;
	}
}
