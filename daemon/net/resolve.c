/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Home agents by DNS (RFC 5026 section 3.1): SRV records of _mip6._ipv6.DOMAIN in the order of RFC 2782, then the
 * addresses of their targets; of the domain itself where there are no such records.
 *
 * Each look-up has a channel of its own, which reads the servers anew: they change with the network.  None, and no
 * memory, is kept between look-ups.
 */
#include <ares.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>

#include "net/internal.h"

#define SERVICE "_mip6._ipv6."
#define MAX_LOOKUPS 16
#define MAX_TARGETS 16
#define MAX_ADDRESSES 16 /* of a target, and altogether */
#define DEADLINE (10 * USEC_PER_SEC)
#define TRY_MSEC 1000 /* each server; doubled by each round of them */
#define TRIES 3

struct target {
	char name[CONF_DOMAIN_MAX + 1];
	uint16_t priority, weight;
	struct lookup *lookup;
	unsigned n;
	struct in6_addr addr[MAX_ADDRESSES];
};

struct lookup {
	struct list node;
	struct net *net;
	char domain[CONF_DOMAIN_MAX + 1];
	ares_channel channel;
	struct list sockets;
	sd_event_source *timer; /* the next retransmission, the deadline or, with done, now */
	usec_t deadline;
	bool done;
	unsigned pending; /* queries that have not come to an end */
	unsigned n_targets;
	struct target target[MAX_TARGETS];
};

struct lookup_socket {
	struct list node;
	struct lookup *lookup;
	ares_socket_t fd;
	sd_event_source *source;
};

static void socket_free(struct lookup_socket *s)
{
	sd_event_source_disable_unref(s->source);
	list_remove(&s->node);
	free(s);
}

static void lookup_free(struct lookup *l)
{
	struct lookup_socket *s, *next;

	if (l->channel)
		ares_destroy(l->channel);
	list_for_each_safe(s, next, &l->sockets, node)
		socket_free(s);
	sd_event_source_disable_unref(l->timer);
	list_remove(&l->node);
	free(l);
}

/* The engine hears of it from the event loop, never while it asks. */
static void finish(struct lookup *l)
{
	l->done = true;
	loop_timer_set(l->timer, 0);
}

static void set_timer(struct lookup *l)
{
	struct timeval tv;
	usec_t next;

	if (l->done)
		return;
	next = l->deadline;
	if (ares_timeout(l->channel, NULL, &tv)) {
		usec_t retry = usec_add(loop_now().mono,
					(usec_t)tv.tv_sec * USEC_PER_SEC + (usec_t)tv.tv_usec);

		next = retry < next ? retry : next;
	}
	loop_timer_set(l->timer, next);
}

static int on_socket(sd_event_source *source, int fd, uint32_t revents, void *user)
{
	struct lookup_socket *s = user;
	struct lookup *l = s->lookup; /* s may be gone when the channel has read */

	(void)source;
	ares_process_fd(l->channel, revents & ~(uint32_t)EPOLLOUT ? fd : ARES_SOCKET_BAD,
			revents & EPOLLOUT ? fd : ARES_SOCKET_BAD);
	set_timer(l);
	return 0;
}

static struct lookup_socket *find_socket(struct lookup *l, ares_socket_t fd)
{
	struct lookup_socket *s;

	list_for_each(s, &l->sockets, node)
		if (s->fd == fd)
			return s;
	return NULL;
}

/* What the channel waits for on a descriptor; nothing: it is about to be closed.  Without memory for it, the deadline
 * ends the look-up. */
static void watch_socket(void *user, ares_socket_t fd, int readable, int writable)
{
	struct lookup *l = user;
	struct lookup_socket *s = find_socket(l, fd);
	uint32_t events = (readable ? EPOLLIN : 0) | (writable ? EPOLLOUT : 0);

	if (!events) {
		if (s)
			socket_free(s);
		return;
	}
	if (s) {
		sd_event_source_set_io_events(s->source, events);
		return;
	}
	s = calloc(1, sizeof(*s));
	if (!s)
		return;
	s->lookup = l;
	s->fd = fd;
	list_append(&l->sockets, &s->node);
	if (sd_event_add_io(l->net->ev, &s->source, fd, events, on_socket, s) < 0)
		socket_free(s);
}

