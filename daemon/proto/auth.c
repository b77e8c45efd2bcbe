/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proto/auth.h"

#include <errno.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/cleanup.h"

#define MN_HA 1 /* subtype of the authentication option */
#define CHECKSUM_AT 4
#define CHECKSUM_END 6
#define NTP_TO_UNIX 2208988800u /* seconds from 1900 to 1970 */

DEFINE_STRTAB(mip_auth_alg, "hmac-sha1-96", "hmac-sha256-128");

static const struct {
	const char *digest;
	size_t len;
} algs[MIP_AUTH_ALG_MAX] = {
	[MIP_AUTH_HMAC_SHA1_96] = {"SHA1", 12},
	[MIP_AUTH_HMAC_SHA256_128] = {"SHA256", 16},
};

size_t mip_auth_len(enum mip_auth_alg alg)
{
	return alg < MIP_AUTH_ALG_MAX ? algs[alg].len : 0;
}

/* What a MAC over a mobility message covers: two addresses and its octets up to `end`. */
struct coverage {
	const struct in6_addr *first, *second;
	const uint8_t *buf;
	size_t end;
};

/*
 * One for all keys, which it gets with each message.  Made once: looking up the digest takes longer than the digest itself, and
 * so does a copy.  The system's OpenSSL configuration is not needed, and costs memory.
 */
static EVP_MAC_CTX *context(enum mip_auth_alg alg)
{
	static EVP_MAC_CTX *made[MIP_AUTH_ALG_MAX];
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)algs[alg].digest,
						 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *hmac;

	if (made[alg])
		return made[alg];
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	made[alg] = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
	EVP_MAC_free(hmac);
	if (made[alg] && !EVP_MAC_CTX_set_params(made[alg], params)) {
		EVP_MAC_CTX_free(made[alg]);
		made[alg] = NULL;
	}
	return made[alg];
}

/* The first ret_len octets of HMAC(key, first || second || header with a checksum of zero). */
static int message_mac(enum mip_auth_alg alg, const uint8_t *key, size_t key_len,
		       const struct coverage *c, uint8_t *ret, size_t ret_len)
{
	static const uint8_t no_checksum[CHECKSUM_END - CHECKSUM_AT];
	EVP_MAC_CTX *ctx = context(alg);
	uint8_t mac[EVP_MAX_MD_SIZE];
	size_t mac_len = 0;
	bool ok;

	ok = ctx && EVP_MAC_init(ctx, key, key_len, NULL) &&
	     EVP_MAC_update(ctx, c->first->s6_addr, sizeof(*c->first)) &&
	     EVP_MAC_update(ctx, c->second->s6_addr, sizeof(*c->second)) &&
	     EVP_MAC_update(ctx, c->buf, CHECKSUM_AT) &&
	     EVP_MAC_update(ctx, no_checksum, sizeof(no_checksum)) &&
	     EVP_MAC_update(ctx, c->buf + CHECKSUM_END, c->end - CHECKSUM_END) &&
	     EVP_MAC_final(ctx, mac, &mac_len, sizeof(mac)) && mac_len >= ret_len;
	if (ok)
		memcpy(ret, mac, ret_len);
	OPENSSL_cleanse(mac, sizeof(mac));
	return ok ? 0 : -EIO;
}

/* With a key that is none: what is needed has been looked up then, and the context has no other one. */
static int idle_mac(enum mip_auth_alg alg)
{
	static const uint8_t key[1] = {0}, header[CHECKSUM_END];
	struct coverage c = {&in6addr_any, &in6addr_any, header, sizeof(header)};
	uint8_t mac[EVP_MAX_MD_SIZE];

	return message_mac(alg, key, sizeof(key), &c, mac, algs[alg].len);
}

int mip_auth_prepare(void)
{
	int r = 0;

	for (unsigned i = 0; i < MIP_AUTH_ALG_MAX && r == 0; i++)
		r = idle_mac((enum mip_auth_alg)i);
	return r;
}

