/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "socket.h"

#include <stdlib.h>
#include <string.h>

#include "agent.h"

#define CORRESPONDENT_DELAY (20 * USEC_PER_MSEC)
#define NEWS_DELAY 200 /* microseconds, of a destroy notification */

/* A packet and its answer: up to the correspondent, and back to the host. */
struct parcel {
	struct host *host;
	uint64_t cookie; /* of its socket; 0: an echo */
	struct in6_addr source;
	struct home_agent *via, *target; /* tunnelled to via, NULL natively; target of an echo */
	struct in6_addr coa;
	uint16_t identifier, sequence;
};

struct sock *sock_find(struct host *h, uint64_t cookie)
{
	struct sock *s;

	list_for_each(s, &h->sockets, node)
		if (s->cookie == cookie)
			return s;
	return NULL;
}

bool sock_in_need(const struct sock *s)
{
	return s->service >= SERVICE_SESSION_LASTING;
}

/* --- on the way -------------------------------------------------------------------------- */

static void lost(struct host *h, const struct parcel *p, const char *why)
{
	struct sock *s = p->cookie ? sock_find(h, p->cookie) : NULL;

	network_trace(h->net, "a packet of %s is lost: %s", ADDR_STR(&p->source), why);
	if (s && h->net->observer.lost)
		h->net->observer.lost(h->net->observer.user, h, s, why);
}

/* Lost by chance: neither the engine nor anybody else can do anything about it. */
static void lost_by_chance(struct host *h, const struct parcel *p)
{
	struct sock *s = p->cookie ? sock_find(h, p->cookie) : NULL;

	if (s)
		s->disturbed_at = h->net->sched.now;
	else
		network_disturb(h->net, h, "an echo is lost");
}

static void arrive(void *owner, void *data)
{
	struct parcel *p = data;
	struct host *h = p->host;
	struct host_accepted *a = NULL;
	struct host_path *path = host_path(h, &p->source);
	struct nic *nic = host_nic_of(h, p->via ? &p->coa : &p->source);
	struct sock *s;

	(void)owner;
	if (h->suspended || !h->engine)
		return;
	if (!nic || (p->via && !nic_find(nic, &p->coa))) {
		lost(h, p, "the host is not where it is sent to");
		return;
	}
	if (p->via) {
		a = host_find_accepted(h, &p->source, &p->via->address, &p->coa);
		if (!a) {
			lost(h, p, "its tunnel is not let in");
			return;
		}
		if (!a->first_data)
			a->first_data = h->net->sched.now;
		if (path)
			path->received++;
	}
	if (!host_has_address(h, &p->source)) {
		lost(h, p, "the address is not there");
		return;
	}
	if (p->cookie) {
		s = sock_find(h, p->cookie);
		if (!s)
			return;
		s->answered++;
		s->answered_at = h->net->sched.now;
		if (h->net->observer.answered)
			h->net->observer.answered(h->net->observer.user, h, s);
	} else {
		struct mail m;

		memset(&m, 0, offsetof(struct mail, octets) + 8);
		m.src = p->target->address;
		m.dst = p->source;
		m.next_header = IPPROTO_ICMPV6;
		m.len = 8;
		m.octets[0] = ICMP6_ECHO_REPLY_TYPE;
		m.octets[4] = (uint8_t)(p->identifier >> 8);
		m.octets[5] = (uint8_t)p->identifier;
		m.octets[6] = (uint8_t)(p->sequence >> 8);
		m.octets[7] = (uint8_t)p->sequence;
		host_deliver(h, &m, STIM_MESSAGE);
	}
}

