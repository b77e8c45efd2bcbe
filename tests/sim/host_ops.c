/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the engine asks of its host. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "host.h"
#include "socket.h"

#define SAVE_DELAY (50 * USEC_PER_MSEC)
#define SPINS_MAX 20 /* calls of engine_timer() at one instant */

static struct nic *find_nic(struct host *h, int ifindex)
{
	int i = ifindex - 2;

	return i >= 0 && i < (int)h->n_nics ? &h->nic[i] : NULL;
}

static void tempt(struct host *h, enum moment m, const struct in6_addr *home)
{
	if (h->moment)
		h->moment(h->user, h, m, home);
}

/* --- packets ----------------------------------------------------------------------------- */

static void tell_update(struct host *h, int ifindex, const struct mail *m)
{
	struct update u = {.ifindex = ifindex,
			   .agent = m->agent,
			   .src = m->src,
			   .home = m->home,
			   .away = m->away};
	struct mh_message mh;

	if (mh_decode(m->octets, m->len, &mh) < 0 || mh.type != MH_BU)
		return;
	u.coa = mh.opt.alt_coa;
	u.sequence = mh.bu.sequence;
	u.lifetime = mh.bu.lifetime;
	network_trace(h->net, "binding update: %s at %s to %s, sequence %u, lifetime %u",
		      ADDR_STR(&u.home), ADDR_STR(&u.coa), m->agent ? m->agent->name : "nobody",
		      u.sequence, u.lifetime);
	if (h->net->observer.update)
		h->net->observer.update(h->net->observer.user, h, &u);
}

/* Anycast: some agent of the prefix that works. */
static struct home_agent *find_anycast(struct network *n, const struct in6_addr *dst)
{
	for (unsigned i = 0; i < n->n_agents; i++)
		for (unsigned j = 0; j < n->agent[i]->n_prefixes; j++) {
			struct in6_addr a = dhaad_anycast(&n->agent[i]->prefix[j]);

			if (addr_equal(&a, dst) && !n->agent[i]->down)
				return n->agent[i];
		}
	return NULL;
}

static int op_send(void *user, int ifindex, const struct ip6_packet *p)
{
	struct host *h = user;
	struct nic *nic = find_nic(h, ifindex);
	struct mail m;
	usec_t delay;

	if (!nic || !nic->up) {
		network_broken(h->net, h, "sends-where-it-can", "out of link %d, which is not up",
			       ifindex);
		return -ENETDOWN;
	}
	memset(&m, 0, offsetof(struct mail, octets));
	m.host = h;
	m.src = p->src;
	m.dst = p->dst;
	m.away = p->has_home_option;
	m.home = p->has_home_option ? p->home : p->src;
	m.next_header = p->next_header;
	m.len = p->payload_len;
	memcpy(m.octets, p->payload, p->payload_len);
	m.agent = network_find_agent(h->net, &p->dst);
	if (!m.agent && p->next_header == IPPROTO_ICMPV6)
		m.agent = find_anycast(h->net, &p->dst);
	if (p->next_header == MH_NEXT_HEADER)
		tell_update(h, ifindex, &m);
	if (!nic_reaches(nic, &p->src) || !m.agent) {
		network_disturb(h->net, h, "a message from %s to %s gets nowhere",
				ADDR_STR(&p->src), ADDR_STR(&p->dst));
		return 0;
	}
	delay = nic->place->delay + m.agent->delay;
	network_post(h->net, delay, agent_mail, &m);
	tempt(h, MOMENT_SENT, &m.home);
	return 0;
}

static int op_solicit(void *user, int ifindex)
{
	struct host *h = user;
	struct nic *nic = find_nic(h, ifindex);

	if (nic && nic->up && rng_chance(&h->net->rng, h->net->faults.loss))
		network_disturb(h->net, h, "a router solicitation is lost");
	else if (nic)
		nic_solicit(nic);
	return 0;
}

/* As if it were lost: then the advertisement tells. */
static int op_probe_router(void *user, int ifindex, const struct in6_addr *router,
			   const uint8_t mac[6])
{
	(void)user, (void)ifindex, (void)router, (void)mac;
	return 0;
}