void mip_sa_wipe(struct mip_sa *sa)
{
	OPENSSL_cleanse(sa->key, sizeof(sa->key));
	sa->key_len = 0;
	if (sa->alg < MIP_AUTH_ALG_MAX)
		(void)idle_mac(sa->alg);
}

/* The association can be used at all, and the option's data lie inside the buffer. */
static bool sa_fits(const struct mip_sa *sa, const struct mh_message *m, size_t len)
{
	return sa->alg < MIP_AUTH_ALG_MAX && sa->key_len > 0 && sa->key_len <= MIP_KEY_MAX &&
	       m->opt.auth_len == algs[sa->alg].len && m->auth_offset >= CHECKSUM_END &&
	       (size_t)m->auth_offset + m->opt.auth_len <= len;
}

int mip_auth_sign(const struct mip_sa *sa, const struct in6_addr *coa, const struct in6_addr *hoa,
		  const struct mh_message *m, uint8_t *buf, size_t len)
{
	struct coverage c = {coa, hoa, buf, m->auth_offset};

	if (!m->opt.has_auth || !sa_fits(sa, m, len))
		return -EINVAL;
	return message_mac(sa->alg, sa->key, sa->key_len, &c, buf + m->auth_offset,
			   m->opt.auth_len);
}

int mip_auth_verify(const struct mip_sa *sa, const struct in6_addr *coa, const struct in6_addr *hoa,
		    const struct mh_message *m, const uint8_t *buf, size_t len)
{
	struct coverage c = {coa, hoa, buf, m->auth_offset};
	uint8_t expected[MH_MAX_AUTH];
	int r;

	if (!m->opt.has_auth || m->opt.auth_subtype != MN_HA || m->opt.auth_spi != sa->spi)
		return -ENOKEY;
	if (!sa_fits(sa, m, len))
		return -EBADMSG;
	r = message_mac(sa->alg, sa->key, sa->key_len, &c, expected, m->opt.auth_len);
	if (r == 0 && CRYPTO_memcmp(expected, buf + m->auth_offset, m->opt.auth_len) != 0)
		r = -EBADMSG;
	OPENSSL_cleanse(expected, sizeof(expected));
	return r;
}

int mip_rr_kbm(const uint8_t home_token[8], const uint8_t careof_token[8], uint8_t kbm[20])
{
	uint8_t tokens[16];
	uint8_t digest[20];
	size_t len = careof_token ? 16 : 8;
	bool ok;

	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	memcpy(tokens, home_token, 8);
	if (careof_token)
		memcpy(tokens + 8, careof_token, 8);
	ok = EVP_Digest(tokens, len, digest, NULL, EVP_sha1(), NULL);
	if (ok)
		memcpy(kbm, digest, sizeof(digest));
	OPENSSL_cleanse(tokens, sizeof(tokens));
	OPENSSL_cleanse(digest, sizeof(digest));
	return ok ? 0 : -EIO;
}

int mip_binding_auth(const uint8_t kbm[20], const struct in6_addr *coa, const struct in6_addr *cn,
		     const struct mh_message *m, const uint8_t *buf, uint8_t ret[12])
{
	struct coverage c = {coa, cn, buf, m->binding_auth_offset};

	if (!m->opt.has_binding_auth || m->binding_auth_offset < CHECKSUM_END)
		return -EINVAL;
	return message_mac(MIP_AUTH_HMAC_SHA1_96, kbm, 20, &c, ret, 12);
}

uint64_t mip_replay_from_usec(usec_t real)
{
	uint64_t seconds = real / USEC_PER_SEC + NTP_TO_UNIX;
	uint64_t fraction = ((real % USEC_PER_SEC) << 32) / USEC_PER_SEC;

	return seconds << 32 | fraction;
}

usec_t mip_replay_to_usec(uint64_t ntp)
{
	/* Modulo 2^32: 1970 to 2106, whichever side of the turn of the NTP era in 2036. */
	uint32_t seconds = (uint32_t)(ntp >> 32) - NTP_TO_UNIX;
	uint64_t fraction = ntp & UINT32_MAX;

	return seconds * USEC_PER_SEC + ((fraction * USEC_PER_SEC + (1u << 31)) >> 32);
}
