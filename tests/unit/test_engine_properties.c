/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The properties of a prefix: each source, and which of them counts (requirement G6). */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "mobility/internal.h"

#include "engine_world.h"

#define SEC USEC_PER_SEC
#define P_A "2001:db8:a::/64"
#define ROUTER_EVERYWHERE "fe80::200:5eff:fe00:5213"
#define SECTION_A \
	"[Anchor a]\nAddress=2001:db8:a::1\nPrefix=2001:db8:a::/56\nSPI=256\nKeyFile=/none\n"
#define SECTION_B \
	"[Anchor b]\nAddress=2001:db8:b::1\nPrefix=2001:db8:b::/64\nSPI=257\nKeyFile=/none\n"
#define WITH_OPTION "[Daemon]\nPrefixPropertyOption=253\n"
#define FETCHING "[Daemon]\nFetchProvisioningDomains=yes\n"

static const struct prefix *find_prefix(const struct world *w, const char *text)
{
	struct ip6_prefix wanted;
	const struct prefix *p;

	cr_assert_eq(prefix_parse(text, &wanted), 0);
	p = prefix_find(w->e, &wanted);
	cr_assert_not_null(p, "%s", text);
	return p;
}

static enum service_type service_of(const struct world *w, const char *text)
{
	struct ip6_prefix prefix;

	cr_assert_eq(prefix_parse(text, &prefix), 0);
	return prefix_service(w->e, &prefix);
}

static void hear(struct world *w, const struct nd_router_advert *ra)
{
	struct in6_addr router = world_addr(place_a.router);

	engine_router_advert(w->e, w->now, place_a.ifindex, &router, ra);
}

static struct world *world_at_a(const char *conf)
{
	struct world *w = world_new(conf);

	world_start(w);
	world_arrive(w, &place_a);
	return w;
}

#define EXPECT(p, which, from) \
	do { \
		cr_assert(properties_have(&(p)->properties, which)); \
		cr_assert_eq((p)->source[which], from, "%s from %s", property_str(which), \
			     property_source_str((int)(p)->source[which])); \
	} while (0)

Test(engine, G6_defaults_of_a_prefix)
{
	struct world *w = world_at_a("");
	const struct prefix *p = find_prefix(w, P_A);

	EXPECT(p, PROPERTY_ANCHORING, SOURCE_DEFAULT);
	EXPECT(p, PROPERTY_SERVICE, SOURCE_DEFAULT);
	EXPECT(p, PROPERTY_INTERNET, SOURCE_DEFAULT);
	cr_assert_eq(p->anchoring, PREFIX_LOCAL);
	cr_assert_eq(p->service, SERVICE_NON_PERSISTENT);
	cr_assert_eq(p->properties.mobility, PREFIX_MOBILITY_UNKNOWN);
	cr_assert(p->properties.internet);
	cr_assert_not(p->properties.published);
	cr_assert_eq(p->properties.cost, 0);
	cr_assert_not(properties_have(&p->properties, PROPERTY_ANCHOR));
	cr_assert_eq(service_of(w, P_A), SERVICE_NON_PERSISTENT);
	world_free(w);
}

/* --- configuration -------------------------------------------------------------------------- */

Test(engine, G6_a_prefix_inside_that_of_an_anchor)
{
	struct world *w = world_at_a(SECTION_A);
	const struct prefix *p = find_prefix(w, P_A);

	EXPECT(p, PROPERTY_ANCHORING, SOURCE_ADMINISTRATOR);
	EXPECT(p, PROPERTY_ANCHOR, SOURCE_ADMINISTRATOR);
	EXPECT(p, PROPERTY_SERVICE, SOURCE_ADMINISTRATOR);
	cr_assert_eq(p->state, PREFIX_NATIVE);
	cr_assert_eq(p->anchoring, PREFIX_ANCHORED);
	cr_assert_eq(p->service, SERVICE_SESSION_LASTING);
	cr_assert_eq(p->properties.mobility, PREFIX_MOBILITY_HOST);
	cr_assert_str_eq(p->properties.anchor, "a");
	cr_assert_str_eq(p->anchor->name, "a");
	cr_assert_eq(service_of(w, P_A), SERVICE_SESSION_LASTING);
	world_free(w);
}

