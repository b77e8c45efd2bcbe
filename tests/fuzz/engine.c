/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random events for the mobility engine: links, addresses, routes, advertisements, messages true and
 * false, timers, sleeps, restarts.  What must always hold is checked after each of them; at the end
 * the world turns friendly, and every binding must find its way.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* A fuzz program is one object. */
#include "../unit/engine_agent.c"
#include "../unit/engine_host.c"
#include "../unit/engine_world.c"

#define SEC USEC_PER_SEC
#define MSEC USEC_PER_MSEC
#define N(array) (sizeof(array) / sizeof(*(array)))
#define REMEMBERED 8 /* binding updates that may still be answered */
#define MAX_CARE_OF 4
#define HOMES 6 /* over all configurations */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition, const char *what)
{
	if (!condition)
		world_fail("%s", what);
}

static const char *const confs[] = {
	WORLD_ONE,
	WORLD_TWO,
	"",
	"[Anchor one]\nAddress=" HA "\nHomeAddress=" HOA "/64\nInsecure=yes\n",
	"[Link]\nMatch=eth0\nPreference=10\n[Anchor one]\nAddress=" HA "\nHomeAddress=" HOA
	"/64\nHomeAddress=2001:db8:1::200/64\nSPI=256\nKeyFile=/none\nReplay=none\nLifetime=20s\n",
	"[Link]\nMatch=wwan*\nUse=no\n[Anchor two]\nAddress=" HA2 "\nHomeAddress=" HOA2
	"/64\nHomeAddress=2001:db8:2::200/64\nSPI=257\nKeyFile=/none\nAlgorithm=hmac-sha256-128\n",
};
#define CONF_INSECURE 3
/* Those that agree on keys and algorithms, so that agents need not change with them. */
static const uint8_t compatible[] = {0, 1, 2, 5};

static const char *const names[] = {"lo", "wlan0", "eth0", "wwan0", "wlan1"}; /* by ifindex */
static const char *const routers[] = {"fe80::a", "fe80::b", "fe80::1", "fe80::200:5eff:fe00:5213"};
static const char *const prefixes[] = {"2001:db8:a::/64", "2001:db8:b::/64", HOME_PREFIX,
				       HOME_PREFIX2,      "2001:db8:a::/56", "fe80::/64"};
static const char *const addresses[] = {"2001:db8:a::c0a",
					"2001:db8:b::c0a",
					"2001:db8:a::c0b",
					"2001:db8:1::c0a",
					"2001:db8:2::c0a",
					HOA,
					HOA2,
					"fe80::c0a",
					"ff02::1"};
static const usec_t durations[] = {0,          1 * MSEC, 20 * MSEC, 100 * MSEC,
				   500 * MSEC, 1 * SEC,  2 * SEC,   4 * SEC,
				   10 * SEC,   60 * SEC, 600 * SEC, 3600 * SEC};

struct sent { /* what is known of the updates of one home address */
	struct in6_addr home, anchor;
	uint16_t sequence;
	bool any;
	usec_t at[3];
};

struct fuzz {
	const uint8_t *data;
	size_t size, pos;
	unsigned conf;
	struct world *w;
	struct sent sent[HOMES * 2];
	unsigned n_sent;
	struct agent_received update[REMEMBERED];
	unsigned n_updates; /* ever */
	bool stopping, resyncing;
};

static uint8_t u8(struct fuzz *f)
{
	return f->pos < f->size ? f->data[f->pos++] : 0;
}

#define PICK(f, array) ((array)[u8(f) % N(array)])

/* --- what must always hold --------------------------------------------------------------- */

static struct sent *sent_of(struct fuzz *f, const struct in6_addr *home,
			    const struct in6_addr *anchor)
{
	struct sent *s;

	for (unsigned i = 0; i < f->n_sent; i++)
		if (addr_equal(&f->sent[i].home, home) && addr_equal(&f->sent[i].anchor, anchor))
			return &f->sent[i];
	require(f->n_sent < N(f->sent), "too many home addresses");
	s = &f->sent[f->n_sent++];
	s->home = *home;
	s->anchor = *anchor;
	return s;
}

