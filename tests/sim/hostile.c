/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hostile.h"

#include <string.h>

#include "agent.h"

#define OLD (30 * USEC_PER_SEC) /* beyond any window for timestamps */

/* Some home address of the host, and its agent as anybody can know it. */
static struct binding *victim(struct host *h, struct rng *r)
{
	struct binding *b;
	unsigned n = 0;

	list_for_each(b, &h->engine->bindings, node)
		n++;
	if (!n)
		return NULL;
	n = rng_below(r, n);
	list_for_each(b, &h->engine->bindings, node)
		if (n-- == 0)
			break;
	return b;
}

static struct mail envelope(struct host *h, const struct binding *b)
{
	struct mail m;

	memset(&m, 0, offsetof(struct mail, octets));
	m.host = h;
	m.src = b->anchor->address;
	m.dst = b->coa;
	m.away = true;
	m.home = b->home;
	m.next_header = MH_NEXT_HEADER;
	return m;
}

static void send_forged(struct host *h, const struct mail *m, const char *what)
{
	network_trace(h->net, "forged: %s for %s", what, ADDR_STR(&m->home));
	h->net->forged++;
	host_deliver(h, m, STIM_FORGED);
}

/* Signed with a key that is not the one, with none, or changed on the way. */
static void send_badly_signed(struct host *h, struct rng *r, const struct binding *b,
			      struct mh_message *mh, const char *what)
{
	struct mail m = envelope(h, b);
	struct mip_sa sa = b->anchor->sa;
	unsigned how = rng_below(r, 4);
	uint16_t covered;

	if (!b->anchor->has_sa)
		return;
	if (how == 1)
		sa.key[rng_below(r, (unsigned)sa.key_len)] ^= (uint8_t)(1 + rng_below(r, 255));
	if (how == 2)
		sa.spi ^= 1;
	mail_encode(&m, mh, how == 0 ? NULL : &sa, &b->coa);
	if (how == 3) { /* anything under the authenticator but the checksum */
		covered = (uint16_t)(6 + rng_below(r, mh->auth_offset + mh->opt.auth_len - 6u));
		m.octets[covered] ^= (uint8_t)(1 << rng_below(r, 8));
		mh_set_checksum(&m.src, &m.home, m.octets, m.len);
	}
	send_forged(h, &m, what);
}

static void forge_acknowledgement(struct host *h, struct rng *r, const struct binding *b)
{
	static const uint8_t status[] = {0, 0, 1, 128, 129, 130, 132, 133, 134, 135, 144, 146};
	struct mh_message mh = {.type = MH_BA};

	mh.ba.status = status[rng_below(r, sizeof(status))];
	mh.ba.sequence = (uint16_t)(b->sequence - rng_below(r, 3));
	mh.ba.lifetime = (uint16_t)rng_below(r, 2000);
	if (b->n_outstanding && b->outstanding[b->n_outstanding - 1].replay) {
		mh.opt.has_replay = true;
		mh.opt.replay = b->outstanding[b->n_outstanding - 1].replay;
	}
	send_badly_signed(h, r, b, &mh, "an acknowledgement");
}

static void forge_switch(struct host *h, struct rng *r, const struct binding *b)
{
	struct mh_message mh = {.type = MH_HAS};

	mh.has.n = rng_below(r, 3);
	for (unsigned i = 0; i < mh.has.n; i++)
		mh.has.addr[i] = (struct in6_addr){
			.s6_addr = {0x20, 0x01, 0x0d, 0xb8, 0xbb, [15] = (uint8_t)(i + 1)}};
	mh.opt.has_replay = rng_chance(r, 0.5);
	mh.opt.replay = mip_replay_from_usec(network_real(h->net));
	send_badly_signed(h, r, b, &mh, "a home agent switch");
}

static void forge_revocation(struct host *h, struct rng *r, const struct binding *b)
{
	struct mh_message mh = {.type = MH_BREV};

	mh.brev.type = (uint8_t)(1 + rng_below(r, 2));
	mh.brev.code = (uint8_t)rng_below(r, 8);
	mh.brev.sequence = (uint16_t)rng_next(r);
	mh.opt.has_replay = rng_chance(r, 0.5);
	mh.opt.replay = mip_replay_from_usec(network_real(h->net));
	send_badly_signed(h, r, b, &mh, "a revocation");
}

/* What home agents say without a signature. */
static void forge_hint(struct host *h, struct rng *r, const struct binding *b)
{
	struct mh_message mh = {.type = rng_chance(r, 0.5) ? MH_BE : MH_BRR};
	struct mail m = envelope(h, b);

	if (mh.type == MH_BE) {
		mh.be.status = (uint8_t)(1 + rng_below(r, 2));
		mh.be.home = b->home;
		m.away = false;
		m.home = b->coa;
		mail_encode(&m, &mh, NULL, &b->coa);
		send_forged(h, &m, "a binding error");
		return;
	}
	mail_encode(&m, &mh, NULL, &b->coa);
	send_forged(h, &m, "a refresh request");
}

