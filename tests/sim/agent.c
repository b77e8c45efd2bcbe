/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent.h"

#include <stdlib.h>
#include <string.h>

#include "host.h"

#define MN_HA_SUBTYPE 1
#define REPLAY_WINDOW 7 /* seconds, RFC 4285 section 6 */
#define OVERLAP (2 * USEC_PER_SEC)
#define UNIT (MH_LIFETIME_UNIT * USEC_PER_SEC)

struct home_agent *agent_new(struct network *n, const char *name, const struct in6_addr *address)
{
	struct home_agent *a = sim_alloc(sizeof(*a));

	a->net = n;
	snprintf(a->name, sizeof(a->name), "%s", name);
	a->address = *address;
	a->refuses = -1;
	a->grant = UINT16_MAX;
	a->delay = 10 * USEC_PER_MSEC;
	a->check_clock = true;
	for (unsigned i = 0; i < AGENT_BUCKETS; i++)
		list_init(&a->cache[i]);
	return network_add_agent(n, a);
}

static struct list *bucket(const struct home_agent *a, const struct in6_addr *home)
{
	unsigned hash = 0;

	for (unsigned i = 4; i < 16; i++)
		hash = hash * 31 + home->s6_addr[i];
	return (struct list *)&a->cache[hash % AGENT_BUCKETS];
}

struct cache_entry *agent_lookup(const struct home_agent *a, const struct in6_addr *home)
{
	struct cache_entry *c;

	list_for_each(c, bucket(a, home), node)
		if (addr_equal(&c->home, home))
			return c;
	return NULL;
}

static void forget(struct home_agent *a)
{
	struct cache_entry *c, *t;

	for (unsigned i = 0; i < AGENT_BUCKETS; i++)
		list_for_each_safe(c, t, &a->cache[i], node) {
			list_remove(&c->node);
			free(c);
		}
}

void agent_free(struct home_agent *a)
{
	forget(a);
	free(a);
}

bool agent_serves(const struct home_agent *a, const struct in6_addr *home)
{
	for (unsigned i = 0; i < a->n_prefixes; i++)
		if (prefix_contains(&a->prefix[i], home))
			return true;
	return false;
}

bool agent_knows(const struct home_agent *a, const struct in6_addr *home,
		 const struct in6_addr *coa)
{
	const struct cache_entry *c = agent_lookup(a, home);
	usec_t now = a->net->sched.now;

	return c && c->bound && c->expires > now &&
	       (addr_equal(&c->coa, coa) || (now < c->former_until && addr_equal(&c->former, coa)));
}

bool agent_forwards(const struct home_agent *a)
{
	return !a->down && !a->data_dead;
}

void agent_crash(struct home_agent *a, bool forgets)
{
	struct cache_entry *c;

	a->down = true;
	for (unsigned i = 0; i < AGENT_BUCKETS && forgets; i++)
		list_for_each(c, &a->cache[i], node) {
			c->bound = false;
			c->forgotten = true;
		}
}

void agent_recover(struct home_agent *a)
{
	a->down = a->data_dead = a->mute = a->leaving = false;
	a->refuses = -1;
}

/* --- what it writes ---------------------------------------------------------------------- */

struct mail agent_write(const struct home_agent *a, struct host *h, const struct in6_addr *home,
			const struct in6_addr *coa, bool away)
{
	struct mail m;

	memset(&m, 0, offsetof(struct mail, octets));
	m.posted = a->net->sched.now;
	m.host = h;
	m.agent = (struct home_agent *)a;
	m.src = a->address;
	m.dst = *coa;
	m.away = away;
	m.home = *home;
	m.next_header = MH_NEXT_HEADER;
	return m;
}