static void check_update(struct fuzz *f, const struct agent_received *u)
{
	struct sent *s = sent_of(f, &u->home, &u->dst);

	/* Status 135 may lead further than one: to behind what the agent had last, half way round at
	 * most. */
	require(!s->any || (uint16_t)(u->sequence - s->sequence - 1) <= 32768,
		"a sequence number was used again");
	require(!s->at[2] || u->at - s->at[2] >= SEC, "more than three updates in a second");
	s->any = true;
	s->sequence = u->sequence;
	memmove(s->at + 1, s->at, sizeof(s->at) - sizeof(s->at[0]));
	s->at[0] = u->at;
	f->update[f->n_updates++ % REMEMBERED] = *u;
}

static bool has_link(const struct engine *e, const struct link *wanted)
{
	struct link *l;

	list_for_each(l, &e->links, node)
		if (l == wanted)
			return true;
	return wanted == NULL;
}

static void check_binding(const struct world *w, const struct binding *b)
{
	unsigned accepted = 0;

	require(has_link(w->e, b->link), "a binding on a link that is no more");
	require(b->n_outstanding <= BINDING_MAX_OUTSTANDING, "too many outstanding updates");
	require(!b->expires || b->registered, "an end without a binding");
	require(b->state != BINDING_REGISTERED || b->registered, "registered, it says");
	for (unsigned i = 0; i < w->n_accepted; i++)
		accepted += addr_equal(&w->accepted[i].home, &b->home) &&
			    addr_equal(&w->accepted[i].anchor, &b->anchor->address);
	require(accepted <= MAX_CARE_OF, "lets in from everywhere");
}

static void check(struct fuzz *f)
{
	struct world *w = f->w;
	struct state_entry saved[CONF_MAX_HOMES];
	struct binding *b;
	struct prefix *p;

	for (unsigned i = 0; i < w->n_ops; i++)
		if (w->op[i].kind == OP_SEND)
			check_update(f, &w->op[i].update);
	world_forget(w);
	require(has_link(w->e, w->e->uplink), "an uplink that is no more");
	list_for_each(b, &w->e->bindings, node)
		check_binding(w, b);
	list_for_each(p, &w->e->prefixes, node)
		require(has_link(w->e, p->link), "a prefix on a link that is no more");
	require(engine_save(w->e, saved, CONF_MAX_HOMES) <= HOMES, "saves too much");
	require(engine_place(w->e) != NULL, "is nowhere");
	engine_waiting_for(w->e);
}

/* What no event but an authenticated acknowledgement may change. */
struct standing {
	bool registered;
	struct in6_addr coa;
	usec_t expires;
	uint16_t sequence;
};

static unsigned take_standing(const struct engine *e, struct standing *ret)
{
	struct binding *b;
	unsigned n = 0;

	list_for_each(b, &e->bindings, node)
		if (n < HOMES)
			ret[n++] = (struct standing){b->registered, b->registered_coa, b->expires,
						     b->sequence};
	return n;
}

static void check_standing(const struct engine *e, const struct standing *before, unsigned n,
			   bool message)
{
	struct standing now[HOMES];

	if (take_standing(e, now) != n)
		return; /* reconfigured */
	for (unsigned i = 0; i < n; i++) {
		require(!now[i].registered || before[i].registered,
			"registered without an acknowledgement");
		require(!now[i].registered || addr_equal(&now[i].coa, &before[i].coa),
			"registered elsewhere without an acknowledgement");
		require(now[i].expires == 0 || now[i].expires == before[i].expires,
			"a lifetime without an acknowledgement");
		require(!message || now[i].registered == before[i].registered,
			"lost a binding to a false message");
	}
}

/* --- events ------------------------------------------------------------------------------ */

