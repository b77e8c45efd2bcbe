/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host.h"

#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "socket.h"

#define NAP (500 * USEC_PER_MSEC)
#define EXPIRE_INTERVAL (30 * USEC_PER_SEC)

static void expire_addresses(void *owner, void *data);

struct host *host_new(struct network *n, unsigned number, const struct conf *conf,
		      const char *const *nics, unsigned n_nics)
{
	struct host *h = sim_alloc(sizeof(*h));

	h->net = n;
	h->number = number;
	h->conf = conf;
	h->rng = rng_fork(&n->rng);
	h->engine_rng = rng_fork(&n->rng);
	h->timer = h->timer_job = USEC_INFINITY;
	list_init(&h->sockets);
	list_append(&n->hosts, &h->node);
	h->n_nics = n_nics;
	for (unsigned i = 0; i < n_nics; i++) {
		struct nic *nic = &h->nic[i];

		nic->host = h;
		nic->ifindex = (int)i + 2;
		nic->metric = 1024;
		snprintf(nic->name, sizeof(nic->name), "%s", nics[i]);
	}
	sched_at(&n->sched, n->sched.now + EXPIRE_INTERVAL, expire_addresses, h, NULL);
	return h;
}

void host_free(struct host *h)
{
	engine_free(h->engine);
	sockets_free(h);
	for (unsigned i = 0; i < HOST_REMEMBERED; i++)
		free(h->mail[i]);
	list_remove(&h->node);
	free(h);
}

struct instant host_now(const struct host *h)
{
	return (struct instant){h->net->sched.now,
				(usec_t)((int64_t)network_real(h->net) + h->clock_error)};
}

/* What is told in between is one event to those who look on. */
static bool is_held(const struct host *h)
{
	return h->engine && h->engine->holding;
}

void host_enter(struct host *h, enum stimulus s)
{
	if (is_held(h))
		return;
	if (h->in_engine)
		abort();
	h->in_engine = true;
	h->entries++;
	if (h->net->observer.before)
		h->net->observer.before(h->net->observer.user, h, s);
}

void host_leave(struct host *h, enum stimulus s)
{
	if (is_held(h))
		return;
	h->in_engine = false;
	if (h->net->observer.after)
		h->net->observer.after(h->net->observer.user, h, s);
}

static bool listening(const struct host *h)
{
	return h->engine && !h->suspended;
}

/* --- what the engine is told ------------------------------------------------------------- */

static void tell_link(struct nic *nic)
{
	struct host *h = nic->host;
	struct link_event ev = {
		.ifindex = nic->ifindex, .name = nic->name, .up = nic->up, .mtu = 1500};

	if (!listening(h))
		return;
	host_enter(h, STIM_KERNEL);
	engine_link(h->engine, host_now(h), &ev);
	host_leave(h, STIM_KERNEL);
}

static void tell_address(struct nic *nic, const struct nic_address *a, bool removed)
{
	struct host *h = nic->host;
	struct address_event ev = {
		.ifindex = nic->ifindex,
		.addr = a->addr,
		.plen = a->ours ? 128 : 64,
		.tentative = a->tentative,
		.optimistic = a->tentative,
		.duplicate = a->duplicate,
		.deprecated = a->deprecated,
		.temporary = a->temporary,
		.is_slaac = !a->ours,
		.valid_until = a->valid_until,
		.removed = removed,
	};

	if (!listening(h))
		return;
	host_enter(h, STIM_KERNEL);
	engine_address(h->engine, host_now(h), &ev);
	host_leave(h, STIM_KERNEL);
}

static void tell_route(struct nic *nic, bool removed)
{
	struct host *h = nic->host;
	struct route_event ev = {
		.ifindex = nic->ifindex,
		.gateway = nic->gateway,
		.metric = nic->metric,
		.from_ra = true,
		.removed = removed,
	};

	if (!listening(h))
		return;
	host_enter(h, STIM_KERNEL);
	engine_route(h->engine, host_now(h), &ev);
	host_leave(h, STIM_KERNEL);
}

static void tell_everything(struct host *h)
{
	for (unsigned i = 0; i < h->n_nics; i++) {
		struct nic *nic = &h->nic[i];

		tell_link(nic);
		for (unsigned j = 0; j < nic->n_addresses; j++)
			tell_address(nic, &nic->address[j], false);
		if (nic->has_route)
			tell_route(nic, false);
	}
}

/* --- life of the daemon ------------------------------------------------------------------ */