static int op_announce(void *user, int ifindex, const struct in6_addr *home)
{
	(void)user, (void)ifindex, (void)home;
	return 0;
}

static int op_answer(void *user, int ifindex, const struct in6_addr *home,
		     const struct in6_addr *to)
{
	(void)user, (void)ifindex, (void)home, (void)to;
	return 0;
}

static int op_echo(void *user, int ifindex, const struct in6_addr *src, const struct in6_addr *dst,
		   uint16_t identifier, uint16_t sequence, size_t octets)
{
	(void)octets;
	return host_echo(user, ifindex, src, dst, identifier, sequence);
}

/* Packets have no size here: an inquiry finds that it is not the size. */
static void op_limit_mtu(void *user, const struct in6_addr *home, uint32_t octets)
{
	(void)user, (void)home, (void)octets;
}

/* --- addresses and routes ---------------------------------------------------------------- */

struct change { /* that the kernel makes a moment later, and tells of */
	int ifindex;
	struct in6_addr addr;
	bool claimed;
};

static void later(struct host *h, sched_run *run, int ifindex, const struct in6_addr *addr,
		  bool claimed)
{
	struct change c = {ifindex, *addr, claimed};

	sched_at(&h->net->sched, h->net->sched.now + rng_between(&h->rng, 50, 1000), run, h,
		 sim_copy(&c, sizeof(c)));
}

static void deprecate(void *owner, void *data)
{
	struct change *c = data;
	struct host *h = owner;
	struct nic_address *a = nic_find(find_nic(h, c->ifindex), &c->addr);

	if (!a || a->deprecated || !h->engine || host_sleeps(h, deprecate, h, c, sizeof(*c)))
		return;
	a->deprecated = true;
	a->preferred_until = h->net->sched.now;
	host_enter(h, STIM_KERNEL);
	engine_address(h->engine, host_now(h),
		       &(struct address_event){.ifindex = c->ifindex,
					       .addr = a->addr,
					       .plen = 64,
					       .deprecated = true,
					       .is_slaac = true,
					       .valid_until = a->valid_until});
	host_leave(h, STIM_KERNEL);
}

static void op_leave_address(void *user, int ifindex, const struct in6_addr *addr)
{
	struct host *h = user;

	if (find_nic(h, ifindex))
		later(h, deprecate, ifindex, addr, false);
}

static void remove_route(void *owner, void *data)
{
	struct change *c = data;
	struct host *h = owner;
	struct nic *nic = find_nic(h, c->ifindex);

	if (!nic->has_route || !addr_equal(&nic->gateway, &c->addr) ||
	    host_sleeps(h, remove_route, h, c, sizeof(*c)))
		return;
	nic->has_route = false;
	if (!h->engine)
		return;
	host_enter(h, STIM_KERNEL);
	engine_route(h->engine, host_now(h),
		     &(struct route_event){.ifindex = c->ifindex,
					   .gateway = c->addr,
					   .metric = nic->metric,
					   .from_ra = true,
					   .removed = true});
	host_leave(h, STIM_KERNEL);
}

static void op_leave_router(void *user, int ifindex, const struct in6_addr *router)
{
	struct host *h = user;

	if (find_nic(h, ifindex))
		later(h, remove_route, ifindex, router, false);
}

static void claim(void *owner, void *data)
{
	struct change *c = data;
	struct host *h = owner;
	struct nic *nic = find_nic(h, c->ifindex);
	struct nic_address *a = nic_find(nic, &c->addr);

	if (host_sleeps(h, claim, h, c, sizeof(*c)))
		return;
	if (c->claimed && !a)
		nic_claim_address(nic, &c->addr);
	else if (!c->claimed && a && a->ours)
		nic_remove_address(nic, &c->addr);
}

static void change_claim(struct host *h, const struct in6_addr *home, int from, int to)
{
	if (from == to)
		return;
	if (find_nic(h, from))
		later(h, claim, from, home, false);
	if (find_nic(h, to))
		later(h, claim, to, home, true);
}

