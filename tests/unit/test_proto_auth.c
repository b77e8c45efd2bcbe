/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Authentication of mobility messages and return routability. */
#include <criterion/criterion.h>

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "proto/auth.h"
#include "test_proto.h"

static const char update[] = "3b09050092ca1234c00000690100031020010db8000200000000000000000001"
			     "080f016d6e406578616d706c652e6e6574000a08e000000080000000"
			     "000911010000010045440be8a92b23430dea2d3a";

static struct mip_sa test_sa(enum mip_auth_alg alg)
{
	struct mip_sa sa = {.spi = 256, .alg = alg, .key_len = 16};

	for (uint8_t i = 0; i < 16; i++)
		sa.key[i] = i;
	return sa;
}

static void check_kbm(const char *home, const char *careof, const char *want)
{
	uint8_t h[8], c[8], w[20], kbm[20];

	unhex(home, h, sizeof(h));
	if (careof)
		unhex(careof, c, sizeof(c));
	unhex(want, w, sizeof(w));
	cr_assert_eq(mip_rr_kbm(h, careof ? c : NULL, kbm), 0);
	cr_assert_arr_eq(kbm, w, sizeof(w));
}

Test(proto_auth, binding_management_key)
{
	check_kbm("0011223344556677", "8899aabbccddeeff",
		  "739e0e8490eacbcb2ea11d4a5dbefbae888b092e");
	check_kbm("0011223344556677", NULL, "9ea339441e7276907fbb70dd0e7af69feac65bbd");
	check_kbm("e9bd1e340d33563c", "c1f2565c628ff956",
		  "d65da2a3346c3fd6208a6769490ce8c80d1e6932");
}

/* The authenticator of an update to a correspondent covers everything before it. */
Test(proto_auth, binding_authorization_covers_each_octet)
{
	struct in6_addr coa = addr(COA), cn = addr(CN), other = addr(HOA);
	uint8_t buf[32], kbm[20], got[12];
	struct mh_message m;

	unhex("3b030500586a000180000069040400070009050cabd1b357b0367fb6862e6ba4", buf, sizeof(buf));
	unhex("739e0e8490eacbcb2ea11d4a5dbefbae888b092e", kbm, sizeof(kbm));
	cr_assert_eq(mh_decode(buf, sizeof(buf), &m), 0);
	cr_assert_eq(m.binding_auth_offset, 20);
	cr_assert_eq(mip_binding_auth(kbm, &coa, &cn, &m, buf, got), 0);
	cr_assert_arr_eq(got, buf + 20, 12);
	for (size_t at = 0; at < 20; at++) {
		buf[at] ^= 1;
		cr_assert_eq(mip_binding_auth(kbm, &coa, &cn, &m, buf, got), 0);
		if (at == 4 || at == 5)
			cr_assert_arr_eq(got, buf + 20, 12, "the checksum counts as zero");
		else
			cr_assert_arr_neq(got, buf + 20, 12, "octet %zu", at);
		buf[at] ^= 1;
	}
	cr_assert_eq(mip_binding_auth(kbm, &other, &cn, &m, buf, got), 0);
	cr_assert_arr_neq(got, buf + 20, 12);
	cr_assert_eq(mip_binding_auth(kbm, &coa, &other, &m, buf, got), 0);
	cr_assert_arr_neq(got, buf + 20, 12);
}

Test(proto_auth, binding_authorization_needs_its_option)
{
	struct in6_addr coa = addr(COA), cn = addr(CN);
	uint8_t buf[128], kbm[20] = {0}, got[12];
	size_t len = unhex(update, buf, sizeof(buf));
	struct mh_message m;

	cr_assert_eq(mh_decode(buf, len, &m), 0);
	cr_assert_eq(mip_binding_auth(kbm, &coa, &cn, &m, buf, got), -EINVAL);
}