static int any_link(struct fuzz *f)
{
	return 1 + u8(f) % (int)(N(names) - 1);
}

static void event_link(struct fuzz *f)
{
	int ifindex = any_link(f);
	uint8_t what = u8(f);

	if (what % 8 == 7)
		world_link_gone(f->w, ifindex);
	else
		world_link(f->w, ifindex, names[what % 16 == 6 ? 3 : ifindex], what % 2 == 0);
}

static void event_address(struct fuzz *f)
{
	struct address_event ev = world_address_of(any_link(f), PICK(f, addresses));
	uint8_t flags = u8(f), life = u8(f);

	ev.tentative = flags & 1;
	ev.optimistic = (flags & 3) == 3;
	ev.duplicate = (flags & 12) == 12;
	ev.deprecated = flags & 16;
	ev.temporary = flags & 32;
	ev.is_static = flags & 64;
	ev.removed = (flags & 130) == 130;
	if (life & 1)
		ev.valid_until = f->w->now.mono + life * SEC;
	engine_address(f->w->e, f->w->now, &ev);
}

static void event_route(struct fuzz *f)
{
	int ifindex = any_link(f);
	const char *router = PICK(f, routers);
	uint8_t what = u8(f);

	if (what & 1)
		world_route_gone(f->w, ifindex, router);
	else
		world_route(f->w, ifindex, router, what & 2 ? 1024 : what, what & 4);
}

static void event_advert(struct fuzz *f)
{
	static const uint16_t lifetimes[] = {1800, 0, 1, 30, 65535};
	static const uint32_t valid[] = {86400, 0, 3, ND_INFINITE};
	int ifindex = any_link(f);
	uint8_t who = u8(f), what = u8(f);
	struct nd_router_advert ra = world_advert_of(NULL, PICK(f, lifetimes));
	struct in6_addr router = world_addr(routers[who % N(routers)]);

	if (who & 128) /* one of many */
		router.s6_addr[12] = who;
	ra.home_agent = what & 1;
	ra.preference = (enum nd_preference)((what >> 1) % 3 - 1);
	for (ra.n_prefixes = 0; ra.n_prefixes < (what >> 3) % 4; ra.n_prefixes++) {
		struct nd_prefix_info *p = &ra.prefix[ra.n_prefixes];
		uint8_t flags = u8(f);

		*p = world_advert_of(prefixes[flags % N(prefixes)], 0).prefix[0];
		p->on_link = !(flags & 8);
		p->valid = valid[(flags >> 4) % N(valid)];
	}
	engine_router_advert(f->w->e, f->w->now, ifindex, &router, &ra);
}

static void event_neighbour(struct fuzz *f)
{
	int ifindex = any_link(f);
	const char *router = PICK(f, routers);

	world_neighbour(f->w, ifindex, router, u8(f) & 1);
}

static void event_arrive(struct fuzz *f)
{
	static const struct place *const places[] = {&place_a, &place_b, &place_home, &place_home2,
						     &place_wire};
	const struct place *p = PICK(f, places);

	if (u8(f) & 1)
		world_leave(f->w, p);
	else
		world_arrive(f->w, p);
}

static void event_agent(struct fuzz *f)
{
	static const int64_t skews[] = {0, 3600, -3600, 400000000, -1799990000};
	uint8_t what = u8(f), value = u8(f);
	struct agent *a;

	if (!f->w->n_agents)
		return;
	a = &f->w->agent[(what >> 4) % f->w->n_agents];
	switch (what % 8) {
	case 0:
		a->silent = value & 1;
		break;
	case 1:
		a->status = value & 1 ? value : -1;
		break;
	case 2:
		a->grant = value < 100 ? value : UINT16_MAX;
		break;
	case 3:
		a->lose = value % 8;
		break;
	case 4:
		a->skew = skews[value % N(skews)] * (int64_t)SEC;
		break;
	case 5:
		a->advice = value;
		break;
	case 6:
		a->rtt = value * 20 * MSEC;
		break;
	case 7:
		f->w->send_error = value & 1 ? -ENETUNREACH : 0;
		break;
	}
}