static const char *judge_path(struct host *h, const struct path *p)
{
	if (p->slot >= CONF_MAX_HOMES)
		return "its slot is none";
	if (p->mode == PATH_TUNNEL && (!find_nic(h, p->ifindex) || addr_is_any(&p->coa) ||
				       addr_is_any(&p->anchor) || addr_is_any(&p->next_hop)))
		return "a tunnel without an end";
	if (p->mode == PATH_TUNNEL && !network_find_agent(h->net, &p->anchor))
		return "a tunnel to nobody's home agent";
	if (h->path[p->slot].set && !h->path[p->slot].former &&
	    !addr_equal(&h->path[p->slot].path.home, &p->home))
		return "its slot has another home address";
	return NULL;
}

/*
 * What a daemon that died has set for the same address, perhaps in another slot, goes on under
 * the new one.
 */
static void inherit(struct host *h, const struct path *p)
{
	struct host_path *old = host_path(h, &p->home), *new = &h->path[p->slot];

	if (new->former &&new != old)
		new->set = new->former = false;
	if (!old || !old->former)
		return;
	if (old != new) {
		*new = *old;
		old->set = old->former = false;
		new->path.slot = p->slot;
	}
	new->former = false;
}

static int op_set_path(void *user, const struct path *p)
{
	struct host *h = user;
	const char *wrong = judge_path(h, p);
	struct host_path *hp;

	if (wrong) {
		network_broken(h->net, h, "paths-make-sense", "%s: %s", ADDR_STR(&p->home), wrong);
		return -EINVAL;
	}
	inherit(h, p);
	hp = &h->path[p->slot];
	if (p->closed && !(hp->set && hp->path.closed))
		tempt(h, MOMENT_BEFORE_CLOSE, &p->home);
	change_claim(h, &p->home, hp->set ? hp->path.claimed_ifindex : 0, p->claimed_ifindex);
	if (!hp->set)
		hp->sent = hp->received = 0;
	if (h->net->trace && (!hp->set || memcmp(&hp->path, p, sizeof(*p)) != 0))
		network_trace(h->net, "path %u of %s: %s%s by %s", p->slot, ADDR_STR(&p->home),
			      path_mode_str((int)p->mode), p->closed ? ", closed" : "",
			      ADDR_STR(p->mode == PATH_TUNNEL ? &p->coa : &p->next_hop));
	if (p->adopt && hp->set)
		return 0;
	hp->path = *p;
	hp->set = true;
	return 0;
}

static void op_confirm_path(void *user, const struct path *path)
{
	struct host *h = user;
	const struct host_path *hp = host_path(h, &path->home);

	if (!hp || hp->path.mode != PATH_TUNNEL || !addr_equal(&hp->path.coa, &path->coa))
		network_broken(h->net, h, "paths-make-sense",
			       "%s: one is confirmed that is not set", ADDR_STR(&path->home));
}

static void op_drop_path(void *user, const struct path *p)
{
	struct host *h = user;
	struct host_path *hp = &h->path[p->slot];
	struct nic_address *a;

	if (!hp->set || !addr_equal(&hp->path.home, &p->home))
		return;
	tempt(h, MOMENT_BEFORE_DROP, &p->home);
	network_trace(h->net, "path %u of %s goes", p->slot, ADDR_STR(&p->home));
	change_claim(h, &p->home, hp->path.claimed_ifindex, 0);
	hp->set = false;
	for (unsigned i = 0; i < h->n_nics; i++)
		if ((a = nic_find(&h->nic[i], &p->home)))
			a->bound_until = h->net->sched.now;
}

static int op_accept(void *user, const struct in6_addr *home, const struct in6_addr *anchor,
		     const struct in6_addr *coa)
{
	struct host *h = user;
	struct host_accepted *a = host_find_accepted(h, home, anchor, coa);

	if (a) {
		a->first_data = 0;
		return 0;
	}
	if (h->n_accepted == HOST_ACCEPTED) {
		network_broken(h->net, h, "acceptance", "it accepts from everywhere");
		return -ENOSPC;
	}
	h->accepted[h->n_accepted++] =
		(struct host_accepted){*home, *anchor, *coa, h->net->sched.now, 0};
	return 0;
}

static void op_reject(void *user, const struct in6_addr *home, const struct in6_addr *anchor,
		      const struct in6_addr *coa)
{
	struct host *h = user;
	struct host_accepted *a = host_find_accepted(h, home, anchor, coa);

	if (a)
		*a = h->accepted[--h->n_accepted];
	else
		network_broken(h->net, h, "acceptance", "it rejects %s, which was not accepted",
			       ADDR_STR(coa));
}