Test(engine, G6_the_administrator_calls_it_local)
{
	struct world *w = world_at_a(SECTION_A "[Prefix 2001:db8:a::/64]\nAnchoring=local\n");
	const struct prefix *p = find_prefix(w, P_A);

	cr_assert_eq(p->anchoring, PREFIX_LOCAL);
	cr_assert_eq(p->service, SERVICE_NON_PERSISTENT);
	cr_assert_null(p->anchor);
	cr_assert_not(properties_have(&p->properties, PROPERTY_ANCHOR));
	cr_assert_eq(service_of(w, P_A), SERVICE_NON_PERSISTENT, "nothing on it is ever in need");
	world_free(w);
}

Test(engine, G6_the_longest_prefix_of_the_administrator)
{
	struct world *w = world_at_a(SECTION_A "[Prefix 2001:db8:a::/48]\nCost=9\n"
					       "[Prefix 2001:db8:a::/64]\nService=fixed\nCost=3\n"
					       "Published=yes\n");
	const struct prefix *p = find_prefix(w, P_A);

	cr_assert_eq(p->anchoring, PREFIX_ANCHORED);
	cr_assert_eq(p->service, SERVICE_FIXED);
	cr_assert_eq(p->properties.cost, 3);
	cr_assert(p->properties.published);
	EXPECT(p, PROPERTY_COST, SOURCE_ADMINISTRATOR);
	cr_assert_eq(service_of(w, P_A), SERVICE_FIXED);
	world_free(w);
}

Test(engine, G6_the_administrator_names_another_anchor)
{
	struct world *w = world_at_a(SECTION_A SECTION_B "[Prefix 2001:db8:a::/64]\nAnchor=b\n");
	const struct prefix *p = find_prefix(w, P_A);

	cr_assert_str_eq(p->properties.anchor, "b");
	cr_assert_str_eq(p->anchor->name, "b");
	world_free(w);
}

/* A home address is always there; another address of its prefix only as long as somebody needs it. */
Test(engine, G6_a_home_prefix)
{
	struct world *w = world_at_a(WORLD_ONE);
	const struct prefix *p = find_prefix(w, HOME_PREFIX);

	cr_assert_eq(p->anchoring, PREFIX_ANCHORED);
	cr_assert_eq(p->service, SERVICE_FIXED);
	EXPECT(p, PROPERTY_ANCHORING, SOURCE_ADMINISTRATOR);
	cr_assert_eq(service_of(w, HOME_PREFIX), SERVICE_SESSION_LASTING);
	world_free(w);
}

/* --- unauthenticated advertisements ----------------------------------------------------------- */

static struct nd_router_advert advert_with(const struct properties *said)
{
	struct nd_router_advert ra = world_advert_of(P_A, 1800);

	ra.prefix[0].properties = *said;
	return ra;
}

static const struct properties boast = {
	.set = (1u << PROPERTY_MAX) - 1,
	.anchoring = PREFIX_ANCHORED,
	.anchor = "a",
	.service = SERVICE_FIXED,
	.mobility = PREFIX_MOBILITY_NETWORK,
	.internet = true,
	.published = true,
	.cost = 7,
};

static const struct properties modest = {
	.set = 1u << PROPERTY_ANCHORING | 1u << PROPERTY_SERVICE | 1u << PROPERTY_INTERNET |
	       1u << PROPERTY_MOBILITY,
	.anchoring = PREFIX_LOCAL,
	.service = SERVICE_NON_PERSISTENT,
	.mobility = PREFIX_MOBILITY_NONE,
	.internet = false,
};

Test(engine, E11_an_advertisement_raises_nothing)
{
	struct world *w = world_at_a(WITH_OPTION "[Anchor a]\nAddress=2001:db8:a::1\n"
						 "HomeAddress=2001:db8:1::5/64\nSPI=256\n"
						 "KeyFile=/none\n");
	struct nd_router_advert ra = advert_with(&boast);
	const struct prefix *p = find_prefix(w, P_A);

	hear(w, &ra);
	cr_assert_eq(p->anchoring, PREFIX_LOCAL);
	cr_assert_eq(p->service, SERVICE_NON_PERSISTENT);
	cr_assert_eq(p->properties.mobility, PREFIX_MOBILITY_UNKNOWN);
	cr_assert_not(p->properties.published);
	cr_assert_null(p->anchor);
	cr_assert_eq(p->properties.cost, 7, "dearer is no promise");
	EXPECT(p, PROPERTY_COST, SOURCE_OPTION);
	cr_assert_eq(service_of(w, P_A), SERVICE_NON_PERSISTENT);
	world_free(w);
}

