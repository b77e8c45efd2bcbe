/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine_world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define BIRTH_MONO (1000 * USEC_PER_SEC)
#define BIRTH_REAL (1800000000 * USEC_PER_SEC)
#define SPINS_MAX 20 /* calls of engine_timer() at one instant */

const struct place place_a = {2, "wlan0", "fe80::a", "2001:db8:a::/64", "2001:db8:a::c0a"};
const struct place place_b = {2, "wlan0", "fe80::b", "2001:db8:b::/64", "2001:db8:b::c0a"};
const struct place place_home = {2, "wlan0", "fe80::1", HOME_PREFIX, "2001:db8:1::c0a"};
const struct place place_home2 = {2, "wlan0", "fe80::2", HOME_PREFIX2, "2001:db8:2::c0a"};
const struct place place_wire = {3, "eth0", "fe80::e", "2001:db8:e::/64", "2001:db8:e::c0a"};

void world_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("world: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	abort();
}

struct in6_addr world_addr(const char *s)
{
	struct in6_addr a;

	if (addr_parse(s, &a) < 0)
		world_fail("%s is no address", s);
	return a;
}

/* --- operations ------------------------------------------------------------------------- */

static struct world_op *journal(struct world *w, enum world_op_kind kind, int ifindex)
{
	struct world_op *o;

	if (w->n_ops == w->op_room) {
		w->op_room = w->op_room ? 2 * w->op_room : 256;
		w->op = realloc(w->op, w->op_room * sizeof(*w->op));
		if (!w->op)
			abort();
	}
	o = &w->op[w->n_ops++];
	memset(o, 0, sizeof(*o));
	o->kind = kind;
	o->at = w->now.mono;
	o->ifindex = ifindex;
	return o;
}

static void post(struct world *w, usec_t at, int ifindex, const struct agent_ack *ack)
{
	struct world_pending *p = calloc(1, sizeof(*p)), *q;
	struct list *before = &w->pending;

	if (!p)
		abort();
	p->at = at;
	p->ifindex = ifindex;
	agent_ack_build(ack, &p->message);
	list_for_each(q, &w->pending, node)
		if (q->at > at) {
			before = &q->node;
			break;
		}
	list_append(before, &p->node);
}

static int op_send(void *user, int ifindex, const struct ip6_packet *packet)
{
	struct world *w = user;
	struct agent *a = NULL;
	struct agent_received u;
	struct agent_ack ack;
	struct world_op *o;
	const char *wrong;

	if (ifindex <= 0 || ifindex >= WORLD_MAX_LINKS || !w->link_up[ifindex])
		world_fail("sends out of link %d, which is not up", ifindex);
	if (w->send_error)
		return w->send_error;
	if (packet->next_header == IPPROTO_ICMPV6) {
		w->host.n_icmp++;
		return 0;
	}
	for (unsigned i = 0; i < w->n_agents; i++)
		if (addr_equal(&w->agent[i].conf->address, &packet->dst))
			a = &w->agent[i];
	if (!a && w->strangers)
		return 0;
	if (!a)
		world_fail("sends to %s, nobody's home agent", ADDR_STR(&packet->dst));
	if (packet->payload_len > 2 && packet->payload[2] != MH_BU) {
		w->host.n_other++;
		return 0;
	}
	wrong = agent_receive(a, packet, &u);
	if (wrong)
		world_fail("malformed binding update: %s", wrong);
	u.at = w->now.mono;
	u.ifindex = ifindex;
	o = journal(w, OP_SEND, ifindex);
	o->home = u.home;
	o->anchor = u.dst;
	o->coa = u.coa;
	o->update = u;
	if (agent_process(a, &u, w->now.real, &ack))
		post(w, usec_add(w->now.mono, a->rtt), ifindex, &ack);
	return 0;
}

static int op_solicit(void *user, int ifindex)
{
	journal(user, OP_SOLICIT, ifindex);
	return 0;
}

static int journal_router(struct world *w, enum world_op_kind kind, int ifindex,
			  const struct in6_addr *router, const uint8_t mac[6])
{
	struct world_op *o = journal(w, kind, ifindex);

	o->home = *router;
	memcpy(o->mac, mac, sizeof(o->mac));
	return 0;
}

