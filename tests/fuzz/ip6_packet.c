/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A packet that parses must build again, and parse to the same. */
#include "proto/ext.h"
#include "../unit/test_proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same(const struct ip6_packet *a, const struct ip6_packet *b)
{
	return addr_equal(&a->src, &b->src) && addr_equal(&a->dst, &b->dst) &&
	       a->has_home_option == b->has_home_option && a->has_rh2 == b->has_rh2 &&
	       addr_equal(&a->home, &b->home) && a->hop_limit == b->hop_limit &&
	       a->traffic_class == b->traffic_class && a->flow_label == b->flow_label &&
	       a->next_header == b->next_header && a->payload_len == b->payload_len &&
	       memcmp(a->payload, b->payload, a->payload_len) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t buf[IP6_HEADER_LEN + UINT16_MAX];
	struct ip6_packet p, back;
	int len;

	if (ip6_packet_parse(data, size, &p) < 0)
		return 0;
	len = ip6_packet_build(&p, buf, sizeof(buf));
	if (len < 0 || ip6_packet_parse(buf, (size_t)len, &back) < 0 || !same(&p, &back))
		abort();
	return 0;
}
