/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must hold of the engine's tables, and of what it has set up in the kernel. */
#include <string.h>

#include "agent.h"
#include "check.h"

#define GRACE \
	(15 * USEC_PER_SEC) /* packets on their way to an old care-of address, and a withdrawal */

/* --- authenticity ------------------------------------------------------------------------ */

void check_snapshot(struct check *c)
{
	const struct engine *e = c->host->engine;
	const struct binding *b;
	const struct anchor *a;

	c->n_bindings = c->n_anchors = 0;
	list_for_each(b, &e->bindings, node)
		if (c->n_bindings < CHECK_BINDINGS)
			c->binding[c->n_bindings++] = (struct check_standing){
				b->home,    b->registered_coa, b->anchor, b->registered,
				b->expires, b->sequence,       b->state,  b->path};
	list_for_each(a, &e->anchors, node)
		if (c->n_anchors < CHECK_ANCHORS)
			c->anchor[c->n_anchors++] = (struct check_anchor){
				a->address, a->health, a->leaving, a->last_status};
}

static bool same_path(const struct path *a, const struct path *b)
{
	return a->mode == b->mode && a->closed == b->closed && a->ifindex == b->ifindex &&
	       addr_equal(&a->coa, &b->coa) && addr_equal(&a->anchor, &b->anchor) &&
	       addr_equal(&a->next_hop, &b->next_hop);
}

static const char *compare(const struct check *c, const struct check_standing *was,
			   const struct binding *b)
{
	if (!b)
		return was->registered ? "is gone" : NULL;
	if (was->anchor != b->anchor)
		return "has another anchor";
	if (was->registered != b->registered)
		return b->registered ? "is registered" : "is not registered any more";
	if (was->expires != b->expires || !addr_equal(&was->coa, &b->registered_coa))
		return "is bound in another way";
	/* Without a tunnel that works there is nothing but advertisements to go by. */
	if (c->stimulus == STIM_FALSE_ADVERT &&
	    !(was->registered && was->path.mode == PATH_TUNNEL &&
	      host_nic_of(c->host, &was->path.coa)))
		return NULL;
	if (!same_path(&was->path, &b->path))
		return was->path.mode != b->path.mode ? "has a path of another mode"
						      : "has another path";
	/* A hint may make it ask its agent: one more update. */
	if ((uint16_t)(b->sequence - was->sequence) > 1)
		return "has another sequence number";
	return NULL;
}

/* A binding has it so. */
static bool in_use(const struct check *c, const struct host_accepted *a)
{
	const struct binding *b = engine_find_home(c->host->engine, &a->home);

	return b && addr_equal(&b->anchor->address, &a->anchor) &&
	       (addr_equal(&b->coa, &a->coa) || addr_equal(&b->registered_coa, &a->coa) ||
		addr_equal(&b->path.coa, &a->coa));
}

void check_authenticity(struct check *c)
{
	const struct engine *e = c->host->engine;
	unsigned n = 0;
	const struct anchor *a;

	for (unsigned i = 0; i < c->n_bindings; i++) {
		const struct check_standing *was = &c->binding[i];
		const char *wrong = compare(c, was, engine_find_home(e, &was->home));

		c->done++;
		if (wrong)
			check_fail(c, "authenticity", "%s %s after a forged message",
				   ADDR_STR(&was->home), wrong);
	}
	list_for_each(a, &e->anchors, node) {
		const struct check_anchor *was = &c->anchor[n];

		c->done++;
		if (n++ >= c->n_anchors)
			break;
		if (addr_equal(&was->address, &a->address) &&
		    (was->health != a->health || was->leaving != a->leaving ||
		     was->last_status != a->last_status))
			check_fail(c, "authenticity",
				   "anchor %s has another standing after a forged message",
				   a->name);
	}
	for (unsigned i = 0; i < c->host->n_accepted; i++)
		if (c->host->accepted[i].since == c->net->sched.now &&
		    !in_use(c, &c->host->accepted[i]))
			check_fail(c, "authenticity", "others are let in after a forged message");
}

/* --- who is let in ----------------------------------------------------------------------- */

/* Its agent may still send to where it was. */
static bool waits(const struct check *c, const struct in6_addr *home)
{
	const struct binding *b = engine_find_home(c->host->engine, home);

	return b && b->state != BINDING_REGISTERED && b->state != BINDING_HOME &&
	       b->state != BINDING_IDLE;
}

