/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Provisioning domains: when their additional information is asked for, and when it is used (RFC 8801). */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "mobility/internal.h"

#include "engine_world.h"

#define SEC USEC_PER_SEC
#define NAME "pvd.example.org"
#define FETCHING "[Daemon]\nFetchProvisioningDomains=yes\n"

static const struct ip6_prefix *prefix_of(const struct place *p)
{
	static struct ip6_prefix prefix;

	cr_assert_eq(prefix_parse(p->prefix, &prefix), 0);
	return &prefix;
}

static void hear_from(struct world *w, const char *router, const struct nd_domain *d)
{
	struct nd_router_advert ra = world_advert_of(place_a.prefix, 65535);
	struct in6_addr r = world_addr(router);

	ra.prefix[0].valid = ra.prefix[0].preferred = ND_INFINITE;
	ra.domain = *d;
	engine_router_advert(w->e, w->now, place_a.ifindex, &r, &ra);
}

static struct nd_domain domain_of(uint16_t sequence, uint8_t delay)
{
	return (struct nd_domain){.name = NAME, .http = true, .sequence = sequence, .delay = delay};
}

static void hear(struct world *w, uint16_t sequence)
{
	struct nd_domain d = domain_of(sequence, 0);

	hear_from(w, place_a.router, &d);
}

static struct world *world_of(const char *conf)
{
	struct world *w = world_new(conf);

	world_start(w);
	world_arrive(w, &place_a);
	return w;
}

static struct pvd_info info_until(const struct world *w, usec_t life)
{
	struct pvd_info info = {
		.identifier = NAME,
		.expires_real = w->now.real + life,
		.n_prefixes = 1,
	};

	info.prefix[0].prefix = *prefix_of(&place_a);
	info.prefix[0].properties.set = 1u << PROPERTY_COST;
	info.prefix[0].properties.cost = 5;
	return info;
}

static void answer(struct world *w, const struct pvd_info *info)
{
	engine_domain(w->e, w->now, place_a.ifindex, NAME, info);
}

static bool is_used(const struct world *w)
{
	const struct prefix *p = prefix_find(w->e, prefix_of(&place_a));

	cr_assert_not_null(p);
	return p->properties.cost == 5 && p->source[PROPERTY_COST] == SOURCE_PVD;
}

static unsigned count_domains(const struct world *w)
{
	const struct domain *d;
	unsigned n = 0;

	list_for_each(d, &w->e->domains, node)
		n++;
	return n;
}

/* --- when it is asked for ----------------------------------------------------------------------- */

Test(engine, G6_domains_are_fetched_only_when_enabled)
{
	struct world *w = world_of("");

	hear(w, 1);
	world_run(w, 60 * SEC);
	cr_assert_eq(w->host.n_fetched, 0);
	world_free(w);
}

Test(engine, G6_domains_are_fetched_only_when_there_is_something)
{
	struct world *w = world_of(FETCHING);
	struct nd_domain d = domain_of(1, 0);

	d.http = false;
	hear_from(w, place_a.router, &d);
	world_run(w, 60 * SEC);
	cr_assert_eq(w->host.n_fetched, 0);
	d.http = true;
	hear_from(w, place_a.router, &d);
	world_run(w, 2 * SEC);
	cr_assert_eq(w->host.n_fetched, 1);
	cr_assert_str_eq(w->host.fetching, NAME);
	world_free(w);
}

/* Uniformly within 2^(10 + delay) milliseconds. */
Test(engine, E12_a_domain_is_asked_after_a_random_delay)
{
	usec_t earliest = USEC_INFINITY, latest = 0, began;

	for (unsigned i = 1; i <= 50; i++) {
		struct world *w = world_of(FETCHING);
		struct nd_domain d = domain_of(1, 2);

		w->seed = i * 7919;
		began = w->now.mono;
		hear_from(w, place_a.router, &d);
		while (!w->host.n_fetched && w->now.mono < began + 10 * SEC)
			world_run(w, SEC / 100);
		cr_assert_eq(w->host.n_fetched, 1);
		if (w->now.mono - began < earliest)
			earliest = w->now.mono - began;
		if (w->now.mono - began > latest)
			latest = w->now.mono - began;
		world_free(w);
	}
	cr_assert_leq(latest, 4096 * USEC_PER_MSEC + SEC / 100);
	cr_assert_geq(latest, 3 * SEC);
	cr_assert_leq(earliest, 1 * SEC);
}