static void drop_stale(struct host *h, struct host_path *p)
{
	struct in6_addr home = p->path.home;
	bool set = p->set;

	p->set = p->former = false; /* first: the engine hears of what goes, and may act */
	for (unsigned i = 0; set && i < h->n_nics; i++) {
		struct nic_address *a = nic_find(&h->nic[i], &home);

		if (a && a->ours)
			nic_remove_address(&h->nic[i], &home);
	}
}

void host_start(struct host *h)
{
	if (engine_new(h->conf, &host_ops, h, &h->engine) < 0)
		abort();
	h->timer = USEC_INFINITY;
	tell_everything(h);
	for (unsigned i = 0; i < h->n_saved; i++)
		engine_restore(h->engine, &h->saved[i]);
	host_enter(h, STIM_CONTROL);
	engine_start(h->engine, host_now(h));
	host_leave(h, STIM_CONTROL);
	/* What the new one has not taken over is stale. */
	for (unsigned i = 0; i < CONF_MAX_HOMES; i++)
		if (h->path[i].former)
			drop_stale(h, &h->path[i]);
}

void host_stop(struct host *h)
{
	host_enter(h, STIM_CONTROL);
	engine_stop(h->engine, host_now(h));
	host_leave(h, STIM_CONTROL);
}

void host_crash(struct host *h)
{
	engine_free(h->engine);
	h->engine = NULL;
	for (unsigned i = 0; i < CONF_MAX_HOMES; i++)
		h->path[i].former = true;
	h->n_accepted = 0;
	h->watching = false;
	h->n_watched = 0;
	h->timer = USEC_INFINITY;
	if (h->net->observer.restarted)
		h->net->observer.restarted(h->net->observer.user, h, !h->unsaved);
	h->unsaved = false;
}

void host_suspend(struct host *h)
{
	h->suspended = true;
	network_disturb(h->net, h, "suspend");
}

bool host_sleeps(struct host *h, sched_run *run, void *owner, const void *data, size_t size)
{
	if (h->suspended)
		sched_at(&h->net->sched, h->net->sched.now + NAP, run, owner, sim_copy(data, size));
	return h->suspended;
}

void host_resume(struct host *h)
{
	h->suspended = false;
	network_disturb(h->net, h, "resume");
	if (h->engine)
		host_ops.set_timer(h, h->timer); /* what was due rings now */
}

void host_resync(struct host *h)
{
	if (!listening(h))
		return;
	host_enter(h, STIM_KERNEL);
	engine_resync(h->engine, host_now(h), true);
	host_leave(h, STIM_KERNEL);
	tell_everything(h);
	host_enter(h, STIM_KERNEL);
	engine_resync(h->engine, host_now(h), false);
	host_leave(h, STIM_KERNEL);
}

/* --- links ------------------------------------------------------------------------------- */

struct visit { /* of a link at a place, as long as it lasts */
	struct nic *nic;
	unsigned attachment;
	struct in6_addr addr;
	bool periodic;
};

static void post_visit(struct nic *nic, usec_t after, sched_run *run, struct visit v)
{
	struct sched *s = &nic->host->net->sched;

	v.nic = nic;
	v.attachment = nic->attachment;
	sched_at(s, s->now + after, run, nic->host, sim_copy(&v, sizeof(v)));
}

static bool lasts(const struct visit *v)
{
	return v->attachment == v->nic->attachment && v->nic->up;
}

struct nic_address *nic_find(struct nic *nic, const struct in6_addr *addr)
{
	for (unsigned i = 0; i < nic->n_addresses; i++)
		if (addr_equal(&nic->address[i].addr, addr))
			return &nic->address[i];
	return NULL;
}

void nic_remove_address(struct nic *nic, const struct in6_addr *addr)
{
	struct nic_address *a = nic_find(nic, addr), gone;

	if (!a)
		return;
	gone = *a;
	*a = nic->address[--nic->n_addresses];
	tell_address(nic, &gone, true);
}

static struct nic_address *append_address(struct nic *nic, const struct nic_address *a)
{
	unsigned oldest = 0;

	if (nic->n_addresses == NIC_ADDRESSES) {
		struct in6_addr gone;

		for (unsigned i = 1; i < nic->n_addresses; i++)
			if (nic->address[i].valid_until < nic->address[oldest].valid_until)
				oldest = i;
		gone = nic->address[oldest].addr;
		nic_remove_address(nic, &gone);
	}
	nic->address[nic->n_addresses] = *a;
	return &nic->address[nic->n_addresses++];
}

