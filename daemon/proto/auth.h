/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Authentication of mobility messages by OpenSSL's EVP_MAC: the MN-HA mobility message
 * authentication option and the replay timestamp of RFC 4285; the binding authorization data of RFC
 * 6275 section 6.2.7.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strtab.h"
#include "base/usec.h"
#include "proto/mh.h"

#define MIP_SPI_MIN 256 /* 0-255 are reserved, RFC 4285 section 5.2 */
#define MIP_KEY_MAX 64  /* octets */

enum mip_auth_alg {
	MIP_AUTH_HMAC_SHA1_96,    /* RFC 4285 */
	MIP_AUTH_HMAC_SHA256_128, /* extension: same construction, SHA-256 cut to 128 bits */
	MIP_AUTH_ALG_MAX,
};
DECLARE_STRTAB(mip_auth_alg); /* "hmac-sha1-96", "hmac-sha256-128" */

/* A mobility security association with one home agent. */
struct mip_sa {
	uint32_t spi;
	enum mip_auth_alg alg;
	uint8_t key[MIP_KEY_MAX];
	size_t key_len;
};

/* Octets of authentication data that an algorithm gives (12 or 16). */
size_t mip_auth_len(enum mip_auth_alg alg);

/* Do now what the first signature would otherwise do: load and initialise the cryptography.  0 or
 * -EIO. */
int mip_auth_prepare(void);

/* Wipe the key (OPENSSL_cleanse), and what the last message has left of it. */
void mip_sa_wipe(struct mip_sa *sa);

/*
 * Sign an encoded message in place: m->opt.auth_len octets at m->auth_offset become
 * HMAC(key, coa || hoa || header up to and including the SPI, checksum zero).  To be called before
 * mh_set_checksum(). 0, or -EINVAL when the message carries no option 9 of the right length, -EIO
 * from OpenSSL.
 */
int mip_auth_sign(const struct mip_sa *sa, const struct in6_addr *coa, const struct in6_addr *hoa,
		  const struct mh_message *m, uint8_t *buf, size_t len);

/*
 * Check the MN-HA option of a decoded message against the bytes it came from, in constant time.
 *   0          right
 *   -ENOKEY    no MN-HA option, or another SPI
 *   -EBADMSG   wrong
 */
int mip_auth_verify(const struct mip_sa *sa, const struct in6_addr *coa, const struct in6_addr *hoa,
		    const struct mh_message *m, const uint8_t *buf, size_t len);

/*
 * Return routability, RFC 6275 sections 5.2.5 and 6.2.7: the binding management key, and the
 * authenticator for the octets at m->binding_auth_offset. coa is the address being bound (the home
 * address when deregistering), the same for update and acknowledgement. 0, -EIO from OpenSSL, or
 * -EINVAL for a message without option 5.
 */
int mip_rr_kbm(const uint8_t home_token[8], const uint8_t careof_token[8] /* NULL: deregister */,
	       uint8_t kbm[20]);
int mip_binding_auth(const uint8_t kbm[20], const struct in6_addr *coa, const struct in6_addr *cn,
		     const struct mh_message *m, const uint8_t *buf, uint8_t ret[12]);

/* Microseconds since 1970 <-> the 32.32 NTP timestamp of option 10. */
uint64_t mip_replay_from_usec(usec_t real);
usec_t mip_replay_to_usec(uint64_t ntp);