Test(engine, E11_an_advertisement_lowers)
{
	struct world *w = world_at_a(WITH_OPTION);
	struct nd_router_advert ra = advert_with(&modest);
	const struct prefix *p = find_prefix(w, P_A);

	hear(w, &ra);
	EXPECT(p, PROPERTY_ANCHORING, SOURCE_OPTION);
	EXPECT(p, PROPERTY_INTERNET, SOURCE_OPTION);
	EXPECT(p, PROPERTY_MOBILITY, SOURCE_OPTION);
	cr_assert_not(p->properties.internet);
	cr_assert_eq(p->properties.mobility, PREFIX_MOBILITY_NONE);
	world_free(w);
}

Test(engine, E11_an_advertisement_does_not_outweigh_the_administrator)
{
	struct world *w = world_at_a(WITH_OPTION SECTION_A);
	struct nd_router_advert ra = advert_with(&modest);
	const struct prefix *p = find_prefix(w, P_A);

	hear(w, &ra);
	cr_assert_eq(p->anchoring, PREFIX_ANCHORED);
	cr_assert_eq(p->service, SERVICE_SESSION_LASTING);
	cr_assert_not(p->properties.internet, "of which the administrator says nothing");
	world_free(w);
}

Test(engine, E11_the_experimental_option_is_off)
{
	struct world *w = world_at_a("");
	struct nd_router_advert ra = advert_with(&modest);
	const struct prefix *p = find_prefix(w, P_A);

	hear(w, &ra);
	EXPECT(p, PROPERTY_ANCHORING, SOURCE_DEFAULT);
	cr_assert(p->properties.internet);
	world_free(w);
}

Test(engine, E11_a_router_that_calls_itself_a_home_agent)
{
	struct world *w = world_at_a("");
	struct nd_router_advert ra = world_advert_of(P_A, 1800);
	const struct prefix *p = find_prefix(w, P_A);

	ra.home_agent = ra.prefix[0].router_flag = true;
	hear(w, &ra);
	EXPECT(p, PROPERTY_ANCHORING, SOURCE_RA);
	cr_assert_eq(p->anchoring, PREFIX_ANCHORING_UNKNOWN);
	cr_assert_eq(p->service, SERVICE_NON_PERSISTENT);
	cr_assert_null(p->anchor);
	world_free(w);
}

/* --- inference ---------------------------------------------------------------------------------- */

Test(engine, G6_unique_local_prefixes)
{
	static const struct place inside = {2, "wlan0", "fe80::a", "fd00:1::/64", "fd00:1::c0a"};
	struct world *w = world_new("[Prefix fd00:2::/64]\nInternet=yes\n");
	const struct prefix *p;

	world_start(w);
	world_arrive(w, &inside);
	p = find_prefix(w, "fd00:1::/64");
	EXPECT(p, PROPERTY_ANCHORING, SOURCE_INFERRED);
	EXPECT(p, PROPERTY_INTERNET, SOURCE_INFERRED);
	cr_assert_eq(p->anchoring, PREFIX_LOCAL);
	cr_assert_not(p->properties.internet);
	world_advert(w, 2, "fe80::a", "fd00:2::/64", 1800);
	p = find_prefix(w, "fd00:2::/64");
	cr_assert(p->properties.internet);
	EXPECT(p, PROPERTY_INTERNET, SOURCE_ADMINISTRATOR);
	world_free(w);
}

static enum prefix_mobility mobility_at_a(struct world *w, const char *first, const char *then)
{
	struct place p = place_a;

	p.router = first;
	world_arrive(w, &p);
	cr_assert_eq(find_prefix(w, P_A)->properties.mobility, PREFIX_MOBILITY_UNKNOWN);
	world_leave(w, &p);
	p.router = then;
	world_arrive(w, &p);
	return find_prefix(w, P_A)->properties.mobility;
}

