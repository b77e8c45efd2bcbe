/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mobility/domain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mobility/internal.h"

#define REQUEST_INTERVAL (10 * USEC_PER_SEC) /* at least, between requests for one (RFC 8801) */
#define RETRY_MAX (3600 * USEC_PER_SEC)

static struct domain *find_domain(const struct engine *e, int ifindex, const char *name)
{
	struct domain *d;

	list_for_each(d, &e->domains, node)
		if (d->ifindex == ifindex && strcasecmp(d->name, name) == 0)
			return d;
	return NULL;
}

static bool names_domain(const struct router *r, const struct domain *d)
{
	for (unsigned i = 0; i < r->n_prefixes; i++)
		if (r->domain[i] == d)
			return true;
	return false;
}

static bool is_named(const struct engine *e, const struct domain *d)
{
	struct router *r;
	struct link *l;

	list_for_each(l, &e->links, node)
		list_for_each(r, &l->routers, node)
			if (names_domain(r, d))
				return true;
	return false;
}

static void domain_free(struct engine *e, struct domain *d)
{
	struct router *r;
	struct link *l;

	list_for_each(l, &e->links, node)
		list_for_each(r, &l->routers, node)
			for (unsigned i = 0; i < r->n_prefixes; i++)
				if (r->domain[i] == d)
					r->domain[i] = NULL;
	list_remove(&d->node);
	free(d->info);
	free(d);
}

void domains_free(struct engine *e)
{
	struct domain *d, *t;

	list_for_each_safe(d, t, &e->domains, node)
		domain_free(e, d);
}

/* Those that nobody names any more give way, but not so fast that a flood of names becomes one of requests. */
static bool make_room(struct engine *e)
{
	struct domain *d, *oldest = NULL;
	unsigned n = 0;

	list_for_each(d, &e->domains, node) {
		n++;
		if (usec_add(d->heard, REQUEST_INTERVAL) <= e->now.mono && !is_named(e, d) &&
		    (!oldest || d->heard < oldest->heard))
			oldest = d;
	}
	if (n < DOMAIN_MAX)
		return true;
	if (!oldest)
		return false;
	domain_free(e, oldest);
	return true;
}

static usec_t random_until(const struct engine *e, usec_t limit)
{
	uint64_t v;

	e->ops->random(e->user, &v, sizeof(v));
	return v % (limit + 1);
}

static usec_t not_too_soon(const struct domain *d, usec_t when)
{
	usec_t earliest = d->asked_at ? usec_add(d->asked_at, REQUEST_INTERVAL) : 0;

	return when > earliest ? when : earliest;
}

/* Many hosts hear the same advertisement: each waits a time of its own. */
static void schedule(const struct engine *e, struct domain *d)
{
	usec_t delay = random_until(e, ((usec_t)1 << (10 + (d->delay & 15))) * USEC_PER_MSEC);
	usec_t when = not_too_soon(d, usec_add(e->now.mono, delay));

	if (when < d->fetch_at)
		d->fetch_at = when;
}

struct domain *domain_heard(struct engine *e, const struct link *l, const struct nd_domain *heard)
{
	struct domain *d;
	bool news;

	if (!heard->name[0])
		return NULL;
	d = find_domain(e, l->ifindex, heard->name);
	if (!d) {
		if (!make_room(e))
			return NULL;
		d = calloc(1, sizeof(*d));
		if (!d)
			return NULL;
		d->ifindex = l->ifindex;
		memcpy(d->name, heard->name, sizeof(d->name));
		d->name[sizeof(d->name) - 1] = '\0';
		d->fetch_at = USEC_INFINITY;
		list_append(&e->domains, &d->node);
	}
	news = d->sequence != heard->sequence || !d->asked_at || (d->epoch != l->epoch && !d->info);
	d->http = heard->http;
	d->delay = heard->delay;
	d->sequence = heard->sequence;
	d->epoch = l->epoch;
	d->heard = e->now.mono;
	if (news && d->http && e->conf->fetch_domains)
		schedule(e, d);
	return d;
}

static bool info_covers(const struct pvd_info *info, const struct ip6_prefix *prefix)
{
	for (unsigned i = 0; i < info->n_prefixes; i++)
		if (info->prefix[i].prefix.len <= prefix->len &&
		    prefix_contains(&info->prefix[i].prefix, &prefix->addr))
			return true;
	return false;
}

static bool info_covers_router(const struct pvd_info *info, const struct domain *d,
			       const struct router *r)
{
	for (unsigned i = 0; i < r->n_prefixes; i++)
		if (r->domain[i] == d && !info_covers(info, &r->prefix[i].prefix))
			return false;
	return true;
}

