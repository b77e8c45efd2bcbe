/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random events for the mobility engine: links, addresses, routes, advertisements, sockets, messages true
 * and false, look-ups, timers, sleeps, restarts.  What must always hold is checked after each of them; at
 * the end the world turns friendly, and every binding that is needed must find its way.
 *
 *   engine/conf.c      configurations and policies
 *   engine/check.c     what must always hold
 *   engine/place.c, message.c, lookup.c, session.c   events
 *   engine/life.c      other configurations, other runs, the end
 */

/* A fuzz program is one object. */
#include "../unit/engine_agent.c"
#include "../unit/engine_host.c"
#include "../unit/engine_world.c"

#include "engine/check.c"
#include "engine/conf.c"
#include "engine/life.c"
#include "engine/lookup.c"
#include "engine/message.c"
#include "engine/place.c"
#include "engine/session.c"

#define LONGEST 768

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const usec_t durations[] = {0,          1 * MSEC, 20 * MSEC, 100 * MSEC,
				   500 * MSEC, 1 * SEC,  2 * SEC,   4 * SEC,
				   10 * SEC,   60 * SEC, 600 * SEC, 3600 * SEC};

/* Those that exist, however they are found. */
static const char *const agents[] = {HA, HA2, ANCHOR_A, ANCHOR_B, "2001:db8:a::2"};

static struct fuzz *running; /* one at a time */

void require(bool condition, const char *what)
{
	if (!condition)
		world_fail("%s", what);
}

uint8_t u8(struct fuzz *f)
{
	return f->pos < f->size ? f->data[f->pos++] : 0;
}

uint16_t u16(struct fuzz *f)
{
	uint8_t high = u8(f);

	return (uint16_t)(high << 8 | u8(f));
}

struct in6_addr any_agent(struct fuzz *f)
{
	uint8_t which = u8(f);
	struct in6_addr a = world_addr(agents[which % N(agents)]);

	if (which & 128) /* nobody is there */
		a.s6_addr[14] = which;
	return a;
}

struct in6_addr any_home(struct fuzz *f)
{
	static const char *const homes[] = {HOA, HOA2, "2001:db8:a::c0a", "2001:db8:b::c0a"};
	uint8_t which = u8(f);
	struct binding *b;

	if (which & 1)
		list_for_each(b, &f->w->e->bindings, node)
			if (b->slot == (which >> 1) % 8)
				return b->home;
	return world_addr(homes[(which >> 1) % N(homes)]);
}

/* --- agents -------------------------------------------------------------------------------- */

static bool same_key(const struct agent *a, const struct anchor *b)
{
	return a->has_sa == b->has_sa && a->conf->replay == b->conf->replay &&
	       (!a->has_sa || (a->sa.spi == b->sa.spi && a->sa.alg == b->sa.alg &&
			       memcmp(a->sa.key, b->sa.key, sizeof(a->sa.key)) == 0));
}

static void agent_of_anchor(struct agent *a, struct conf_anchor *conf, const struct anchor *from)
{
	*conf = *from->conf;
	conf->address = from->address;
	agent_init(a, conf);
	a->sa = from->sa;
}

/* An agent that is there, but that no configuration lists. */
static struct agent *find_agent(struct fuzz *f, const struct anchor *anchor)
{
	struct world *w = f->w;

	for (unsigned i = 0; i < w->n_agents; i++)
		if (addr_equal(&w->agent[i].conf->address, &anchor->address))
			return same_key(&w->agent[i], anchor) ? &w->agent[i] : NULL;
	for (unsigned i = 0; i < N(agents); i++) {
		struct in6_addr there = world_addr(agents[i]);

		if (!addr_equal(&there, &anchor->address) || w->n_agents == CONF_MAX_ANCHORS ||
		    f->n_found == MAX_FOUND)
			continue;
		agent_of_anchor(&w->agent[w->n_agents], &f->found[f->n_found++], anchor);
		return &w->agent[w->n_agents++];
	}
	return NULL;
}