static bool some_ack(struct fuzz *f, struct agent_ack *ret)
{
	uint8_t which = u8(f), how = u8(f), status = u8(f);
	const struct agent_received *u;
	struct agent *a = NULL;

	if (!f->n_updates)
		return false;
	u = &f->update[(f->n_updates - 1 - which % REMEMBERED) % REMEMBERED];
	for (unsigned i = 0; i < f->w->n_agents; i++)
		if (addr_equal(&f->w->agent[i].conf->address, &u->dst))
			a = &f->w->agent[i];
	if (!a || !u->at)
		return false;
	*ret = agent_ack_for(a, u, how & 1 ? 0 : status);
	if (how & 2)
		ret->sequence = (uint16_t)(ret->sequence + (u8(f) << 8) + u8(f));
	if (how & 4)
		ret->lifetime = (uint16_t)(u8(f) << 8 | u8(f));
	if (how & 8)
		ret->replay += (uint64_t)u8(f) << 32;
	if (how & 16)
		ret->has_rh2 = !ret->has_rh2;
	ret->rh2_unknown = how & 32;
	return true;
}

/* The agent's own word, whatever it may mean by it. */
static void event_true_ack(struct fuzz *f)
{
	struct agent_ack ack;

	if (some_ack(f, &ack))
		world_deliver(f->w, &ack);
}

static void event_false_ack(struct fuzz *f)
{
	struct standing before[HOMES];
	struct agent_ack ack;
	struct mip_sa sa;
	uint8_t how;
	unsigned n;

	if (!some_ack(f, &ack))
		return;
	how = u8(f);
	if (!ack.sa)
		return;
	sa = *ack.sa;
	switch (how % 6) {
	case 0:
		ack.sa = NULL;
		break;
	case 1:
		sa.key[how % sa.key_len] ^= 1;
		ack.sa = &sa;
		break;
	case 2:
		ack.spi ^= 0x100;
		break;
	case 3:
		ack.coa.s6_addr[how % 16] ^= 1;
		break;
	case 4:
		ack.flip = 6 + u8(f);
		break;
	case 5:
		ack.wrong_checksum = true;
		break;
	}
	if (how % 6 == 4) {
		struct agent_message m;

		agent_ack_build(&ack, &m);
		if ((size_t)ack.flip % m.len == 4 || (size_t)ack.flip % m.len == 5)
			return; /* the checksum, made right again */
	}
	n = take_standing(f->w->e, before);
	world_deliver(f->w, &ack);
	check_standing(f->w->e, before, n, true);
}

static void event_bytes(struct fuzz *f)
{
	struct agent_message m = {.src = world_addr(HA), .dst = world_addr(HOA)};
	struct standing before[HOMES];
	uint8_t how = u8(f);
	unsigned n;

	m.has_rh2 = how & 1;
	for (m.len = 0; m.len < how && f->pos < f->size; m.len++)
		m.mh[m.len] = u8(f);
	if (m.len >= 6)
		mh_set_checksum(&m.src, &m.dst, m.mh, m.len);
	n = take_standing(f->w->e, before);
	world_message(f->w, &m);
	if (f->conf != CONF_INSECURE)
		check_standing(f->w->e, before, n, true);
}

static void event_hint(struct fuzz *f)
{
	struct agent_message out = {.src = world_addr(HA), .dst = world_addr(HOA)};
	struct mh_message m = {.type = u8(f) & 1 ? MH_BRR : MH_BE};
	struct standing before[HOMES];
	unsigned n;

	if (m.type == MH_BE) {
		m.be.status = u8(f) % 4;
		m.be.home = world_addr(HOA);
	}
	out.len = (size_t)mh_encode(&m, out.mh, sizeof(out.mh));
	mh_set_checksum(&out.src, &out.dst, out.mh, out.len);
	n = take_standing(f->w->e, before);
	world_message(f->w, &out);
	check_standing(f->w->e, before, n, true);
}