Test(proto_auth, every_covered_bit_matters)
{
	struct mip_sa sa = test_sa(MIP_AUTH_HMAC_SHA1_96);
	struct in6_addr coa = addr(COA), hoa = addr(HOA);
	uint8_t buf[128];
	size_t len = unhex(update, buf, sizeof(buf));
	struct mh_message m;

	cr_assert_eq(mh_decode(buf, len, &m), 0);
	for (size_t at = 0; at < len; at++) {
		int want = at == 4 || at == 5 ? 0 : -EBADMSG;

		buf[at] ^= 0x10;
		cr_assert_eq(mip_auth_verify(&sa, &coa, &hoa, &m, buf, len), want, "octet %zu", at);
		buf[at] ^= 0x10;
	}
	cr_assert_eq(mip_auth_verify(&sa, &coa, &hoa, &m, buf, len), 0);
	cr_assert_eq(mip_auth_verify(&sa, &hoa, &coa, &m, buf, len), -EBADMSG);
	sa.key[0] ^= 1;
	cr_assert_eq(mip_auth_verify(&sa, &coa, &hoa, &m, buf, len), -EBADMSG);
}

Test(proto_auth, another_association)
{
	struct mip_sa sa = test_sa(MIP_AUTH_HMAC_SHA1_96);
	struct in6_addr coa = addr(COA), hoa = addr(HOA);
	uint8_t buf[128];
	size_t len = unhex(update, buf, sizeof(buf));
	struct mh_message m;

	cr_assert_eq(mh_decode(buf, len, &m), 0);
	sa.spi = 257;
	cr_assert_eq(mip_auth_verify(&sa, &coa, &hoa, &m, buf, len), -ENOKEY);
	sa.spi = 256;
	m.opt.auth_subtype = 2;
	cr_assert_eq(mip_auth_verify(&sa, &coa, &hoa, &m, buf, len), -ENOKEY);
	m.opt.auth_subtype = 1;
	m.opt.has_auth = false;
	cr_assert_eq(mip_auth_verify(&sa, &coa, &hoa, &m, buf, len), -ENOKEY);
	m.opt.has_auth = true;
	sa.alg = MIP_AUTH_HMAC_SHA256_128;
	cr_assert_eq(mip_auth_verify(&sa, &coa, &hoa, &m, buf, len), -EBADMSG, "wrong length");
	sa.alg = MIP_AUTH_HMAC_SHA1_96;
	cr_assert_eq(mip_auth_verify(&sa, &coa, &hoa, &m, buf, len - 1), -EBADMSG, "cut short");
	mip_sa_wipe(&sa);
	cr_assert_eq(sa.key[15], 0);
	cr_assert_eq(mip_auth_verify(&sa, &coa, &hoa, &m, buf, len), -EBADMSG, "no key left");
}

/* A cut authenticator is no shorter authenticator: 11 right octets do not pass for 12. */
Test(proto_auth, shortened_data)
{
	struct mip_sa sa = test_sa(MIP_AUTH_HMAC_SHA1_96);
	struct in6_addr coa = addr(COA), hoa = addr(HOA);
	struct mh_message m;
	uint8_t buf[64];
	int len;

	for (uint8_t n = 0; n <= 20; n++) {
		memset(&m, 0, sizeof(m));
		m.type = MH_BA;
		m.opt.has_auth = true;
		m.opt.auth_subtype = 1;
		m.opt.auth_spi = 256;
		m.opt.auth_len = n;
		len = mh_encode(&m, buf, sizeof(buf));
		cr_assert_gt(len, 0);
		cr_assert_eq(mip_auth_sign(&sa, &coa, &hoa, &m, buf, (size_t)len),
			     n == 12 ? 0 : -EINVAL);
		cr_assert_eq(mh_decode(buf, (size_t)len, &m), 0);
		cr_assert_eq(mip_auth_verify(&sa, &coa, &hoa, &m, buf, (size_t)len),
			     n == 12 ? 0 : -EBADMSG, "%u octets", n);
	}
}