void mail_encode(struct mail *m, struct mh_message *mh, const struct mip_sa *sa,
		 const struct in6_addr *coa)
{
	int r;

	if (sa) {
		mh->opt.has_auth = true;
		mh->opt.auth_subtype = MN_HA_SUBTYPE;
		mh->opt.auth_spi = sa->spi;
		mh->opt.auth_len = (uint8_t)mip_auth_len(sa->alg);
	}
	r = mh_encode(mh, m->octets, sizeof(m->octets));
	if (r < 0)
		abort();
	m->len = (size_t)r;
	if (sa && mip_auth_sign(sa, coa, &m->home, mh, m->octets, m->len) < 0)
		abort();
	mh_set_checksum(&m->src, &m->home, m->octets, m->len);
}

static void post(const struct home_agent *a, const struct mail *m)
{
	network_post(a->net, a->delay + host_delay(m->host, &m->dst), host_mail, m);
}

/* --- what it is asked -------------------------------------------------------------------- */

/*
 * A binding update with all that it must have (RFC 6275 sections 10.3.1 and 11.7.1), or what is
 * wrong.
 */
static const char *judge(const struct home_agent *a, const struct mail *m, struct mh_message *mh)
{
	const struct in6_addr *home = &m->home;

	if (!mh_checksum_ok(home, &m->dst, m->octets, m->len))
		return "its checksum is wrong";
	if (mh_decode(m->octets, m->len, mh) < 0)
		return "it is malformed";
	if (mh->type == MH_BREV)
		return NULL;
	if (mh->type != MH_BU)
		return "it is no message for a home agent";
	if ((mh->bu.flags & (BU_ACK | BU_HOME)) != (BU_ACK | BU_HOME))
		return "a home registration asks for an acknowledgement";
	if (!mh->opt.has_alt_coa || !addr_equal(&mh->opt.alt_coa, &m->src))
		return "its alternate care-of address is not its source";
	if (!m->away && mh->bu.lifetime)
		return "it registers without a home address option";
	if (a->has_sa && mip_auth_verify(&a->sa, &mh->opt.alt_coa, home, mh, m->octets, m->len) < 0)
		return "its authenticator is wrong";
	return NULL;
}

static int decide(const struct home_agent *a, const struct cache_entry *c, const struct mail *m,
		  const struct mh_message *mh, uint64_t clock)
{
	int32_t behind = (int32_t)((uint32_t)(clock >> 32) - (uint32_t)(mh->opt.replay >> 32));

	if (a->refuses >= 0)
		return a->refuses;
	if (mh->opt.has_replay && a->check_clock && abs(behind) > REPLAY_WINDOW)
		return BA_ID_MISMATCH;
	if (c && !mh_sequence_newer(mh->bu.sequence, c->sequence))
		return BA_SEQUENCE_OUT_OF_WINDOW;
	if (!agent_serves(a, &m->home))
		return BA_NOT_HOME_SUBNET;
	if (!mh->bu.lifetime && !c)
		return BA_NOT_HOME_AGENT;
	if (a->leaving && mh->bu.lifetime)
		return BA_PROHIBITED;
	return BA_ACCEPTED;
}

static void expire(void *owner, void *data)
{
	struct home_agent *a = owner;
	const struct cache_entry *stale = data;
	struct cache_entry *c = agent_lookup(a, &stale->home);

	if (!c || !c->bound || c->expires > a->net->sched.now)
		return;
	c->bound = false;
	network_trace(a->net, "%s: the binding of %s expires", a->name, ADDR_STR(&c->home));
	if (a->net->observer.expired)
		a->net->observer.expired(a->net->observer.user, c->host, a, &c->home);
}

