/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A Mobility Header that decodes must encode again, and decode to the same; the authentication of
 * whatever decodes must stay inside the buffer.
 */
#include "proto/auth.h"
#include "../unit/test_proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void authenticate(const struct mh_message *m, const uint8_t *data, size_t size)
{
	struct in6_addr coa = {0}, home = {0};
	struct mip_sa sa = {.spi = m->opt.auth_spi, .alg = MIP_AUTH_HMAC_SHA1_96, .key_len = 16};
	uint8_t kbm[20] = {0}, authenticator[12];

	if (m->opt.has_auth)
		mip_auth_verify(&sa, &coa, &home, m, data, size);
	if (m->opt.has_binding_auth)
		mip_binding_auth(kbm, &coa, &home, m, data, authenticator);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mh_message m, back;
	uint8_t buf[MH_MAX_LEN];
	int len;

	if (mh_decode(data, size, &m) < 0)
		return 0;
	authenticate(&m, data, size);
	len = mh_encode(&m, buf, sizeof(buf));
	if (len < 0 || mh_decode(buf, (size_t)len, &back) < 0 || !mh_message_same(&m, &back))
		abort();
	return 0;
}