static int op_probe_router(void *user, int ifindex, const struct in6_addr *router,
			   const uint8_t mac[6])
{
	return journal_router(user, OP_PROBE_ROUTER, ifindex, router, mac);
}

static int op_found_router(void *user, int ifindex, const struct in6_addr *router,
			   const uint8_t mac[6])
{
	return journal_router(user, OP_FOUND_ROUTER, ifindex, router, mac);
}

static int op_announce(void *user, int ifindex, const struct in6_addr *home)
{
	journal(user, OP_ANNOUNCE, ifindex)->home = *home;
	return 0;
}

static int op_answer(void *user, int ifindex, const struct in6_addr *home,
		     const struct in6_addr *to)
{
	struct world *w = user;
	struct world_op *o = journal(w, OP_ANSWER, ifindex);

	if (w->path[engine_find_home(w->e, home)->slot].claimed_ifindex != ifindex)
		world_fail("answers for an address that it has not claimed there");
	o->home = *home;
	o->anchor = *to;
	return 0;
}

static int op_set_path(void *user, const struct path *path)
{
	struct world *w = user;
	struct world_op *o = journal(w, OP_PATH, path->ifindex);

	if (path->slot >= CONF_MAX_HOMES || !engine_find_home(w->e, &path->home))
		world_fail("a path for %s, not a home address", ADDR_STR(&path->home));
	if (path->mode == PATH_TUNNEL &&
	    (!path->ifindex || addr_is_any(&path->coa) || addr_is_any(&path->anchor) ||
	     addr_is_any(&path->next_hop)))
		world_fail("a tunnel without end");
	if (path->mode == PATH_HOME && path->claimed_ifindex != path->ifindex &&
	    !engine_find_home(w->e, &path->home)->dynamic)
		world_fail("at home without the home address");
	o->path = *path;
	o->home = path->home;
	o->coa = path->coa;
	w->path[path->slot] = *path;
	w->n_paths[path->slot]++;
	return path->mode == PATH_TUNNEL ? w->path_error : 0;
}

static void op_confirm_path(void *user, const struct path *path)
{
	struct world *w = user;

	if (w->path[path->slot].mode != PATH_TUNNEL ||
	    !addr_equal(&w->path[path->slot].coa, &path->coa))
		world_fail("confirms a path for %s that is not set", ADDR_STR(&path->home));
	journal(w, OP_CONFIRM, path->ifindex)->path = *path;
}

static void op_drop_path(void *user, const struct path *path)
{
	journal(user, OP_DROP, path->ifindex)->path = *path;
}

static struct world_accepted *find_accepted(struct world *w, const struct in6_addr *home,
					    const struct in6_addr *anchor,
					    const struct in6_addr *coa)
{
	for (unsigned i = 0; i < w->n_accepted; i++) {
		struct world_accepted *a = &w->accepted[i];

		if (addr_equal(&a->home, home) && addr_equal(&a->coa, coa) &&
		    (!anchor || addr_equal(&a->anchor, anchor)))
			return a;
	}
	return NULL;
}

static void op_leave_address(void *user, int ifindex, const struct in6_addr *addr)
{
	journal(user, OP_LEAVE_ADDRESS, ifindex)->coa = *addr;
}

static void op_leave_router(void *user, int ifindex, const struct in6_addr *router)
{
	journal(user, OP_LEAVE_ROUTER, ifindex)->coa = *router;
}

static int op_accept(void *user, const struct in6_addr *home, const struct in6_addr *anchor,
		     const struct in6_addr *coa)
{
	struct world *w = user;
	struct world_op *o = journal(w, OP_ACCEPT, 0);
	struct world_accepted *a;

	o->home = *home;
	o->anchor = *anchor;
	o->coa = *coa;
	a = find_accepted(w, home, anchor, coa);
	if (a) {
		a->first_data = 0; /* of this call */
		return 0;
	}
	if (w->n_accepted == WORLD_MAX_ACCEPTED)
		world_fail("accepts from everywhere");
	w->accepted[w->n_accepted++] =
		(struct world_accepted){.home = *home, .anchor = *anchor, .coa = *coa};
	return 0;
}

