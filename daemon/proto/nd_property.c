/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The experimental prefix property option; its layout is in nd_option.h. */
#include "proto/nd_option.h"

#define VERSION 1
#define PUBLISHED 0x80u
#define NO_INTERNET 0x40u
#define DEPRECATED_SOON 0x20u
#define COST_NOT_STATED 255

/* By number on the wire; 0 is not stated. */
static const enum service_type services[] = {
	[1] = SERVICE_NON_PERSISTENT,
	[2] = SERVICE_SESSION_LASTING,
	[3] = SERVICE_FIXED,
	[4] = SERVICE_GRACEFUL_REPLACEMENT,
};
#define N_SERVICES (sizeof(services) / sizeof(*services))

struct statement {
	uint8_t version, flags, service, anchoring, mobility, cost;
	uint32_t valid_from;
};

static void encode(const struct nd_prefix_info *p, struct statement *s)
{
	const struct properties *have = &p->properties;

	*s = (struct statement){.version = VERSION, .cost = COST_NOT_STATED};
	if (properties_have(have, PROPERTY_PUBLISHED) && have->published)
		s->flags |= PUBLISHED;
	if (properties_have(have, PROPERTY_INTERNET) && !have->internet)
		s->flags |= NO_INTERNET;
	if (p->deprecated_soon)
		s->flags |= DEPRECATED_SOON;
	for (uint8_t i = 1; i < N_SERVICES && properties_have(have, PROPERTY_SERVICE); i++)
		if (services[i] == have->service)
			s->service = i;
	if (properties_have(have, PROPERTY_ANCHORING))
		s->anchoring = (uint8_t)have->anchoring;
	if (properties_have(have, PROPERTY_MOBILITY))
		s->mobility = (uint8_t)have->mobility;
	if (properties_have(have, PROPERTY_COST))
		s->cost = (uint8_t)have->cost;
}

static void state(struct properties *p, enum property which)
{
	p->set |= 1u << which;
}

/* Numbers that mean nothing to us state nothing. */
static void decode(const struct statement *s, struct nd_prefix_info *p)
{
	struct properties *have = &p->properties;

	if (s->flags & PUBLISHED) {
		have->published = true;
		state(have, PROPERTY_PUBLISHED);
	}
	if (s->flags & NO_INTERNET)
		state(have, PROPERTY_INTERNET);
	p->deprecated_soon = s->flags & DEPRECATED_SOON;
	if (s->service > 0 && s->service < N_SERVICES) {
		have->service = services[s->service];
		state(have, PROPERTY_SERVICE);
	}
	if (s->anchoring != PREFIX_ANCHORING_UNKNOWN && s->anchoring < PREFIX_ANCHORING_MAX) {
		have->anchoring = (enum prefix_anchoring)s->anchoring;
		state(have, PROPERTY_ANCHORING);
	}
	if (s->mobility != PREFIX_MOBILITY_UNKNOWN && s->mobility < PREFIX_MOBILITY_MAX) {
		have->mobility = (enum prefix_mobility)s->mobility;
		state(have, PROPERTY_MOBILITY);
	}
	if (s->cost != COST_NOT_STATED) {
		have->cost = s->cost;
		state(have, PROPERTY_COST);
	}
}

void nd_property_transfer(struct wire *w, struct nd_prefix_info *info)
{
	struct nd_prefix_info p;
	struct statement s = {0};

	memset(&p, 0, sizeof(p));
	if (w->encoding) {
		p = *info;
		encode(&p, &s);
		w->refused |= properties_have(&p.properties, PROPERTY_COST) &&
			      p.properties.cost >= COST_NOT_STATED;
	}
	wire_u8(w, &s.version);
	wire_u8(w, &s.flags);
	wire_u8(w, &s.service);
	wire_u8(w, &s.anchoring);
	wire_u8(w, &s.mobility);
	wire_u8(w, &s.cost);
	wire_u8(w, &p.prefix.len);
	wire_reserved(w, 3);
	wire_u32(w, &s.valid_from);
	wire_bytes(w, &p.prefix.addr, sizeof(p.prefix.addr));
	w->refused |= s.version != VERSION || s.valid_from != 0 || p.prefix.len > 128;
	if (w->encoding || !wire_ok(w))
		return;
	p.prefix = prefix_make(&p.prefix.addr, p.prefix.len);
	decode(&s, &p);
	memcpy(info, &p, sizeof(*info));
}