void nic_claim_address(struct nic *nic, const struct in6_addr *addr)
{
	struct nic_address a = {.addr = *addr,
				.ours = true,
				.valid_until = USEC_INFINITY,
				.preferred_until = USEC_INFINITY};

	if (nic_find(nic, addr))
		return;
	append_address(nic, &a);
	tell_address(nic, &a, false);
}

static void dad_done(void *owner, void *data)
{
	struct visit *v = data;
	struct nic_address *a = nic_find(v->nic, &v->addr);

	if (!a || !a->tentative || host_sleeps(owner, dad_done, owner, v, sizeof(*v)))
		return;
	a->tentative = false;
	tell_address(v->nic, a, false);
}

static struct in6_addr autoconfigured(const struct nic *nic, const struct ip6_prefix *p,
				      bool temporary)
{
	struct in6_addr a = p->addr;

	a.s6_addr[8] = 2;
	a.s6_addr[9] = (uint8_t)(temporary ? 0x77 : 0);
	a.s6_addr[11] = (uint8_t)(nic->host->number >> 16);
	a.s6_addr[12] = (uint8_t)(nic->host->number >> 8);
	a.s6_addr[13] = (uint8_t)nic->host->number;
	a.s6_addr[15] = (uint8_t)nic->ifindex;
	return a;
}

/* RFC 4862 section 5.5.3 */
static void autoconfigure(struct nic *nic, const struct nd_prefix_info *p, bool temporary)
{
	struct host *h = nic->host;
	usec_t now = h->net->sched.now;
	struct in6_addr addr = autoconfigured(nic, &p->prefix, temporary);
	struct nic_address *a = nic_find(nic, &addr), new = {.addr = addr, .tentative = true};
	bool news;

	if (!p->autonomous || p->valid == 0)
		return;
	news = !a || a->deprecated || rng_chance(&h->rng, 0.1);
	if (!a) {
		new.temporary = temporary;
		a = append_address(nic, &new);
		post_visit(nic, rng_between(&h->rng, USEC_PER_SEC, 2 * USEC_PER_SEC), dad_done,
			   (struct visit){.addr = addr});
	}
	a->ours = false;
	a->deprecated = p->preferred == 0;
	a->valid_until = now + p->valid * USEC_PER_SEC;
	a->preferred_until = now + p->preferred * USEC_PER_SEC;
	if (news)
		tell_address(nic, a, false);
}

static void learn_addresses(struct nic *nic, const struct nd_router_advert *ra)
{
	for (unsigned i = 0; i < ra->n_prefixes; i++) {
		autoconfigure(nic, &ra->prefix[i], false);
		if (nic->host->temporary_addresses)
			autoconfigure(nic, &ra->prefix[i], true);
	}
}

static void learn_route(struct nic *nic, const struct in6_addr *router,
			const struct nd_router_advert *ra)
{
	bool same = nic->has_route && addr_equal(&nic->gateway, router);

	if (!ra->router_lifetime) {
		if (same) {
			nic->has_route = false;
			tell_route(nic, true);
		}
		return;
	}
	if (same)
		return;
	if (nic->has_route)
		tell_route(nic, true);
	nic->has_route = true;
	nic->gateway = *router;
	tell_route(nic, false);
}

/* The kernel and the daemon hear it at the same time; who acts first is open. */
static void hear_in_parts(struct nic *nic, const struct in6_addr *router,
			  const struct nd_router_advert *ra, enum stimulus s)
{
	struct host *h = nic->host;
	unsigned at = rng_below(&h->rng, 3);

	for (unsigned i = 0; i < 3; i++) {
		switch ((at + i) % 3) {
		case 0:
			if (s == STIM_FALSE_ADVERT)
				break; /* it is to mislead the daemon, not the kernel */
			learn_addresses(nic, ra);
			break;
		case 1:
			if (s != STIM_FALSE_ADVERT)
				learn_route(nic, router, ra);
			break;
		case 2:
			if (!h->engine)
				break;
			host_enter(h, s);
			engine_router_advert(h->engine, host_now(h), nic->ifindex, router, ra);
			host_leave(h, s);
			break;
		}
	}
}

/* The daemon may also look what the kernel has made of it before it acts. */
void nic_advertise(struct nic *nic, const struct in6_addr *router,
		   const struct nd_router_advert *ra, enum stimulus s)
{
	struct host *h = nic->host;
	bool at_once;

	if (h->suspended || !nic->up)
		return;
	at_once = listening(h) && rng_chance(&h->rng, 0.5);
	if (at_once) {
		host_enter(h, s);
		engine_hold(h->engine);
	}
	hear_in_parts(nic, router, ra, s);
	if (at_once) {
		engine_release(h->engine);
		host_leave(h, s);
	}
}

