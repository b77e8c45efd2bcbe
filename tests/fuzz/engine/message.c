/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"

void event_agent(struct fuzz *f)
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

/* --- acknowledgements ---------------------------------------------------------------------- */

static struct agent *agent_at(struct world *w, const struct in6_addr *address)
{
	for (unsigned i = 0; i < w->n_agents; i++)
		if (addr_equal(&w->agent[i].conf->address, address))
			return &w->agent[i];
	return NULL;
}

static bool some_ack(struct fuzz *f, struct agent_ack *ret)
{
	uint8_t which = u8(f), how = u8(f), status = u8(f);
	const struct agent_received *u;
	struct agent *a;

	if (!f->n_updates)
		return false;
	u = &f->update[(f->n_updates - 1 - which % REMEMBERED) % REMEMBERED];
	a = agent_at(f->w, &u->dst);
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
void event_true_ack(struct fuzz *f)
{
	struct agent_ack ack;

	if (some_ack(f, &ack))
		world_deliver(f->w, &ack);
}

void event_false_ack(struct fuzz *f)
{
	struct standing before;
	struct agent_ack ack;
	struct mip_sa sa;
	uint8_t how;

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
	take_settled(f, &before);
	world_deliver(f->w, &ack);
	check_unchanged(f->w->e, &before);
}

/* --- what nobody signs --------------------------------------------------------------------- */

void event_bytes(struct fuzz *f)
{
	struct agent_message m = {.src = world_addr(HA), .dst = world_addr(HOA)};
	struct standing before;
	uint8_t how = u8(f);

	m.has_rh2 = how & 1;
	for (m.len = 0; m.len < how && f->pos < f->size; m.len++)
		m.mh[m.len] = u8(f);
	if (m.len >= 6)
		mh_set_checksum(&m.src, &m.dst, m.mh, m.len);
	take_settled(f, &before);
	world_message(f->w, &m);
	if (!confs[f->conf].insecure)
		check_unchanged(f->w->e, &before);
}

void event_hint(struct fuzz *f)
{
	struct agent_message out = {.src = world_addr(HA), .dst = world_addr(HOA)};
	struct mh_message m = {.type = u8(f) & 1 ? MH_BRR : MH_BE};
	struct standing before;

	if (m.type == MH_BE) {
		m.be.status = u8(f) % 4;
		m.be.home = world_addr(HOA);
	}
	out.len = (size_t)mh_encode(&m, out.mh, sizeof(out.mh));
	mh_set_checksum(&out.src, &out.dst, out.mh, out.len);
	take_settled(f, &before);
	world_message(f->w, &out);
	check_unchanged(f->w->e, &before);
}

/* --- home agent switch, binding revocation -------------------------------------------------- */

static const struct binding *bound(struct fuzz *f)
{
	unsigned n = u8(f) % 4;
	const struct binding *b, *last = NULL;

	list_for_each(b, &f->w->e->bindings, node)
		if (b->registered) {
			last = b;
			if (n-- == 0)
				break;
		}
	return last;
}

static struct mh_message some_order(struct fuzz *f)
{
	uint8_t what = u8(f);
	struct mh_message m = {.type = what & 1 ? MH_HAS : MH_BREV};

	if (m.type == MH_BREV) {
		m.brev.type = what & 2 ? 2 : 1;
		m.brev.code = u8(f) % 9;
		m.brev.sequence = what;
		m.brev.flags = what & 4 ? 0x8000 : 0;
		return m;
	}
	m.has.n = (what >> 1) % 4;
	for (unsigned i = 0; i < m.has.n; i++)
		m.has.addr[i] = any_agent(f);
	m.opt.has_refresh_advice = what & 64;
	m.opt.refresh_advice = what;
	return m;
}

enum forgery { TRUE_ONE, UNSIGNED, WRONG_KEY, WRONG_SPI, WRONG_COA, OLD, CHANGED, FORGERY_MAX };

/* False if there is nobody who could have sent it. */
static bool build_order(struct fuzz *f, enum forgery forged, struct agent_message *out)
{
	const struct binding *b = bound(f);
	struct mh_message m = some_order(f);
	usec_t real = f->w->now.real;
	struct in6_addr coa;
	struct mip_sa sa;
	int n;

	if (!b || !b->anchor->has_sa)
		return false;
	sa = b->anchor->sa;
	coa = b->registered_coa;
	*out = (struct agent_message){.src = b->anchor->address, .dst = b->home, .has_rh2 = true};
	m.opt.has_replay = b->anchor->conf->replay == CONF_REPLAY_TIMESTAMP;
	real = (usec_t)((int64_t)real + b->anchor->clock_offset);
	m.opt.replay = mip_replay_from_usec(forged == OLD ? real - 60 * SEC : real);
	m.opt.has_auth = forged != UNSIGNED;
	m.opt.auth_subtype = 1;
	m.opt.auth_spi = sa.spi ^ (forged == WRONG_SPI ? 0x100 : 0);
	m.opt.auth_len = (uint8_t)mip_auth_len(sa.alg);
	n = mh_encode(&m, out->mh, sizeof(out->mh));
	require(n > 0, "no message");
	out->len = (size_t)n;
	sa.key[0] ^= forged == WRONG_KEY;
	coa.s6_addr[15] ^= forged == WRONG_COA;
	if (m.opt.has_auth)
		require(mip_auth_sign(&sa, &coa, &out->dst, &m, out->mh, out->len) == 0,
			"not signed");
	if (forged == CHANGED)
		out->mh[6 + u8(f) % (out->len - 6)] ^= 4;
	mh_set_checksum(&out->src, &out->dst, out->mh, out->len);
	return true;
}

void event_true_order(struct fuzz *f)
{
	struct agent_message m;

	if (!build_order(f, TRUE_ONE, &m))
		return;
	world_message(f->w, &m);
	f->order = m;
	f->has_order = true;
	check_excuse(f);
}

void event_false_order(struct fuzz *f)
{
	enum forgery how = (enum forgery)(u8(f) % FORGERY_MAX);
	struct agent_message m = f->order;
	struct standing before;

	if (how == TRUE_ONE) { /* the last one, again */
		if (!f->has_order || confs[f->conf].no_replay)
			return;
	} else if (!build_order(f, how, &m) || (how == OLD && confs[f->conf].no_replay)) {
		return;
	}
	take_settled(f, &before);
	world_message(f->w, &m);
	check_unchanged(f->w->e, &before);
}
