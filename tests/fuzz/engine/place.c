/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"

static const char *const names[] = {"lo", "wlan0", "eth0", "wwan0", "wlan1"}; /* by ifindex */
static const char *const routers[] = {"fe80::a", "fe80::b", "fe80::1", "fe80::200:5eff:fe00:5213"};
static const char *const prefixes[] = {"2001:db8:a::/64", "2001:db8:b::/64", HOME_PREFIX,
				       HOME_PREFIX2,      "2001:db8:a::/56", "fe80::/64"};
static const char *const addresses[] = {"2001:db8:a::c0a",
					"2001:db8:b::c0a",
					"2001:db8:a::c0b",
					"2001:db8:1::c0a",
					"2001:db8:2::c0a",
					HOA,
					HOA2,
					"fe80::c0a",
					"ff02::1"};
static const uint16_t lifetimes[] = {1800, 0, 1, 30, 65535};
static const uint32_t valid[] = {86400, 0, 3, ND_INFINITE};

int any_link(struct fuzz *f)
{
	return 1 + u8(f) % (int)(N(names) - 1);
}

void event_link(struct fuzz *f)
{
	int ifindex = any_link(f);
	uint8_t what = u8(f);

	if (what % 8 == 7)
		world_link_gone(f->w, ifindex);
	else
		world_link(f->w, ifindex, names[what % 16 == 6 ? 3 : ifindex], what % 2 == 0);
}

void event_address(struct fuzz *f)
{
	struct address_event ev = world_address_of(any_link(f), PICK(f, addresses));
	uint8_t flags = u8(f), life = u8(f);

	ev.tentative = flags & 1;
	ev.optimistic = (flags & 3) == 3;
	ev.duplicate = (flags & 12) == 12;
	ev.deprecated = flags & 16;
	ev.temporary = flags & 32;
	ev.is_static = flags & 64;
	ev.removed = (flags & 130) == 130;
	if (life & 1)
		ev.valid_until = f->w->now.mono + life * SEC;
	engine_address(f->w->e, f->w->now, &ev);
}

void event_route(struct fuzz *f)
{
	int ifindex = any_link(f);
	const char *router = PICK(f, routers);
	uint8_t what = u8(f);

	if (what & 1)
		world_route_gone(f->w, ifindex, router);
	else
		world_route(f->w, ifindex, router, what & 2 ? 1024 : what, what & 4);
}

void event_advert(struct fuzz *f)
{
	int ifindex = any_link(f);
	uint8_t who = u8(f), what = u8(f);
	struct nd_router_advert ra = world_advert_of(NULL, PICK(f, lifetimes));
	struct in6_addr router = world_addr(routers[who % N(routers)]);

	if (who & 128) /* one of many */
		router.s6_addr[12] = who;
	ra.home_agent = what & 1;
	ra.preference = (enum nd_preference)((what >> 1) % 3 - 1);
	for (ra.n_prefixes = 0; ra.n_prefixes < (what >> 3) % 4; ra.n_prefixes++) {
		struct nd_prefix_info *p = &ra.prefix[ra.n_prefixes];
		uint8_t flags = u8(f);

		*p = world_advert_of(prefixes[flags % N(prefixes)], 0).prefix[0];
		p->on_link = !(flags & 8);
		p->valid = valid[(flags >> 4) % N(valid)];
	}
	engine_router_advert(f->w->e, f->w->now, ifindex, &router, &ra);
}

static struct properties some_properties(struct fuzz *f)
{
	struct properties p = {.set = u8(f) % (1u << PROPERTY_MAX)};
	uint8_t v = u8(f);

	p.anchoring = (enum prefix_anchoring)(v % PREFIX_ANCHORING_MAX);
	p.service = (enum service_type)((v >> 2) % SERVICE_TYPE_MAX);
	p.mobility = (enum prefix_mobility)((v >> 4) % PREFIX_MOBILITY_MAX);
	p.internet = v & 64;
	p.published = v & 128;
	p.cost = v;
	strcpy(p.anchor, v & 1 ? "a" : "nobody");
	return p;
}

/* A router that has more to say: that it is a home agent, domains, properties, routes. */
void event_agent_advert(struct fuzz *f)
{
	static const char *const domains[] = {"", "example.org", "corp.example", "a"};
	int ifindex = any_link(f);
	struct in6_addr router = world_addr(PICK(f, routers));
	struct nd_router_advert ra =
		world_advert_of(prefixes[u8(f) % N(prefixes)], PICK(f, lifetimes));
	uint8_t what = u8(f);
	struct nd_prefix_info *p = &ra.prefix[0];

	ra.home_agent = what & 1;
	p->router_flag = what & 2;
	p->router_address = any_agent(f);
	ra.has_home_agent_info = what & 4;
	ra.ha_preference = what & 8 ? 0x8000 : what;
	ra.ha_lifetime = what & 16 ? 0 : 1800;
	ra.captive_portal = what & 32;
	if (what & 64)
		p->properties = some_properties(f);
	if (what & 128) {
		strcpy(ra.domain.name, PICK(f, domains));
		ra.domain.http = true;
		ra.domain.sequence = u8(f) % 4;
		ra.domain.delay = what % 16;
		if (ra.domain.name[0] && ra.domain.sequence == 3) /* one of many */
			ra.domain.name[0] = (char)('b' + u8(f) % 25);
		ra.n_routes = 1;
		ra.route[0] = (struct nd_route_info){.prefix = p->prefix,
						     .lifetime = valid[what % N(valid)]};
	}
	engine_router_advert(f->w->e, f->w->now, ifindex, &router, &ra);
}

void event_neighbour(struct fuzz *f)
{
	int ifindex = any_link(f);
	const char *router = PICK(f, routers);

	uint8_t how = u8(f);

	if (how & 2)
		world_router_answer(f->w, ifindex, router, NULL);
	else
		world_neighbour(f->w, ifindex, router, how & 1);
}

void event_arrive(struct fuzz *f)
{
	static const struct place *const places[] = {&place_a, &place_b, &place_home, &place_home2,
						     &place_wire};
	const struct place *p = PICK(f, places);

	if (u8(f) & 1)
		world_leave(f->w, p);
	else
		world_arrive(f->w, p);
}

/* Somebody sets the clock of the host, and those of the agents with it. */
void event_clock(struct fuzz *f)
{
	static const int64_t jumps[] = {1, -1, 30, -30, 86400, -86400};

	f->w->now.real = (usec_t)((int64_t)f->w->now.real + PICK(f, jumps) * (int64_t)SEC);
}

void event_resync(struct fuzz *f)
{
	f->resyncing = !f->resyncing;
	engine_resync(f->w->e, f->w->now, f->resyncing);
	if (f->resyncing)
		return;
	/* What was not told again is gone. */
	for (int i = 0; i < WORLD_MAX_LINKS; i++)
		f->w->link_up[i] = f->w->link_up[i] && engine_find_link(f->w->e, i);
}