static void op_reject(void *user, const struct in6_addr *home, const struct in6_addr *anchor,
		      const struct in6_addr *coa)
{
	struct world *w = user;
	struct world_accepted *a = find_accepted(w, home, anchor, coa);
	struct world_op *o = journal(w, OP_REJECT, 0);

	if (!a)
		world_fail("rejects %s, which was not accepted", ADDR_STR(coa));
	o->home = *home;
	o->anchor = *anchor;
	o->coa = *coa;
	*a = w->accepted[--w->n_accepted];
}

static usec_t op_first_data(void *user, const struct in6_addr *home, const struct in6_addr *anchor,
			    const struct in6_addr *coa)
{
	struct world_accepted *a = find_accepted(user, home, anchor, coa);

	return a ? a->first_data : 0;
}

static void op_set_timer(void *user, usec_t when)
{
	((struct world *)user)->timer = when;
}

static void op_random(void *user, void *buf, size_t len)
{
	struct world *w = user;

	for (size_t i = 0; i < len; i++) {
		w->seed = w->seed * 1664525 + 1013904223;
		((uint8_t *)buf)[i] = (uint8_t)(w->seed >> 24);
	}
}

static void op_persist(void *user)
{
	((struct world *)user)->persisted++;
}

static void op_publish(void *user, enum engine_object kind, enum engine_change change,
		       const void *object)
{
	if (!object)
		world_fail("publishes nothing");
	((struct world *)user)->published[kind][change]++;
}

static struct engine_ops world_ops = {
	.send = op_send,
	.solicit = op_solicit,
	.probe_router = op_probe_router,
	.found_router = op_found_router,
	.announce = op_announce,
	.answer = op_answer,
	.set_path = op_set_path,
	.confirm_path = op_confirm_path,
	.drop_path = op_drop_path,
	.leave_address = op_leave_address,
	.leave_router = op_leave_router,
	.accept = op_accept,
	.reject = op_reject,
	.first_data = op_first_data,
	.set_timer = op_set_timer,
	.random = op_random,
	.persist = op_persist,
	.publish = op_publish,
};

/* --- life ------------------------------------------------------------------------------- */

struct world *world_new(const char *conf)
{
	struct world *w = calloc(1, sizeof(*w));
	struct conf_errors errors = {.out = stderr};
	struct conf_anchor *a;

	if (!w)
		abort();
	log_set_max_level(LOG_EMERG);
	host_operations(&world_ops);
	w->now = (struct instant){BIRTH_MONO, BIRTH_REAL};
	w->timer = USEC_INFINITY;
	w->seed = 1;
	list_init(&w->pending);
	if (conf_parse_buffer("world", conf, strlen(conf), &errors, &w->conf) < 0)
		world_fail("its configuration is wrong");
	list_for_each(a, &w->conf->anchors, node) {
		a->has_key = !a->insecure;
		if (a->has_key)
			agent_key(a, a->key, &a->key_len);
		agent_init(&w->agent[w->n_agents++], a);
	}
	if (engine_new(w->conf, &world_ops, w, &w->e) < 0)
		abort();
	return w;
}

void world_free(struct world *w)
{
	struct world_pending *p, *t;

	list_for_each_safe(p, t, &w->pending, node)
		free(p);
	engine_free(w->e);
	conf_free(w->conf);
	free(w->op);
	free(w);
}

struct binding *world_binding(const struct world *w, const char *home)
{
	struct in6_addr a = world_addr(home);
	struct binding *b = engine_find_home(w->e, &a);

	if (!b)
		world_fail("%s is no home address", home);
	return b;
}

struct agent *world_agent(struct world *w, const char *address)
{
	struct in6_addr a = world_addr(address);

	for (unsigned i = 0; i < w->n_agents; i++)
		if (addr_equal(&w->agent[i].conf->address, &a))
			return &w->agent[i];
	world_fail("%s is no home agent", address);
}

/* --- time ------------------------------------------------------------------------------- */

