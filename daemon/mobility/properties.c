/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The properties of a prefix: what each source says of it, the highest source that says something counts.
 *
 * Whoever can send on a link can send router advertisements, and they are believed only where they take trust away (E11).
 */
#include <stdio.h>
#include <string.h>

#include "mobility/internal.h"

struct resolution {
	struct properties p;
	enum property_source source[PROPERTY_MAX];
};

static void copy_property(struct properties *to, const struct properties *from, enum property which)
{
	to->set |= 1u << which;
	switch (which) {
	case PROPERTY_ANCHORING:
		to->anchoring = from->anchoring;
		return;
	case PROPERTY_ANCHOR:
		memcpy(to->anchor, from->anchor, sizeof(to->anchor));
		return;
	case PROPERTY_SERVICE:
		to->service = from->service;
		return;
	case PROPERTY_MOBILITY:
		to->mobility = from->mobility;
		return;
	case PROPERTY_INTERNET:
		to->internet = from->internet;
		return;
	case PROPERTY_PUBLISHED:
		to->published = from->published;
		return;
	case PROPERTY_COST:
		to->cost = from->cost;
		return;
	case PROPERTY_MAX:
		return;
	}
}

static void set_anchoring(struct properties *p, enum prefix_anchoring anchoring)
{
	p->anchoring = anchoring;
	p->set |= 1u << PROPERTY_ANCHORING;
}

static void set_service(struct properties *p, enum service_type service)
{
	p->service = service;
	p->set |= 1u << PROPERTY_SERVICE;
}

static void set_mobility(struct properties *p, enum prefix_mobility mobility)
{
	p->mobility = mobility;
	p->set |= 1u << PROPERTY_MOBILITY;
}

static void set_internet(struct properties *p, bool internet)
{
	p->internet = internet;
	p->set |= 1u << PROPERTY_INTERNET;
}

static void set_anchor(struct properties *p, const char *name)
{
	snprintf(p->anchor, sizeof(p->anchor), "%s", name);
	p->set |= 1u << PROPERTY_ANCHOR;
}

/* Of two statements of one source the later counts.  Whoever calls a prefix anchored, or local, says more by that. */
static void state(struct resolution *r, enum property_source source, const struct properties *said)
{
	struct properties all = *said;

	if (properties_have(said, PROPERTY_ANCHORING) && said->anchoring == PREFIX_ANCHORED) {
		if (!properties_have(said, PROPERTY_SERVICE))
			set_service(&all, SERVICE_SESSION_LASTING);
		if (!properties_have(said, PROPERTY_MOBILITY))
			set_mobility(&all, PREFIX_MOBILITY_HOST);
	}
	if (properties_have(said, PROPERTY_ANCHORING) && said->anchoring == PREFIX_LOCAL &&
	    !properties_have(said, PROPERTY_SERVICE))
		set_service(&all, SERVICE_NON_PERSISTENT);
	for (unsigned i = 0; i < PROPERTY_MAX; i++) {
		if (!properties_have(&all, i) ||
		    (properties_have(&r->p, i) && r->source[i] > source))
			continue;
		copy_property(&r->p, &all, i);
		r->source[i] = source;
	}
}

/* What may be believed of somebody who has not shown who he is. */
static struct properties without_promises(const struct properties *said)
{
	struct properties p = *said;

	if (p.anchoring == PREFIX_ANCHORED)
		p.set &= ~(1u << PROPERTY_ANCHORING);
	if (p.service >= SERVICE_SESSION_LASTING)
		p.set &= ~(1u << PROPERTY_SERVICE);
	if (p.mobility == PREFIX_MOBILITY_HOST || p.mobility == PREFIX_MOBILITY_NETWORK)
		p.set &= ~(1u << PROPERTY_MOBILITY);
	if (p.internet)
		p.set &= ~(1u << PROPERTY_INTERNET);
	if (p.published)
		p.set &= ~(1u << PROPERTY_PUBLISHED);
	p.set &= ~(1u << PROPERTY_ANCHOR);
	return p;
}

static void state_default(struct resolution *r)
{
	struct properties p = {
		.set = 1u << PROPERTY_PUBLISHED | 1u << PROPERTY_COST,
	};

	set_anchoring(&p, PREFIX_LOCAL);
	set_mobility(&p, PREFIX_MOBILITY_UNKNOWN);
	set_internet(&p, true);
	state(r, SOURCE_DEFAULT, &p);
}

static bool is_unique_local(const struct ip6_prefix *prefix)
{
	return prefix->len >= 7 && (prefix->addr.s6_addr[0] & 0xfe) == 0xfc;
}

/* --- what routers say, and how the network behaves ----------------------------------------- */

/* A router of the 5213 kind looks the same everywhere (RFC 6543). */
static bool router_is_everywhere(const struct in6_addr *router)
{
	static const struct in6_addr everywhere = {
		.s6_addr = {0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0x02, 0, 0x5e, 0xff, 0xfe, 0, 0x52, 0x13},
	};

	return addr_equal(router, &everywhere);
}

