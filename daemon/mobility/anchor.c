/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mobility/anchor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mobility/internal.h"

#define MAX_AGENTS 16 /* of one section, however many are advertised */
#define OUT_TIME (60 * USEC_PER_SEC)
#define RTT_ALIKE (5 * USEC_PER_MSEC)

DEFINE_STRTAB(anchor_health, "untried", "reachable", "silent", "refusing");
DEFINE_STRTAB(anchor_origin, "configuration", "router-advertisement", "dhaad", "dns", "switch");
DEFINE_STRTAB(anchor_ability, "unknown", "yes", "no");

static bool same_key(const struct anchor *a, const struct conf_anchor *conf)
{
	return a->has_sa == conf->has_key && a->sa.spi == conf->spi &&
	       a->sa.alg == (enum mip_auth_alg)conf->algorithm && a->sa.key_len == conf->key_len &&
	       memcmp(a->sa.key, conf->key, conf->key_len) == 0;
}

void anchor_configure(struct anchor *a, const struct conf_anchor *conf)
{
	if (!same_key(a, conf)) {
		a->key_proven = false;
		a->failed_auth = 0;
	}
	a->conf = conf;
	mip_sa_wipe(&a->sa);
	a->has_sa = conf->has_key;
	a->leaving = false; /* who reads the configuration again wants everything tried again */
	if (!conf->has_key)
		return;
	a->sa.spi = conf->spi;
	a->sa.alg = (enum mip_auth_alg)conf->algorithm;
	a->sa.key_len = conf->key_len;
	memcpy(a->sa.key, conf->key, conf->key_len);
}

static bool name_is_taken(const struct engine *e, const char *name)
{
	struct anchor *a;

	list_for_each(a, &e->anchors, node)
		if (strcmp(a->name, name) == 0)
			return true;
	return false;
}

/* The first agent of a section has its name, the others a number behind it. */
static void name_anchor(const struct engine *e, struct anchor *a)
{
	snprintf(a->name, sizeof(a->name), "%s", a->conf->name);
	for (unsigned n = 2; name_is_taken(e, a->name); n++)
		snprintf(a->name, sizeof(a->name), "%s:%u", a->conf->name, n);
}

static int anchor_add(struct engine *e, const struct conf_anchor *conf,
		      const struct in6_addr *address, enum anchor_origin origin,
		      struct anchor **ret)
{
	struct anchor *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->address = *address;
	a->origin = origin;
	a->last_status = -1;
	a->found = e->now.mono;
	anchor_configure(a, conf);
	name_anchor(e, a);
	list_append(&e->anchors, &a->node);
	*ret = a;
	return 0;
}

int anchor_new(struct engine *e, const struct conf_anchor *conf, struct anchor **ret)
{
	return anchor_add(e, conf, &conf->address, ANCHOR_FROM_CONFIG, ret);
}

void anchor_free(struct anchor *a)
{
	list_remove(&a->node);
	mip_sa_wipe(&a->sa);
	free(a);
}

void anchor_remove(struct engine *e, struct anchor *a)
{
	struct prefix *p;

	engine_publish(e, OBJECT_ANCHOR, CHANGE_REMOVED, a);
	list_for_each(p, &e->prefixes, node)
		if (p->anchor == a)
			p->anchor = NULL;
	list_for_each(p, &e->left_prefixes, node)
		if (p->anchor == a)
			p->anchor = NULL;
	anchor_free(a);
}

struct anchor *anchor_find(const struct engine *e, const struct conf_anchor *conf,
			   const struct in6_addr *address)
{
	struct anchor *a;

	list_for_each(a, &e->anchors, node)
		if (a->conf == conf && addr_equal(&a->address, address))
			return a;
	return NULL;
}

/* To be given up rather than another: one that nothing came of, then the one not heard of for longest. */
static bool older_claim(const struct anchor *a, const struct anchor *b)
{
	bool proven_a = a->health == ANCHOR_REACHABLE, proven_b = b->health == ANCHOR_REACHABLE;

	return proven_a != proven_b ? proven_b : a->found < b->found;
}

/* Anybody on a link can claim to be a home agent, and a journey passes many: what nobody uses makes room. */
static bool make_room(struct engine *e, const struct conf_anchor *conf)
{
	struct anchor *a, *oldest = NULL;
	unsigned n = 0;

	list_for_each(a, &e->anchors, node) {
		if (a->conf != conf)
			continue;
		n++;
		if (a->origin != ANCHOR_FROM_CONFIG && !anchor_in_use(e, a) &&
		    (!oldest || older_claim(a, oldest)))
			oldest = a;
	}
	if (n < MAX_AGENTS)
		return true;
	if (!oldest)
		return false;
	anchor_remove(e, oldest);
	return true;
}