/* --- addresses of targets -------------------------------------------------------------------- */

static void on_addresses(void *user, int status, int timeouts, struct ares_addrinfo *info)
{
	struct target *t = user;
	struct lookup *l = t->lookup;

	(void)timeouts;
	if (status == ARES_EDESTRUCTION)
		return;
	for (const struct ares_addrinfo_node *a = info ? info->nodes : NULL;
	     status == ARES_SUCCESS && a && t->n < MAX_ADDRESSES; a = a->ai_next)
		if (a->ai_family == AF_INET6)
			t->addr[t->n++] =
				((const struct sockaddr_in6 *)(const void *)a->ai_addr)->sin6_addr;
	ares_freeaddrinfo(info);
	if (--l->pending == 0)
		finish(l);
}

static void ask_addresses(struct lookup *l)
{
	const struct ares_addrinfo_hints hints = {.ai_family = AF_INET6,
						  .ai_flags = ARES_AI_NOSORT};

	l->pending += l->n_targets; /* before the first answer, which may come at once */
	for (unsigned i = 0; i < l->n_targets; i++)
		ares_getaddrinfo(l->channel, l->target[i].name, NULL, &hints, on_addresses,
				 &l->target[i]);
	if (l->pending == 0)
		finish(l);
}

/* --- service records ------------------------------------------------------------------------- */

static void add_target(struct lookup *l, const char *name, uint16_t priority, uint16_t weight)
{
	struct target *t = &l->target[l->n_targets];

	/* "." stands for a service that decidedly is not offered. */
	if (l->n_targets == MAX_TARGETS || !*name || strcmp(name, ".") == 0 ||
	    strlen(name) >= sizeof(t->name))
		return;
	strcpy(t->name, name);
	t->priority = priority;
	t->weight = weight;
	t->lookup = l;
	l->n_targets++;
}

static int compare_targets(const void *a, const void *b)
{
	const struct target *x = a, *y = b;

	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	return (x->weight > 0) - (y->weight > 0);
}

static uint32_t random_up_to(uint32_t limit)
{
	uint32_t v = 0;

	if (getrandom(&v, sizeof(v), GRND_NONBLOCK) != (ssize_t)sizeof(v))
		return 0;
	return (uint32_t)(v % ((uint64_t)limit + 1));
}

static void swap_targets(struct target *a, struct target *b)
{
	struct target t = *a;

	*a = *b;
	*b = t;
}

/* Draw the one for place `at` among those of its priority, with chances by weight (RFC 2782, "Weight"). */
static void draw_target(struct lookup *l, unsigned at)
{
	uint32_t sum = 0, drawn;
	unsigned end;

	for (end = at; end < l->n_targets && l->target[end].priority == l->target[at].priority;
	     end++)
		sum += l->target[end].weight;
	drawn = random_up_to(sum);
	sum = 0;
	for (unsigned i = at; i < end; i++) {
		sum += l->target[i].weight;
		if (sum < drawn)
			continue;
		for (; i > at; i--) /* the others keep their order: those without weight first */
			swap_targets(&l->target[i], &l->target[i - 1]);
		return;
	}
}

static void on_services(void *user, int status, int timeouts, unsigned char *answer, int len)
{
	struct lookup *l = user;
	struct ares_srv_reply *records = NULL;

	(void)timeouts;
	if (status == ARES_EDESTRUCTION)
		return;
	l->pending--;
	if (status == ARES_SUCCESS)
		status = ares_parse_srv_reply(answer, len, &records);
	if (status == ARES_ENODATA || status == ARES_ENOTFOUND)
		add_target(l, l->domain, 0, 0);
	else if (status != ARES_SUCCESS)
		log_debug("%s: no service records: %s", l->domain, ares_strerror(status));
	for (const struct ares_srv_reply *r = records; r; r = r->next)
		add_target(l, r->host, r->priority, r->weight);
	ares_free_data(records);
	qsort(l->target, l->n_targets, sizeof(l->target[0]), compare_targets);
	for (unsigned i = 0; i < l->n_targets; i++)
		draw_target(l, i);
	ask_addresses(l);
}

