/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests and fuzz programs of proto/ share: addresses, octets from hexadecimal, equality.
 */
#pragma once

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/property.h"
#include "proto/mh.h"
#include "proto/nd.h"

#define HA "2001:db8:1::1"
#define HOA "2001:db8:1::100"
#define COA "2001:db8:2::1"
#define CN "2001:db8:3::1"

static inline struct in6_addr addr(const char *s)
{
	struct in6_addr a;

	if (addr_parse(s, &a) < 0)
		abort();
	return a;
}

static inline struct ip6_prefix prefix(const char *s)
{
	struct ip6_prefix p;

	if (prefix_parse(s, &p) < 0)
		abort();
	return p;
}

/* The octets of a string of hexadecimal digits, of which blanks and line ends are no part. */
static inline size_t unhex(const char *s, uint8_t *buf, size_t cap)
{
	size_t n = 0;

	for (; *s; s++) {
		char pair[3] = {s[0], s[1], 0};

		if (isspace((unsigned char)*s))
			continue;
		if (!isxdigit((unsigned char)s[1]) || n == cap)
			abort();
		buf[n++] = (uint8_t)strtoul(pair, NULL, 16);
		s++;
	}
	return n;
}

static inline bool mh_bid_same(const struct mh_bid *a, const struct mh_bid *b)
{
	return a->bid == b->bid && a->status == b->status && a->flags_pri == b->flags_pri &&
	       a->coa_len == b->coa_len && memcmp(a->coa, b->coa, sizeof(a->coa)) == 0;
}

static inline bool mh_lists_same(const struct mh_options *a, const struct mh_options *b)
{
	if (a->n_prefixes != b->n_prefixes || a->n_bids != b->n_bids ||
	    a->flow_id_len != b->flow_id_len)
		return false;
	for (unsigned i = 0; i < a->n_prefixes; i++)
		if (!prefix_equal(&a->prefix[i], &b->prefix[i]))
			return false;
	for (unsigned i = 0; i < a->n_bids; i++)
		if (!mh_bid_same(&a->bid[i], &b->bid[i]))
			return false;
	return !a->flow_id_len || memcmp(a->flow_id, b->flow_id, a->flow_id_len) == 0;
}

/* Without what is compared by member (padding inside) or may differ (places of authenticators). */
static inline void mh_message_plain(struct mh_message *m)
{
	memset(m->opt.prefix, 0, sizeof(m->opt.prefix));
	memset(m->opt.bid, 0, sizeof(m->opt.bid));
	m->opt.flow_id = NULL;
	m->auth_offset = m->binding_auth_offset = 0;
}

/* Equal in every field of two messages that were zeroed before they were filled in. */
static inline bool mh_message_same(const struct mh_message *a, const struct mh_message *b)
{
	struct mh_message x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	mh_message_plain(&x);
	mh_message_plain(&y);
	return mh_lists_same(&a->opt, &b->opt) && memcmp(&x, &y, sizeof(x)) == 0;
}

static inline bool properties_same(const struct properties *a, const struct properties *b)
{
	return a->set == b->set && a->anchoring == b->anchoring &&
	       strcmp(a->anchor, b->anchor) == 0 && a->service == b->service &&
	       a->mobility == b->mobility && a->internet == b->internet &&
	       a->published == b->published && a->cost == b->cost;
}

static inline bool nd_prefix_info_same(const struct nd_prefix_info *a,
				       const struct nd_prefix_info *b)
{
	return prefix_equal(&a->prefix, &b->prefix) &&
	       addr_equal(&a->router_address, &b->router_address) && a->on_link == b->on_link &&
	       a->autonomous == b->autonomous && a->router_flag == b->router_flag &&
	       a->valid == b->valid && a->preferred == b->preferred &&
	       properties_same(&a->properties, &b->properties) &&
	       a->deprecated_soon == b->deprecated_soon;
}

static inline bool nd_route_info_same(const struct nd_route_info *a, const struct nd_route_info *b)
{
	return prefix_equal(&a->prefix, &b->prefix) && a->preference == b->preference &&
	       a->lifetime == b->lifetime;
}

static inline bool nd_domain_same(const struct nd_domain *a, const struct nd_domain *b)
{
	return strcmp(a->name, b->name) == 0 && a->http == b->http && a->legacy == b->legacy &&
	       a->delay == b->delay && a->sequence == b->sequence;
}

static inline bool nd_router_advert_same(const struct nd_router_advert *a,
					 const struct nd_router_advert *b)
{
	if (a->n_prefixes != b->n_prefixes || a->n_routes != b->n_routes)
		return false;
	for (unsigned i = 0; i < a->n_prefixes; i++)
		if (!nd_prefix_info_same(&a->prefix[i], &b->prefix[i]))
			return false;
	for (unsigned i = 0; i < a->n_routes; i++)
		if (!nd_route_info_same(&a->route[i], &b->route[i]))
			return false;
	return a->hop_limit == b->hop_limit && a->managed == b->managed && a->other == b->other &&
	       a->home_agent == b->home_agent && a->preference == b->preference &&
	       a->router_lifetime == b->router_lifetime && a->reachable_ms == b->reachable_ms &&
	       a->retrans_ms == b->retrans_ms && a->lladdr_len == b->lladdr_len &&
	       memcmp(a->lladdr, b->lladdr, sizeof(a->lladdr)) == 0 && a->mtu == b->mtu &&
	       a->interval_ms == b->interval_ms &&
	       a->has_home_agent_info == b->has_home_agent_info &&
	       a->ha_mobile_router == b->ha_mobile_router && a->ha_preference == b->ha_preference &&
	       a->ha_lifetime == b->ha_lifetime && a->captive_portal == b->captive_portal &&
	       nd_domain_same(&a->domain, &b->domain);
}

static inline bool mobile_prefix_advert_same(const struct mobile_prefix_advert *a,
					     const struct mobile_prefix_advert *b)
{
	if (a->identifier != b->identifier || a->managed != b->managed || a->other != b->other ||
	    a->n_prefixes != b->n_prefixes)
		return false;
	for (unsigned i = 0; i < a->n_prefixes; i++)
		if (!nd_prefix_info_same(&a->prefix[i], &b->prefix[i]))
			return false;
	return true;
}
