/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Echo replies, mobile prefix messages and neighbour advertisements; what parses must build again, and parse to the same. */
#include "../unit/test_proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void solicit(const uint8_t *data, size_t size)
{
	uint16_t identifier, back;
	uint8_t buf[8];

	if (mobile_prefix_solicit_parse(data, size, &identifier) < 0)
		return;
	if (mobile_prefix_solicit_build(identifier, buf, sizeof(buf)) != sizeof(buf) ||
	    mobile_prefix_solicit_parse(buf, sizeof(buf), &back) < 0 || back != identifier)
		abort();
}

static void advert(const uint8_t *data, size_t size)
{
	uint8_t buf[8 + 32 * ND_MAX_PREFIXES];
	struct mobile_prefix_advert a, back;
	int len;

	if (mobile_prefix_advert_parse(data, size, &a) < 0)
		return;
	len = mobile_prefix_advert_build(&a, buf, sizeof(buf));
	if (len < 0 || mobile_prefix_advert_parse(buf, (size_t)len, &back) < 0 ||
	    !mobile_prefix_advert_same(&a, &back))
		abort();
}

static void neighbour(const uint8_t *data, size_t size)
{
	struct nd_neighbour_advert a, back;
	uint8_t buf[32];
	int len;

	if (nd_neighbour_advert_parse(data, size, &a) < 0)
		return;
	len = nd_neighbour_advert_build(&a.target, a.has_lladdr ? a.lladdr : NULL, sizeof(a.lladdr),
					buf, sizeof(buf));
	if (len < 0 || nd_neighbour_advert_parse(buf, (size_t)len, &back) < 0 ||
	    back.has_lladdr != a.has_lladdr || memcmp(back.lladdr, a.lladdr, sizeof(a.lladdr)) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint16_t identifier, sequence;

	icmp6_echo_reply_parse(data, size, &identifier, &sequence);
	solicit(data, size);
	advert(data, size);
	neighbour(data, size);
	return 0;
}
