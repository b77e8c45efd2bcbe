/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A router advertisement that parses must build again, and parse to the same. */
#include "../unit/test_proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* All options at their limit: header, single options, captive portal, domain, prefixes and what is said of them, routes. */
#define MAX_LEN (16 + 16 + 3 * 8 + 32 + 264 + 2 * 32 * ND_MAX_PREFIXES + 24 * ND_MAX_ROUTES)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nd_router_advert ra, back;
	uint8_t buf[MAX_LEN];
	int len;

	if (nd_router_advert_parse(data, size, ND_PROPERTY_OPTION, &ra) < 0)
		return 0;
	len = nd_router_advert_build(&ra, buf, sizeof(buf));
	if (len < 0 || nd_router_advert_parse(buf, (size_t)len, ND_PROPERTY_OPTION, &back) < 0 ||
	    !nd_router_advert_same(&ra, &back))
		abort();
	return 0;
}