struct anchor *anchor_found(struct engine *e, const struct conf_anchor *conf,
			    const struct in6_addr *address, enum anchor_origin origin,
			    int preference, const struct ip6_prefix *prefix)
{
	struct event ev = {.kind = EVENT_ANCHOR_FOUND, .priority = LOG_INFO};
	struct anchor *a = anchor_find(e, conf, address);

	if (!addr_is_routable(address))
		return NULL;
	if (a) {
		a->found = e->now.mono;
		if (a->origin == origin)
			a->preference = preference;
		return a;
	}
	if (!make_room(e, conf) || anchor_add(e, conf, address, origin, &a) < 0)
		return NULL;
	a->preference = preference;
	if (prefix) {
		a->has_prefix = true;
		a->prefix = *prefix;
	}
	ev.anchor = a;
	engine_publish(e, OBJECT_ANCHOR, CHANGE_ADDED, a);
	engine_notify(e, &ev, "home agent %s of %s found by %s", ADDR_STR(address), conf->name,
		      anchor_origin_str((int)origin));
	return a;
}

bool anchor_in_use(const struct engine *e, const struct anchor *a)
{
	struct binding *b;

	list_for_each(b, &e->bindings, node)
		if (b->anchor == a || b->successor == a)
			return true;
	return false;
}

void anchor_set_health(struct engine *e, struct anchor *a, enum anchor_health health)
{
	struct event ev = {.kind = EVENT_ANCHOR_HEALTH, .anchor = a};

	if (a->health == health)
		return;
	ev.priority = health == ANCHOR_REACHABLE ? LOG_INFO : LOG_WARNING;
	a->out_since = e->now.mono;
	a->health = health;
	engine_publish(e, OBJECT_ANCHOR, CHANGE_CHANGED, a);
	engine_notify(e, &ev, "anchor %s (%s) is %s", a->name, ADDR_STR(&a->address),
		      anchor_health_str((int)health));
}

/* --- which one ---------------------------------------------------------------------------- */

static bool covers(const struct ip6_prefix *outer, const struct ip6_prefix *inner)
{
	return outer->len <= inner->len && prefix_contains(outer, &inner->addr);
}

static bool section_serves(const struct conf_anchor *c, const struct ip6_prefix *prefix)
{
	for (unsigned i = 0; i < c->n_prefixes; i++)
		if (covers(&c->prefix[i], prefix))
			return true;
	for (unsigned i = 0; i < c->n_homes; i++)
		if (prefix_equal(&c->home[i].prefix, prefix))
			return true;
	return false;
}

/* Named for this prefix by the administrator or by a provisioning domain that could prove who it is. */
static const char *stated_anchor(const struct engine *e, const struct ip6_prefix *prefix)
{
	const struct properties *by_prefix = conf_prefix_find(e->conf, prefix), *by_domain;
	const struct prefix *p = prefix_find(e, prefix);

	if (by_prefix && properties_have(by_prefix, PROPERTY_ANCHOR))
		return by_prefix->anchor;
	if (!p || !properties_have(&p->properties, PROPERTY_ANCHOR))
		return NULL;
	by_domain = p->domain[0] ? conf_domain_find(e->conf, p->domain) : NULL;
	if (by_domain && properties_have(by_domain, PROPERTY_ANCHOR) &&
	    strcmp(by_domain->anchor, p->properties.anchor) == 0)
		return p->properties.anchor;
	return p->source[PROPERTY_ANCHOR] == SOURCE_PVD ? p->properties.anchor : NULL;
}

static bool is_named(const struct anchor *a, const char *name)
{
	struct in6_addr address;

	return strcmp(a->conf->name, name) == 0 || strcmp(a->name, name) == 0 ||
	       (addr_parse(name, &address) == 0 && addr_equal(&a->address, &address));
}

static bool serves(const struct anchor *a, const struct ip6_prefix *prefix, const char *stated)
{
	if (a->has_prefix && !covers(&a->prefix, prefix))
		return false;
	if (stated)
		return is_named(a, stated);
	return a->has_prefix || section_serves(a->conf, prefix) ||
	       (a->conf->home_auto && prefix_contains(prefix, &a->address));
}

bool anchor_serves(const struct engine *e, const struct anchor *a, const struct ip6_prefix *prefix)
{
	return serves(a, prefix, stated_anchor(e, prefix));
}

static unsigned badness(const struct anchor *a)
{
	switch (a->health) {
	case ANCHOR_REACHABLE:
	case ANCHOR_UNTRIED:
		return a->leaving ? 2 : 0;
	case ANCHOR_REFUSING:
		return 3;
	case ANCHOR_SILENT:
	case ANCHOR_HEALTH_MAX:
		break;
	}
	return 4;
}

/* It failed us a short while ago, or wants to be left. */
bool anchor_is_out(const struct engine *e, const struct anchor *a)
{
	return badness(a) > 0 && (a->leaving || usec_add(a->out_since, OUT_TIME) > e->now.mono);
}