struct nd_router_advert place_advert(const struct place *p)
{
	struct nd_router_advert ra;

	memset(&ra, 0, sizeof(ra));
	ra.hop_limit = 64;
	ra.router_lifetime = p->router_lifetime;
	ra.n_prefixes = 1;
	ra.prefix[0] = (struct nd_prefix_info){.prefix = p->prefix,
					       .on_link = true,
					       .autonomous = true,
					       .valid = p->valid,
					       .preferred = p->preferred};
	if (p->advertises) {
		ra.home_agent = true;
		ra.has_home_agent_info = true;
		ra.ha_preference = p->advertises->preference;
		ra.ha_lifetime = p->router_lifetime;
		ra.prefix[0].router_flag = true;
		ra.prefix[0].router_address = p->advertises->address;
	}
	return ra;
}

static void advertise(void *owner, void *data)
{
	struct visit *v = data;
	struct nic *nic = v->nic;
	struct host *h = owner;
	struct network *n = h->net;
	struct place *p = nic->place;
	struct nd_router_advert ra;

	if (!lasts(v))
		return;
	if (v->periodic)
		post_visit(nic, rng_between(&n->rng, p->interval / 4 * 3, p->interval / 4 * 5),
			   advertise, *v);
	if (p->silent || p->plain)
		return;
	if (rng_chance(&n->rng, n->faults.loss)) {
		network_disturb(n, h, "a router advertisement is lost");
		return;
	}
	ra = place_advert(p);
	nic_advertise(nic, &p->router, &ra, STIM_ADVERT);
}

void nic_solicit(struct nic *nic)
{
	if (nic->up)
		post_visit(nic, rng_between(&nic->host->net->rng, 2, 100) * USEC_PER_MSEC,
			   advertise, (struct visit){0});
}

void nic_attach(struct nic *nic, struct place *p)
{
	if (nic->up)
		nic_detach(nic);
	nic->place = p;
	nic->up = true;
	nic->attachment++;
	nic->attached_at = nic->host->net->sched.now;
	network_disturb(nic->host->net, nic->host, "%s attaches to %s", nic->name, p->name);
	tell_link(nic);
	nic_solicit(nic);
	post_visit(nic, rng_between(&nic->host->net->rng, USEC_PER_SEC, p->interval), advertise,
		   (struct visit){.periodic = true});
}

void nic_detach(struct nic *nic)
{
	struct host *h = nic->host;

	if (!nic->up)
		return;
	nic->up = false;
	nic->attachment++;
	network_disturb(h->net, h, "%s loses its carrier", nic->name);
	tell_link(nic);
	if (nic->has_route && rng_chance(&h->rng, 0.8)) {
		nic->has_route = false;
		tell_route(nic, true);
	}
	while (h->flushes && nic->n_addresses) {
		struct in6_addr a = nic->address[0].addr;

		nic_remove_address(nic, &a);
	}
}

void nic_set_metric(struct nic *nic, uint32_t metric)
{
	nic->metric = metric;
	if (nic->has_route)
		tell_route(nic, false);
}

static void unreachable(void *owner, void *data)
{
	struct visit *v = data;
	struct host *h = owner;

	if (!lasts(v) || !v->nic->place->silent || !listening(h))
		return;
	network_disturb(h->net, h, "the router of %s is unreachable", v->nic->name);
	host_enter(h, STIM_KERNEL);
	engine_neighbour(h->engine, host_now(h), v->nic->ifindex, &v->addr, false);
	host_leave(h, STIM_KERNEL);
}

void nic_lose_router(struct nic *nic)
{
	if (nic->up && nic->place->silent)
		post_visit(nic, rng_between(&nic->host->rng, 3 * USEC_PER_SEC, 9 * USEC_PER_SEC),
			   unreachable, (struct visit){.addr = nic->place->router});
}

static void expire_addresses(void *owner, void *data)
{
	struct host *h = owner;
	usec_t now = h->net->sched.now;

	(void)data;
	for (unsigned i = 0; i < h->n_nics && !h->suspended; i++)
		for (unsigned j = h->nic[i].n_addresses; j-- > 0;) {
			struct nic_address *a = &h->nic[i].address[j];
			struct in6_addr addr = a->addr;

			if (a->valid_until <= now) {
				nic_remove_address(&h->nic[i], &addr);
			} else if (a->preferred_until <= now && !a->deprecated) {
				a->deprecated = true;
				tell_address(&h->nic[i], a, false);
			}
		}
	sched_at(&h->net->sched, now + EXPIRE_INTERVAL, expire_addresses, h, NULL);
}

