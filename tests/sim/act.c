/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The things that happen. */
#include <string.h>

#include "agent.h"
#include "hostile.h"
#include "scenario.h"
#include "settings.h"
#include "socket.h"

#define MSEC USEC_PER_MSEC
#define SEC USEC_PER_SEC
#define TRIGGER_ADMINISTRATIVE 1
#define BETTER 512 /* metric of the link to be used */
#define SLOW (610 * SEC)

typedef void act_fn(struct run *r);

/*
 * Something that is to happen after something else: a link that comes back, a home agent that
 * recovers.
 */
struct sequel {
	struct nic *nic;
	struct place *place;
	struct home_agent *agent;
	unsigned attachment;
	uint64_t handovers; /* when it was last looked at */
};

static void after(struct run *r, usec_t delay, sched_run *run, struct sequel s)
{
	sched_at(&r->net.sched, r->net.sched.now + delay, run, r, sim_copy(&s, sizeof(s)));
}

static struct place *any_place(struct run *r, const struct place *but)
{
	struct place *p;

	do
		p = &r->net.place[rng_below(&r->rng, r->net.n_places)];
	while (p == but && r->net.n_places > 1);
	return p;
}

static struct home_agent *any_agent(struct run *r)
{
	return r->net.n_agents ? r->net.agent[rng_below(&r->rng, r->net.n_agents)] : NULL;
}

/* --- links ------------------------------------------------------------------------------- */

static void arrive(void *owner, void *data)
{
	struct run *r = owner;
	struct sequel *s = data;

	if (r->calm || host_sleeps(r->host, arrive, r, s, sizeof(*s)))
		return;
	if (!s->nic->up && s->attachment == s->nic->attachment)
		nic_attach(s->nic, s->place);
}

static void attach_later(struct run *r, struct nic *nic, struct place *p, usec_t delay)
{
	if (delay)
		after(r, delay, arrive,
		      (struct sequel){.nic = nic, .place = p, .attachment = nic->attachment});
	else
		nic_attach(nic, p);
}

static void act_move(struct run *r)
{
	struct nic *nic = &r->host->nic[0];
	struct place *to = any_place(r, nic->place);
	usec_t hole = rng_chance(&r->rng, 0.5) ? 0 : rng_between(&r->rng, 1, 1500) * MSEC;

	if (r->host->n_nics > 1 && rng_chance(&r->rng, 0.4))
		nic = &r->host->nic[1];
	nic_detach(nic);
	attach_later(r, nic, to, hole);
}

static void act_flap(struct run *r)
{
	struct nic *nic = &r->host->nic[rng_below(&r->rng, r->host->n_nics)];
	struct place *p = nic->place;

	if (!nic->up)
		return;
	nic_detach(nic);
	attach_later(r, nic, rng_chance(&r->rng, 0.7) ? p : any_place(r, p),
		     rng_between(&r->rng, 1, 300) * MSEC);
}

static void act_uplink(struct run *r)
{
	struct nic *nic = &r->host->nic[r->host->n_nics - 1];

	if (r->host->n_nics < 2)
		return;
	if (!nic->up)
		nic_attach(nic, any_place(r, r->host->nic[0].place));
	else if (rng_chance(&r->rng, 0.5))
		nic_detach(nic);
	else
		nic_set_metric(nic, nic->metric == 1024 ? 512 : 1024);
	network_disturb(&r->net, r->host, "the second uplink changes");
}

static void follow(void *owner, void *data)
{
	struct run *r = owner;
	struct sequel *s = data;
	const struct engine *e = r->host->engine;
	bool early = !e->uplink || e->uplink->ifindex == s->nic->ifindex ||
		     e->n_handovers != s->handovers;

	if (r->calm || s->attachment != s->nic->attachment || s->nic->metric <= BETTER ||
	    host_sleeps(r->host, follow, r, s, sizeof(*s)))
		return;
	/* Not before the host has gone over, which it does later when links come and go often. */
	s->handovers = e->n_handovers;
	if (early)
		after(r, 5 * SEC, follow, *s);
	else
		nic_attach(s->nic, s->place);
}

/* Make before break: both links are there while the host goes over. */
static void act_overlap(struct run *r)
{
	struct nic *nic = r->host->nic, *from = &nic[nic[1].up && nic[1].metric < nic[0].metric];
	struct nic *to = from == nic ? &nic[1] : nic;

	if (!to->up) {
		nic_set_metric(to, 2048);
		nic_attach(to, any_place(r, from->place));
		return;
	}
	if (to->place == from->place || !to->n_addresses || !to->has_route)
		return;
	nic_set_metric(to, BETTER);
	nic_set_metric(from, 2048);
	network_disturb(&r->net, r->host, "%s is better now", to->name);
	after(r, 5 * SEC, follow,
	      (struct sequel){.nic = from,
			      .place = any_place(r, to->place),
			      .attachment = from->attachment});
}

static void come_back(void *owner, void *data)
{
	struct run *r = owner;
	struct sequel *s = data;

	if (!s->place->silent)
		return;
	s->place->silent = false;
	network_disturb(&r->net, r->host, "the router of %s is back", s->place->name);
}

