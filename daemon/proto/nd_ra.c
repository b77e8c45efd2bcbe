/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Router advertisements: RFC 4861 section 4.2, RFC 4191, RFC 6275 section 7, RFC 8801 section 3, RFC 8910 section 2.3.
 * Prefix information, provisioning domains and prefix properties have files of their own.
 */
#include <errno.h>

#include "proto/nd_option.h"

#define ND_ROUTER_ADVERT 134
#define HEADER_LEN 16

#define RA_MANAGED 0x80u
#define RA_OTHER 0x40u
#define RA_HOME_AGENT 0x20u
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

static bool header_possible(const uint8_t *buf)
{
	return buf[0] == ND_ROUTER_ADVERT && buf[1] == 0;
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

static void transfer_prefix_info(struct wire *w, struct nd_router_advert *ra)
{
	nd_prefix_info_transfer(w, &ra->prefix[w->index]);
	if (!w->encoding && wire_ok(w))
		ra->n_prefixes++;
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

/*
 * Where the portal is does not matter to us, and so what is built names none that exists.  The rest of the option is
 * padding.
 */
static void transfer_captive_portal(struct wire *w, struct nd_router_advert *ra)
{
	static const char unrestricted[] = "urn:ietf:params:capport:unrestricted";
	static const char somewhere[] = "https://portal.invalid/";
	const char *uri;
	size_t len;

	if (w->encoding) {
		write_bytes(&w->w, somewhere, sizeof(somewhere) - 1);
		return;
	}
	uri = (const char *)w->r.p;
	len = strnlen(uri, w->r.left);
	ra->captive_portal =
		len > 0 && (len != sizeof(unrestricted) - 1 || memcmp(uri, unrestricted, len) != 0);
}

struct option_kind {
	uint8_t type;
	uint8_t units; /* length in 8 octets; 0: the transfer function judges it */
	unsigned limit;
	void (*transfer)(struct wire *w, struct nd_router_advert *ra);
};

/* In the order on the wire. */
static const struct option_kind kinds[] = {
	{ND_OPT_SOURCE_LLADDR, 0, 1, transfer_lladdr},
	{ND_OPT_MTU, 1, 1, transfer_mtu},
	{ND_OPT_ADVERT_INTERVAL, 1, 1, transfer_interval},
	{ND_OPT_HOME_AGENT_INFO, 1, 1, transfer_home_agent_info},
	{ND_OPT_PREFIX_INFO, ND_PREFIX_INFO_UNITS, ND_MAX_PREFIXES, transfer_prefix_info},
	{ND_OPT_ROUTE_INFO, 0, ND_MAX_ROUTES, transfer_route_info},
	{ND_OPT_CAPTIVE_PORTAL, 0, 1, transfer_captive_portal},
};
#define N_KINDS (sizeof(kinds) / sizeof(*kinds))

static unsigned kind_count(const struct option_kind *k, const struct nd_router_advert *ra)
{
	switch (k->type) {
	case ND_OPT_SOURCE_LLADDR:
		return ra->lladdr_len > 0;
	case ND_OPT_MTU:
		return ra->mtu > 0;
	case ND_OPT_ADVERT_INTERVAL:
		return ra->interval_ms > 0;
	case ND_OPT_HOME_AGENT_INFO:
		return ra->has_home_agent_info;
	case ND_OPT_PREFIX_INFO:
		return ra->n_prefixes;
	case ND_OPT_ROUTE_INFO:
		return ra->n_routes;
	case ND_OPT_CAPTIVE_PORTAL:
		return ra->captive_portal;
	}
	return 0;
}

struct parsing {
	struct nd_router_advert *ra;
	uint8_t property_option;
	bool domain_seen;
	unsigned n_statements; /* of prefix properties: they may stand before their prefix */
	struct nd_prefix_info statement[ND_MAX_PREFIXES];
};

static bool parse_known(struct parsing *p, uint8_t type, struct reader data)
{
	struct wire w = {.r = data};

	for (size_t k = 0; k < N_KINDS; k++) {
		if (kinds[k].type != type)
			continue;
		w.index = kind_count(&kinds[k], p->ra);
		if (w.index < kinds[k].limit &&
		    (!kinds[k].units || data.left == kinds[k].units * 8u - 2))
			kinds[k].transfer(&w, p->ra);
		return true;
	}
	return false;
}

static void parse_property(struct parsing *p, struct reader data)
{
	struct wire w = {.r = data};

	if (p->n_statements == ND_MAX_PREFIXES ||
	    data.left != ND_PROPERTY_UNITS * ND_OPT_UNIT - ND_OPT_HEADER)
		return;
	nd_property_transfer(&w, &p->statement[p->n_statements]);
	if (wire_ok(&w))
		p->n_statements++;
}

static void parse_options(struct parsing *p, struct reader *r);

static bool options_whole(struct reader r)
{
	struct reader data;
	uint8_t type;

	while (nd_option_next(&r, &type, &data))
		;
	return !r.failed;
}

/*
 * Whatever stands in the option counts as if it stood outside, and a header in it comes before the outer one (RFC 8801
 * section 3.4).  Only the first such option counts, so there is none inside another.
 */
static void parse_domain(struct parsing *p, struct reader data)
{
	struct wire w = {.r = data};
	struct wire header = {0};
	struct nd_domain domain = {0};
	bool has_header = false;

	if (p->domain_seen)
		return;
	p->domain_seen = true;
	nd_domain_transfer(&w, &domain, &has_header);
	if (has_header)
		header.r = read_sub(&w.r, HEADER_LEN);
	if (!wire_ok(&w) || !options_whole(w.r) || (has_header && !header_possible(header.r.p)))
		return;
	memcpy(&p->ra->domain, &domain, sizeof(domain));
	if (has_header)
		transfer_header(&header, p->ra);
	parse_options(p, &w.r);
}

static void parse_options(struct parsing *p, struct reader *r)
{
	struct reader data;
	uint8_t type;

	while (nd_option_next(r, &type, &data)) {
		if (type == ND_OPT_DOMAIN)
			parse_domain(p, data);
		else if (!parse_known(p, type, data) && type == p->property_option)
			parse_property(p, data);
	}
}

static void apply_statements(const struct parsing *p)
{
	for (unsigned i = 0; i < p->ra->n_prefixes; i++) {
		struct nd_prefix_info *to = &p->ra->prefix[i];

		for (unsigned j = 0; j < p->n_statements; j++) {
			if (!prefix_equal(&p->statement[j].prefix, &to->prefix))
				continue;
			to->properties = p->statement[j].properties;
			to->deprecated_soon = p->statement[j].deprecated_soon;
			break;
		}
	}
}

int nd_router_advert_parse(const uint8_t *buf, size_t len, uint8_t property_option,
			   struct nd_router_advert *ret)
{
	struct wire w = {.r = reader_make(buf, len)};
	struct nd_router_advert ra;
	struct parsing p = {.ra = &ra, .property_option = property_option};

	memset(&ra, 0, sizeof(ra));
	if (len < HEADER_LEN || !header_possible(buf))
		return -EBADMSG;
	transfer_header(&w, &ra);
	parse_options(&p, &w.r);
	if (!wire_ok(&w))
		return -EBADMSG;
	apply_statements(&p);
	memcpy(ret, &ra, sizeof(*ret));
	return 0;
}

static void build_known(const struct option_kind *k, struct wire *w, struct nd_router_advert *ra)
{
	for (w->index = 0; w->index < kind_count(k, ra) && wire_ok(w); w->index++) {
		size_t start = nd_option_begin(w, k->type);

		k->transfer(w, ra);
		nd_option_end(w, start);
	}
}

static void build_domain(struct wire *w, struct nd_domain *d)
{
	size_t start = nd_option_begin(w, ND_OPT_DOMAIN);
	bool has_header = false;

	nd_domain_transfer(w, d, &has_header);
	nd_option_end(w, start);
}

static void build_property(struct wire *w, struct nd_prefix_info *p)
{
	size_t start = nd_option_begin(w, ND_PROPERTY_OPTION);

	nd_property_transfer(w, p);
	nd_option_end(w, start);
}

int nd_router_advert_build(const struct nd_router_advert *ra, uint8_t *buf, size_t cap)
{
	struct wire w = {.encoding = true, .w = writer_make(buf, cap)};
	struct nd_router_advert copy = *ra;

	if (ra->n_prefixes > ND_MAX_PREFIXES || ra->n_routes > ND_MAX_ROUTES)
		return -EINVAL;
	transfer_header(&w, &copy);
	for (size_t k = 0; k < N_KINDS; k++)
		build_known(&kinds[k], &w, &copy);
	if (copy.domain.name[0])
		build_domain(&w, &copy.domain);
	for (unsigned i = 0; i < copy.n_prefixes; i++)
		if (copy.prefix[i].properties.set || copy.prefix[i].deprecated_soon)
			build_property(&w, &copy.prefix[i]);
	if (w.refused)
		return -EINVAL;
	return w.w.failed ? -ENOBUFS : (int)w.w.len;
}