static void event_resync(struct fuzz *f)
{
	f->resyncing = !f->resyncing;
	engine_resync(f->w->e, f->w->now, f->resyncing);
	if (f->resyncing)
		return;
	/* What was not told again is gone. */
	for (int i = 0; i < WORLD_MAX_LINKS; i++)
		f->w->link_up[i] = f->w->link_up[i] && engine_find_link(f->w->e, i);
}

/* --- other lives ------------------------------------------------------------------------- */

/* Restart: another engine with the same agents, and what the first has saved. */
static void event_restart(struct fuzz *f)
{
	struct state_entry saved[CONF_MAX_HOMES];
	unsigned n = engine_save(f->w->e, saved, CONF_MAX_HOMES);
	struct world *old = f->w, *w = world_new(confs[f->conf]);

	w->now = old->now;
	for (unsigned i = 0; i < w->n_agents; i++)
		for (unsigned j = 0; j < old->n_agents; j++)
			if (addr_equal(&w->agent[i].conf->address, &old->agent[j].conf->address)) {
				memcpy(w->agent[i].cache, old->agent[j].cache,
				       sizeof(w->agent[i].cache));
				w->agent[i].n_cache = old->agent[j].n_cache;
			}
	world_free(old);
	f->w = w;
	f->stopping = f->resyncing = false;
	for (unsigned i = 0; i < f->n_sent; i++)
		memset(f->sent[i].at, 0, sizeof(f->sent[i].at));
	world_run(w, 2 * SEC);
	if (u8(f) & 1) {
		for (unsigned i = 0; i < n; i++)
			engine_restore(w->e, &saved[i]);
	} else {
		for (unsigned i = 0; i < f->n_sent; i++)
			f->sent[i].any = false;
	}
	if (u8(f) & 1)
		world_arrive(w, &place_wire);
	world_start(w);
}

/* The agents of a configuration; those that are there stay as they are. */
static void add_agents(struct world *w, const struct conf *conf)
{
	const struct conf_anchor *a;

	list_for_each(a, &conf->anchors, node) {
		bool there = false;

		for (unsigned i = 0; i < w->n_agents; i++)
			there |= addr_equal(&w->agent[i].conf->address, &a->address);
		if (!there)
			agent_init(&w->agent[w->n_agents++], a);
	}
}

/* A home address that comes back draws its sequence number anew. */
static void forget_removed(struct fuzz *f)
{
	for (unsigned i = 0; i < f->n_sent; i++) {
		bool there = false;
		struct binding *b;

		list_for_each(b, &f->w->e->bindings, node)
			there |= addr_equal(&b->home, &f->sent[i].home) &&
				 addr_equal(&b->anchor->address, &f->sent[i].anchor);
		if (!there) {
			f->sent[i].any = false;
			memset(f->sent[i].at, 0, sizeof(f->sent[i].at));
		}
	}
}

/* What is withdrawn goes, even when nobody answers. */
static void wait_for_release(struct fuzz *f, const struct conf *conf)
{
	for (unsigned i = 0; i < 3 && engine_uses(f->w->e, conf); i++)
		world_run(f->w, 60 * SEC);
	if (engine_uses(f->w->e, conf)) {
		f->w->send_error = 0;
		world_arrive(f->w, &place_wire);
		world_run(f->w, 60 * SEC);
	}
	require(!engine_uses(f->w->e, conf), "another configuration stays in use");
}

/* Over to another configuration, and back. */
static void reconfigure(struct fuzz *f)
{
	struct world *other = world_new(confs[PICK(f, compatible)]);
	unsigned n_agents = f->w->n_agents;

	forget_removed(f);
	add_agents(f->w, other->conf);
	require(engine_reconfigure(f->w->e, f->w->now, other->conf) == 0, "reconfiguration");
	check(f);
	world_run(f->w, PICK(f, durations));
	check(f);
	forget_removed(f);
	require(engine_reconfigure(f->w->e, f->w->now, f->w->conf) == 0, "reconfiguration");
	check(f);
	wait_for_release(f, other->conf);
	f->w->n_agents = n_agents;
	world_free(other);
}

