/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mobility/discovery.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mobility/internal.h"

#define INITIAL_DHAAD_TIMEOUT (3 * USEC_PER_SEC)
#define DHAAD_RETRIES 4
#define DHAAD_PAUSE (600 * USEC_PER_SEC) /* between rounds that nobody answered */
#define DNS_REFRESH (3600 * USEC_PER_SEC)
#define DNS_PAUSE (60 * USEC_PER_SEC)
#define ANCHORS_PER_ADVERT 4
#define ICMP6_NEXT_HEADER 58

/* --- router advertisements ---------------------------------------------------------------- */

static bool inside(const struct conf_anchor *c, const struct ip6_prefix *prefix)
{
	for (unsigned i = 0; i < c->n_prefixes; i++)
		if (c->prefix[i].len <= prefix->len &&
		    prefix_contains(&c->prefix[i], &prefix->addr))
			return true;
	return false;
}

/* A router that says it is a home agent, for prefixes that the administrator lets such agents anchor. */
void discovery_advert(struct engine *e, const struct nd_router_advert *ra)
{
	const struct conf_anchor *c;
	unsigned n = 0;

	/* It need not be a default router; its lifetime is that of one unless it says another (RFC 6275 section 7.4). */
	if (!ra->home_agent ||
	    (ra->has_home_agent_info ? ra->ha_lifetime : ra->router_lifetime) == 0)
		return;
	list_for_each(c, &e->conf->anchors, node) {
		if (!(c->discover & CONF_DISCOVER_RA))
			continue;
		for (unsigned i = 0; i < ra->n_prefixes && n < ANCHORS_PER_ADVERT; i++) {
			const struct nd_prefix_info *p = &ra->prefix[i];

			if (!p->router_flag || !p->valid || !inside(c, &p->prefix))
				continue;
			n += anchor_found(e, c, &p->router_address, ANCHOR_FROM_RA,
					  ra->has_home_agent_info ? (int16_t)ra->ha_preference : 0,
					  &p->prefix) != NULL;
		}
	}
}

/* An answer in the first moment of a care-of address would be lost, and asking again takes seconds. */
static bool can_ask(const struct engine *e)
{
	const struct link_address *a = e->uplink ? link_find_address(e->uplink, &e->coa) : NULL;

	return e->uplink && !(a && a->early);
}

/* --- dynamic home agent address discovery ------------------------------------------------- */

static bool home_prefix(const struct conf_anchor *c, struct ip6_prefix *ret)
{
	if (c->n_prefixes)
		*ret = c->prefix[0];
	else if (c->n_homes)
		*ret = c->home[0].prefix;
	else
		return false;
	return true;
}

static void send_request(struct engine *e, struct discovery *d)
{
	struct ip6_prefix prefix;
	uint8_t buf[16];
	struct ip6_packet p = {
		.src = e->coa,
		.hop_limit = 64,
		.next_header = ICMP6_NEXT_HEADER,
		.payload = buf,
	};
	int n;

	if (!home_prefix(d->conf, &prefix))
		return;
	p.dst = dhaad_anycast(&prefix);
	if (!d->requests)
		e->ops->random(e->user, &d->identifier, sizeof(d->identifier));
	n = dhaad_request_build(d->identifier, false, buf, sizeof(buf));
	if (n < 0)
		return;
	p.payload_len = (size_t)n;
	icmp6_set_checksum(&p.src, &p.dst, buf, p.payload_len);
	e->ops->send(e->user, e->uplink->ifindex, &p);
}

static void dhaad_timer(struct engine *e, struct discovery *d)
{
	if (!can_ask(e) || e->now.mono < d->dhaad_at)
		return;
	if (d->requests > DHAAD_RETRIES) {
		log_notice("no home agent of %s answers the discovery", d->conf->name);
		d->requests = 0;
		d->dhaad_at = usec_add(e->now.mono, DHAAD_PAUSE);
		return;
	}
	d->timeout = d->requests ? 2 * d->timeout : INITIAL_DHAAD_TIMEOUT;
	send_request(e, d);
	d->requests++;
	d->dhaad_at = usec_add(e->now.mono, d->timeout);
}

void discovery_dhaad_reply(struct engine *e, const struct icmp_event *ev)
{
	struct dhaad_reply reply;
	struct discovery *d;

	if (dhaad_reply_parse(ev->icmp, ev->len, &reply) < 0)
		return;
	list_for_each(d, &e->discoveries, node) {
		if (!d->requests || d->identifier != reply.identifier)
			continue;
		d->requests = 0;
		d->dhaad_at = USEC_INFINITY;
		/* The order of the list is the order of preference (RFC 6275 section 6.6). */
		for (unsigned i = 0; i < reply.n; i++)
			anchor_found(e, d->conf, &reply.agent[i], ANCHOR_FROM_DHAAD, -(int)i, NULL);
		if (!reply.n)
			anchor_found(e, d->conf, &ev->src, ANCHOR_FROM_DHAAD, 0, NULL);
		return;
	}
}

