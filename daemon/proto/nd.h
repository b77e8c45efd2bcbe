/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Neighbour Discovery messages a mobile node reads and writes (RFC 4861, 4191, 6275 section 7). All
 * buffers start at the ICMPv6 type.  Lifetimes are in seconds, 0xffffffff = infinite.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/property.h"
#include "base/usec.h"

#define ND_MAX_PREFIXES 32 /* per advertisement; more are ignored */
#define ND_MAX_ROUTES 32
#define ND_INFINITE 0xffffffffu
/* The end of a lifetime heard at that time. */
static inline usec_t nd_lifetime_end(usec_t heard, uint32_t seconds)
{
	return seconds == ND_INFINITE ? USEC_INFINITY : usec_add(heard, seconds * USEC_PER_SEC);
}

#define ND_PROPERTY_OPTION 253 /* for experiments: RFC 4727 section 5.1.3 */

enum nd_preference { /* RFC 4191 section 2.1 */
		     ND_PREF_LOW = -1,
		     ND_PREF_MEDIUM = 0,
		     ND_PREF_HIGH = 1,
};

struct nd_prefix_info {
	struct ip6_prefix prefix;
	struct in6_addr router_address; /* the field unmasked; meaningful with the R flag */
	bool on_link, autonomous, router_flag;
	uint32_t valid, preferred;
	struct properties
		properties; /* of the experimental option for this prefix; set = 0: none */
	bool deprecated_soon;
};

/* Provisioning domain option (RFC 8801 section 3.1); options inside it are in the advertisement. */
struct nd_domain {
	char name[254]; /* lower case, without a dot at the end; "" = no such option */
	bool http, legacy;
	uint8_t delay;
	uint16_t sequence;
};

struct nd_route_info {
	struct ip6_prefix prefix;
	enum nd_preference preference;
	uint32_t lifetime;
};

struct nd_router_advert {
	uint8_t hop_limit;
	bool managed, other, home_agent; /* M, O, H */
	enum nd_preference preference;
	uint16_t router_lifetime;
	uint32_t reachable_ms, retrans_ms;

	uint8_t lladdr_len; /* 0 = no source link-layer address */
	uint8_t lladdr[8];
	uint32_t mtu;         /* 0 = absent */
	uint32_t interval_ms; /* Advertisement Interval option; 0 = absent */
	bool has_home_agent_info;
	bool ha_mobile_router;
	uint16_t ha_preference, ha_lifetime; /* a lifetime of 0: a home agent no longer */
	struct nd_domain domain;
	bool captive_portal; /* RFC 8910, with any URI but "unrestricted" */
	unsigned n_prefixes, n_routes;
	struct nd_prefix_info prefix[ND_MAX_PREFIXES];
	struct nd_route_info route[ND_MAX_ROUTES];
};

/*
 * Parse a Router Advertisement; the caller has checked hop limit 255, link-local source and
 * checksum. 0, or -EBADMSG (wrong type or code, truncated, an option of length zero or past the
 * end).  Single options with impossible content are skipped.  property_option: the type of the
 * experimental prefix property option, 0 = there is none.
 */
int nd_router_advert_parse(const uint8_t *buf, size_t len, uint8_t property_option,
			   struct nd_router_advert *ret);
/* Every function that builds gives the length, -ENOBUFS, or -EINVAL for values the wire cannot
 * hold.  Here prefix properties go into options of type ND_PROPERTY_OPTION. */
int nd_router_advert_build(const struct nd_router_advert *ra, uint8_t *buf, size_t cap);

/* Without lladdr (NULL) when the source is unspecified or optimistic. */
int nd_router_solicit_build(const uint8_t *lladdr, size_t lladdr_len, uint8_t *buf, size_t cap);
/* Without lladdr (NULL) for the unspecified source, which makes the answer a multicast. */
int nd_neighbour_solicit_build(const struct in6_addr *target, const uint8_t *lladdr,
			       size_t lladdr_len, uint8_t *buf, size_t cap);

struct nd_neighbour_advert {
	struct in6_addr target;
	bool router, solicited;
	bool has_lladdr; /* a target link-layer address of six octets */
	uint8_t lladdr[6];
};

/* As nd_router_advert_parse(). */
int nd_neighbour_advert_parse(const uint8_t *buf, size_t len, struct nd_neighbour_advert *ret);
/* An unsolicited advertisement: S=0, O=1, with target link-layer address (RFC 6275 section 11.5.5).
 */
int nd_neighbour_advert_build(const struct in6_addr *target, const uint8_t *lladdr,
			      size_t lladdr_len, uint8_t *buf, size_t cap);

/* Fill in the ICMPv6 checksum of a message at buf (RFC 4443 section 2.3). */
void icmp6_set_checksum(const struct in6_addr *src, const struct in6_addr *dst, uint8_t *buf,
			size_t len);
bool icmp6_checksum_ok(const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *buf,
		       size_t len);

/* Dynamic Home Agent Address Discovery (RFC 6275 sections 6.5, 6.6). */
#define ICMP6_DHAAD_REQUEST 144
#define ICMP6_DHAAD_REPLY 145
#define DHAAD_MAX_AGENTS 32

struct dhaad_reply {
	uint16_t identifier;
	bool mobile_router;
	unsigned n;
	struct in6_addr agent[DHAAD_MAX_AGENTS]; /* highest preference first */
};

int dhaad_request_build(uint16_t identifier, bool mobile_router, uint8_t *buf, size_t cap);
int dhaad_request_parse(const uint8_t *buf, size_t len, uint16_t *ret_identifier,
			bool *ret_mobile_router);
int dhaad_reply_build(const struct dhaad_reply *r, uint8_t *buf, size_t cap);
int dhaad_reply_parse(const uint8_t *buf, size_t len, struct dhaad_reply *ret);
/* The home agents anycast address of a home prefix: interface identifier fdff:ffff:ffff:fffe. */
struct in6_addr dhaad_anycast(const struct ip6_prefix *home);

/* Mobile Prefix Discovery (RFC 6275 sections 6.7, 6.8). */
#define ICMP6_MPS 146
#define ICMP6_MPA 147

struct mobile_prefix_advert {
	uint16_t identifier;
	bool managed, other;
	unsigned n_prefixes;
	struct nd_prefix_info prefix[ND_MAX_PREFIXES];
};

int mobile_prefix_solicit_build(uint16_t identifier, uint8_t *buf, size_t cap);
int mobile_prefix_solicit_parse(const uint8_t *buf, size_t len, uint16_t *ret_identifier);
int mobile_prefix_advert_build(const struct mobile_prefix_advert *a, uint8_t *buf, size_t cap);
int mobile_prefix_advert_parse(const uint8_t *buf, size_t len, struct mobile_prefix_advert *ret);

/* ICMPv6 echo (RFC 4443 section 4). */
#define ICMP6_ECHO 128
#define ICMP6_ECHO_REPLY_TYPE 129
int icmp6_echo_build(uint16_t identifier, uint16_t sequence, uint8_t *buf, size_t cap);
int icmp6_echo_reply_parse(const uint8_t *buf, size_t len, uint16_t *ret_identifier,
			   uint16_t *ret_sequence);