static void bind_home(struct home_agent *a, struct cache_entry *c, const struct mail *m,
		      const struct mh_message *mh)
{
	usec_t now = a->net->sched.now;

	if (!c) {
		c = sim_alloc(sizeof(*c));
		c->home = m->home;
		list_append(bucket(a, &m->home), &c->node);
	}
	c->host = m->host;
	c->forgotten = false;
	c->sequence = mh->bu.sequence;
	c->away = m->away;
	if (c->bound && !addr_equal(&c->coa, &mh->opt.alt_coa)) {
		c->former = c->coa;
		c->former_until = now + OVERLAP;
	}
	c->coa = mh->opt.alt_coa;
	c->bound = mh->bu.lifetime != 0;
	c->lifetime = mh->bu.lifetime < a->grant ? mh->bu.lifetime : a->grant;
	c->since = now;
	c->expires = now + c->lifetime * UNIT;
	if (c->bound && a->net->observer.expired)
		sched_at(&a->net->sched, c->expires, expire, a, sim_copy(c, sizeof(*c)));
}

static void update(struct home_agent *a, const struct mail *m, const struct mh_message *mh)
{
	struct cache_entry *c = agent_lookup(a, &m->home);
	usec_t real = (usec_t)((int64_t)network_real(a->net) + a->skew);
	uint64_t clock = (mip_replay_from_usec(real) & ~(uint64_t)UINT32_MAX) |
			 (mh->opt.replay & UINT32_MAX);
	int status = decide(a, c && !c->forgotten ? c : NULL, m, mh, clock);
	struct mh_message ack = {.type = MH_BA};
	struct mail out = agent_write(a, m->host, &m->home, &m->src, m->away);

	ack.ba.status = (uint8_t)status;
	ack.ba.sequence = status == BA_SEQUENCE_OUT_OF_WINDOW ? c->sequence : mh->bu.sequence;
	ack.opt.has_replay = mh->opt.has_replay;
	ack.opt.replay = status == BA_ID_MISMATCH ? clock : mh->opt.replay;
	a->updates++;
	if (status < BA_UNSPECIFIED || status == BA_NOT_HOME_AGENT)
		bind_home(a, c, m, mh); /* also to know the number that it must exceed */
	if (status < BA_UNSPECIFIED) {
		ack.ba.lifetime = mh->bu.lifetime < a->grant ? mh->bu.lifetime : a->grant;
		ack.opt.has_refresh_advice = a->advice && mh->bu.lifetime;
		ack.opt.refresh_advice = a->advice;
		a->accepted++;
	} else {
		a->refused++;
	}
	network_trace(a->net, "%s: %s at %s, sequence %u, lifetime %u: status %d", a->name,
		      ADDR_STR(&m->home), ADDR_STR(&m->src), mh->bu.sequence, mh->bu.lifetime,
		      status);
	if (a->mute)
		return;
	mail_encode(&out, &ack, a->has_sa ? &a->sa : NULL, &mh->opt.alt_coa);
	host_remember(m->host, &out);
	post(a, &out);
}

/* --- ICMPv6 ------------------------------------------------------------------------------ */

static void answer_icmp(struct home_agent *a, int len, struct mail *out)
{
	if (len < 0)
		abort();
	out->next_header = IPPROTO_ICMPV6;
	out->len = (size_t)len;
	icmp6_set_checksum(&out->src, out->away ? &out->home : &out->dst, out->octets, out->len);
	post(a, out);
}

static void answer_discovery(struct home_agent *a, const struct mail *m, uint16_t identifier)
{
	struct mail out = agent_write(a, m->host, &m->src, &m->src, false);
	struct dhaad_reply r = {.identifier = identifier};

	/* All home agents of the link, best first. */
	for (unsigned i = 0; i < a->net->n_agents && r.n < DHAAD_MAX_AGENTS; i++) {
		struct home_agent *other = a->net->agent[i];
		unsigned at = r.n;

		if (other->down || !other->n_prefixes ||
		    !prefix_equal(&other->prefix[0], &a->prefix[0]))
			continue;
		while (at && network_find_agent(a->net, &r.agent[at - 1])->preference <
				     other->preference) {
			r.agent[at] = r.agent[at - 1];
			at--;
		}
		r.agent[at] = other->address;
		r.n++;
	}
	answer_icmp(a, dhaad_reply_build(&r, out.octets, sizeof(out.octets)), &out);
}

