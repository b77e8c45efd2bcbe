/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Home agent address discovery messages that parse must build again, and parse to the same. */
#include "../unit/test_proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void request(const uint8_t *data, size_t size)
{
	uint16_t identifier, identifier_back;
	bool mobile_router, mobile_router_back;
	uint8_t buf[8];

	if (dhaad_request_parse(data, size, &identifier, &mobile_router) < 0)
		return;
	if (dhaad_request_build(identifier, mobile_router, buf, sizeof(buf)) != sizeof(buf) ||
	    dhaad_request_parse(buf, sizeof(buf), &identifier_back, &mobile_router_back) < 0 ||
	    identifier != identifier_back || mobile_router != mobile_router_back)
		abort();
}

static void reply(const uint8_t *data, size_t size)
{
	uint8_t buf[8 + 16 * DHAAD_MAX_AGENTS];
	struct dhaad_reply r, back;
	int len;

	if (dhaad_reply_parse(data, size, &r) < 0)
		return;
	len = dhaad_reply_build(&r, buf, sizeof(buf));
	if (len < 0 || dhaad_reply_parse(buf, (size_t)len, &back) < 0 ||
	    r.identifier != back.identifier || r.mobile_router != back.mobile_router ||
	    r.n != back.n || memcmp(r.agent, back.agent, sizeof(r.agent)) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	request(data, size);
	reply(data, size);
	return 0;
}