/* The correspondent answers to the address it was written from. */
static void turn_round(void *owner, void *data)
{
	struct parcel back = *(struct parcel *)data;
	struct network *n = owner;
	const struct cache_entry *c;
	usec_t delay = CORRESPONDENT_DELAY;

	if (back.via) {
		if (!agent_forwards(back.via)) {
			lost(back.host, &back, "its home agent is dead");
			return;
		}
		if (!agent_knows(back.via, &back.source, &back.coa)) {
			back.via->dropped++;
			lost(back.host, &back, "its home agent knows no such binding");
			return;
		}
		back.via->forwarded++;
	}
	if (back.target && back.target->down)
		return;
	back.via = network_find_binding(n, &back.source);
	if (back.via) {
		c = agent_lookup(back.via, &back.source);
		if (!agent_forwards(back.via)) {
			lost(back.host, &back, "the home agent of its answer is dead");
			return;
		}
		back.via->forwarded++;
		back.coa = c->coa;
		delay += back.via->delay;
	}
	delay += host_delay(back.host, back.via ? &back.coa : &back.source);
	if (network_carry(n, delay, &delay))
		sched_at(&n->sched, n->sched.now + delay, arrive, n, sim_copy(&back, sizeof(back)));
	else
		lost_by_chance(back.host, &back);
}

static void watch(struct host *h, const struct in6_addr *home)
{
	for (unsigned i = 0; i < h->n_watched; i++)
		if (addr_equal(&h->watched[i], home)) {
			h->watched[i] = h->watched[--h->n_watched];
			host_enter(h, STIM_KERNEL);
			engine_activity(h->engine, host_now(h), home);
			host_leave(h, STIM_KERNEL);
			return;
		}
}

/*
 * By its path if the address has one, else out of the link that has the address.  NULL and
 * p->via: the way; or why not.
 */
static const char *find_way(struct host *h, struct parcel *p, struct host_path **ret, usec_t *delay)
{
	struct host_path *path = host_path(h, &p->source);
	struct nic *nic;

	*ret = NULL;
	if (!path || path->path.mode == PATH_HOME) {
		nic = host_nic_of(h, &p->source);
		if (!nic || (!path && !nic_find(nic, &p->source)))
			return "no link here has its prefix";
		*delay = nic->place->delay;
		return NULL;
	}
	*ret = path;
	if (path->path.mode == PATH_BLOCKED)
		return "its path is blocked";
	nic = host_nic_of(h, &path->path.coa);
	if (!nic || nic->ifindex != path->path.ifindex || !nic_find(nic, &path->path.coa) ||
	    !addr_equal(&path->path.next_hop, &nic->place->router))
		return "its path leads nowhere";
	p->via = network_find_agent(h->net, &path->path.anchor);
	p->coa = path->path.coa;
	*delay = nic->place->delay + (p->via ? p->via->delay : 0);
	return p->via ? NULL : "its path leads to nobody";
}

static const char *send_parcel(struct host *h, struct parcel *p)
{
	struct host_path *path;
	usec_t delay = 0;
	const char *why = find_way(h, p, &path, &delay);

	if (why) {
		lost(h, p, why);
		return why;
	}
	if (path)
		path->sent++;
	watch(h, &p->source);
	if (network_carry(h->net, delay, &delay))
		sched_at(&h->net->sched, h->net->sched.now + delay, turn_round, h->net,
			 sim_copy(p, sizeof(*p)));
	else
		lost_by_chance(h, p);
	return NULL;
}

/* --- sockets ----------------------------------------------------------------------------- */

static void speak(void *owner, void *data)
{
	uint64_t cookie = *(uint64_t *)data;
	struct host *h = owner;
	struct sock *s = sock_find(h, cookie);
	struct parcel p = {.host = h, .cookie = cookie};
	bool sent;

	if (!s)
		return;
	sched_at(&h->net->sched, h->net->sched.now + s->interval, speak, h,
		 sim_copy(&cookie, sizeof(cookie)));
	if (h->suspended || !h->engine)
		return;
	if (h->net->observer.sending)
		h->net->observer.sending(h->net->observer.user, h, s);
	p.source = s->info.source;
	s->sent_at = h->net->sched.now;
	s->sent++;
	sent = !send_parcel(h, &p);
	s = sock_find(h, cookie); /* it may have been closed meanwhile */
	if (s && sent && p.via)
		s->tunnel_up++;
	else if (s && sent)
		s->native_up++;
}

