/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mobile Prefix Discovery (RFC 6275 section 11.4.2): what has become of the home prefix.  Without IPsec advertisements are
 * not authenticated: they may end the use of a prefix for new sessions, never take one from those that have it.
 */
#include "mobility/internal.h"

#define INITIAL_SOLICIT_TIMER (3 * USEC_PER_SEC)
#define MAX_SOLICITS 3
#define ICMP6_NEXT_HEADER 58

void prefix_discovery_begin(struct binding *b)
{
	if (b->anchor->prefix_discovery == ABILITY_NO || b->solicit_at != USEC_INFINITY)
		return;
	b->solicits = 0;
	b->solicit_at = b->engine->now.mono;
}

static void solicit(struct binding *b)
{
	struct engine *e = b->engine;
	uint8_t buf[16];
	struct ip6_packet p = {
		.src = e->coa,
		.dst = b->anchor->address,
		.has_home_option = true,
		.home = b->home,
		.hop_limit = 64,
		.next_header = ICMP6_NEXT_HEADER,
		.payload = buf,
	};
	int n;

	e->ops->random(e->user, &b->solicit_identifier, sizeof(b->solicit_identifier));
	n = mobile_prefix_solicit_build(b->solicit_identifier, buf, sizeof(buf));
	if (n < 0)
		return;
	p.payload_len = (size_t)n;
	icmp6_set_checksum(&b->home, &p.dst, buf, p.payload_len);
	e->ops->send(e->user, e->uplink->ifindex, &p);
}

usec_t prefix_discovery_next_timer(const struct binding *b)
{
	return b->engine->uplink && b->registered ? b->solicit_at : USEC_INFINITY;
}

void prefix_discovery_timer(struct binding *b)
{
	if (b->engine->now.mono < prefix_discovery_next_timer(b))
		return;
	if (prefix_discovery_next_timer(b) == USEC_INFINITY)
		return;
	if (b->solicits == MAX_SOLICITS) {
		b->solicit_at = USEC_INFINITY;
		if (b->anchor->prefix_discovery == ABILITY_UNKNOWN) {
			b->anchor->prefix_discovery = ABILITY_NO;
			engine_publish(b->engine, OBJECT_ANCHOR, CHANGE_CHANGED, b->anchor);
		}
		return;
	}
	solicit(b);
	b->solicit_at = usec_add(b->engine->now.mono, INITIAL_SOLICIT_TIMER << b->solicits);
	b->solicits++;
}

static void learn(struct binding *b, const struct nd_prefix_info *p)
{
	struct engine *e = b->engine;

	if (!prefix_equal(&p->prefix, &b->home_prefix)) {
		log_info("anchor %s also advertises the home prefix %s", b->anchor->name,
			 PREFIX_STR(&p->prefix));
		return;
	}
	b->home_heard = e->now.mono;
	b->home_valid = p->valid;
	b->home_preferred = p->preferred;
	if (!p->valid)
		log_warning("anchor %s says that the home prefix %s is not valid any more (not "
			    "authenticated: it is kept for "
			    "the sessions that use it)",
			    b->anchor->name, PREFIX_STR(&p->prefix));
}

void prefix_discovery_advert(struct engine *e, const struct icmp_event *ev)
{
	struct binding *b = engine_find_home(e, &ev->dst);
	struct mobile_prefix_advert a;

	if (!b || !addr_equal(&ev->src, &b->anchor->address) ||
	    (!ev->has_rh2 && !ev->rh2_unknown) ||
	    mobile_prefix_advert_parse(ev->icmp, ev->len, &a) < 0)
		return;
	/* Asked for, or a hint to ask (section 11.4.3). */
	if (b->solicit_at == USEC_INFINITY || a.identifier != b->solicit_identifier) {
		if (b->registered && (!b->home_heard ||
				      usec_add(b->home_heard, INITIAL_SOLICIT_TIMER) < e->now.mono))
			prefix_discovery_begin(b);
		return;
	}
	b->solicit_at = USEC_INFINITY;
	b->anchor->prefix_discovery = ABILITY_YES;
	for (unsigned i = 0; i < a.n_prefixes; i++)
		learn(b, &a.prefix[i]);
	engine_publish(e, OBJECT_BINDING, CHANGE_CHANGED, b);
}
