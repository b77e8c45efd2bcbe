/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mobile prefix discovery: RFC 6275 sections 6.7 and 6.8. */
#include <errno.h>

#include "proto/icmp6.h"
#include "proto/nd_option.h"

#define MANAGED 0x8000u
#define OTHER 0x4000u

int mobile_prefix_solicit_build(uint16_t identifier, uint8_t *buf, size_t cap)
{
	struct wire w = {.encoding = true, .w = writer_make(buf, cap)};
	uint16_t reserved = 0;

	icmp6_transfer(&w, ICMP6_MPS, &identifier, &reserved);
	return wire_ok(&w) ? (int)w.w.len : -ENOBUFS;
}

int mobile_prefix_solicit_parse(const uint8_t *buf, size_t len, uint16_t *ret_identifier)
{
	struct wire w = {.r = reader_make(buf, len)};
	uint16_t identifier, reserved;

	icmp6_transfer(&w, ICMP6_MPS, &identifier, &reserved);
	if (!wire_ok(&w))
		return -EBADMSG;
	*ret_identifier = identifier;
	return 0;
}

int mobile_prefix_advert_build(const struct mobile_prefix_advert *a, uint8_t *buf, size_t cap)
{
	struct wire w = {.encoding = true, .w = writer_make(buf, cap)};
	uint16_t identifier = a->identifier;
	uint16_t flags = (uint16_t)((a->managed ? MANAGED : 0) | (a->other ? OTHER : 0));

	if (a->n_prefixes > ND_MAX_PREFIXES)
		return -EINVAL;
	icmp6_transfer(&w, ICMP6_MPA, &identifier, &flags);
	for (unsigned i = 0; i < a->n_prefixes && wire_ok(&w); i++) {
		struct nd_prefix_info p = a->prefix[i];
		size_t start = nd_option_begin(&w, ND_OPT_PREFIX_INFO);

		nd_prefix_info_transfer(&w, &p);
		nd_option_end(&w, start);
	}
	if (w.refused)
		return -EINVAL;
	return w.w.failed ? -ENOBUFS : (int)w.w.len;
}

static void parse_prefix(struct reader data, struct mobile_prefix_advert *a)
{
	struct wire w = {.r = data};

	if (a->n_prefixes == ND_MAX_PREFIXES ||
	    data.left != ND_PREFIX_INFO_UNITS * ND_OPT_UNIT - ND_OPT_HEADER)
		return;
	nd_prefix_info_transfer(&w, &a->prefix[a->n_prefixes]);
	if (wire_ok(&w))
		a->n_prefixes++;
}

int mobile_prefix_advert_parse(const uint8_t *buf, size_t len, struct mobile_prefix_advert *ret)
{
	struct wire w = {.r = reader_make(buf, len)};
	struct mobile_prefix_advert a;
	struct reader data;
	uint16_t flags = 0;
	uint8_t type;

	memset(&a, 0, sizeof(a));
	icmp6_transfer(&w, ICMP6_MPA, &a.identifier, &flags);
	a.managed = flags & MANAGED;
	a.other = flags & OTHER;
	while (wire_ok(&w) && nd_option_next(&w.r, &type, &data))
		if (type == ND_OPT_PREFIX_INFO)
			parse_prefix(data, &a);
	if (!wire_ok(&w))
		return -EBADMSG;
	memcpy(ret, &a, sizeof(*ret));
	return 0;
}