void properties_attached(struct link *l, const struct router *r, const struct ip6_prefix *prefix)
{
	struct link_memory *m, *oldest = &l->memory[0];
	bool everywhere = router_is_everywhere(&r->addr);

	for (m = l->memory; m < l->memory + LINK_MEMORIES; m++) {
		if (m->epoch && prefix_equal(&m->prefix, prefix))
			break;
		if (m->epoch < oldest->epoch)
			oldest = m;
	}
	if (m == l->memory + LINK_MEMORIES) {
		*oldest = (struct link_memory){
			.prefix = *prefix, .epoch = l->epoch, .router = r->addr};
	} else if (m->epoch != l->epoch) {
		m->carried_over = everywhere || !addr_equal(&m->router, &r->addr);
		m->earlier_router = m->router;
		m->router = r->addr;
		m->epoch = l->epoch;
	} else if (!everywhere && addr_equal(&m->earlier_router, &r->addr)) {
		m->carried_over = false; /* one link with several routers */
	}
}

static bool is_carried_over(const struct prefix *p)
{
	const struct link_memory *m;

	if (!p->link)
		return false;
	for (m = p->link->memory; m < p->link->memory + LINK_MEMORIES; m++)
		if (m->epoch == p->link->epoch && prefix_equal(&m->prefix, &p->prefix))
			return m->carried_over;
	return false;
}

static void state_inferred(struct resolution *r, const struct prefix *p)
{
	struct properties said = {0};

	if (is_unique_local(&p->prefix)) {
		set_anchoring(&said, PREFIX_LOCAL);
		set_internet(&said, false);
	}
	if (is_carried_over(p))
		set_mobility(&said, PREFIX_MOBILITY_NETWORK);
	state(r, SOURCE_INFERRED, &said);
}

/* Position of the prefix among those of a router that can be used, or -1. */
static int advertised_at(const struct router *r, const struct prefix *p)
{
	if (!router_usable(p->link, r))
		return -1;
	for (unsigned i = 0; i < r->n_prefixes; i++)
		if (r->prefix[i].valid && prefix_equal(&r->prefix[i].prefix, &p->prefix))
			return (int)i;
	return -1;
}

/* The longest prefix of the domain that covers ours and of which it says something. */
static const struct properties *find_in_info(const struct pvd_info *info,
					     const struct ip6_prefix *prefix)
{
	const struct pvd_prefix *best = NULL;

	for (unsigned i = 0; i < info->n_prefixes; i++) {
		const struct pvd_prefix *q = &info->prefix[i];

		if (q->properties.set && q->prefix.len <= prefix->len &&
		    prefix_contains(&q->prefix, &prefix->addr) &&
		    (!best || q->prefix.len > best->prefix.len))
			best = q;
	}
	return best ? &best->properties : NULL;
}

static void state_domain_info(struct resolution *r, const struct pvd_info *info,
			      const struct ip6_prefix *prefix)
{
	const struct properties *p = find_in_info(info, prefix);
	struct properties said = {0};

	if (info->no_internet)
		set_internet(&said, false);
	state(r, SOURCE_PVD, &said);
	if (!p)
		return;
	said = *p;
	/* What is always registered costs its anchor and us for ever: only the administrator says so (RFC 8653 section 5). */
	if (said.service == SERVICE_FIXED)
		said.service = SERVICE_SESSION_LASTING;
	state(r, SOURCE_PVD, &said);
}

static void state_advertised(struct resolution *res, const struct engine *e, struct prefix *p)
{
	struct properties said;
	struct router *r;

	p->domain_verified = false;
	list_for_each(r, &p->link->routers, node) {
		const struct pvd_info *info;
		int i = advertised_at(r, p);

		if (i < 0)
			continue;
		if (r->home_agent) {
			/* It may well be anchored here, but that is for others to say. */
			said = (struct properties){0};
			set_anchoring(&said, PREFIX_ANCHORING_UNKNOWN);
			state(res, SOURCE_RA, &said);
		}
		if (e->conf->property_option) {
			said = without_promises(&r->prefix[i].properties);
			state(res, SOURCE_OPTION, &said);
		}
		info = domain_info(e, r, (unsigned)i);
		if (info) {
			state_domain_info(res, info, &p->prefix);
			p->domain_verified |= strcmp(r->domain[i]->name, p->domain) == 0;
		}
	}
}

/* The prefix was left: what was learnt on its link stays true. */
static void state_remembered(struct resolution *r, const struct prefix *p)
{
	for (unsigned i = 0; i < PROPERTY_MAX; i++)
		if (properties_have(&p->properties, i) && p->source[i] >= SOURCE_RA &&
		    p->source[i] <= SOURCE_PVD) {
			copy_property(&r->p, &p->properties, i);
			r->source[i] = p->source[i];
		}
}

