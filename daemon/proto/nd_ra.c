/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Router advertisements: RFC 4861 section 4.2, RFC 4191, RFC 6275 section 7. */
#include "proto/nd.h"

#include <errno.h>

#include "proto/wire.h"

#define ND_ROUTER_ADVERT 134

enum {
	OPT_SOURCE_LLADDR = 1,
	OPT_PREFIX_INFO = 3,
	OPT_MTU = 5,
	OPT_ADVERT_INTERVAL = 7,
	OPT_HOME_AGENT_INFO = 8,
	OPT_ROUTE_INFO = 24,
};

#define RA_MANAGED 0x80u
#define RA_OTHER 0x40u
#define RA_HOME_AGENT 0x20u
#define PIO_ON_LINK 0x80u
#define PIO_AUTONOMOUS 0x40u
#define PIO_ROUTER 0x20u
#define HAI_MOBILE_ROUTER 0x8000u
#define MIN_MTU 1280 /* RFC 8200 section 5 */

/* The two preference bits at 0x18 of an octet: 01 high, 00 medium, 11 low, 10 reserved. */
#define PREFERENCE_RESERVED 2u

static unsigned preference_bits(enum nd_preference p)
{
	return (unsigned)p & 3u;
}

static enum nd_preference preference_value(unsigned bits)
{
	return bits == 1 ? ND_PREF_HIGH : bits == 3 ? ND_PREF_LOW : ND_PREF_MEDIUM;
}

static void transfer_header(struct wire *w, struct nd_router_advert *ra)
{
	uint8_t type = ND_ROUTER_ADVERT, code = 0;
	uint8_t flags = (uint8_t)((ra->managed ? RA_MANAGED : 0) | (ra->other ? RA_OTHER : 0) |
				  (ra->home_agent ? RA_HOME_AGENT : 0) |
				  (ra->router_lifetime ? preference_bits(ra->preference) << 3 : 0));

	wire_u8(w, &type);
	wire_u8(w, &code);
	wire_reserved(w, 2); /* checksum */
	wire_u8(w, &ra->hop_limit);
	wire_u8(w, &flags);
	wire_u16(w, &ra->router_lifetime);
	wire_u32(w, &ra->reachable_ms);
	wire_u32(w, &ra->retrans_ms);
	if (w->encoding)
		return;
	w->refused = type != ND_ROUTER_ADVERT || code != 0;
	ra->managed = flags & RA_MANAGED;
	ra->other = flags & RA_OTHER;
	ra->home_agent = flags & RA_HOME_AGENT;
	/* RFC 4191 section 2.2: without a lifetime the preference says nothing. */
	ra->preference = ra->router_lifetime ? preference_value(flags >> 3 & 3) : ND_PREF_MEDIUM;
}

/*
 * Options.  Each function handles the data behind type and length in both directions and refuses
 * impossible content before it changes *ra.
 */

static void transfer_lladdr(struct wire *w, struct nd_router_advert *ra)
{
	uint8_t len = ra->lladdr_len;

	/* Room for 6 octets is an EUI-48 address; the next size up holds an EUI-64 one. */
	if (!w->encoding)
		len = w->r.left == 6 ? 6 : w->r.left == 14 ? 8 : 0;
	if (len != 6 && len != 8) {
		w->refused = true;
		return;
	}
	ra->lladdr_len = len;
	memset(ra->lladdr + len, 0, sizeof(ra->lladdr) - len);
	wire_bytes(w, ra->lladdr, len);
}

static void transfer_mtu(struct wire *w, struct nd_router_advert *ra)
{
	uint32_t mtu = ra->mtu;

	wire_reserved(w, 2);
	wire_u32(w, &mtu);
	w->refused = mtu < MIN_MTU;
	if (wire_ok(w))
		ra->mtu = mtu;
}

static void transfer_interval(struct wire *w, struct nd_router_advert *ra)
{
	uint32_t interval = ra->interval_ms;

	wire_reserved(w, 2);
	wire_u32(w, &interval);
	if (wire_ok(w))
		ra->interval_ms = interval;
}

static void transfer_home_agent_info(struct wire *w, struct nd_router_advert *ra)
{
	uint16_t flags = ra->ha_mobile_router ? HAI_MOBILE_ROUTER : 0;
	uint16_t preference = ra->ha_preference, lifetime = ra->ha_lifetime;

	wire_u16(w, &flags);
	wire_u16(w, &preference);
	wire_u16(w, &lifetime);
	if (!wire_ok(w))
		return;
	ra->has_home_agent_info = true;
	ra->ha_mobile_router = flags & HAI_MOBILE_ROUTER;
	ra->ha_preference = preference;
	ra->ha_lifetime = lifetime;
}

static bool prefix_info_possible(const struct nd_prefix_info *p)
{
	return p->prefix.len <= 128 && p->preferred <= p->valid &&
	       !addr_is_linklocal(&p->prefix.addr) && !addr_is_multicast(&p->prefix.addr) &&
	       (!p->router_flag || prefix_contains(&p->prefix, &p->router_address));
}

static void transfer_prefix_info(struct wire *w, struct nd_router_advert *ra)
{
	struct nd_prefix_info p = ra->prefix[w->index];
	struct in6_addr addr = p.router_flag ? p.router_address : p.prefix.addr;
	uint8_t flags =
		(uint8_t)((p.on_link ? PIO_ON_LINK : 0) | (p.autonomous ? PIO_AUTONOMOUS : 0) |
			  (p.router_flag ? PIO_ROUTER : 0));

	wire_u8(w, &p.prefix.len);
	wire_u8(w, &flags);
	wire_u32(w, &p.valid);
	wire_u32(w, &p.preferred);
	wire_reserved(w, 4);
	wire_bytes(w, &addr, sizeof(addr));
	if (!w->encoding) {
		p.on_link = flags & PIO_ON_LINK;
		p.autonomous = flags & PIO_AUTONOMOUS;
		p.router_flag = flags & PIO_ROUTER;
		p.prefix = prefix_make(&addr, p.prefix.len);
		if (p.router_flag)
			p.router_address = addr;
	}
	w->refused = !prefix_info_possible(&p);
	if (!w->encoding && wire_ok(w))
		ra->prefix[ra->n_prefixes++] = p;
}