struct sock *sock_open(struct host *h, const struct in6_addr *source, enum service_type service,
		       uint16_t port, usec_t interval)
{
	struct sock *s = sim_alloc(sizeof(*s));

	s->host = h;
	s->cookie = ++h->cookies;
	s->service = service;
	s->interval = interval;
	s->opened = s->answered_at = h->net->sched.now;
	s->info = (struct session_info){
		.cookie = s->cookie,
		.protocol = h->cookies % 4 ? IPPROTO_TCP : IPPROTO_UDP,
		.source = *source,
		.destination = {.s6_addr = {0x20, 0x01, 0x0d, 0xb8, 0xcc, [15] = 1}},
		.source_port = (uint16_t)(1024 + h->cookies % 60000),
		.destination_port = port,
		.uid = 1000,
		.inode = (uint32_t)s->cookie,
	};
	list_append(&h->sockets, &s->node);
	h->n_sockets++;
	sched_at(&h->net->sched, h->net->sched.now + rng_between(&h->rng, 1, interval), speak, h,
		 sim_copy(&s->cookie, sizeof(s->cookie)));
	network_trace(h->net, "session %llu begins on %s: %s", (unsigned long long)s->cookie,
		      ADDR_STR(source), service_type_str((int)service));
	return s;
}

static void tell_gone(void *owner, void *data)
{
	struct host *h = owner;
	uint64_t cookie = *(uint64_t *)data;

	if (!h->engine || !h->watching)
		return;
	if (host_sleeps(h, tell_gone, h, &cookie, sizeof(cookie)))
		return;
	host_enter(h, STIM_KERNEL);
	if (rng_chance(&h->rng, h->news_lost))
		engine_sessions_lost(h->engine, host_now(h));
	else
		engine_session_gone(h->engine, host_now(h), cookie);
	host_leave(h, STIM_KERNEL);
}

void sock_close(struct sock *s)
{
	struct host *h = s->host;

	network_trace(h->net, "session %llu on %s ends", (unsigned long long)s->cookie,
		      ADDR_STR(&s->info.source));
	if (h->net->observer.closed)
		h->net->observer.closed(h->net->observer.user, h, s);
	/* Later, also when a system call of the daemon is under way. */
	if (h->watching && !h->suspended)
		sched_at(&h->net->sched, h->net->sched.now + NEWS_DELAY, tell_gone, h,
			 sim_copy(&s->cookie, sizeof(s->cookie)));
	list_remove(&s->node);
	h->n_sockets--;
	free(s);
}

void sockets_free(struct host *h)
{
	struct sock *s, *t;

	list_for_each_safe(s, t, &h->sockets, node) {
		list_remove(&s->node);
		free(s);
	}
}

/* --- echo -------------------------------------------------------------------------------- */

int host_echo(struct host *h, int ifindex, const struct in6_addr *src, const struct in6_addr *dst,
	      uint16_t identifier, uint16_t sequence)
{
	struct parcel p = {
		.host = h,
		.source = *src,
		.target = network_find_agent(h->net, dst),
		.identifier = identifier,
		.sequence = sequence,
	};
	struct host_path *path;
	usec_t delay = 0;

	(void)ifindex;
	if (!p.target)
		return 0; /* nobody answers */
	if (find_way(h, &p, &path, &delay))
		return 0;
	if (path)
		path->sent++;
	if (network_carry(h->net, delay + p.target->delay, &delay))
		sched_at(&h->net->sched, h->net->sched.now + delay, turn_round, h->net,
			 sim_copy(&p, sizeof(p)));
	else
		lost_by_chance(h, &p);
	return 0;
}