Test(engine, E13_a_network_that_keeps_the_prefix_in_place)
{
	struct world *w = world_new("");

	world_start(w);
	cr_assert_eq(mobility_at_a(w, "fe80::1", "fe80::2"), PREFIX_MOBILITY_NETWORK);
	EXPECT(find_prefix(w, P_A), PROPERTY_MOBILITY, SOURCE_INFERRED);
	world_free(w);
}

Test(engine, E13_a_router_that_looks_the_same_everywhere)
{
	struct world *w = world_new("");

	world_start(w);
	cr_assert_eq(mobility_at_a(w, ROUTER_EVERYWHERE, ROUTER_EVERYWHERE),
		     PREFIX_MOBILITY_NETWORK);
	world_free(w);
}

Test(engine, E13_a_link_that_only_flapped)
{
	struct world *w = world_new("");

	world_start(w);
	cr_assert_eq(mobility_at_a(w, "fe80::1", "fe80::1"), PREFIX_MOBILITY_UNKNOWN);
	world_free(w);
}

Test(engine, E13_a_link_with_two_routers)
{
	struct world *w = world_new("");

	world_start(w);
	cr_assert_eq(mobility_at_a(w, "fe80::1", "fe80::2"), PREFIX_MOBILITY_NETWORK);
	world_advert(w, place_a.ifindex, "fe80::1", P_A, 1800);
	cr_assert_eq(find_prefix(w, P_A)->properties.mobility, PREFIX_MOBILITY_UNKNOWN);
	world_free(w);
}

/* --- provisioning domains --------------------------------------------------------------------- */

static void hear_domain(struct world *w, const char *name, bool http)
{
	struct nd_router_advert ra = world_advert_of(P_A, 1800);

	snprintf(ra.domain.name, sizeof(ra.domain.name), "%s", name);
	ra.domain.http = http;
	ra.domain.sequence = 1;
	hear(w, &ra);
}

static struct pvd_info info_of(const struct world *w, const char *name, const char *prefix)
{
	struct pvd_info info = {.expires_real = w->now.real + 3600 * SEC, .n_prefixes = 1};

	snprintf(info.identifier, sizeof(info.identifier), "%s", name);
	cr_assert_eq(prefix_parse(prefix, &info.prefix[0].prefix), 0);
	info.prefix[0].properties = (struct properties){
		.set = 1u << PROPERTY_ANCHORING | 1u << PROPERTY_ANCHOR | 1u << PROPERTY_COST,
		.anchoring = PREFIX_ANCHORED,
		.anchor = "2001:db8:b::1",
		.cost = 4,
	};
	return info;
}

static struct world *world_with_info(const char *conf)
{
	struct world *w = world_at_a(conf);
	struct pvd_info info = info_of(w, "pvd.example.org", "2001:db8:a::/48");

	hear_domain(w, "pvd.example.org", true);
	world_run(w, 2 * SEC);
	cr_assert_eq(w->host.n_fetched, 1);
	engine_domain(w->e, w->now, place_a.ifindex, "pvd.example.org", &info);
	return w;
}

Test(engine, G6_what_a_provisioning_domain_says)
{
	struct world *w = world_with_info(FETCHING SECTION_B);
	const struct prefix *p = find_prefix(w, P_A);

	cr_assert_str_eq(p->domain, "pvd.example.org");
	EXPECT(p, PROPERTY_ANCHORING, SOURCE_PVD);
	EXPECT(p, PROPERTY_ANCHOR, SOURCE_PVD);
	EXPECT(p, PROPERTY_COST, SOURCE_PVD);
	EXPECT(p, PROPERTY_SERVICE, SOURCE_PVD);
	cr_assert_eq(p->anchoring, PREFIX_ANCHORED);
	cr_assert_eq(p->service, SERVICE_SESSION_LASTING);
	cr_assert_not_null(p->anchor);
	cr_assert_str_eq(p->anchor->name, "b", "known here by its address");
	world_free(w);
}

Test(engine, G6_a_provisioning_domain_and_the_administrator)
{
	struct world *w =
		world_with_info(FETCHING SECTION_B "[Prefix 2001:db8:a::/64]\nAnchoring=local\n");
	const struct prefix *p = find_prefix(w, P_A);

	EXPECT(p, PROPERTY_ANCHORING, SOURCE_ADMINISTRATOR);
	EXPECT(p, PROPERTY_COST, SOURCE_PVD);
	cr_assert_eq(p->anchoring, PREFIX_LOCAL);
	cr_assert_eq(p->service, SERVICE_NON_PERSISTENT);
	world_free(w);
}