/* One that several routers put into different domains stays where it was. */
static void find_domain(struct prefix *p)
{
	const struct domain *newest = NULL;
	usec_t heard = 0;
	struct router *r;

	list_for_each(r, &p->link->routers, node) {
		int i = advertised_at(r, p);

		if (i < 0 || !r->domain[i])
			continue;
		if (strcmp(r->domain[i]->name, p->domain) == 0)
			return;
		if (!newest || r->prefix_heard[i] > heard) {
			newest = r->domain[i];
			heard = r->prefix_heard[i];
		}
	}
	snprintf(p->domain, sizeof(p->domain), "%s", newest ? newest->name : "");
}

/* --- bindings and configuration --------------------------------------------------------------- */

static void state_binding(struct resolution *r, const struct binding *b)
{
	struct properties said = {0};

	if (!b->registered || b->removed)
		return;
	set_anchoring(&said, PREFIX_ANCHORED);
	set_anchor(&said, b->anchor->conf->name);
	state(r, SOURCE_BINDING, &said);
}

/* The [Anchor] whose Prefix= covers it best, or that has a home address there. */
static const struct conf_anchor *find_section(const struct engine *e,
					      const struct ip6_prefix *prefix)
{
	const struct conf_anchor *ca, *found = NULL;
	int len = -1;

	list_for_each(ca, &e->conf->anchors, node) {
		for (unsigned i = 0; i < ca->n_homes; i++)
			if (prefix_equal(&ca->home[i].prefix, prefix))
				return ca;
		for (unsigned i = 0; i < ca->n_prefixes; i++)
			if (ca->prefix[i].len <= prefix->len && ca->prefix[i].len > len &&
			    prefix_contains(&ca->prefix[i], &prefix->addr)) {
				found = ca;
				len = ca->prefix[i].len;
			}
	}
	return found;
}

static void state_section(struct resolution *r, const struct conf_anchor *ca,
			  enum service_type service)
{
	struct properties said = {0};

	set_anchoring(&said, PREFIX_ANCHORED);
	set_anchor(&said, ca->name);
	set_service(&said, service);
	state(r, SOURCE_ADMINISTRATOR, &said);
}

/* A home address that has its own place in the configuration. */
static void state_home(struct resolution *r, const struct binding *b, bool of_home)
{
	const struct conf_anchor *ca = b->anchor->conf;
	enum service_type service = ca->has_service ? ca->service : SERVICE_FIXED;

	if (!b->dynamic && !b->removed)
		state_section(r, ca, of_home ? service : SERVICE_SESSION_LASTING);
}

/* From the general to the particular: the domain, the anchor, the prefix itself. */
static void state_configured(struct resolution *r, const struct engine *e, const struct prefix *p,
			     bool of_home)
{
	const struct properties *by_prefix = conf_prefix_find(e->conf, &p->prefix);
	const struct properties *by_domain =
		p->domain[0] ? conf_domain_find(e->conf, p->domain) : NULL;
	const struct conf_anchor *ca = find_section(e, &p->prefix);
	struct properties said;
	struct binding *b;

	if (by_domain) {
		/* Anybody can put himself under a name, but not answer for it by HTTPS (E11). */
		said = p->domain_verified ? *by_domain : without_promises(by_domain);
		state(r, SOURCE_ADMINISTRATOR, &said);
	}
	if (ca)
		state_section(r, ca, SERVICE_SESSION_LASTING);
	list_for_each(b, &e->bindings, node)
		if (prefix_equal(&b->home_prefix, &p->prefix))
			state_home(r, b, of_home);
	if (by_prefix)
		state(r, SOURCE_ADMINISTRATOR, by_prefix);
}

/* of_home: as its home addresses see it, which are always there; else any other address. */
static void resolve(const struct engine *e, struct prefix *p, bool of_home)
{
	struct resolution r = {0};
	struct binding *b;

	state_default(&r);
	state_inferred(&r, p);
	if (p->link) {
		find_domain(p);
		state_advertised(&r, e, p);
	} else {
		state_remembered(&r, p);
	}
	list_for_each(b, &e->bindings, node)
		if (prefix_equal(&b->home_prefix, &p->prefix))
			state_binding(&r, b);
	state_configured(&r, e, p, of_home);
	if (r.p.anchoring != PREFIX_ANCHORED)
		r.p.set &= ~(1u << PROPERTY_ANCHOR);
	p->properties = r.p;
	memcpy(p->source, r.source, sizeof(p->source));
	p->anchoring = r.p.anchoring;
	p->service = r.p.service;
}

void properties_resolve(const struct engine *e, struct prefix *p)
{
	resolve(e, p, true);
	if (p->link)
		p->anchor = p->anchoring == PREFIX_ANCHORED ? anchor_best(e, &p->prefix) : NULL;
}

enum service_type properties_service(const struct engine *e, const struct ip6_prefix *prefix,
				     const struct prefix *known)
{
	struct prefix p = {.prefix = *prefix};

	if (known)
		p = *known;
	p.link = NULL;
	resolve(e, &p, false);
	return p.anchoring == PREFIX_ANCHORED ? p.service : SERVICE_NON_PERSISTENT;
}
