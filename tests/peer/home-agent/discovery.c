/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "discovery.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "../common/event.h"
#include "agent.h"
#include "base/log.h"
#include "home_link.h"
#include "transmit.h"

#define HOP_LIMIT 64

/* On the home link, so that its routers find it there; where there is none, on the loopback. */
static int anycast_index(const struct agent *a)
{
	return a->home_link ? home_link_index(a->home_link) : (int)if_nametoindex("lo");
}

int discovery_open(struct agent *a)
{
	for (unsigned i = 0; i < a->config.n_prefixes; i++) {
		struct in6_addr anycast = dhaad_anycast(&a->config.prefix[i]);
		int r = netlink_addr_add(a->netlink, anycast_index(a), &anycast);

		if (r < 0)
			return log_errno(r, "%s: anycast address", ADDR_STR(&anycast));
		a->anycast_up = true;
	}
	return 0;
}

void discovery_close(struct agent *a)
{
	for (unsigned i = 0; a->anycast_up && i < a->config.n_prefixes; i++) {
		struct in6_addr anycast = dhaad_anycast(&a->config.prefix[i]);

		netlink_addr_del(a->netlink, anycast_index(a), &anycast);
	}
	a->anycast_up = false;
}

static const struct ip6_prefix *prefix_of_anycast(const struct agent *a,
						  const struct in6_addr *address)
{
	for (unsigned i = 0; i < a->config.n_prefixes; i++) {
		struct in6_addr anycast = dhaad_anycast(&a->config.prefix[i]);

		if (addr_equal(&anycast, address))
			return &a->config.prefix[i];
	}
	return NULL;
}

static int answer(struct agent *a, const struct in6_addr *to, uint16_t identifier)
{
	struct dhaad_reply reply = {.identifier = identifier, .n = a->config.n_agents};
	struct ip6_packet p = {.src = a->config.address[0],
			       .dst = *to,
			       .hop_limit = HOP_LIMIT,
			       .next_header = IPPROTO_ICMPV6};
	uint8_t message[8 + 16 * DHAAD_MAX_AGENTS], packet[IP6_HEADER_LEN + sizeof(message)];
	int len;

	memcpy(reply.agent, a->config.agents, sizeof(reply.agent));
	len = dhaad_reply_build(&reply, message, sizeof(message));
	if (len < 0)
		return len;
	icmp6_set_checksum(&p.src, &p.dst, message, (size_t)len);
	p.payload = message;
	p.payload_len = (size_t)len;
	len = ip6_packet_build(&p, packet, sizeof(packet));
	return len < 0 ? len : transmit_packet(a, packet, (size_t)len);
}

void discovery_receive(struct agent *a, const struct ip6_packet *p)
{
	uint16_t identifier;
	bool mobile_router;
	int r;

	if (a->faults.silent || !prefix_of_anycast(a, &p->dst) || !addr_is_routable(&p->src) ||
	    dhaad_request_parse(p->payload, p->payload_len, &identifier, &mobile_router) < 0 ||
	    !icmp6_checksum_ok(&p->src, &p->dst, p->payload, p->payload_len))
		return;
	a->counters.discovery_requests++;
	event_log("discovery", "{s:o, s:i}", "from", json_addr(&p->src), "identifier", identifier);
	r = answer(a, &p->src, identifier);
	if (r < 0)
		log_errno(r, "%s: discovery reply", ADDR_STR(&p->src));
	else
		a->counters.discovery_replies++;
}