static void event_stop(struct fuzz *f)
{
	usec_t end = f->w->now.mono + 2 * SEC;

	if (u8(f) & 7)
		return;
	f->stopping = true;
	engine_stop(f->w->e, f->w->now);
	world_run(f->w, 2 * SEC);
	require(f->w->now.mono >= end && engine_stopped(f->w->e), "does not stop");
}

/* A friendly end: one link, agents that answer, nothing false any more. */
static void settle(struct fuzz *f)
{
	struct world *w = f->w;
	struct binding *b;

	if (f->stopping)
		return;
	if (f->resyncing)
		event_resync(f);
	for (int i = 1; i < WORLD_MAX_LINKS; i++)
		if (engine_find_link(w->e, i))
			world_link_gone(w, i);
	check(f);
	w->send_error = 0;
	for (unsigned i = 0; i < w->n_agents; i++) {
		w->agent[i].silent = false;
		w->agent[i].status = -1;
		w->agent[i].lose = 0;
		w->agent[i].grant = UINT16_MAX;
		w->agent[i].advice = 0;
		w->agent[i].rtt = 20 * MSEC;
	}
	world_run(w, 10 * SEC);
	world_arrive(w, &place_a); /* the agent may have told lies of the other place */
	world_run(w, 60 * SEC);
	world_leave(w, &place_a);
	world_arrive(w, &place_wire);
	world_run(w, 60 * SEC);
	check(f);
	require(engine_reconfigure(w->e, w->now, w->conf) == 0, "reconfiguration");
	world_run(w, 60 * SEC);
	check(f);
	list_for_each(b, &w->e->bindings, node) {
		const struct agent_binding *c;

		require(b->state == BINDING_REGISTERED || b->state == BINDING_UPDATING,
			"a binding is stranded");
		require(w->path[b->slot].mode == PATH_TUNNEL &&
				addr_equal(&w->path[b->slot].coa, &b->coa) &&
				w->path[b->slot].ifindex == place_wire.ifindex,
			"a path leads nowhere");
		for (unsigned i = 0; i < w->n_agents; i++) {
			c = agent_find(&w->agent[i], &b->home);
			if (c && addr_equal(&w->agent[i].conf->address, &b->anchor->address))
				require(c->bound && addr_equal(&c->coa, &b->coa),
					"the agent sends elsewhere");
		}
	}
}

static void (*const events[])(struct fuzz *f) = {
	event_link,   event_address, event_route,  event_advert,   event_neighbour,
	event_arrive, event_arrive,  event_agent,  event_true_ack, event_false_ack,
	event_bytes,  event_hint,    event_resync, event_restart,  event_stop,
};

static void one_event(struct fuzz *f)
{
	uint8_t what = u8(f);

	if (what >= 250) {
		if (!f->stopping && !f->resyncing &&
		    memchr(compatible, (int)f->conf, N(compatible)))
			reconfigure(f);
	} else if (what >= 200) {
		world_sleep(f->w, PICK(f, durations));
	} else if (what >= 100) {
		world_run(f->w, PICK(f, durations));
	} else {
		struct standing before[HOMES];
		unsigned n = take_standing(f->w->e, before), kind = what % N(events);

		events[kind](f);
		if (kind < 7)
			check_standing(f->w->e, before, n, false);
	}
	check(f);
	world_run(f->w, 0);
	check(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = {.data = data, .size = size > 512 ? 512 : size};

	f.conf = u8(&f) % N(confs);
	f.w = world_new(confs[f.conf]);
	f.w->seed = u8(&f);
	world_start(f.w);
	while (f.pos < f.size)
		one_event(&f);
	settle(&f);
	world_free(f.w);
	return 0;
}
