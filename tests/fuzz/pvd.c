/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Additional information of a provisioning domain: what parses keeps its promises. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/pvd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct pvd_prefix *p)
{
	struct ip6_prefix same = prefix_make(&p->prefix.addr, p->prefix.len);
	const struct properties *have = &p->properties;

	if (p->prefix.len > 128 || !prefix_equal(&same, &p->prefix) ||
	    have->service >= SERVICE_TYPE_MAX || have->anchoring >= PREFIX_ANCHORING_MAX ||
	    have->mobility >= PREFIX_MOBILITY_MAX ||
	    !memchr(have->anchor, '\0', sizeof(have->anchor)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pvd_info info;

	if (pvd_info_parse((const char *)data, size, &info) < 0)
		return 0;
	if (info.n_prefixes > PVD_MAX_PREFIXES || !info.identifier[0] ||
	    !memchr(info.identifier, '\0', sizeof(info.identifier)))
		abort();
	for (unsigned i = 0; i < info.n_prefixes; i++)
		check(&info.prefix[i]);
	return 0;
}