/* RFC 4191 section 2.3: the prefix field has 0, 8 or 16 octets, enough for the prefix length. */
static void transfer_route_info(struct wire *w, struct nd_router_advert *ra)
{
	struct nd_route_info route = ra->route[w->index];
	uint8_t flags = (uint8_t)(preference_bits(route.preference) << 3);
	struct in6_addr addr = route.prefix.addr;
	size_t octets;

	wire_u8(w, &route.prefix.len);
	wire_u8(w, &flags);
	wire_u32(w, &route.lifetime);
	if (w->encoding)
		octets = route.prefix.len == 0 ? 0 : route.prefix.len <= 64 ? 8 : 16;
	else
		octets = w->r.left;
	if (octets > 16 || route.prefix.len > octets * 8 ||
	    (flags >> 3 & 3) == PREFERENCE_RESERVED) {
		w->refused = true;
		return;
	}
	wire_bytes(w, &addr, octets);
	if (w->encoding || !wire_ok(w))
		return;
	route.prefix = prefix_make(&addr, route.prefix.len);
	route.preference = preference_value(flags >> 3 & 3);
	ra->route[ra->n_routes++] = route;
}

struct option_kind {
	uint8_t type;
	uint8_t units; /* length in 8 octets; 0: the transfer function judges it */
	unsigned limit;
	void (*transfer)(struct wire *w, struct nd_router_advert *ra);
};

/* In the order on the wire. */
static const struct option_kind kinds[] = {
	{OPT_SOURCE_LLADDR, 0, 1, transfer_lladdr},
	{OPT_MTU, 1, 1, transfer_mtu},
	{OPT_ADVERT_INTERVAL, 1, 1, transfer_interval},
	{OPT_HOME_AGENT_INFO, 1, 1, transfer_home_agent_info},
	{OPT_PREFIX_INFO, 4, ND_MAX_PREFIXES, transfer_prefix_info},
	{OPT_ROUTE_INFO, 0, ND_MAX_ROUTES, transfer_route_info},
};
#define N_KINDS (sizeof(kinds) / sizeof(*kinds))

static unsigned kind_count(const struct option_kind *k, const struct nd_router_advert *ra)
{
	switch (k->type) {
	case OPT_SOURCE_LLADDR:
		return ra->lladdr_len > 0;
	case OPT_MTU:
		return ra->mtu > 0;
	case OPT_ADVERT_INTERVAL:
		return ra->interval_ms > 0;
	case OPT_HOME_AGENT_INFO:
		return ra->has_home_agent_info;
	case OPT_PREFIX_INFO:
		return ra->n_prefixes;
	case OPT_ROUTE_INFO:
		return ra->n_routes;
	}
	return 0;
}

static void parse_option(uint8_t type, struct reader data, struct nd_router_advert *ra)
{
	struct wire w = {.r = data};

	for (size_t k = 0; k < N_KINDS; k++) {
		if (kinds[k].type != type)
			continue;
		w.index = kind_count(&kinds[k], ra);
		if (w.index < kinds[k].limit &&
		    (!kinds[k].units || data.left == kinds[k].units * 8u - 2))
			kinds[k].transfer(&w, ra);
	}
}

int nd_router_advert_parse(const uint8_t *buf, size_t len, struct nd_router_advert *ret)
{
	struct wire w = {.r = reader_make(buf, len)};
	struct nd_router_advert ra;

	memset(&ra, 0, sizeof(ra));
	transfer_header(&w, &ra);
	while (wire_ok(&w) && w.r.left) {
		uint8_t type = read_u8(&w.r), units = read_u8(&w.r);
		struct reader data;

		if (units == 0)
			return -EBADMSG;
		data = read_sub(&w.r, units * 8u - 2);
		if (!w.r.failed)
			parse_option(type, data, &ra);
	}
	if (!wire_ok(&w))
		return -EBADMSG;
	memcpy(ret, &ra, sizeof(*ret));
	return 0;
}

static void build_option(const struct option_kind *k, struct wire *w, struct nd_router_advert *ra)
{
	size_t start = w->w.len;

	write_u8(&w->w, k->type);
	write_u8(&w->w, 0);
	k->transfer(w, ra);
	write_room(&w->w, -w->w.len % 8);
	if (wire_ok(w))
		w->w.buf[start + 1] = (uint8_t)((w->w.len - start) / 8);
}

int nd_router_advert_build(const struct nd_router_advert *ra, uint8_t *buf, size_t cap)
{
	struct wire w = {.encoding = true, .w = writer_make(buf, cap)};
	struct nd_router_advert copy = *ra;

	transfer_header(&w, &copy);
	for (size_t k = 0; k < N_KINDS && wire_ok(&w); k++) {
		unsigned n = kind_count(&kinds[k], ra);

		if (n > kinds[k].limit)
			return -EINVAL;
		for (w.index = 0; w.index < n && wire_ok(&w); w.index++)
			build_option(&kinds[k], &w, &copy);
	}
	if (w.refused)
		return -EINVAL;
	return w.w.failed ? -ENOBUFS : (int)w.w.len;
}