Test(engine, E12_a_domain_is_asked_again_when_its_sequence_changes)
{
	struct world *w = world_of(FETCHING);
	struct pvd_info info;

	hear(w, 1);
	world_run(w, 2 * SEC);
	info = info_until(w, 24 * 3600 * SEC);
	answer(w, &info);
	for (unsigned i = 0; i < 10; i++)
		hear(w, 1);
	world_run(w, 60 * SEC);
	cr_assert_eq(w->host.n_fetched, 1, "nothing has changed");
	hear(w, 2);
	world_run(w, 2 * SEC);
	cr_assert_eq(w->host.n_fetched, 2);
	world_free(w);
}

/* Whoever counts sequence numbers up makes nobody ask more often than every ten seconds. */
Test(engine, E12_a_domain_is_asked_at_most_every_ten_seconds)
{
	struct world *w = world_of(FETCHING);
	unsigned n;

	for (uint16_t i = 0; i < 100; i++) {
		struct pvd_info info = info_until(w, 3600 * SEC);

		n = w->host.n_fetched;
		hear(w, i);
		world_run(w, 1 * SEC);
		if (w->host.n_fetched > n)
			answer(w, &info);
	}
	cr_assert_leq(w->host.n_fetched, 11);
	cr_assert_geq(w->host.n_fetched, 8);
	world_free(w);
}

Test(engine, E12_additional_information_is_renewed_in_the_second_half_of_its_life)
{
	for (unsigned i = 1; i <= 20; i++) {
		struct world *w = world_of(FETCHING);
		struct pvd_info info;

		w->seed = i * 104729;
		hear(w, 1);
		world_run(w, 2 * SEC);
		info = info_until(w, 1000 * SEC);
		answer(w, &info);
		world_run(w, 499 * SEC);
		cr_assert_eq(w->host.n_fetched, 1, "too early");
		world_run(w, 502 * SEC);
		cr_assert_eq(w->host.n_fetched, 2, "too late");
		world_free(w);
	}
}

Test(engine, E12_a_failure_is_retried_more_and_more_slowly)
{
	struct world *w = world_of(FETCHING);
	unsigned n = 0;

	hear(w, 1);
	for (unsigned s = 0; s < 3600; s++) {
		world_run(w, 1 * SEC);
		if (w->host.n_fetched > n) {
			n = w->host.n_fetched;
			answer(w, NULL);
		}
	}
	cr_assert_geq(n, 6);
	cr_assert_leq(n, 10);
	world_free(w);
}

Test(engine, E12_nothing_is_asked_while_the_link_is_down)
{
	struct world *w = world_of(FETCHING);

	hear(w, 1);
	world_leave(w, &place_a);
	world_run(w, 60 * SEC);
	cr_assert_eq(w->host.n_fetched, 0);
	world_arrive(w, &place_a);
	world_run(w, 60 * SEC);
	cr_assert_eq(w->host.n_fetched, 0, "nobody names it here");
	hear(w, 1);
	world_run(w, 2 * SEC);
	cr_assert_eq(w->host.n_fetched, 1);
	world_link_gone(w, place_a.ifindex);
	answer(w, NULL);
	world_run(w, 3600 * SEC);
	cr_assert_eq(w->host.n_fetched, 1);
	world_free(w);
}

/* --- when it is used -------------------------------------------------------------------------- */

Test(engine, G6_additional_information_is_used)
{
	struct world *w = world_of(FETCHING);
	struct pvd_info info;

	hear(w, 1);
	world_run(w, 2 * SEC);
	info = info_until(w, 3600 * SEC);
	snprintf(info.identifier, sizeof(info.identifier), "PvD.Example.ORG");
	answer(w, &info);
	cr_assert(is_used(w));
	w->now.mono += 3600 * SEC;
	w->now.real += 3600 * SEC;
	hear(w, 1);
	cr_assert_not(is_used(w), "it has expired");
	world_free(w);
}