/* --- what it has ------------------------------------------------------------------------- */

bool nic_reaches(const struct nic *nic, const struct in6_addr *source)
{
	return nic->up && !nic->place->silent && !nic->place->plain &&
	       prefix_contains(&nic->place->prefix, source);
}

struct nic *host_nic_of(struct host *h, const struct in6_addr *addr)
{
	struct nic *found = NULL;

	for (unsigned i = 0; i < h->n_nics; i++) {
		struct nic *nic = &h->nic[i];

		if (nic_reaches(nic, addr) && (!found || nic_find(nic, addr)))
			found = nic;
	}
	return found;
}

struct host_path *host_path(struct host *h, const struct in6_addr *home)
{
	for (unsigned i = 0; i < CONF_MAX_HOMES; i++)
		if (h->path[i].set && addr_equal(&h->path[i].path.home, home))
			return &h->path[i];
	return NULL;
}

bool host_has_address(struct host *h, const struct in6_addr *addr)
{
	const struct host_path *p = host_path(h, addr);

	if (p)
		return !p->path.closed;
	for (unsigned i = 0; i < h->n_nics; i++)
		if (nic_find(&h->nic[i], addr))
			return true;
	return false;
}

struct host_accepted *host_find_accepted(struct host *h, const struct in6_addr *home,
					 const struct in6_addr *anchor, const struct in6_addr *coa)
{
	for (unsigned i = 0; i < h->n_accepted; i++)
		if (addr_equal(&h->accepted[i].home, home) &&
		    addr_equal(&h->accepted[i].anchor, anchor) &&
		    addr_equal(&h->accepted[i].coa, coa))
			return &h->accepted[i];
	return NULL;
}

bool host_source(struct host *h, struct in6_addr *ret)
{
	const struct nic *best = NULL;

	for (unsigned i = 0; i < h->n_nics; i++) {
		const struct nic *nic = &h->nic[i];

		if (!nic->up || !nic->has_route || (best && best->metric <= nic->metric))
			continue;
		for (unsigned j = 0; j < nic->n_addresses; j++)
			if (!nic->address[j].deprecated && !nic->address[j].ours &&
			    !nic->address[j].duplicate && !host_path(h, &nic->address[j].addr)) {
				*ret = nic->address[j].addr;
				best = nic;
			}
	}
	return best != NULL;
}

bool host_online(struct host *h)
{
	for (unsigned i = 0; i < h->n_nics; i++)
		for (unsigned j = 0; j < h->nic[i].n_addresses; j++)
			if (host_nic_of(h, &h->nic[i].address[j].addr) == &h->nic[i])
				return true;
	return false;
}

/* --- mail -------------------------------------------------------------------------------- */

usec_t host_delay(struct host *h, const struct in6_addr *coa)
{
	struct nic *nic = host_nic_of(h, coa);

	return nic ? nic->place->delay : 5 * USEC_PER_MSEC;
}

void host_remember(struct host *h, const struct mail *m)
{
	struct mail **at = &h->mail[h->n_mail++ % HOST_REMEMBERED];

	free(*at);
	*at = sim_copy(m, sizeof(*m));
}

void host_deliver(struct host *h, const struct mail *m, enum stimulus s)
{
	if (!listening(h))
		return;
	host_enter(h, s);
	if (m->next_header == IPPROTO_ICMPV6) {
		struct icmp_event ev = {
			.ifindex = h->nic[0].ifindex,
			.src = m->src,
			.dst = m->away ? m->home : m->dst,
			.has_rh2 = m->away,
			.icmp = m->octets,
			.len = m->len,
		};
		engine_icmp(h->engine, host_now(h), &ev);
	} else {
		struct message_event ev = {
			.src = m->src,
			.dst = m->home,
			.has_rh2 = m->away,
			.mh = m->octets,
			.len = m->len,
		};
		engine_message(h->engine, host_now(h), &ev);
	}
	host_leave(h, s);
}

void host_mail(void *owner, void *data)
{
	struct mail *m = data;
	struct host *h = m->host;
	struct nic *nic = host_nic_of(h, &m->dst);
	struct host_path *p = host_path(h, &m->dst);

	(void)owner;
	if (!nic || h->suspended ||
	    !(nic_find(nic, &m->dst) || (p && p->path.claimed_ifindex == nic->ifindex))) {
		network_disturb(h->net, h, "mail for %s, which is not here", ADDR_STR(&m->dst));
		return;
	}
	host_deliver(h, m, STIM_MESSAGE);
}
