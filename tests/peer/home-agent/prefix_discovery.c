/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "prefix_discovery.h"

#include <errno.h>

#include "../common/event.h"
#include "agent.h"
#include "base/log.h"
#include "binding.h"
#include "transmit.h"

#define HOP_LIMIT 64
#define ADVERT_MAX (8 + 32 * ND_MAX_PREFIXES)
#define PACKET_MAX (IP6_HEADER_LEN + RH2_HEADER_LEN + ADVERT_MAX)

static struct nd_prefix_info describe(const struct agent *a, const struct ip6_prefix *prefix)
{
	struct nd_prefix_info info = {.prefix = *prefix,
				      .router_address = prefix->addr,
				      .on_link = true,
				      .autonomous = true,
				      .valid = a->config.valid,
				      .preferred = a->config.preferred};

	for (unsigned i = 0; i < a->config.n_addresses && !info.router_flag; i++)
		if (prefix_contains(prefix, &a->config.address[i])) {
			info.router_flag = true;
			info.router_address = a->config.address[i];
		}
	return info;
}

static int advertise(struct agent *a, const struct binding *b, uint16_t identifier,
		     enum message_fault fault)
{
	struct mobile_prefix_advert advert = {.identifier = identifier};
	struct ip6_packet p = {.src = b->agent,
			       .dst = b->coa,
			       .home = b->home,
			       .has_rh2 = true,
			       .hop_limit = HOP_LIMIT,
			       .next_header = IPPROTO_ICMPV6};
	uint8_t message[ADVERT_MAX], packet[PACKET_MAX];
	int r;

	for (unsigned i = 0; i < a->config.n_prefixes && i < ND_MAX_PREFIXES; i++)
		advert.prefix[advert.n_prefixes++] = describe(a, &a->config.prefix[i]);
	r = mobile_prefix_advert_build(&advert, message, sizeof(message));
	if (r < 0)
		return r;
	p.payload = message;
	p.payload_len = (size_t)r;
	fault_addresses(fault, &p);
	icmp6_set_checksum(ip6_packet_source(&p), ip6_packet_destination(&p), message,
			   p.payload_len);
	r = ip6_packet_build(&p, packet, sizeof(packet));
	if (r >= 0)
		r = transmit_packet(a, packet, (size_t)r);
	if (r < 0)
		return log_errno(r, "%s: mobile prefix advertisement", ADDR_STR(&b->home));
	a->counters.prefix_advertisements++;
	return 0;
}

int prefix_discovery_advertise(struct agent *a, const struct binding *b, enum message_fault fault)
{
	return advertise(a, b, 0, fault);
}

void prefix_discovery_receive(struct agent *a, const struct ip6_packet *p)
{
	struct binding *b = binding_find(a, ip6_packet_source(p));
	uint16_t identifier;

	if (a->faults.silent || !agent_has_address(a, &p->dst) || !p->has_home_option || !b ||
	    b->state != BINDING_BOUND || !addr_equal(&b->coa, &p->src) ||
	    !icmp6_checksum_ok(ip6_packet_source(p), ip6_packet_destination(p), p->payload,
			       p->payload_len) ||
	    mobile_prefix_solicit_parse(p->payload, p->payload_len, &identifier) < 0)
		return;
	a->counters.prefix_solicitations++;
	event_log("prefix-solicitation", "{s:o, s:i}", "home", json_addr(&b->home), "identifier",
		  identifier);
	advertise(a, b, identifier, MESSAGE_FAULT_NONE);
}
