/* SPDX-License-Identifier: GPL-2.0-or-later */
/* E7: home agents found by router advertisements, DHAAD (RFC 6275 section 11.4.1) and DNS (RFC 5026). */
#include <criterion/criterion.h>
#include <string.h>

#include "engine_world.h"
#include "mobility/internal.h"

#define SEC USEC_PER_SEC
#define ROUTER_A "2001:db8:a::1"
#define WORLD_RA \
	"[Anchor " \
	"op]\nPrefix=2001:db8::/32\nDiscover=router-advertisement\nSPI=256\nKeyFile=/none\n"
#define WORLD_DHAAD "[Anchor op]\nDiscover=dhaad\nHomeAddress=" HOA "/64\nSPI=256\nKeyFile=/none\n"
#define WORLD_DNS \
	"[Anchor " \
	"op]\nDiscover=dns\nDomain=example.org\nHomeAddress=auto\nSPI=256\nKeyFile=/none\n"

static struct anchor *find(const struct world *w, const char *address)
{
	struct in6_addr wanted = world_addr(address);
	struct anchor *a;

	list_for_each(a, &w->e->anchors, node)
		if (addr_equal(&a->address, &wanted))
			return a;
	return NULL;
}

static unsigned count(const struct world *w)
{
	struct anchor *a;
	unsigned n = 0;

	list_for_each(a, &w->e->anchors, node)
		n++;
	return n;
}

static void advertise_agent(struct world *w, const char *address, const char *prefix)
{
	struct nd_router_advert ra = world_advert_of(prefix, 1800);
	struct in6_addr router = world_addr(place_a.router);

	ra.home_agent = true;
	ra.prefix[0].router_flag = true;
	ra.prefix[0].router_address = world_addr(address);
	engine_router_advert(w->e, w->now, place_a.ifindex, &router, &ra);
}

Test(engine, E07_a_router_that_is_a_home_agent_is_a_candidate)
{
	struct world *w = world_native(WORLD_RA);
	struct ip6_prefix p;

	prefix_parse(place_a.prefix, &p);
	cr_assert_null(anchor_best(w->e, &p));
	advertise_agent(w, ROUTER_A, place_a.prefix);
	cr_assert_eq(anchor_best(w->e, &p), find(w, ROUTER_A));
	cr_assert_str_eq(find(w, ROUTER_A)->name, "op");
	cr_assert_eq(find(w, ROUTER_A)->origin, ANCHOR_FROM_RA);
	cr_assert_eq(w->host.events[EVENT_ANCHOR_FOUND], 1);
	advertise_agent(w, ROUTER_A, place_a.prefix);
	cr_assert_eq(w->host.events[EVENT_ANCHOR_FOUND], 1);
	prefix_parse("2001:db8:b::/64", &p);
	cr_assert_null(anchor_best(w->e, &p), "it serves its own prefix only");
	world_free(w);
}

Test(engine, E11_agents_are_only_found_where_the_administrator_looks)
{
	struct world *w = world_native(WORLD_RA);

	advertise_agent(w, "2001:dead::1", "2001:dead::/64");
	cr_assert_eq(count(w), 0);
	world_free(w);
	w = world_native(WORLD_NATIVE);
	advertise_agent(w, "2001:db8:a::66", place_a.prefix);
	cr_assert_eq(count(w), 2, "without Discover= those configured are all");
	world_free(w);
}

Test(engine, E11_a_crowd_of_false_agents_is_bounded)
{
	struct world *w = world_native(WORLD_RA);
	char address[64];

	for (unsigned i = 1; i < 200; i++) {
		snprintf(address, sizeof(address), "2001:db8:a::%x", i);
		advertise_agent(w, address, place_a.prefix);
		world_run(w, SEC / 10);
	}
	cr_assert_leq(count(w), 16);
	world_free(w);
}

static struct dhaad_reply reply_of(const struct world *w)
{
	struct dhaad_reply r = {.n = 2};
	struct discovery *d = list_entry(w->e->discoveries.next, struct discovery, node);

	r.identifier = d->identifier;
	r.agent[0] = world_addr(HA2);
	r.agent[1] = world_addr(HA);
	return r;
}

