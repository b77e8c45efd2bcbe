/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine_host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/policy.h"
#include "engine_world.h"

static void op_traffic(void *user, unsigned slot, uint64_t *ret_sent, uint64_t *ret_received)
{
	const struct host *h = &((struct world *)user)->host;

	*ret_sent = h->sent[slot];
	*ret_received = h->received[slot];
}

static void op_watch_activity(void *user, const struct in6_addr *home)
{
	struct host *h = &((struct world *)user)->host;

	h->watched = *home;
	h->n_watched++;
}

static bool is_listed(const struct session_info *s, const struct ip6_prefix *sources, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (prefix_contains(&sources[i], &s->source))
			return true;
	return false;
}

static int op_list_sessions(void *user, const struct ip6_prefix *sources, unsigned n,
			    struct session_info **ret, size_t *ret_n)
{
	struct host *h = &((struct world *)user)->host;
	struct session_info *list;
	size_t found = 0;

	h->n_listings++;
	if (h->list_error)
		return h->list_error;
	list = calloc(h->n_sessions + 1, sizeof(*list));
	if (!list)
		abort();
	for (unsigned i = 0; i < h->n_sessions; i++)
		if (is_listed(&h->session[i], sources, n))
			list[found++] = h->session[i];
	*ret = list;
	*ret_n = found;
	return 0;
}

static void op_destroy_sessions(void *user, const struct in6_addr *source, unsigned n)
{
	struct host *h = &((struct world *)user)->host;

	for (unsigned i = 0; i < n; i++)
		for (unsigned j = 0; j < h->n_sessions; j++)
			if (addr_equal(&h->session[j].source, &source[i])) {
				h->session[j--] = h->session[--h->n_sessions];
				h->n_destroyed++;
			}
}

static void op_watch_sessions(void *user, bool on)
{
	((struct world *)user)->host.watching = on;
}

static int op_session_owner(void *user, const struct session_info *s, struct session_owner *ret)
{
	((struct world *)user)->host.n_owners++;
	*ret = (struct session_owner){.pid = 1000, .control_group = "/user.slice"};
	snprintf(ret->executable, sizeof(ret->executable), "/usr/bin/program-%u", s->inode);
	return 0;
}

static int op_echo(void *user, int ifindex, const struct in6_addr *src, const struct in6_addr *dst,
		   uint16_t identifier, uint16_t sequence, size_t octets)
{
	struct host *h = &((struct world *)user)->host;

	const struct binding *b = engine_find_home(((struct world *)user)->e, src);

	if (b && h->shut) {
		h->n_shut_in++;
		return 0;
	}
	h->echo = (struct host_echo){ifindex, *src, *dst, identifier, sequence, octets};
	if (b)
		h->sent[b->slot]++;
	h->n_echoes++;
	return 0;
}

static void op_limit_mtu(void *user, const struct in6_addr *home, uint32_t octets)
{
	(void)home;
	((struct world *)user)->host.mtu = octets;
}

static int op_resolve(void *user, const char *domain)
{
	struct host *h = &((struct world *)user)->host;

	snprintf(h->resolving, sizeof(h->resolving), "%s", domain);
	h->n_resolved++;
	return 0;
}

static int op_fetch_domain(void *user, int ifindex, const char *domain)
{
	struct host *h = &((struct world *)user)->host;

	(void)ifindex;
	snprintf(h->fetching, sizeof(h->fetching), "%s", domain);
	h->n_fetched++;
	return 0;
}

static void op_notify(void *user, const struct event *ev)
{
	struct host *h = &((struct world *)user)->host;

	h->events[ev->kind]++;
	snprintf(h->last_event, sizeof(h->last_event), "%s", ev->text);
}

void host_operations(struct engine_ops *ops)
{
	ops->traffic = op_traffic;
	ops->watch_activity = op_watch_activity;
	ops->list_sessions = op_list_sessions;
	ops->destroy_sessions = op_destroy_sessions;
	ops->watch_sessions = op_watch_sessions;
	ops->session_owner = op_session_owner;
	ops->echo = op_echo;
	ops->limit_mtu = op_limit_mtu;
	ops->resolve = op_resolve;
	ops->fetch_domain = op_fetch_domain;
	ops->notify = op_notify;
}

void world_policy(struct world *w, const char *text)
{
	struct conf_errors errors = {.out = stderr};

	policy_free(&w->conf->rules);
	if (policy_parse_buffer("policy", text, strlen(text), &errors, &w->conf->rules) < 0)
		world_fail("its policy is wrong");
}

struct world *world_native(const char *conf)
{
	struct world *w = world_new(conf);

	world_policy(w, POLICY_SSH);
	world_start(w);
	world_arrive(w, &place_a);
	world_run(w, 2 * USEC_PER_SEC);
	return w;
}

struct world *world_away(const char *conf, usec_t stay)
{
	struct world *w = world_native(conf);

	world_session(w, place_a.coa, 22);
	world_leave(w, &place_a);
	world_arrive(w, &place_b);
	world_run(w, stay);
	world_forget(w);
	return w;
}

uint64_t world_session(struct world *w, const char *source, uint16_t port)
{
	struct host *h = &w->host;
	struct session_info *s = &h->session[h->n_sessions++];

	if (h->n_sessions > HOST_MAX_SESSIONS)
		abort();
	*s = (struct session_info){
		.cookie = ++h->next_cookie,
		.protocol = IPPROTO_TCP,
		.source = world_addr(source),
		.destination = world_addr("2001:db8:c::80"),
		.source_port = (uint16_t)(40000 + h->next_cookie),
		.destination_port = port,
		.uid = 1000,
		.inode = (uint32_t)h->next_cookie,
	};
	return s->cookie;
}

void world_session_end(struct world *w, uint64_t cookie)
{
	struct host *h = &w->host;

	for (unsigned i = 0; i < h->n_sessions; i++)
		if (h->session[i].cookie == cookie)
			h->session[i] = h->session[--h->n_sessions];
	if (h->watching)
		engine_session_gone(w->e, w->now, cookie);
}

void host_run(struct world *w)
{
	const struct host_echo *e = &w->host.echo;
	const struct binding *b = engine_find_home(w->e, &e->src);
	uint8_t buf[16] = {129,
			   0,
			   0,
			   0,
			   (uint8_t)(e->identifier >> 8),
			   (uint8_t)e->identifier,
			   (uint8_t)(e->sequence >> 8),
			   (uint8_t)e->sequence};
	struct icmp_event ev = {.src = e->dst, .dst = e->src, .icmp = buf, .len = 8};

	if (w->host.n_answered == w->host.n_echoes)
		return;
	w->host.n_answered = w->host.n_echoes;
	if (b && !w->host.mute)
		w->host.received[b->slot]++;
	if (!w->host.mute)
		engine_icmp(w->e, w->now, &ev);
}