/* --- life ------------------------------------------------------------------------------------ */

static bool known(const struct in6_addr *addr, unsigned n, const struct in6_addr *a)
{
	for (unsigned i = 0; i < n; i++)
		if (addr_equal(&addr[i], a))
			return true;
	return false;
}

static unsigned collect(const struct lookup *l, struct in6_addr *addr)
{
	unsigned n = 0;

	for (unsigned i = 0; i < l->n_targets; i++) {
		const struct target *t = &l->target[i];

		for (unsigned j = 0; j < t->n && n < MAX_ADDRESSES; j++)
			if (addr_is_routable(&t->addr[j]) && !known(addr, n, &t->addr[j]))
				addr[n++] = t->addr[j];
	}
	return n;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *user)
{
	struct lookup *l = user;
	struct net *net = l->net;
	struct in6_addr addr[MAX_ADDRESSES];
	char domain[CONF_DOMAIN_MAX + 1];
	unsigned n;

	(void)source, (void)usec;
	if (!l->done && loop_now().mono < l->deadline) {
		ares_process_fd(l->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
		set_timer(l);
		return 0;
	}
	n = collect(l, addr);
	log_debug("%s: %u home agent address(es)%s", l->domain, n, l->done ? "" : " in time");
	strcpy(domain, l->domain);
	lookup_free(l); /* it may be asked for again */
	engine_resolved(net->engine, loop_now(), domain, addr, n);
	return 0;
}

static int open_channel(struct lookup *l)
{
	/* No domains: names are whole, whatever the servers' list of domains to search. */
	struct ares_options options = {
		.flags = ARES_FLAG_NOSEARCH,
		.timeout = TRY_MSEC,
		.tries = TRIES,
		.sock_state_cb = watch_socket,
		.sock_state_cb_data = l,
	};
	int r = ares_init_options(&l->channel, &options,
				  ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
					  ARES_OPT_DOMAINS | ARES_OPT_SOCK_STATE_CB);

	if (r == ARES_SUCCESS)
		return 0;
	log_debug("%s: cannot prepare a look-up: %s", l->domain, ares_strerror(r));
	l->channel = NULL;
	return r == ARES_ENOMEM ? -ENOMEM : -EIO;
}

int net_resolve(struct net *n, const char *domain)
{
	char name[sizeof(SERVICE) + CONF_DOMAIN_MAX];
	struct lookup *l;
	unsigned running = 0;
	int r;

	if (strlen(domain) > CONF_DOMAIN_MAX)
		return -EINVAL;
	list_for_each(l, &n->lookups, node) {
		if (strcmp(l->domain, domain) == 0)
			return 0;
		running++;
	}
	if (running == MAX_LOOKUPS)
		return -EBUSY;
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->net = n;
	strcpy(l->domain, domain);
	l->deadline = usec_add(loop_now().mono, DEADLINE);
	list_init(&l->sockets);
	list_append(&n->lookups, &l->node);
	if ((r = loop_timer_new(n->ev, on_timer, l, &l->timer)) < 0 || (r = open_channel(l)) < 0) {
		lookup_free(l);
		return r;
	}
	l->pending = 1;
	snprintf(name, sizeof(name), SERVICE "%s", domain);
	ares_query(l->channel, name, ns_c_in, ns_t_srv, on_services, l);
	set_timer(l);
	return 0;
}

void resolve_close(struct net *n)
{
	struct lookup *l, *next;

	list_for_each_safe(l, next, &n->lookups, node)
		lookup_free(l);
}