static void expect_refusal(const struct pvd_info *info)
{
	struct world *w = world_of(FETCHING);

	hear(w, 1);
	world_run(w, 2 * SEC);
	cr_assert_eq(w->host.n_fetched, 1);
	answer(w, info);
	cr_assert_not(is_used(w));
	world_free(w);
}

Test(engine, E11_additional_information_that_is_not_used)
{
	struct world *w = world_of("");
	struct pvd_info info = info_until(w, 3600 * SEC), other = info;

	snprintf(other.identifier, sizeof(other.identifier), "pvd.example.com");
	expect_refusal(&other);
	other = info;
	other.expires_real = w->now.real;
	expect_refusal(&other);
	other = info;
	cr_assert_eq(prefix_parse("2001:db8:a:8000::/49", &other.prefix[0].prefix), 0);
	expect_refusal(&other);
	expect_refusal(NULL);
	world_free(w);
}

Test(engine, E11_answers_that_nobody_asked_for)
{
	struct world *w = world_of(FETCHING);
	struct pvd_info info = info_until(w, 3600 * SEC);

	hear(w, 1);
	answer(w, &info);
	cr_assert_not(is_used(w), "it has not been asked yet");
	world_run(w, 2 * SEC);
	engine_domain(w->e, w->now, place_a.ifindex, "pvd.example.com", &info);
	engine_domain(w->e, w->now, place_wire.ifindex, NAME, &info);
	cr_assert_not(is_used(w));
	answer(w, &info);
	cr_assert(is_used(w));
	world_free(w);
}

/* A router that puts a prefix of its own into the domain of another: not for that router. */
Test(engine, E11_every_prefix_of_a_router_must_be_of_the_domain)
{
	struct world *w = world_of(FETCHING);
	struct nd_router_advert ra = world_advert_of("2001:db8:bad::/64", 1800);
	struct in6_addr bad = world_addr("fe80::bad");
	struct pvd_info info;
	struct ip6_prefix p;

	ra.domain = domain_of(1, 0);
	cr_assert_eq(prefix_parse("2001:db8:bad::/64", &p), 0);
	hear(w, 1);
	engine_router_advert(w->e, w->now, place_a.ifindex, &bad, &ra);
	world_run(w, 2 * SEC);
	info = info_until(w, 3600 * SEC);
	info.no_internet = true;
	answer(w, &info);
	cr_assert(is_used(w));
	cr_assert_not(prefix_find(w->e, prefix_of(&place_a))->properties.internet);
	cr_assert(prefix_find(w->e, &p)->properties.internet);
	hear(w, 1);
	ra.prefix[1] = ra.prefix[0];
	ra.prefix[0].prefix = *prefix_of(&place_a);
	ra.n_prefixes = 2;
	bad = world_addr(place_a.router);
	engine_router_advert(w->e, w->now, place_a.ifindex, &bad, &ra);
	cr_assert_not(is_used(w), "one of its prefixes is not covered");
	world_free(w);
}

/* A flood of names: neither memory nor requests without end. */
Test(engine, E11_many_domains)
{
	struct world *w = world_of(FETCHING);

	for (unsigned i = 0; i < 1000; i++) {
		struct nd_domain d = domain_of(1, 0);

		snprintf(d.name, sizeof(d.name), "d%u.example", i);
		hear_from(w, "fe80::bad", &d);
		world_run(w, SEC / 10);
		cr_assert_leq(count_domains(w), DOMAIN_MAX);
	}
	cr_assert_leq(w->host.n_fetched, 10 * DOMAIN_MAX + DOMAIN_MAX);
	world_run(w, 20 * SEC);
	hear(w, 1);
	world_run(w, 2 * SEC);
	cr_assert_str_eq(w->host.fetching, NAME, "there is room again");
	world_free(w);
}

Test(engine, G6_domains_of_links_that_are_gone)
{
	struct world *w = world_of(FETCHING);

	hear(w, 1);
	cr_assert_eq(count_domains(w), 1);
	world_link_gone(w, place_a.ifindex);
	domain_timer(w->e);
	cr_assert_eq(count_domains(w), 0);
	world_free(w);
}