static void set_time(struct world *w, usec_t mono)
{
	w->now.real += mono - w->now.mono;
	w->now.mono = mono;
}

static void deliver_pending(struct world *w, struct world_pending *p)
{
	list_remove(&p->node);
	if (w->link_up[p->ifindex])
		world_message(w, &p->message);
	free(p);
}

void world_run(struct world *w, usec_t duration)
{
	usec_t end = w->now.mono + duration;
	unsigned spins = 0;

	for (;;) {
		struct world_pending *p = list_entry(w->pending.next, struct world_pending, node);
		bool message = !list_empty(&w->pending) && p->at <= w->timer;
		usec_t next = message ? p->at : w->timer;

		if (next > end)
			break;
		if (next > w->now.mono) {
			set_time(w, next);
			spins = 0;
		} else if (!message && ++spins > SPINS_MAX) {
			world_fail("the engine spins: its timer is always due");
		}
		if (message) {
			deliver_pending(w, p);
		} else {
			w->timer = USEC_INFINITY;
			engine_timer(w->e, w->now);
		}
		host_run(w);
	}
	set_time(w, end);
}

void world_sleep(struct world *w, usec_t duration)
{
	set_time(w, w->now.mono + duration);
}

/* --- events ----------------------------------------------------------------------------- */

void world_start(struct world *w)
{
	engine_start(w->e, w->now);
}

void world_link(struct world *w, int ifindex, const char *name, bool up)
{
	struct link_event ev = {.ifindex = ifindex, .name = name, .up = up, .mtu = 1500};

	w->link_up[ifindex] = up;
	engine_link(w->e, w->now, &ev);
}

void world_link_gone(struct world *w, int ifindex)
{
	struct link_event ev = {.ifindex = ifindex, .name = "", .removed = true};

	w->link_up[ifindex] = false;
	engine_link(w->e, w->now, &ev);
}

struct nd_router_advert world_advert_of(const char *prefix, uint16_t lifetime)
{
	struct nd_router_advert ra = {.hop_limit = 64, .router_lifetime = lifetime};

	if (prefix) {
		struct nd_prefix_info *p = &ra.prefix[ra.n_prefixes++];

		if (prefix_parse(prefix, &p->prefix) < 0)
			world_fail("%s is no prefix", prefix);
		p->on_link = p->autonomous = true;
		p->valid = 86400;
		p->preferred = 14400;
	}
	return ra;
}

void world_advert(struct world *w, int ifindex, const char *router, const char *prefix,
		  uint16_t lifetime)
{
	struct nd_router_advert ra = world_advert_of(prefix, lifetime);
	struct in6_addr r = world_addr(router);

	/* As the modified EUI-64 has it, or with zeroes (RFC 4291 appendix A). */
	ra.lladdr_len = 6;
	memcpy(ra.lladdr, r.s6_addr + 8, 3);
	memcpy(ra.lladdr + 3, r.s6_addr + 13, 3);
	ra.lladdr[0] ^= 2;
	engine_router_advert(w->e, w->now, ifindex, &r, &ra);
}

struct address_event world_address_of(int ifindex, const char *addr)
{
	return (struct address_event){
		.ifindex = ifindex,
		.addr = world_addr(addr),
		.plen = 64,
		.is_slaac = true,
		.valid_until = USEC_INFINITY,
	};
}

void world_address(struct world *w, int ifindex, const char *addr)
{
	struct address_event ev = world_address_of(ifindex, addr);

	engine_address(w->e, w->now, &ev);
}

void world_address_gone(struct world *w, int ifindex, const char *addr)
{
	struct address_event ev = world_address_of(ifindex, addr);

	ev.removed = true;
	engine_address(w->e, w->now, &ev);
}

void world_route(struct world *w, int ifindex, const char *router, uint32_t metric, bool from_ra)
{
	struct route_event ev = {
		.ifindex = ifindex,
		.gateway = world_addr(router),
		.metric = metric,
		.from_ra = from_ra,
	};

	engine_route(w->e, w->now, &ev);
}

