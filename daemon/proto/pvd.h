/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Additional information of a provisioning domain (RFC 8801 section 4): application/pvd+json -> struct. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "base/property.h"
#include "base/usec.h"

#define PVD_MAX_PREFIXES 32
#define PVD_MAX_NAME 253
#define PVD_MAX_JSON 65536 /* octets */

struct pvd_prefix {
	struct ip6_prefix prefix;
	/* From "vendor-dmmd": {"prefixes": {"PREFIX": {"service", "anchoring", "anchor", "mobility", "cost"}}} */
	struct properties properties;
};

struct pvd_info {
	char identifier[PVD_MAX_NAME + 1]; /* lower case, without a dot at the end */
	usec_t expires_real;
	bool no_internet;
	unsigned n_prefixes;
	struct pvd_prefix prefix[PVD_MAX_PREFIXES];
};

/*
 * 0; -EBADMSG: not JSON, or a mandatory key (identifier, expires, prefixes) is missing or invalid; -E2BIG: more prefixes or
 * octets than there is room for.  Unknown keys, and properties that cannot be, are ignored.
 */
int pvd_info_parse(const char *text, size_t len, struct pvd_info *ret);