/* --- DNS ---------------------------------------------------------------------------------- */

static void dns_timer(struct engine *e, struct discovery *d)
{
	if (!can_ask(e) || d->resolving || e->now.mono < d->dns_at)
		return;
	d->dns_at = usec_add(e->now.mono, DNS_PAUSE);
	d->resolving = e->ops->resolve(e->user, d->conf->domain) == 0;
}

void engine_resolved(struct engine *e, struct instant now, const char *domain,
		     const struct in6_addr *agent, unsigned n)
{
	struct discovery *d;

	e->now = now;
	list_for_each(d, &e->discoveries, node) {
		if (!(d->conf->discover & CONF_DISCOVER_DNS) ||
		    strcasecmp(d->conf->domain, domain) != 0)
			continue;
		d->resolving = false;
		if (!n)
			log_notice("no home agent of %s is known to the DNS under %s",
				   d->conf->name, domain);
		else
			d->dns_at = usec_add(now.mono, DNS_REFRESH);
		for (unsigned i = 0; i < n; i++)
			anchor_found(e, d->conf, &agent[i], ANCHOR_FROM_DNS, -(int)i, NULL);
	}
	engine_settle(e);
}

/* --- home address autoconfiguration ------------------------------------------------------- */

static bool has_automatic(const struct engine *e, const struct conf_anchor *c)
{
	struct binding *b;

	list_for_each(b, &e->bindings, node)
		if (b->anchor->conf == c && b->automatic)
			return true;
	return false;
}

static struct anchor *best_of_section(const struct engine *e, const struct conf_anchor *c)
{
	struct anchor *a, *best = NULL;

	list_for_each(a, &e->anchors, node)
		if (a->conf == c && !a->leaving && (!best || anchor_better(a, best)))
			best = a;
	return best;
}

/* The prefix that the section gives the agent, otherwise the one it is in; no longer than an interface identifier allows. */
static struct ip6_prefix prefix_of_agent(const struct conf_anchor *c, const struct anchor *a)
{
	const struct ip6_prefix *p = NULL;

	for (unsigned i = 0; i < c->n_prefixes; i++)
		if (!p || prefix_contains(&c->prefix[i], &a->address))
			p = &c->prefix[i];
	if (p && p->len == 64)
		return *p;
	return prefix_make(&a->address, 64);
}

static int add_home(struct engine *e, struct anchor *a, const struct conf_home *home,
		    struct binding **ret)
{
	int r = binding_new(e, a, home, ret);

	if (r < 0)
		return r;
	binding_path_blocked(*ret);
	engine_publish(e, OBJECT_BINDING, CHANGE_ADDED, *ret);
	return 0;
}

/* An address of our own in the home prefix; the home agent makes sure that nobody else has it. */
static void make_home(struct engine *e, const struct conf_anchor *c, struct anchor *a)
{
	struct conf_home home = {.prefix = prefix_of_agent(c, a)};
	struct binding *b;

	prefix_random_address(e, &home.prefix, &home.address);
	if (add_home(e, a, &home, &b) < 0)
		return;
	b->automatic = true;
	log_notice("home address %s made for anchor %s", ADDR_STR(&b->home), a->name);
}

/* Home addresses of a section that had no agent until now. */
static void settle_homes(struct engine *e, const struct conf_anchor *c)
{
	struct anchor *a = best_of_section(e, c);
	struct binding *b;

	if (!a || !e->started)
		return;
	if (c->home_auto && !has_automatic(e, c))
		make_home(e, c, a);
	for (unsigned i = 0; i < c->n_homes; i++)
		if (!engine_find_home(e, &c->home[i].address))
			add_home(e, a, &c->home[i], &b);
}

/* --- life --------------------------------------------------------------------------------- */

static struct discovery *find(const struct engine *e, const struct conf_anchor *c)
{
	struct discovery *d;

	list_for_each(d, &e->discoveries, node)
		if (d->conf == c)
			return d;
	return NULL;
}

