/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the engine asks of its host. */
#include <errno.h>
#include <string.h>

#include "node.h"

/* --- packets ------------------------------------------------------------------------------ */

static void count_update(struct node *n, const struct letter *l, const struct mh_message *m)
{
	struct in6_addr *last = &n->last_coa[l->anchor];
	struct tally *t = n->tally;
	bool again = addr_equal(last, &m->opt.alt_coa);
	const struct binding *b = engine_find_home(n->engine, &l->home);

	*last = m->bu.lifetime ? m->opt.alt_coa : (struct in6_addr){0};
	if (!n->measuring)
		return;
	t->octets += IP6_HEADER_LEN + (l->away ? HAO_HEADER_LEN : 0) + l->len;
	if (b && b->retries)
		t->retransmissions++;
	else if (!m->bu.lifetime && l->away)
		t->withdrawals++;
	else if (!m->bu.lifetime)
		t->returns++;
	else if (again)
		t->refreshes++;
	else
		t->moves++;
}

static int op_send(void *user, int ifindex, const struct ip6_packet *p)
{
	struct node *n = user;
	struct mh_message m;
	struct letter l = {
		.anchor = grid_find(&p->dst),
		.src = p->src,
		.dst = p->dst,
		.home = p->has_home_option ? p->home : p->src,
		.away = p->has_home_option,
		.len = p->payload_len,
	};

	(void)ifindex;
	if (n->network == NOWHERE)
		return -ENETDOWN;
	if (l.len > sizeof(l.octets) || mh_decode(p->payload, p->payload_len, &m) < 0 ||
	    m.type != MH_BU || l.anchor == NOWHERE)
		return -EOPNOTSUPP;
	memcpy(l.octets, p->payload, l.len);
	count_update(n, &l, &m);
	sched_at(&n->sched, n->sched.now + grid_delay(n->network, l.anchor), home_agent_receive, n,
		 sim_copy(&l, sizeof(l)));
	return 0;
}

static int op_solicit(void *user, int ifindex)
{
	(void)ifindex;
	node_solicited(user);
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

/* Nobody answers: what it would measure has no use here. */
static int op_echo(void *user, int ifindex, const struct in6_addr *src, const struct in6_addr *dst,
		   uint16_t identifier, uint16_t sequence, size_t octets)
{
	struct node *n = user;

	(void)ifindex, (void)src, (void)dst, (void)identifier, (void)sequence, (void)octets;
	if (n->measuring)
		n->tally->echoes++;
	return 0;
}

static void op_limit_mtu(void *user, const struct in6_addr *home, uint32_t octets)
{
	(void)user, (void)home, (void)octets;
}

/* --- addresses and paths ------------------------------------------------------------------ */

static void op_leave(void *user, int ifindex, const struct in6_addr *addr)
{
	(void)user, (void)ifindex, (void)addr;
}

static int op_set_path(void *user, const struct path *p)
{
	struct node *n = user;

	if (p->slot >= MAX_BINDINGS) {
		n->tally->slots_missing++;
		return -ENOSPC;
	}
	n->path[p->slot] = *p;
	n->has_path[p->slot] = true;
	return 0;
}

static void op_confirm_path(void *user, const struct path *path)
{
	(void)user, (void)path;
}

static void op_drop_path(void *user, const struct path *p)
{
	struct node *n = user;

	if (p->slot < MAX_BINDINGS)
		n->has_path[p->slot] = false;
}

static int op_accept(void *user, const struct in6_addr *home, const struct in6_addr *anchor,
		     const struct in6_addr *coa)
{
	(void)user, (void)home, (void)anchor, (void)coa;
	return 0;
}

static void op_reject(void *user, const struct in6_addr *home, const struct in6_addr *anchor,
		      const struct in6_addr *coa)
{
	(void)user, (void)home, (void)anchor, (void)coa;
}

/* As soon as it is accepted. */
static usec_t op_first_data(void *user, const struct in6_addr *home, const struct in6_addr *anchor,
			    const struct in6_addr *coa)
{
	struct node *n = user;

	(void)home, (void)anchor, (void)coa;
	return n->sched.now;
}

static void op_traffic(void *user, unsigned slot, uint64_t *ret_sent, uint64_t *ret_received)
{
	(void)user, (void)slot;
	*ret_sent = *ret_received = 0;
}

static void op_watch_activity(void *user, const struct in6_addr *home)
{
	(void)user, (void)home;
}

/* --- sessions ----------------------------------------------------------------------------- */

static int op_list_sessions(void *user, const struct ip6_prefix *sources, unsigned n_sources,
			    struct session_info **ret, size_t *ret_n)
{
	*ret_n = flows_list(user, sources, n_sources, ret);
	return 0;
}

static void op_destroy_sessions(void *user, const struct in6_addr *source, unsigned n)
{
	(void)user, (void)source, (void)n;
}

static void op_watch_sessions(void *user, bool on)
{
	struct node *n = user;

	n->watching = on;
}

static int op_session_owner(void *user, const struct session_info *s, struct session_owner *ret)
{
	(void)user, (void)s, (void)ret;
	return -ENOENT;
}

/* --- the rest ----------------------------------------------------------------------------- */

static int op_resolve(void *user, const char *domain)
{
	(void)user, (void)domain;
	return -EOPNOTSUPP;
}

static int op_fetch_domain(void *user, int ifindex, const char *domain)
{
	(void)user, (void)ifindex, (void)domain;
	return -EOPNOTSUPP;
}

static void op_set_timer(void *user, usec_t when)
{
	node_timer_wanted(user, when);
}

static void op_random(void *user, void *buf, size_t len)
{
	struct node *n = user;
	uint8_t *b = buf;

	for (size_t i = 0; i < len; i++)
		b[i] = (uint8_t)(rng_next(&n->engine_rng) >> 32);
}

static void op_persist(void *user)
{
	(void)user;
}

static void op_publish(void *user, enum engine_object kind, enum engine_change change,
		       const void *object)
{
	(void)user, (void)kind, (void)change, (void)object;
}

static void op_notify(void *user, const struct event *ev)
{
	(void)user, (void)ev;
}

const struct engine_ops study_ops = {
	.send = op_send,
	.solicit = op_solicit,
	.probe_router = op_probe_router,
	.found_router = op_probe_router,
	.announce = op_announce,
	.answer = op_answer,
	.leave_address = op_leave,
	.leave_router = op_leave,
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