/* HMAC-SHA-256 cut to 128 bits, against OpenSSL's one-shot function. */
Test(proto_auth, sha256_128)
{
	struct mip_sa sa = test_sa(MIP_AUTH_HMAC_SHA256_128);
	struct in6_addr coa = addr(COA), hoa = addr(HOA);
	struct mh_message m;
	uint8_t buf[64], input[32 + 64], mac[32];
	size_t mac_len;
	int len;

	memset(&m, 0, sizeof(m));
	m.type = MH_BA;
	m.opt.has_auth = true;
	m.opt.auth_subtype = 1;
	m.opt.auth_spi = 256;
	m.opt.auth_len = (uint8_t)mip_auth_len(sa.alg);
	len = mh_encode(&m, buf, sizeof(buf));
	cr_assert_eq(len, 40);
	cr_assert_eq(m.auth_offset + 16, 40);
	cr_assert_eq(mip_auth_sign(&sa, &coa, &hoa, &m, buf, (size_t)len), 0);
	memcpy(input, &coa, 16);
	memcpy(input + 16, &hoa, 16);
	memcpy(input + 32, buf, m.auth_offset);
	cr_assert_not_null(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, sa.key, 16, input,
				     32u + m.auth_offset, mac, sizeof(mac), &mac_len));
	cr_assert_arr_eq(buf + m.auth_offset, mac, 16);
	mh_set_checksum(&coa, &hoa, buf, (size_t)len);
	cr_assert_eq(mh_decode(buf, (size_t)len, &m), 0);
	cr_assert_eq(mip_auth_verify(&sa, &coa, &hoa, &m, buf, (size_t)len), 0);
}

Test(proto_auth, sign_needs_an_option_and_a_key)
{
	struct mip_sa sa = test_sa(MIP_AUTH_HMAC_SHA1_96);
	struct in6_addr coa = addr(COA), hoa = addr(HOA);
	uint8_t buf[128];
	size_t len = unhex(update, buf, sizeof(buf));
	struct mh_message m;

	cr_assert_eq(mh_decode(buf, len, &m), 0);
	cr_assert_eq(mip_auth_sign(&sa, &coa, &hoa, &m, buf, len), 0);
	cr_assert_eq(mip_auth_sign(&sa, &coa, &hoa, &m, buf, len - 1), -EINVAL);
	sa.key_len = 0;
	cr_assert_eq(mip_auth_sign(&sa, &coa, &hoa, &m, buf, len), -EINVAL);
	sa.key_len = MIP_KEY_MAX + 1;
	cr_assert_eq(mip_auth_sign(&sa, &coa, &hoa, &m, buf, len), -EINVAL);
	sa.key_len = MIP_KEY_MAX;
	cr_assert_eq(mip_auth_sign(&sa, &coa, &hoa, &m, buf, len), 0);
	m.opt.has_auth = false;
	cr_assert_eq(mip_auth_sign(&sa, &coa, &hoa, &m, buf, len), -EINVAL);
}

Test(proto_auth, algorithms)
{
	cr_assert_eq(mip_auth_len(MIP_AUTH_HMAC_SHA1_96), 12);
	cr_assert_eq(mip_auth_len(MIP_AUTH_HMAC_SHA256_128), 16);
	cr_assert_eq(mip_auth_len(MIP_AUTH_ALG_MAX), 0);
	cr_assert_str_eq(mip_auth_alg_str(MIP_AUTH_HMAC_SHA1_96), "hmac-sha1-96");
	cr_assert_eq(mip_auth_alg_parse("hmac-sha256-128"), MIP_AUTH_HMAC_SHA256_128);
	cr_assert_eq(mip_auth_alg_parse("md5"), -1);
}

Test(proto_auth, replay_timestamp)
{
	static const usec_t times[] = {0,
				       1,
				       999999,
				       1700000000123456,
				       2085978495999999,
				       2085978496000000,
				       2085978497000001};

	cr_assert_eq(mip_replay_from_usec(0), (uint64_t)2208988800 << 32);
	cr_assert_eq(mip_replay_from_usec(1500000), ((uint64_t)2208988801 << 32) + 0x80000000);
	/* 2036-02-07 06:28:16, where the seconds of the first era end */
	cr_assert_eq(mip_replay_from_usec(2085978496000000), 0);
	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++)
		cr_assert_eq(mip_replay_to_usec(mip_replay_from_usec(times[i])), times[i]);
	for (usec_t t = 1700000000000000; t < 1700000001000000; t += 997)
		cr_assert_eq(mip_replay_to_usec(mip_replay_from_usec(t)), t);
	cr_assert_eq(mip_replay_to_usec(((uint64_t)2208988800 << 32) + 0xffffffff), USEC_PER_SEC);
}