int discovery_configure(struct engine *e)
{
	const struct conf_anchor *c;
	struct discovery *d;

	discovery_free(e);
	list_for_each(c, &e->conf->anchors, node) {
		if (!c->discover)
			continue;
		d = calloc(1, sizeof(*d));
		if (!d)
			return -ENOMEM;
		d->conf = c;
		d->dhaad_at =
			c->discover & CONF_DISCOVER_DHAAD && !c->has_address ? 0 : USEC_INFINITY;
		d->dns_at = c->discover & CONF_DISCOVER_DNS ? 0 : USEC_INFINITY;
		list_append(&e->discoveries, &d->node);
	}
	return 0;
}

void discovery_free(struct engine *e)
{
	struct discovery *d, *t;

	list_for_each_safe(d, t, &e->discoveries, node) {
		list_remove(&d->node);
		free(d);
	}
}

static const struct conf_home *configured_home(const struct conf_anchor *c,
					       const struct in6_addr *home)
{
	for (unsigned i = 0; i < c->n_homes; i++)
		if (addr_equal(&c->home[i].address, home))
			return &c->home[i];
	return NULL;
}

/* The agent of a former run, for a section that would find it again. */
static struct anchor *refind(struct engine *e, const struct conf_home *h,
			     const struct in6_addr *agent)
{
	const struct conf_anchor *c;
	struct anchor *a;

	list_for_each(a, &e->anchors, node)
		if (addr_equal(&a->address, agent) && anchor_serves(e, a, &h->prefix))
			return a;
	list_for_each(c, &e->conf->anchors, node) {
		if (c->discover & CONF_DISCOVER_RA && inside(c, &h->prefix))
			return anchor_found(e, c, agent, ANCHOR_FROM_RA, 0, &h->prefix);
		if (c->discover && (c->home_auto || configured_home(c, &h->address)))
			return anchor_found(e, c, agent,
					    c->discover & CONF_DISCOVER_DNS ? ANCHOR_FROM_DNS
									    : ANCHOR_FROM_DHAAD,
					    0, NULL);
	}
	return NULL;
}

/* A binding of a former run whose home address no section lists with its agent: it was native once, or one that we made. */
struct binding *discovery_restore(struct engine *e, const struct state_entry *saved)
{
	struct conf_home h = {.address = saved->home, .prefix = prefix_make(&saved->home, 64)};
	struct anchor *a = refind(e, &h, &saved->anchor);
	const struct conf_home *listed = a ? configured_home(a->conf, &saved->home) : NULL;
	struct binding *b;

	if (!a || binding_new(e, a, listed ? listed : &h, &b) < 0)
		return NULL;
	b->on_request = !listed && saved->on_request;
	b->automatic =
		!listed && !b->on_request && a->conf->home_auto && !has_automatic(e, a->conf);
	b->dynamic = !listed && !b->automatic;
	if (b->on_request)
		b->service = saved->service;
	else if (b->dynamic)
		b->service = prefix_service(e, &h.prefix);
	return b;
}

/* No agent of the section can be used: look for others. */
void discovery_wanted(struct engine *e, const struct conf_anchor *c)
{
	struct discovery *d = find(e, c);

	if (!d)
		return;
	if (c->discover & CONF_DISCOVER_DHAAD && d->dhaad_at == USEC_INFINITY)
		d->dhaad_at = e->now.mono;
	if (c->discover & CONF_DISCOVER_DNS && d->dns_at > usec_add(e->now.mono, DNS_PAUSE))
		d->dns_at = e->now.mono;
}

/* A new place may reach what the last one could not. */
void discovery_moved(struct engine *e)
{
	struct discovery *d;

	list_for_each(d, &e->discoveries, node) {
		if (d->dhaad_at != USEC_INFINITY && !best_of_section(e, d->conf)) {
			d->requests = 0;
			d->dhaad_at = e->now.mono;
		}
		if (d->conf->discover & CONF_DISCOVER_DNS && !best_of_section(e, d->conf))
			d->dns_at = e->now.mono;
	}
}

/* Before bindings are looked at: nothing else may happen that would have a new one looked at. */
void discovery_homes(struct engine *e)
{
	const struct conf_anchor *c;

	list_for_each(c, &e->conf->anchors, node)
		if (c->home_auto || c->n_homes)
			settle_homes(e, c);
}

void discovery_timer(struct engine *e)
{
	struct discovery *d;

	list_for_each(d, &e->discoveries, node) {
		dhaad_timer(e, d);
		dns_timer(e, d);
	}
}

usec_t discovery_next_timer(const struct engine *e)
{
	usec_t next = USEC_INFINITY;
	struct discovery *d;

	if (!can_ask(e))
		return next;
	list_for_each(d, &e->discoveries, node) {
		if (d->dhaad_at < next)
			next = d->dhaad_at;
		if (!d->resolving && d->dns_at < next)
			next = d->dns_at;
	}
	return next;
}
