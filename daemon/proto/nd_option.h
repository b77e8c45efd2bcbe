/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the messages that carry Neighbour Discovery options share (RFC 4861 section 4.6). */
#pragma once

#include "proto/nd.h"
#include "proto/wire.h"

/* Of RFC 4861, 6275, 4191, 8801, 8910. */
enum nd_option_type {
	ND_OPT_SOURCE_LLADDR = 1,
	ND_OPT_TARGET_LLADDR = 2,
	ND_OPT_PREFIX_INFO = 3,
	ND_OPT_MTU = 5,
	ND_OPT_ADVERT_INTERVAL = 7,
	ND_OPT_HOME_AGENT_INFO = 8,
	ND_OPT_DOMAIN = 21,
	ND_OPT_ROUTE_INFO = 24,
	ND_OPT_CAPTIVE_PORTAL = 37,
};

#define ND_OPT_UNIT 8
#define ND_OPT_HEADER 2 /* type and length */
#define ND_PREFIX_INFO_UNITS 4

/* The next option: its type, and a cursor over what is behind its length.  False at the end, and with r->failed when
 * there is no whole option (truncated, length zero). */
static inline bool nd_option_next(struct reader *r, uint8_t *ret_type, struct reader *ret_data)
{
	size_t units;

	if (!r->left)
		return false;
	*ret_type = read_u8(r);
	units = read_u8(r);
	if (units == 0)
		r->failed = true;
	else
		*ret_data = read_sub(r, units * ND_OPT_UNIT - ND_OPT_HEADER);
	return !r->failed;
}

/* Where an option begins; nd_option_end() pads it and fills in its length. */
static inline size_t nd_option_begin(struct wire *w, uint8_t type)
{
	size_t start = w->w.len;

	write_u8(&w->w, type);
	write_u8(&w->w, 0);
	return start;
}

static inline void nd_option_end(struct wire *w, size_t start)
{
	size_t units;

	write_room(&w->w, -(w->w.len - start) % ND_OPT_UNIT);
	if (!wire_ok(w))
		return;
	units = (w->w.len - start) / ND_OPT_UNIT;
	w->refused = units > UINT8_MAX;
	w->w.buf[start + 1] = (uint8_t)units;
}

/* What is behind type and length of a prefix information option.  Decoding, *p is only touched by one that is possible;
 * what else there is in it becomes zero. */
void nd_prefix_info_transfer(struct wire *w, struct nd_prefix_info *p);

/* The same of a provisioning domain option up to its name and padding; what follows there is the caller's.  *has_header:
 * a router advertisement header does. */
void nd_domain_transfer(struct wire *w, struct nd_domain *d, bool *has_header);

/*
 * The experimental prefix property option: prefix, properties and deprecated_soon of *p.
 *
 *   version = 1 (8 bits)  flags (8)  service (8)  anchoring (8)  mobility (8)  cost (8)
 *   prefix length (8)  reserved (24)  valid from (32)  prefix (128)
 *
 * Flags: 0x80 published, 0x40 no Internet, 0x20 deprecated soon.  Service: 0 not stated, 1 non-persistent,
 * 2 session-lasting, 3 fixed, 4 graceful-replacement.  Anchoring and mobility: as in their enums.  Cost: 255 not stated.
 * Valid from: seconds until it holds; refused before, since it is said again.
 */
#define ND_PROPERTY_UNITS 4
void nd_property_transfer(struct wire *w, struct nd_prefix_info *p);
