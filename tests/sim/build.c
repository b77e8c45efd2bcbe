/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The network, the configuration and the host of a scenario. */
#include <string.h>

#include "agent.h"
#include "scenario.h"
#include "settings.h"

#define BIRTH (1000 * USEC_PER_SEC)
#define SSH 22

static bool is_home(const struct home_agent *a)
{
	return strncmp(a->name, "home-", 5) == 0;
}

static struct in6_addr agent_address(const struct ip6_prefix *p, unsigned number)
{
	struct in6_addr a = p->addr;

	a.s6_addr[8] = 0xaa;
	a.s6_addr[15] = (uint8_t)(number + 1);
	return a;
}

static struct home_agent *add_agent(struct run *r, const struct ip6_prefix *p, unsigned number,
				    const char *base)
{
	struct in6_addr address = agent_address(p, number);
	struct home_agent *a;
	char name[40];

	snprintf(name, sizeof(name), "%s%c", base, (char)('a' + number));
	a = agent_new(&r->net, name, &address);
	a->prefix[a->n_prefixes++] = *p;
	a->preference = (uint16_t)(10 - number);
	a->delay = rng_between(&r->rng, 2, 60) * USEC_PER_MSEC;
	return a;
}

static void build_places(struct run *r)
{
	const struct scenario *s = r->scenario;
	struct place *p = network_add_places(&r->net, s->places);

	for (unsigned i = 0; i < s->places; i++) {
		p[i].delay = rng_between(&r->rng, 1, 30) * USEC_PER_MSEC;
		for (unsigned j = 0; s->anchored && j <= s->spares; j++) {
			char base[32];

			snprintf(base, sizeof(base), "anchor-%u", i + 1);
			add_agent(r, &p[i].prefix, j, base);
		}
		if (s->found)
			p[i].advertises = r->net.agent[i * (s->spares + 1)];
	}
	if (s->plain && s->places >= 4) {
		p[2].plain = true;
		/*
		 * The network keeps the prefix in place (RFC 5213), and all its routers look
		 * alike (RFC 6543).
		 */
		p[1].prefix = p[0].prefix;
		p[1].router = p[0].router;
		r->net.agent[1]->prefix[0] = p[0].prefix;
	}
}

static struct ip6_prefix home_prefix(unsigned i)
{
	return prefix_make(&(struct in6_addr){.s6_addr = {0x20, 0x01, 0x0d, 0xb8, 0x0f, 0, 0,
							  (uint8_t)(i + 1)}},
			   64);
}

static void build_homes(struct run *r)
{
	for (unsigned i = 0; i < r->scenario->fixed; i++) {
		struct ip6_prefix p = home_prefix(i);
		char base[32];

		snprintf(base, sizeof(base), "home-%u", i + 1);
		add_agent(r, &p, 0, base);
		if (r->scenario->found) /* a second one for discovery to find */
			add_agent(r, &p, 1, base);
		/* The home link of the first is a place, too; to lose that is never announced. */
		if (i == 0 && !r->scenario->lossless)
			r->net.place[r->net.n_places - 1].prefix = p;
	}
}

static void add_home(struct run *r, struct conf *c, struct home_agent *a)
{
	struct conf_anchor *ca = settings_add_anchor(c, a->name, a);
	struct in6_addr home = a->prefix[0].addr;

	home.s6_addr[15] = 0x10;
	settings_add_home(ca, &home);
	ca->lifetime = rng_chance(&r->rng, 0.3) ? 60 * USEC_PER_SEC : 1800 * USEC_PER_SEC;
	settings_share_key(ca, a);
}

static void add_anchors(struct run *r, struct conf *c)
{
	struct conf_anchor *ca;

	for (unsigned i = 0; i < r->net.n_agents; i++) {
		struct home_agent *a = r->net.agent[i];

		if (is_home(a))
			continue;
		ca = settings_add_anchor(c, a->name, a);
		settings_add_prefix(ca, &a->prefix[0]);
		settings_share_key(ca, a);
	}
}

/*
 * Routers say which agents serve their prefixes; the agents of the home prefix are asked for, at
 * their link or in the DNS.
 */
static void add_discovery(struct run *r, struct conf *c)
{
	struct ip6_prefix all = prefix_make(&r->net.place[0].prefix.addr, 40);
	struct conf_anchor *visited = settings_add_anchor(c, "visited", NULL);
	struct conf_anchor *home = settings_add_anchor(c, "home", NULL);

	visited->discover = CONF_DISCOVER_RA;
	settings_add_prefix(visited, &all);
	home->discover = r->seed / n_scenarios % 2 ? CONF_DISCOVER_DHAAD : CONF_DISCOVER_DNS;
	snprintf(home->domain, sizeof(home->domain), "home.example.net");
	home->home_auto = true;
	for (unsigned i = 0; i < r->net.n_agents; i++) {
		struct home_agent *a = r->net.agent[i];

		settings_share_key(is_home(a) ? home : visited, a);
		if (is_home(a) && !home->n_prefixes)
			settings_add_prefix(home, &a->prefix[0]);
	}
}

struct conf *run_settings(struct run *r)
{
	struct conf *c = settings_new();

	if (r->scenario->found)
		add_discovery(r, c);
	else if (r->scenario->anchored)
		add_anchors(r, c);
	for (unsigned i = 0; i < r->net.n_agents && !r->scenario->found; i++)
		if (is_home(r->net.agent[i]))
			add_home(r, c, r->net.agent[i]);
	if (r->scenario->nics > 1 && !r->scenario->lossless) {
		settings_add_link(c, "wlan*", 10, 0);
		settings_add_link(c, "wwan*", 0, 0);
	}
	settings_add_rule(c, "ssh", SSH, SERVICE_SESSION_LASTING);
	return c;
}

/* Nothing but moves can go wrong. */
static bool calm_weather(const struct scenario *s)
{
	for (unsigned i = 0; i < ACT_MAX; i++)
		if (s->weight[i] && i != ACT_MOVE && i != ACT_OVERLAP && i != ACT_HOSTILE)
			return false;
	return s->faults.loss <= 0;
}

void run_build(struct run *r)
{
	static const char *const nics[HOST_NICS] = {"wlan0", "wwan0", "eth0"};

	network_init(&r->net, rng_next(&r->rng), BIRTH);
	build_places(r);
	build_homes(r);
	r->conf = run_settings(r);
	r->host = host_new(&r->net, 0xc0a, r->conf, nics, r->scenario->nics);
	r->host->temporary_addresses = r->scenario->temporary;
	r->host->flushes = rng_chance(&r->rng, 0.3);
	r->host->news_lost = r->scenario->news_lost;
	check_attach(&r->check, &r->net, r->host);
	r->check.lossless = r->scenario->lossless;
	r->check.slack = calm_weather(r->scenario) ? 4 * USEC_PER_SEC : 16 * USEC_PER_SEC;
}

void run_free(struct run *r)
{
	host_free(r->host);
	network_free(&r->net);
	settings_free(r->conf);
	if (r->other_conf)
		settings_free(r->other_conf);
}