Test(engine, G6_what_was_learnt_outlasts_the_place)
{
	struct world *w = world_with_info(FETCHING SECTION_B);

	world_leave(w, &place_a);
	cr_assert_eq(service_of(w, P_A), SERVICE_SESSION_LASTING);
	world_address_gone(w, place_a.ifindex, place_a.coa);
	cr_assert_eq(service_of(w, P_A), SERVICE_NON_PERSISTENT, "nobody has it any more");
	world_free(w);
}

Test(engine, G6_additional_information_expires)
{
	struct world *w = world_with_info(FETCHING SECTION_B);

	w->now.mono += 3600 * SEC;
	w->now.real += 3600 * SEC;
	hear_domain(w, "pvd.example.org", true);
	cr_assert_eq(find_prefix(w, P_A)->anchoring, PREFIX_LOCAL);
	world_free(w);
}

#define DOMAIN_SECTION "[Domain pvd.example.org]\nAnchoring=anchored\nAnchor=b\nCost=2\n"

Test(engine, G6_the_administrator_speaks_of_a_domain)
{
	struct world *w = world_at_a(SECTION_B DOMAIN_SECTION);
	const struct prefix *p = find_prefix(w, P_A);

	cr_assert_eq(p->anchoring, PREFIX_LOCAL);
	hear_domain(w, "PVD.example.org", false);
	EXPECT(p, PROPERTY_COST, SOURCE_ADMINISTRATOR);
	cr_assert_eq(p->properties.cost, 2);
	cr_assert_eq(p->anchoring, PREFIX_LOCAL, "whoever names a domain need not be it");
	world_free(w);
}

/* A name that is not verified raises nothing. */
Test(engine, E11_a_domain_that_has_not_answered)
{
	struct world *w = world_at_a(FETCHING SECTION_B DOMAIN_SECTION);
	const struct prefix *p = find_prefix(w, P_A);
	struct pvd_info info;

	hear_domain(w, "pvd.example.org", true);
	cr_assert_eq(p->anchoring, PREFIX_LOCAL);
	cr_assert_eq(p->properties.cost, 2);
	world_run(w, 2 * SEC);
	info = info_of(w, "pvd.example.org", "2001:db8:a::/48");
	info.prefix[0].properties.set = 0;
	engine_domain(w->e, w->now, place_a.ifindex, "pvd.example.org", &info);
	cr_assert_eq(p->anchoring, PREFIX_ANCHORED);
	EXPECT(p, PROPERTY_ANCHORING, SOURCE_ADMINISTRATOR);
	cr_assert_not_null(p->anchor);
	world_free(w);
}

/* Somebody else on the link advertises the same prefix under another name. */
Test(engine, E11_another_router_names_another_domain)
{
	struct world *w = world_at_a("[Domain pvd.example.org]\nCost=2\n");
	struct nd_router_advert ra = world_advert_of(P_A, 1800);
	struct in6_addr other = world_addr("fe80::bad");

	hear_domain(w, "pvd.example.org", false);
	snprintf(ra.domain.name, sizeof(ra.domain.name), "else.example");
	engine_router_advert(w->e, w->now, place_a.ifindex, &other, &ra);
	cr_assert_str_eq(find_prefix(w, P_A)->domain, "pvd.example.org");
	world_free(w);
}

Test(engine, G6_a_live_binding)
{
	struct world *w =
		world_bound("[Prefix 2001:db8:1::/64]\nMobility=network\n" WORLD_ONE, &place_a);
	const struct prefix *p = find_prefix(w, HOME_PREFIX);

	cr_assert_eq(p->state, PREFIX_REMOTE);
	EXPECT(p, PROPERTY_MOBILITY, SOURCE_ADMINISTRATOR);
	cr_assert_eq(p->properties.mobility, PREFIX_MOBILITY_NETWORK);
	cr_assert_eq(p->anchor, world_binding(w, HOA)->anchor);
	world_free(w);
}