static usec_t op_first_data(void *user, const struct in6_addr *home, const struct in6_addr *anchor,
			    const struct in6_addr *coa)
{
	const struct host_accepted *a = host_find_accepted(user, home, anchor, coa);

	return a ? a->first_data : 0;
}

static void op_traffic(void *user, unsigned slot, uint64_t *ret_sent, uint64_t *ret_received)
{
	struct host *h = user;

	*ret_sent = h->path[slot].sent;
	*ret_received = h->path[slot].received;
}

static void op_watch_activity(void *user, const struct in6_addr *home)
{
	struct host *h = user;

	for (unsigned i = 0; i < h->n_watched; i++)
		if (addr_equal(&h->watched[i], home))
			return;
	if (h->n_watched < HOST_WATCHED)
		h->watched[h->n_watched++] = *home;
}

/* --- sessions ---------------------------------------------------------------------------- */

static bool in_any(const struct in6_addr *a, const struct ip6_prefix *p, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (prefix_contains(&p[i], a))
			return true;
	return false;
}

static int op_list_sessions(void *user, const struct ip6_prefix *sources, unsigned n,
			    struct session_info **ret, size_t *ret_n)
{
	struct host *h = user;
	struct session_info *found = sim_alloc((h->n_sockets + 1) * sizeof(*found));
	struct sock *s;
	size_t count = 0;

	list_for_each(s, &h->sockets, node)
		if (in_any(&s->info.source, sources, n))
			found[count++] = s->info;
	*ret = found;
	*ret_n = count;
	for (unsigned i = 0; i < n; i++)
		tempt(h, MOMENT_LIST, &sources[i].addr);
	return 0;
}

static void op_destroy_sessions(void *user, const struct in6_addr *source, unsigned n)
{
	struct host *h = user;
	struct sock *s, *t;

	list_for_each_safe(s, t, &h->sockets, node)
		for (unsigned i = 0; i < n; i++)
			if (addr_equal(&s->info.source, &source[i])) {
				sock_close(s);
				break;
			}
}

static void op_watch_sessions(void *user, bool on)
{
	((struct host *)user)->watching = on;
}

static int op_session_owner(void *user, const struct session_info *info, struct session_owner *ret)
{
	if (!sock_find(user, info->cookie))
		return -ENOENT;
	memset(ret, 0, sizeof(*ret));
	ret->pid = (pid_t)(1000 + info->cookie % 30000);
	snprintf(ret->executable, sizeof(ret->executable), "/usr/bin/client");
	snprintf(ret->control_group, sizeof(ret->control_group), "/user.slice");
	return 0;
}

/* --- discovery --------------------------------------------------------------------------- */

struct question {
	char domain[CONF_DOMAIN_MAX + 1];
	int ifindex;
	bool resolve;
};

/* The home agents of a domain have names that begin as it does. */
static void answer(void *owner, void *data)
{
	struct question *q = data;
	struct host *h = owner;
	struct network *n = h->net;
	struct in6_addr agent[8];
	unsigned found = 0;

	if (!h->engine)
		return;
	if (host_sleeps(h, answer, h, q, sizeof(*q)))
		return;
	if (host_online(h) && !rng_chance(&n->rng, n->faults.loss))
		for (unsigned i = 0; i < n->n_agents && found < 8; i++) {
			if (strncmp(n->agent[i]->name, q->domain, strcspn(q->domain, ".")) == 0)
				agent[found++] = n->agent[i]->address;
		}
	else
		network_disturb(n, h, "no answer from the domain name system");
	host_enter(h, STIM_KERNEL);
	if (q->resolve)
		engine_resolved(h->engine, host_now(h), q->domain, agent, found);
	else
		engine_domain(h->engine, host_now(h), q->ifindex, q->domain, NULL);
	host_leave(h, STIM_KERNEL);
}

static int ask(struct host *h, int ifindex, const char *domain, bool resolve)
{
	struct question q = {.ifindex = ifindex, .resolve = resolve};

	snprintf(q.domain, sizeof(q.domain), "%s", domain);
	sched_at(&h->net->sched,
		 h->net->sched.now + rng_between(&h->net->rng, 5, 300) * USEC_PER_MSEC, answer, h,
		 sim_copy(&q, sizeof(q)));
	return 0;
}