static void deliver(struct world *w, const struct dhaad_reply *r)
{
	uint8_t buf[256];
	struct icmp_event ev = {.src = world_addr(HA), .icmp = buf};

	ev.dst = w->e->coa;
	ev.len = (size_t)dhaad_reply_build(r, buf, sizeof(buf));
	engine_icmp(w->e, w->now, &ev);
}

Test(engine, E07_dhaad_asks_and_keeps_the_order)
{
	struct world *w = world_native(WORLD_DHAAD);
	struct dhaad_reply r, wrong;

	w->strangers = true;
	cr_assert_eq(w->host.n_icmp, 1, "asked from the first place on");
	world_run(w, 2 * SEC);
	cr_assert_eq(w->host.n_icmp, 2, "again after INITIAL_DHAAD_TIMEOUT");
	r = wrong = reply_of(w);
	wrong.identifier++;
	deliver(w, &wrong);
	cr_assert_eq(count(w), 0, "nobody asked for that one");
	deliver(w, &r);
	cr_assert_eq(count(w), 2);
	cr_assert(anchor_better(find(w, HA2), find(w, HA)));
	world_run(w, 4 * SEC); /* none of them answers: after longer others would be asked for */
	cr_assert_eq(w->host.n_icmp, 2);
	world_free(w);
}

/* What is asked for before the kernel delivers anything to the care-of address would be asked for again seconds later. */
static void expect_patience(const char *conf, unsigned (*asked)(const struct world *))
{
	struct world *w = world_new(conf);
	struct address_event ev = world_address_of(place_a.ifindex, place_a.coa);

	world_start(w);
	world_link(w, place_a.ifindex, place_a.link, true);
	world_advert(w, place_a.ifindex, place_a.router, place_a.prefix, 1800);
	ev.tentative = ev.optimistic = ev.early = true;
	engine_address(w->e, w->now, &ev);
	cr_assert_str_eq(engine_place(w->e), "local");
	world_run(w, SEC);
	cr_assert_eq(asked(w), 0);
	ev.early = false;
	engine_address(w->e, w->now, &ev);
	cr_assert_eq(asked(w), 1, "at once, though duplicate address detection runs");
	world_free(w);
}

static unsigned icmp_sent(const struct world *w)
{
	return w->host.n_icmp;
}

static unsigned resolved(const struct world *w)
{
	return w->host.n_resolved;
}

Test(engine, E07_dhaad_asks_when_it_can_be_answered)
{
	expect_patience(WORLD_DHAAD, icmp_sent);
}

Test(engine, E07_dns_is_asked_when_it_can_answer)
{
	expect_patience(WORLD_DNS, resolved);
}

Test(engine, E12_dhaad_gives_up_for_a_while)
{
	struct world *w = world_native(WORLD_DHAAD);

	world_run(w, 100 * SEC);
	cr_assert_eq(w->host.n_icmp, 5, "at 0, 3, 9, 21 and 45 s");
	world_free(w);
}

Test(engine, E07_dns_finds_agents_and_makes_a_home_address)
{
	struct in6_addr agents[2] = {world_addr(HA), world_addr(HA2)};
	struct world *w = world_native(WORLD_DNS);
	struct ip6_prefix home;
	struct binding *b;

	cr_assert_str_eq(w->host.resolving, "example.org");
	cr_assert(list_empty(&w->e->bindings));
	w->strangers = true;
	engine_resolved(w->e, w->now, "example.org", agents, 2);
	cr_assert_eq(count(w), 2);
	b = list_entry(w->e->bindings.next, struct binding, node);
	cr_assert(b->automatic);
	cr_assert_eq(b->state, BINDING_REGISTERING, "at once, not with the next event");
	prefix_parse(HOME_PREFIX, &home);
	cr_assert(prefix_contains(&home, &b->home));
	cr_assert_eq(b->service, SERVICE_FIXED);
	cr_assert_str_eq(ADDR_STR(&b->anchor->address), HA);
	world_free(w);
}

Test(engine, E07_dns_is_asked_again_after_a_while)
{
	struct world *w = world_native(WORLD_DNS);

	engine_resolved(w->e, w->now, "example.org", NULL, 0);
	cr_assert_eq(w->host.n_resolved, 1);
	world_run(w, 50 * SEC);
	cr_assert_eq(w->host.n_resolved, 1);
	world_run(w, 20 * SEC);
	cr_assert_eq(w->host.n_resolved, 2);
	world_free(w);
}