/* To an address where nobody is, or where somebody has another key: it must be right all the same. */
static void check_unheard(struct fuzz *f, int ifindex, const struct ip6_packet *p,
			  const struct anchor *anchor)
{
	struct conf_anchor conf;
	struct agent_received u;
	const char *wrong;
	struct agent a;

	agent_of_anchor(&a, &conf, anchor);
	wrong = agent_receive(&a, p, &u);
	if (wrong)
		world_fail("malformed binding update: %s", wrong);
	u.at = f->w->now.mono;
	journal(f->w, OP_SEND, ifindex)->update = u;
}

static int send_to_any(void *user, int ifindex, const struct ip6_packet *p)
{
	struct world *w = user;
	const struct in6_addr *home = ip6_packet_source(p);
	struct binding *b = engine_find_home(w->e, home);

	if (p->next_header != MH_NEXT_HEADER || w != running->w || w->send_error)
		return op_send(user, ifindex, p);
	require(b && addr_equal(&p->dst, &b->anchor->address), "sends to no home agent of ours");
	if (find_agent(running, b->anchor))
		return op_send(user, ifindex, p);
	require(w->link_up[ifindex], "sends out of a link that is not up");
	if (p->payload[2] == MH_BU)
		check_unheard(running, ifindex, p, b->anchor);
	return 0;
}

/* Somebody else may have put the home address on its link: then it need not be claimed there. */
static int set_any_path(void *user, const struct path *path)
{
	struct world *w = user;
	const struct binding *b = engine_find_home(w->e, &path->home);
	const struct link *l = engine_find_link(w->e, path->ifindex);
	struct path p = *path;
	int r;

	if (path->mode == PATH_HOME && !path->claimed_ifindex && l && link_has_address(l, b))
		p.claimed_ifindex = path->ifindex;
	r = op_set_path(user, &p);
	w->path[path->slot] = *path;
	return r;
}

struct world *fuzz_world(struct fuzz *f, unsigned conf)
{
	struct world *w = world_new(confs[conf].text);

	(void)f;
	world_ops.send = send_to_any;
	world_ops.set_path = set_any_path;
	world_policy(w, policies[confs[conf].policy]);
	return w;
}

/* --- the run ------------------------------------------------------------------------------- */

#define OF_THE_LINK 7 /* so many at the beginning of the table come from the link */

static event_handler *const events[] = {
	event_link,       event_address,       event_route,      event_advert,
	event_neighbour,  event_arrive,        event_arrive,     event_agent,
	event_true_ack,   event_false_ack,     event_bytes,      event_hint,
	event_resync,     event_restart,       event_stop,       event_session,
	event_session,    event_session_end,   event_news,       event_traffic,
	event_host,       event_agent_advert,  event_true_order, event_false_order,
	event_icmp_bytes, event_icmp_error,    event_echo,       event_dhaad,
	event_resolved,   event_prefix_advert, event_domain,     event_clock,
};

static void one_event(struct fuzz *f)
{
	uint8_t what = u8(f);

	if (what >= 250) {
		reconfigure(f);
	} else if (what >= 200) {
		world_sleep(f->w, PICK(f, durations));
		check_excuse(f);
	} else if (what >= 100) {
		let_run(f, PICK(f, durations));
	} else {
		struct standing before;
		unsigned kind = what % N(events);

		take_standing(f->w->e, &before);
		events[kind](f);
		if (kind < OF_THE_LINK)
			check_not_bound(f->w->e, &before);
	}
	check(f);
	world_run(f->w, 0);
	check(f);
	require(f->w->timer > f->w->now.mono || !f->w->e->started, "its timer is in the past");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fuzz f;

	f = (struct fuzz){.data = data, .size = size > LONGEST ? LONGEST : size};
	running = &f;
	f.conf = u8(&f) % n_confs;
	f.w = fuzz_world(&f, f.conf);
	f.w->seed = u8(&f);
	world_start(f.w);
	while (f.pos < f.size)
		one_event(&f);
	settle(&f);
	world_free(f.w);
	return 0;
}