static void act_router(struct run *r)
{
	struct nic *nic = &r->host->nic[rng_below(&r->rng, r->host->n_nics)];

	if (!nic->up || nic->place->silent)
		return;
	nic->place->silent = true;
	network_disturb(&r->net, r->host, "the router of %s vanishes", nic->place->name);
	nic_lose_router(nic);
	after(r, rng_between(&r->rng, 1, 20) * SEC, come_back,
	      (struct sequel){.place = nic->place});
}

/* --- home agents ------------------------------------------------------------------------- */

static void recover(void *owner, void *data)
{
	struct run *r = owner;
	struct sequel *s = data;

	agent_recover(s->agent);
	s->agent->grant = UINT16_MAX;
	s->agent->advice = 0;
	network_disturb(&r->net, r->host, "%s is well again", s->agent->name);
}

/* For a while. */
static void hurt(struct run *r, struct home_agent *a, const char *how)
{
	network_disturb(&r->net, r->host, "%s %s", a->name, how);
	after(r, rng_between(&r->rng, 1, 60) * SEC, recover, (struct sequel){.agent = a});
}

static void act_agent_down(struct run *r)
{
	struct home_agent *a = any_agent(r);
	bool forget = rng_chance(&r->rng, 0.7);

	agent_crash(a, forget);
	hurt(r, a, forget ? "crashes and forgets" : "goes down");
}

static void act_agent_data(struct run *r)
{
	struct home_agent *a = any_agent(r);

	a->data_dead = true;
	hurt(r, a, "forwards nothing any more");
}

static void act_agent_mute(struct run *r)
{
	struct home_agent *a = any_agent(r);

	a->mute = true;
	hurt(r, a, "says nothing any more");
}

static void act_agent_refuse(struct run *r)
{
	static const uint8_t status[] = {BA_UNSPECIFIED, BA_NO_RESOURCES};
	struct home_agent *a = any_agent(r);

	a->refuses = status[rng_below(&r->rng, sizeof(status))];
	hurt(r, a, "refuses");
}

static void act_agent_clock(struct run *r)
{
	struct home_agent *a = any_agent(r);

	a->skew = ((int64_t)rng_below(&r->rng, 7200) - 3600) * (int64_t)SEC;
	network_disturb(&r->net, r->host, "the clock of %s steps", a->name);
}

static void act_agent_stingy(struct run *r)
{
	struct home_agent *a = any_agent(r);

	a->grant = (uint16_t)(2 + rng_below(&r->rng, 10));
	a->advice = (uint16_t)rng_below(&r->rng, 4);
	hurt(r, a, "grants short lifetimes");
}

static void act_switch(struct run *r)
{
	struct home_agent *a = any_agent(r), *others[4];
	unsigned n = 0;

	for (unsigned i = 0; i < r->net.n_agents && n < 4; i++)
		if (r->net.agent[i] != a && !r->net.agent[i]->leaving &&
		    prefix_equal(&r->net.agent[i]->prefix[0], &a->prefix[0]))
			others[n++] = r->net.agent[i];
	if (!n) /* who has nobody to take over may as well crash */
		return;
	if (rng_chance(&r->rng, 0.3))
		n = 0;
	agent_switch(a, others, n);
	hurt(r, a, "asks everybody to leave");
}

static void act_revoke(struct run *r)
{
	static const uint8_t trigger[] = {TRIGGER_ADMINISTRATIVE, 2, 7, 7, 7, 7, 7, 7};
	struct binding *b;
	uint8_t why = trigger[rng_below(&r->rng, sizeof(trigger))];

	if (!r->host->engine)
		return;
	list_for_each(b, &r->host->engine->bindings, node) {
		struct home_agent *a = network_find_agent(&r->net, &b->anchor->address);
		struct cache_entry *c = a ? agent_lookup(a, &b->home) : NULL;

		if (!c || !c->bound || !rng_chance(&r->rng, 0.5))
			continue;
		network_disturb(&r->net, r->host, "%s revokes %s, trigger %u", a->name,
				ADDR_STR(&b->home), why);
		agent_revoke(a, c, why);
		if (why != 7)
			r->check.slow_until = r->net.sched.now + SLOW;
		return;
	}
}

/* --- the host ---------------------------------------------------------------------------- */

static void wake(void *owner, void *data)
{
	struct run *r = owner;

	(void)data;
	if (r->host->suspended)
		host_resume(r->host);
}

static void act_suspend(struct run *r)
{
	struct nic *nic = &r->host->nic[0];
	usec_t length = rng_chance(&r->rng, 0.8) ? rng_between(&r->rng, 1, 60) * SEC
						 : rng_between(&r->rng, 60, 7200) * SEC;

	host_suspend(r->host);
	after(r, length, wake, (struct sequel){0});
	if (rng_chance(&r->rng, 0.7))
		after(r, length + rng_between(&r->rng, 1, 2000) * MSEC, arrive,
		      (struct sequel){.nic = nic,
				      .place = any_place(r, NULL),
				      .attachment = nic->attachment + 1});
	if (rng_chance(&r->rng, 0.7)) {
		host_resume(r->host);
		nic_detach(nic);
		host_suspend(r->host);
	}
}