void world_route_gone(struct world *w, int ifindex, const char *router)
{
	struct route_event ev = {
		.ifindex = ifindex, .gateway = world_addr(router), .removed = true};

	engine_route(w->e, w->now, &ev);
}

void world_neighbour(struct world *w, int ifindex, const char *addr, bool reachable)
{
	struct in6_addr a = world_addr(addr);

	engine_neighbour(w->e, w->now, ifindex, &a, reachable);
}

void world_router_answer(struct world *w, int ifindex, const char *router, const uint8_t *mac)
{
	struct in6_addr r = world_addr(router);

	engine_router_answer(w->e, w->now, ifindex, &r, mac);
}

void world_arrive(struct world *w, const struct place *p)
{
	world_link(w, p->ifindex, p->link, true);
	world_advert(w, p->ifindex, p->router, p->prefix, 1800);
	world_address(w, p->ifindex, p->coa);
	world_route(w, p->ifindex, p->router, 1024, true);
}

void world_leave(struct world *w, const struct place *p)
{
	world_link(w, p->ifindex, p->link, false);
	world_route_gone(w, p->ifindex, p->router);
}

void world_stay(struct world *w, const struct place *p, usec_t duration)
{
	const usec_t interval = 600 * USEC_PER_SEC;

	for (; duration > interval; duration -= interval) {
		world_run(w, interval);
		world_advert(w, p->ifindex, p->router, p->prefix, 1800);
	}
	world_run(w, duration);
}

struct world *world_bound(const char *conf, const struct place *p)
{
	struct world *w = world_new(conf);
	struct binding *b;

	world_start(w);
	world_arrive(w, p);
	world_run(w, 2 * USEC_PER_SEC);
	list_for_each(b, &w->e->bindings, node)
		if (b->state != BINDING_REGISTERED)
			world_fail("%s is not bound", ADDR_STR(&b->home));
	world_forget(w);
	return w;
}

void world_message(struct world *w, const struct agent_message *m)
{
	struct message_event ev = {
		.src = m->src,
		.dst = m->dst,
		.has_rh2 = m->has_rh2,
		.rh2_unknown = m->rh2_unknown,
		.mh = m->mh,
		.len = m->len,
	};

	engine_message(w->e, w->now, &ev);
}

void world_deliver(struct world *w, const struct agent_ack *ack)
{
	struct agent_message m;

	agent_ack_build(ack, &m);
	world_message(w, &m);
}

void world_data(struct world *w, const char *home, const char *coa)
{
	struct in6_addr h = world_addr(home), c = world_addr(coa);
	struct world_accepted *a = find_accepted(w, &h, NULL, &c);

	if (a && !a->first_data)
		a->first_data = w->now.mono;
}

/* --- the journal ------------------------------------------------------------------------ */

unsigned world_count(const struct world *w, enum world_op_kind kind)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->n_ops; i++)
		n += w->op[i].kind == kind;
	return n;
}

const struct world_op *world_nth(const struct world *w, enum world_op_kind kind, unsigned n)
{
	for (unsigned i = 0; i < w->n_ops; i++)
		if (w->op[i].kind == kind && n-- == 0)
			return &w->op[i];
	world_fail("no such operation of kind %d in the journal", kind);
}

const struct world_op *world_last(const struct world *w, enum world_op_kind kind)
{
	unsigned n = world_count(w, kind);

	return world_nth(w, kind, n - 1);
}

void world_forget(struct world *w)
{
	w->n_ops = 0;
	memset(w->n_paths, 0, sizeof(w->n_paths));
	memset(w->published, 0, sizeof(w->published));
	w->persisted = 0;
}

const struct path *world_path(const struct world *w, const char *home)
{
	return &w->path[world_binding(w, home)->slot];
}

bool world_tunnels(const struct world *w, const char *home, const char *coa)
{
	const struct path *p = world_path(w, home);
	struct in6_addr c = world_addr(coa);

	return p->mode == PATH_TUNNEL && addr_equal(&p->coa, &c);
}

bool world_accepts(const struct world *w, const char *home, const char *coa)
{
	struct in6_addr h = world_addr(home), c = world_addr(coa);

	return find_accepted((struct world *)w, &h, NULL, &c) != NULL;
}