static usec_t *stale_since(struct check *c, const struct host_accepted *a)
{
	for (unsigned i = 0; i < c->n_stale; i++)
		if (addr_equal(&c->stale[i].home, &a->home) &&
		    addr_equal(&c->stale[i].coa, &a->coa) &&
		    addr_equal(&c->stale[i].anchor, &a->anchor))
			return &c->stale_since[i];
	if (c->n_stale == CHECK_ACCEPTED)
		return NULL;
	c->stale[c->n_stale] = *a;
	c->stale_since[c->n_stale] = c->net->sched.now;
	return &c->stale_since[c->n_stale++];
}

static void forget_stale(struct check *c)
{
	for (unsigned i = c->n_stale; i-- > 0;) {
		const struct host_accepted *s = &c->stale[i];

		if (host_find_accepted(c->host, &s->home, &s->anchor, &s->coa) && !in_use(c, s))
			continue;
		c->n_stale--;
		c->stale[i] = c->stale[c->n_stale];
		c->stale_since[i] = c->stale_since[c->n_stale];
	}
}

void check_acceptance(struct check *c)
{
	struct host *h = c->host;

	forget_stale(c);
	for (unsigned i = 0; i < h->n_accepted; i++) {
		const struct host_accepted *a = &h->accepted[i];
		usec_t *since;

		c->done++;
		if (!network_find_agent(c->net, &a->anchor))
			check_fail(c, "acceptance", "%s is let in, which is nobody's home agent",
				   ADDR_STR(&a->anchor));
		if (in_use(c, a))
			continue;
		since = stale_since(c, a);
		if (since && waits(c, &a->home))
			*since = c->net->sched.now;
		if (since && c->net->sched.now > *since + GRACE &&
		    c->net->sched.now > c->disturbed_at + GRACE)
			check_fail(c, "acceptance",
				   "%s is let in for %s at %s for %.1f s after its use",
				   ADDR_STR(&a->anchor), ADDR_STR(&a->home), ADDR_STR(&a->coa),
				   (double)(c->net->sched.now - *since) / 1e6);
	}
}

/* --- tables ------------------------------------------------------------------------------ */

void check_counters(struct check *c)
{
	const uint64_t *was = (const uint64_t *)(const void *)&c->counters;
	const uint64_t *is = (const uint64_t *)(const void *)&c->host->engine->counters;

	_Static_assert(sizeof(c->counters) % sizeof(*was) == 0, "counters are numbers");
	c->done++;
	for (size_t i = 0; i < sizeof(c->counters) / sizeof(*was); i++)
		if (is[i] < was[i])
			check_fail(c, "counters-rise", "the %zu. counter falls from %llu to %llu",
				   i + 1, (unsigned long long)was[i], (unsigned long long)is[i]);
	c->counters = c->host->engine->counters;
}

static bool has_link(const struct engine *e, const struct link *wanted)
{
	const struct link *l;

	list_for_each(l, &e->links, node)
		if (l == wanted)
			return true;
	return wanted == NULL;
}

static const char *judge(const struct check *c, const struct binding *b)
{
	const struct engine *e = c->host->engine;
	const struct host_path *p = host_path(c->host, &b->home);
	const struct session *s;
	unsigned in_need = 0;

	if (!has_link(e, b->link))
		return "is on a link that is no more";
	if (b->n_outstanding > BINDING_MAX_OUTSTANDING)
		return "waits for too many acknowledgements";
	if (b->expires && !b->registered)
		return "runs out without being registered";
	if (b->state == BINDING_REGISTERED && !b->registered)
		return "is not registered, but says so";
	if (e->started && !p && b->path.mode == PATH_TUNNEL)
		return "has a tunnel that the kernel does not know";
	if (p && b->path.mode == PATH_TUNNEL && !same_path(&p->path, &b->path))
		return "thinks of another path than the kernel";
	list_for_each(s, &b->sessions, node)
		in_need += s->in_need;
	if (in_need != b->n_in_need)
		return "has miscounted its sessions";
	return NULL;
}

void check_consistency(struct check *c)
{
	const struct engine *e = c->host->engine;
	const struct binding *b;
	const struct prefix *p;

	c->done++;
	if (!has_link(e, e->uplink))
		check_fail(c, "consistency", "its uplink is no more");
	list_for_each(b, &e->bindings, node) {
		const char *wrong = judge(c, b);

		c->done++;
		if (wrong)
			check_fail(c, "consistency", "%s %s", ADDR_STR(&b->home), wrong);
	}
	list_for_each(p, &e->prefixes, node)
		if (!has_link(e, p->link))
			check_fail(c, "consistency", "prefix %s is on a link that is no more",
				   PREFIX_STR(&p->prefix));
}