static void act_clock(struct run *r)
{
	r->host->clock_error = ((int64_t)rng_below(&r->rng, 7200) - 3600) * (int64_t)SEC;
	network_disturb(&r->net, r->host, "the wall clock steps");
}

static void act_resync(struct run *r)
{
	network_disturb(&r->net, r->host, "news of the kernel are lost");
	host_resync(r->host);
}

static void act_restart(struct run *r)
{
	if (!r->host->engine || r->host->suspended)
		return;
	network_disturb(&r->net, r->host, "the daemon dies");
	host_crash(r->host);
	host_start(r->host);
}

static void put_back(void *owner, void *data)
{
	struct run *r = owner;
	struct sequel *s = data;

	nic_solicit(s->nic);
	network_disturb(&r->net, r->host, "a manager has put an address back");
}

static void act_manager(struct run *r)
{
	struct nic *nic = &r->host->nic[rng_below(&r->rng, r->host->n_nics)];
	struct in6_addr a;

	if (!nic->n_addresses || !nic->up)
		return;
	a = nic->address[rng_below(&r->rng, nic->n_addresses)].addr;
	network_disturb(&r->net, r->host, "a manager removes %s", ADDR_STR(&a));
	nic_remove_address(nic, &a);
	after(r, rng_between(&r->rng, 0, 5000) * MSEC, put_back, (struct sequel){.nic = nic});
}

static void act_hostile(struct run *r)
{
	for (unsigned i = 1 + rng_below(&r->rng, 5); i > 0; i--)
		hostile_act(r->host, &r->rng);
}

static void act_settings(struct run *r)
{
	struct conf *new;
	struct conf_anchor *a;

	if (!r->host->engine || r->host->suspended)
		return;
	if (r->other_conf && engine_uses(r->host->engine, r->other_conf))
		return;
	if (r->other_conf)
		settings_free(r->other_conf);
	new = run_settings(r);
	list_for_each(a, &new->anchors, node)
		a->lifetime = rng_between(&r->rng, 20, 2000) * SEC;
	network_disturb(&r->net, r->host, "another configuration");
	r->other_conf = r->conf;
	r->conf = new;
	r->host->conf = new;
	host_enter(r->host, STIM_CONTROL);
	engine_reconfigure(r->host->engine, host_now(r->host), new);
	host_leave(r->host, STIM_CONTROL);
}

/* --- one, and none ----------------------------------------------------------------------- */

static act_fn *const acts[ACT_MAX] = {
	[ACT_MOVE] = act_move,
	[ACT_FLAP] = act_flap,
	[ACT_UPLINK] = act_uplink,
	[ACT_OVERLAP] = act_overlap,
	[ACT_ROUTER] = act_router,
	[ACT_AGENT_DOWN] = act_agent_down,
	[ACT_AGENT_DATA] = act_agent_data,
	[ACT_AGENT_MUTE] = act_agent_mute,
	[ACT_AGENT_REFUSE] = act_agent_refuse,
	[ACT_AGENT_CLOCK] = act_agent_clock,
	[ACT_AGENT_STINGY] = act_agent_stingy,
	[ACT_SWITCH] = act_switch,
	[ACT_REVOKE] = act_revoke,
	[ACT_SUSPEND] = act_suspend,
	[ACT_CLOCK] = act_clock,
	[ACT_RESYNC] = act_resync,
	[ACT_RESTART] = act_restart,
	[ACT_MANAGER] = act_manager,
	[ACT_HOSTILE] = act_hostile,
	[ACT_SETTINGS] = act_settings,
};

void run_act(struct run *r)
{
	unsigned sum = 0, at;

	for (unsigned i = 0; i < ACT_MAX; i++)
		sum += r->scenario->weight[i];
	at = rng_below(&r->rng, sum);
	if (r->host->suspended)
		return;
	for (unsigned i = 0; i < ACT_MAX; i++) {
		if (at < r->scenario->weight[i]) {
			acts[i](r);
			r->acts++;
			return;
		}
		at -= r->scenario->weight[i];
	}
}

/* Everything works, and the host is where it can be reached. */
void run_heal(struct run *r)
{
	r->net.faults = (struct faults){0};
	r->check.lossless = false;
	for (unsigned i = 0; i < r->net.n_agents; i++) {
		agent_recover(r->net.agent[i]);
		r->net.agent[i]->grant = UINT16_MAX;
		r->net.agent[i]->advice = 0;
	}
	for (unsigned i = 0; i < r->net.n_places; i++)
		r->net.place[i].silent = false;
	if (r->host->suspended)
		host_resume(r->host);
	if (!r->host->engine)
		host_start(r->host);
	nic_attach(&r->host->nic[0], &r->net.place[0]);
	network_disturb(&r->net, r->host, "peace");
}