static void replay(struct host *h, struct rng *r)
{
	const struct mail *m;
	uint16_t sequence;
	struct binding *b;

	if (!h->n_mail)
		return;
	m = h->mail[rng_below(r, h->n_mail < HOST_REMEMBERED ? h->n_mail : HOST_REMEMBERED)];
	b = engine_find_home(h->engine, &m->home);
	sequence = (uint16_t)(m->octets[8] << 8 | m->octets[9]);
	if (!b)
		return;
	if (m->octets[2] != MH_BA) {
		if (m->posted + OLD < h->net->sched.now)
			send_forged(h, m, "an old order again");
		return;
	}
	/* The answer to an update that waits for one is no replay. */
	for (unsigned i = 0; i < b->n_outstanding; i++)
		if (b->outstanding[i].sequence == sequence ||
		    m->octets[6] == BA_SEQUENCE_OUT_OF_WINDOW)
			return;
	send_forged(h, m, "an old message again");
}

static void random_octets(struct host *h, struct rng *r, const struct binding *b)
{
	struct mail m = envelope(h, b);

	m.len = rng_below(r, 120);
	for (size_t i = 0; i < m.len; i++)
		m.octets[i] = (uint8_t)rng_next(r);
	if (m.len >= 8 && rng_chance(r, 0.8)) {
		m.octets[0] = 59;
		m.octets[1] = (uint8_t)(m.len / 8 - 1);
		m.octets[2] = (uint8_t)rng_below(r, 22);
		m.len = m.len / 8 * 8;
		mh_set_checksum(&m.src, &m.home, m.octets, m.len);
	}
	send_forged(h, &m, "nonsense");
}

static void forge_icmp(struct host *h, struct rng *r, const struct binding *b)
{
	static const uint8_t type[] = {1, 2, 3, 4, 129, 145, 147};
	struct mail m = envelope(h, b);

	m.next_header = IPPROTO_ICMPV6;
	m.away = rng_chance(r, 0.5);
	if (!m.away)
		m.home = m.dst;
	m.len = 8 + rng_below(r, 100);
	for (size_t i = 0; i < m.len; i++)
		m.octets[i] = (uint8_t)rng_next(r);
	m.octets[0] = type[rng_below(r, sizeof(type))];
	m.octets[1] = 0;
	icmp6_set_checksum(&m.src, m.away ? &m.home : &m.dst, m.octets, m.len);
	send_forged(h, &m, "an ICMPv6 message");
}

/* Routers that are not there, and prefixes that belong elsewhere. */
static void forge_adverts(struct host *h, struct rng *r, const struct binding *b)
{
	unsigned n = 1 + rng_below(r, 20);
	struct nic *nic = &h->nic[rng_below(r, h->n_nics)];
	const struct link *up = h->engine->uplink;

	/*
	 * Who knows no router at all has to believe the first one: there is no other news (RFC
	 * 4861).
	 */
	if (!up || up->ifindex != nic->ifindex || !nic->up ||
	    !prefix_contains(&nic->place->prefix, &h->engine->coa))
		return;
	for (unsigned i = 0; i < n && nic->up; i++) {
		struct in6_addr router = {.s6_addr = {0xfe, 0x80, [8] = 0xbb}};
		struct nd_router_advert ra;

		memset(&ra, 0, sizeof(ra));
		router.s6_addr[15] = (uint8_t)rng_below(r, 64);
		ra.router_lifetime = 30;
		ra.home_agent = rng_chance(r, 0.3);
		ra.preference = ND_PREF_LOW;
		ra.n_prefixes = 1;
		ra.prefix[0] =
			(struct nd_prefix_info){.on_link = true, .valid = 60, .preferred = 60};
		ra.prefix[0].prefix =
			prefix_make(&(struct in6_addr){.s6_addr = {0x20, 0x01, 0x0d, 0xb8, 0xbb, 0,
								   0, (uint8_t)rng_next(r)}},
				    64);
		/* Who is at home has no tunnel that would show that this is not home. */
		if (b && rng_chance(r, 0.3) && b->registered && b->path.mode == PATH_TUNNEL)
			ra.prefix[0].prefix = b->home_prefix;
		h->net->forged++;
		network_trace(h->net, "forged: an advertisement of %s",
			      PREFIX_STR(&ra.prefix[0].prefix));
		nic_advertise(nic, &router, &ra, STIM_FALSE_ADVERT);
	}
	network_disturb(h->net, h, "false routers");
}

void hostile_act(struct host *h, struct rng *r)
{
	static void (*const forge[])(struct host *, struct rng *, const struct binding *) = {
		forge_acknowledgement, forge_switch, forge_revocation, forge_hint,
		random_octets,         forge_icmp,   forge_adverts,
	};
	unsigned what = rng_below(r, 8);
	struct binding *b;

	if (!h->engine || h->suspended || !h->engine->started)
		return;
	if (what == 7) {
		replay(h, r);
		return;
	}
	b = victim(h, r);
	if (b)
		forge[what](h, r, b);
}