/* Anybody on a link can claim to be a home agent.  Only one that has answered with the key is more than a rumour. */
static bool is_hearsay(const struct anchor *a)
{
	return a->origin == ANCHOR_FROM_RA && !a->n.ba_accepted;
}

/* What was out of reach from the last place may be in reach from this one. */
void anchors_moved(struct engine *e)
{
	struct anchor *a;

	list_for_each(a, &e->anchors, node)
		if (a->health == ANCHOR_SILENT && !anchor_in_use(e, a))
			anchor_set_health(e, a, ANCHOR_UNTRIED);
}

/* Health, then the measured round trip where it makes a difference, then preference (E7). */
bool anchor_better(const struct anchor *a, const struct anchor *b)
{
	usec_t difference = a->rtt > b->rtt ? a->rtt - b->rtt : b->rtt - a->rtt;

	if (badness(a) != badness(b))
		return badness(a) < badness(b);
	if (is_hearsay(a) != is_hearsay(b))
		return is_hearsay(b);
	if (a->rtt && b->rtt && difference > RTT_ALIKE && difference > (a->rtt + b->rtt) / 8)
		return a->rtt < b->rtt;
	if (a->conf->preference != b->conf->preference)
		return a->conf->preference > b->conf->preference;
	/* Anybody can advertise a preference: it counts among those who have shown who they are, or have not (E11). */
	if ((a->n.ba_accepted > 0) != (b->n.ba_accepted > 0))
		return a->n.ba_accepted > 0;
	if (a->preference != b->preference)
		return a->preference > b->preference;
	return a->health == ANCHOR_REACHABLE && b->health != ANCHOR_REACHABLE;
}

struct anchor *anchor_best_but(const struct engine *e, const struct ip6_prefix *prefix,
			       const struct anchor *but)
{
	const struct properties *stated = conf_prefix_find(e->conf, prefix);
	const char *name = stated_anchor(e, prefix);
	struct anchor *a, *best = NULL;

	if (stated && properties_have(stated, PROPERTY_ANCHORING) &&
	    stated->anchoring == PREFIX_LOCAL)
		return NULL;
	list_for_each(a, &e->anchors, node)
		if (a != but && serves(a, prefix, name) && (!best || anchor_better(a, best)))
			best = a;
	return best;
}

struct anchor *anchor_best(const struct engine *e, const struct ip6_prefix *prefix)
{
	return anchor_best_but(e, prefix, NULL);
}

/* --- measuring ---------------------------------------------------------------------------- */

static bool could_replace(const struct anchor *a, const struct anchor *b)
{
	if (a->has_prefix && b->has_prefix)
		return prefix_equal(&a->prefix, &b->prefix);
	if (a->has_prefix)
		return section_serves(b->conf, &a->prefix);
	if (b->has_prefix)
		return section_serves(a->conf, &b->prefix);
	return a->conf == b->conf ||
	       (a->conf->n_prefixes && section_serves(b->conf, &a->conf->prefix[0]));
}

static bool has_rival(const struct engine *e, const struct anchor *a)
{
	struct anchor *other;

	list_for_each(other, &e->anchors, node)
		if (other != a && could_replace(a, other))
			return true;
	return false;
}

void anchors_left(struct engine *e)
{
	struct anchor *a;

	e->measure_due = true;
	list_for_each(a, &e->anchors, node)
		a->rtt_elsewhere = true;
}

/* One echo from the new place to each anchor that another could stand in for. */
void anchors_measure(struct engine *e)
{
	struct anchor *a;

	e->measure_due = false;
	if (!e->conf->measure_anchors || !e->uplink)
		return;
	list_for_each(a, &e->anchors, node) {
		a->echo_sent = 0;
		if (!has_rival(e, a))
			continue;
		e->ops->random(e->user, &a->echo_sequence, sizeof(a->echo_sequence));
		if (e->ops->echo(e->user, e->uplink->ifindex, &e->coa, &a->address, ECHO_ANCHOR,
				 a->echo_sequence, 0) == 0)
			a->echo_sent = e->now.mono;
	}
}

void anchor_echo_reply(struct engine *e, const struct in6_addr *from, uint16_t sequence)
{
	struct anchor *a;

	list_for_each(a, &e->anchors, node) {
		if (!a->echo_sent || a->echo_sequence != sequence || !addr_equal(&a->address, from))
			continue;
		anchor_measured(a, e->now.mono - a->echo_sent);
		a->echo = ABILITY_YES;
		a->echo_sent = 0;
		engine_publish(e, OBJECT_ANCHOR, CHANGE_CHANGED, a);
	}
}

void anchor_measured(struct anchor *a, usec_t rtt)
{
	a->rtt_last = rtt;
	a->rtt = a->rtt && !a->rtt_elsewhere ? (7 * a->rtt + rtt) / 8 : rtt;
	a->rtt_elsewhere = false;
}