static void answer_prefixes(struct home_agent *a, const struct mail *m, uint16_t identifier)
{
	struct mail out = agent_write(a, m->host, &m->home, &m->src, true);
	struct mobile_prefix_advert adv = {.identifier = identifier, .n_prefixes = a->n_prefixes};

	for (unsigned i = 0; i < a->n_prefixes; i++)
		adv.prefix[i] = (struct nd_prefix_info){.prefix = a->prefix[i],
							.on_link = true,
							.autonomous = true,
							.valid = 86400,
							.preferred = 14400};
	answer_icmp(a, mobile_prefix_advert_build(&adv, out.octets, sizeof(out.octets)), &out);
}

static void answer_echo(struct home_agent *a, const struct mail *m)
{
	struct mail out = agent_write(a, m->host, &m->src, &m->src, false);

	memcpy(out.octets, m->octets, m->len);
	out.octets[0] = ICMP6_ECHO_REPLY_TYPE;
	answer_icmp(a, (int)m->len, &out);
}

static void receive_icmp(struct home_agent *a, const struct mail *m)
{
	uint16_t identifier;
	bool router;

	if (m->len >= 8 && m->octets[0] == ICMP6_ECHO)
		answer_echo(a, m);
	else if (dhaad_request_parse(m->octets, m->len, &identifier, &router) == 0)
		answer_discovery(a, m, identifier);
	else if (mobile_prefix_solicit_parse(m->octets, m->len, &identifier) == 0)
		answer_prefixes(a, m, identifier);
}

void agent_mail(void *owner, void *data)
{
	struct mail *m = data;
	struct home_agent *a = m->agent;
	struct mh_message mh;
	const char *wrong;

	(void)owner;
	if (a->down) {
		a->dropped++;
		return;
	}
	if (m->next_header == IPPROTO_ICMPV6) {
		receive_icmp(a, m);
		return;
	}
	wrong = judge(a, m, &mh);
	if (wrong)
		network_broken(a->net, m->host, "well-formed-updates", "a message for %s: %s",
			       ADDR_STR(&m->home), wrong);
	else if (mh.type == MH_BU)
		update(a, m, &mh);
}

/* --- unasked ----------------------------------------------------------------------------- */

void agent_switch(struct home_agent *a, struct home_agent *const *others, unsigned n)
{
	struct cache_entry *c;

	a->leaving = true;
	for (unsigned i = 0; i < AGENT_BUCKETS; i++)
		list_for_each(c, &a->cache[i], node) {
			struct mh_message mh = {.type = MH_HAS};
			struct mail m;

			if (!c->bound || c->expires <= a->net->sched.now)
				continue;
			m = agent_write(a, c->host, &c->home, &c->coa, true);
			for (; mh.has.n < n && mh.has.n < MH_MAX_HA_ADDRS; mh.has.n++)
				mh.has.addr[mh.has.n] = others[mh.has.n]->address;
			mh.opt.has_replay = a->check_clock;
			mh.opt.replay = mip_replay_from_usec(
				(usec_t)((int64_t)network_real(a->net) + a->skew));
			mail_encode(&m, &mh, a->has_sa ? &a->sa : NULL, &c->coa);
			host_remember(c->host, &m);
			post(a, &m);
		}
}

void agent_revoke(struct home_agent *a, struct cache_entry *c, uint8_t trigger)
{
	struct mh_message mh = {.type = MH_BREV};
	struct mail m = agent_write(a, c->host, &c->home, &c->coa, true);

	mh.brev.type = 1;
	mh.brev.code = trigger;
	mh.brev.sequence = ++a->revocations;
	mh.opt.has_replay = a->check_clock;
	mh.opt.replay = mip_replay_from_usec((usec_t)((int64_t)network_real(a->net) + a->skew));
	mail_encode(&m, &mh, a->has_sa ? &a->sa : NULL, &c->coa);
	host_remember(c->host, &m);
	c->bound = false;
	post(a, &m);
}