const struct pvd_info *domain_info(const struct engine *e, const struct router *r, unsigned i)
{
	const struct domain *d = r->domain[i];

	if (!d || !d->info || !e->conf->fetch_domains || d->expires <= e->now.mono ||
	    !info_covers_router(d->info, d, r))
		return NULL;
	return d->info;
}

/* Requests go only over an attachment whose routers name the domain. */
static bool is_fetched(const struct engine *e, const struct domain *d)
{
	const struct link *l = engine_find_link(e, d->ifindex);
	struct router *r;

	if (!l || !l->up || !d->http || !e->conf->fetch_domains)
		return false;
	list_for_each(r, &l->routers, node)
		if (r->epoch == l->epoch && names_domain(r, d))
			return true;
	return false;
}

usec_t domain_next_timer(const struct engine *e)
{
	usec_t next = USEC_INFINITY;
	struct domain *d;

	list_for_each(d, &e->domains, node) {
		if (d->info && d->expires < next)
			next = d->expires;
		if (d->fetch_at < next && is_fetched(e, d))
			next = d->fetch_at;
	}
	return next;
}

/* The network may not be there yet, or the server overloaded: twice as long each time. */
static void fetch_failed(const struct engine *e, struct domain *d)
{
	usec_t wait = REQUEST_INTERVAL << (d->failures < 16 ? d->failures : 16);

	d->failures++;
	if (wait > RETRY_MAX)
		wait = RETRY_MAX;
	wait = usec_add(e->now.mono, wait + random_until(e, wait / 4));
	if (wait < d->fetch_at)
		d->fetch_at = wait;
}

static void fetch(struct engine *e, struct domain *d)
{
	int r;

	d->fetch_at = USEC_INFINITY;
	d->asked_at = e->now.mono;
	r = e->ops->fetch_domain(e->user, d->ifindex, d->name);
	d->asking = r >= 0;
	if (r < 0) {
		log_debug("provisioning domain %s: cannot ask: %s", d->name, log_strerror(-r));
		fetch_failed(e, d);
	}
}

void domain_timer(struct engine *e)
{
	struct domain *d, *t;

	list_for_each_safe(d, t, &e->domains, node) {
		if (!engine_find_link(e, d->ifindex)) {
			domain_free(e, d);
			continue;
		}
		if (d->info && d->expires <= e->now.mono) {
			free(d->info);
			d->info = NULL;
		}
		if (d->fetch_at <= e->now.mono && is_fetched(e, d))
			fetch(e, d);
	}
}

/* What is wrong with an answer, in words; NULL = nothing (RFC 8801 section 4.4). */
static const char *objection(const struct engine *e, const struct domain *d,
			     const struct pvd_info *info)
{
	const struct link *l = engine_find_link(e, d->ifindex);
	bool any = false, covered = false;
	struct router *r;

	if (!info)
		return "there is none";
	if (strcasecmp(info->identifier, d->name) != 0)
		return "it is of another domain";
	if (info->expires_real <= e->now.real)
		return "it has expired";
	if (!l)
		return "the link is gone";
	list_for_each(r, &l->routers, node)
		if (names_domain(r, d)) {
			any = true;
			covered |= info_covers_router(info, d, r);
		}
	return any && !covered ? "it does not cover all advertised prefixes" : NULL;
}

static bool keep_info(const struct engine *e, struct domain *d, const struct pvd_info *info)
{
	usec_t life = info->expires_real - e->now.real;

	if (!d->info)
		d->info = malloc(sizeof(*d->info));
	if (!d->info)
		return false;
	*d->info = *info;
	d->failures = 0;
	d->expires = usec_add(e->now.mono, life);
	/* Another request is due if the sequence number has changed since this one. */
	if (d->fetch_at == USEC_INFINITY)
		d->fetch_at = not_too_soon(
			d, usec_add(e->now.mono, life / 2 + random_until(e, life - life / 2)));
	return true;
}

void engine_domain(struct engine *e, struct instant now, int ifindex, const char *domain,
		   const struct pvd_info *info)
{
	struct domain *d = find_domain(e, ifindex, domain);
	const char *wrong;

	e->now = now;
	if (!d || !d->asking)
		return;
	d->asking = false;
	wrong = objection(e, d, info);
	if (!wrong && !keep_info(e, d, info))
		wrong = "out of memory";
	if (wrong) {
		log_notice("provisioning domain %s: additional information not used: %s", d->name,
			   wrong);
		fetch_failed(e, d);
	} else {
		log_info("provisioning domain %s: additional information of %u prefixes", d->name,
			 info->n_prefixes);
	}
	engine_settle(e);
}
