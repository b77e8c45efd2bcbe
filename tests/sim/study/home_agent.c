/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The home agent: authenticates, binds, acknowledges (RFC 6275 section 10.3, RFC 4285). */
#include <stdlib.h>
#include <string.h>

#include "node.h"
#include "proto/auth.h"

#define MN_HA_SUBTYPE 1
#define UNIT (MH_LIFETIME_UNIT * USEC_PER_SEC)
#define HEADERS (IP6_HEADER_LEN + RH2_HEADER_LEN)

bool home_agent_bound(const struct node *n, int anchor)
{
	const struct bound_home *c = &n->cache[anchor];

	return c->bound && c->expires > n->sched.now;
}

bool home_agent_forwards(const struct node *n, int anchor)
{
	struct in6_addr here;

	if (!n->has_address || anchor == n->dead_anchor || !home_agent_bound(n, anchor))
		return false;
	here = grid_address(n->network);
	return addr_equal(&n->cache[anchor].coa, &here);
}

static struct mip_sa key_of(const struct node *n)
{
	const struct conf_anchor *c =
		list_entry(n->conf->anchors.next, const struct conf_anchor, node);
	struct mip_sa sa = {
		.spi = c->spi, .alg = (enum mip_auth_alg)c->algorithm, .key_len = c->key_len};

	memcpy(sa.key, c->key, c->key_len);
	return sa;
}

static void set_bound(struct node *n, struct bound_home *c, bool bound)
{
	if (bound && !c->bound)
		n->n_bound++;
	else if (!bound && c->bound)
		n->n_bound--;
	c->bound = bound;
}

static void bind_home(struct node *n, int anchor, const struct mh_message *m)
{
	struct bound_home *c = &n->cache[anchor];

	c->known = true;
	c->sequence = m->bu.sequence;
	c->coa = m->opt.alt_coa;
	c->expires = n->sched.now + m->bu.lifetime * UNIT;
	set_bound(n, c, m->bu.lifetime != 0);
}

static void arrive(void *owner, void *data)
{
	const struct letter *l = data;
	struct node *n = owner;
	int network = grid_find(&l->dst);
	struct message_event ev = {
		.src = l->src, .dst = l->home, .has_rh2 = l->away, .mh = l->octets, .len = l->len};

	if (!n->has_address || network != n->network)
		return; /* the node is not there any more */
	if (n->measuring)
		n->tally->acknowledgements++;
	engine_message(n->engine, node_now(n), &ev);
	node_consequences(n);
}

static void acknowledge(struct node *n, const struct letter *bu, const struct mh_message *m,
			const struct mip_sa *sa, uint8_t status)
{
	struct letter out = {
		.anchor = bu->anchor,
		.src = bu->dst,
		.dst = bu->src,
		.home = bu->home,
		.away = bu->away,
	};
	struct mh_message ack = {.type = MH_BA};
	int r;

	ack.ba.status = status;
	ack.ba.sequence = status == BA_SEQUENCE_OUT_OF_WINDOW ? n->cache[bu->anchor].sequence
							      : m->bu.sequence;
	ack.ba.lifetime = m->bu.lifetime;
	ack.opt.has_replay = m->opt.has_replay;
	ack.opt.replay = m->opt.replay;
	ack.opt.has_auth = true;
	ack.opt.auth_subtype = MN_HA_SUBTYPE;
	ack.opt.auth_spi = sa->spi;
	ack.opt.auth_len = (uint8_t)mip_auth_len(sa->alg);
	r = mh_encode(&ack, out.octets, sizeof(out.octets));
	if (r < 0 || mip_auth_sign(sa, &m->opt.alt_coa, &out.home, &ack, out.octets, (size_t)r) < 0)
		abort();
	out.len = (size_t)r;
	mh_set_checksum(&out.src, &out.home, out.octets, out.len);
	if (n->measuring)
		n->tally->octets += HEADERS + out.len;
	sched_at(&n->sched, n->sched.now + grid_delay(grid_find(&out.dst), out.anchor), arrive, n,
		 sim_copy(&out, sizeof(out)));
}

/* What is wrong with it ends the study: the engine and this agent have to agree. */
static void must(bool holds)
{
	if (!holds)
		abort();
}

void home_agent_receive(void *owner, void *data)
{
	const struct letter *l = data;
	struct node *n = owner;
	const struct bound_home *c = &n->cache[l->anchor];
	struct mip_sa sa = key_of(n);
	uint8_t status = BA_ACCEPTED;
	struct mh_message m;

	if (l->anchor == n->dead_anchor)
		return;
	must(mh_checksum_ok(&l->home, &l->dst, l->octets, l->len));
	must(mh_decode(l->octets, l->len, &m) == 0 && m.type == MH_BU && m.opt.has_alt_coa);
	must(mip_auth_verify(&sa, &m.opt.alt_coa, &l->home, &m, l->octets, l->len) == 0);
	must(grid_find(&l->home) == l->anchor);
	if (c->known && (int16_t)(m.bu.sequence - c->sequence) <= 0)
		status = BA_SEQUENCE_OUT_OF_WINDOW;
	else
		bind_home(n, l->anchor, &m);
	acknowledge(n, l, &m, &sa, status);
}

void home_agent_die(struct node *n, int anchor)
{
	n->dead_anchor = anchor;
	set_bound(n, &n->cache[anchor], false);
}