static int op_resolve(void *user, const char *domain)
{
	return ask(user, 0, domain, true);
}

static int op_fetch_domain(void *user, int ifindex, const char *domain)
{
	return ask(user, ifindex, domain, false);
}

/* --- time -------------------------------------------------------------------------------- */

static void ring(void *owner, void *data);

static void arm(struct host *h)
{
	if (h->timer >= h->timer_job || h->timer == USEC_INFINITY)
		return;
	h->timer_job = h->timer;
	sched_at(&h->net->sched, h->timer, ring, h, sim_copy(&h->timer, sizeof(h->timer)));
}

static void ring(void *owner, void *data)
{
	struct host *h = owner;
	usec_t now = h->net->sched.now;

	if (*(usec_t *)data != h->timer_job)
		return; /* an earlier one has been asked for since */
	h->timer_job = USEC_INFINITY;
	if (!h->engine || h->suspended)
		return;
	if (h->timer > now) {
		arm(h);
		return;
	}
	h->spins = h->spin_at == now ? h->spins + 1 : 0;
	h->spin_at = now;
	if (h->spins > SPINS_MAX) {
		network_broken(h->net, h, "timer-progress", "its timer is always due");
		return;
	}
	h->timer = USEC_INFINITY;
	host_enter(h, STIM_TIMER);
	engine_timer(h->engine, host_now(h));
	host_leave(h, STIM_TIMER);
}

static void op_set_timer(void *user, usec_t when)
{
	struct host *h = user;

	h->timer = when;
	arm(h);
}

static void op_random(void *user, void *buf, size_t len)
{
	struct host *h = user;
	uint8_t *p = buf;

	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)rng_next(&h->engine_rng);
}

static void save(void *owner, void *data)
{
	struct host *h = owner;

	(void)data;
	if (!h->engine || !h->unsaved)
		return;
	h->unsaved = false;
	h->n_saved = engine_save(h->engine, h->saved, CONF_MAX_HOMES);
}

static void op_persist(void *user)
{
	struct host *h = user;

	if (h->unsaved)
		return;
	h->unsaved = true;
	sched_at(&h->net->sched, h->net->sched.now + SAVE_DELAY, save, h, NULL);
}

static void op_publish(void *user, enum engine_object kind, enum engine_change change,
		       const void *object)
{
	(void)kind, (void)change;
	if (!object)
		network_broken(((struct host *)user)->net, user, "paths-make-sense",
			       "it publishes nothing");
}

static void op_notify(void *user, const struct event *ev)
{
	struct host *h = user;

	network_trace(h->net, "event %s: %s", event_kind_str((int)ev->kind), ev->text);
	if (ev->kind == EVENT_SESSION_LOST && ev->session) {
		struct sock *s = sock_find(h, ev->session->info.cookie);

		if (s)
			s->told = true;
	}
	if (h->net->observer.event)
		h->net->observer.event(h->net->observer.user, h, ev);
}

const struct engine_ops host_ops = {
	.send = op_send,
	.solicit = op_solicit,
	.probe_router = op_probe_router,
	.found_router = op_probe_router,
	.announce = op_announce,
	.answer = op_answer,
	.leave_address = op_leave_address,
	.leave_router = op_leave_router,
	.set_path = op_set_path,
	.confirm_path = op_confirm_path,
	.drop_path = op_drop_path,
	.accept = op_accept,
	.reject = op_reject,
	.first_data = op_first_data,
	.traffic = op_traffic,
	.watch_activity = op_watch_activity,
	.list_sessions = op_list_sessions,
	.destroy_sessions = op_destroy_sessions,
	.watch_sessions = op_watch_sessions,
	.session_owner = op_session_owner,
	.echo = op_echo,
	.limit_mtu = op_limit_mtu,
	.resolve = op_resolve,
	.fetch_domain = op_fetch_domain,
	.set_timer = op_set_timer,
	.random = op_random,
	.persist = op_persist,
	.publish = op_publish,
	.notify = op_notify,
};
