/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine_agent.h"

#include <stdlib.h>
#include <string.h>

#define NTP_SECONDS(ntp) ((int64_t)((ntp) >> 32))
#define REPLAY_WINDOW 7 /* seconds, RFC 4285 section 6 */

void agent_key(const struct conf_anchor *conf, uint8_t key[CONF_KEY_MAX], size_t *ret_len)
{
	*ret_len = 16;
	memset(key, 0, CONF_KEY_MAX);
	memcpy(key, conf->address.s6_addr, 16);
}

void agent_init(struct agent *a, const struct conf_anchor *conf)
{
	memset(a, 0, sizeof(*a));
	a->conf = conf;
	a->has_sa = conf->has_key;
	a->sa.spi = conf->spi;
	a->sa.alg = (enum mip_auth_alg)conf->algorithm;
	agent_key(conf, a->sa.key, &a->sa.key_len);
	a->status = -1;
	a->grant = UINT16_MAX;
	a->rtt = 20 * USEC_PER_MSEC;
	a->check_clock = true;
}

const char *agent_receive(const struct agent *a, const struct ip6_packet *p,
			  struct agent_received *ret)
{
	const struct in6_addr *home = ip6_packet_source(p);
	struct mh_message m;

	if (!addr_equal(&p->dst, &a->conf->address))
		return "not to this agent";
	if (p->next_header != MH_NEXT_HEADER || p->has_rh2)
		return "not a mobility header alone";
	if (!mh_checksum_ok(home, &p->dst, p->payload, p->payload_len))
		return "checksum";
	if (mh_decode(p->payload, p->payload_len, &m) < 0 || m.type != MH_BU)
		return "not a binding update";
	if (!(m.bu.flags & BU_ACK) || !(m.bu.flags & BU_HOME))
		return "a home registration asks for an acknowledgement";
	if (!m.opt.has_alt_coa || !addr_equal(&m.opt.alt_coa, &p->src))
		return "alternate care-of address";
	if (!p->has_home_option && m.bu.lifetime != 0)
		return "registration without home address option";
	if (a->has_sa &&
	    mip_auth_verify(&a->sa, &m.opt.alt_coa, home, &m, p->payload, p->payload_len) < 0)
		return "authentication";
	if (a->has_sa && (a->conf->replay == CONF_REPLAY_TIMESTAMP) != m.opt.has_replay)
		return "replay protection";
	*ret = (struct agent_received){
		.src = p->src,
		.dst = p->dst,
		.home = *home,
		.away = p->has_home_option,
		.sequence = m.bu.sequence,
		.lifetime = m.bu.lifetime,
		.flags = m.bu.flags,
		.coa = m.opt.alt_coa,
		.has_replay = m.opt.has_replay,
		.replay = m.opt.replay,
	};
	return NULL;
}

static struct agent_binding *cache_find(struct agent *a, const struct in6_addr *home)
{
	for (unsigned i = 0; i < a->n_cache; i++)
		if (addr_equal(&a->cache[i].home, home))
			return &a->cache[i];
	return NULL;
}

const struct agent_binding *agent_find(const struct agent *a, const struct in6_addr *home)
{
	return cache_find((struct agent *)a, home);
}

struct agent_ack agent_ack_for(const struct agent *a, const struct agent_received *u,
			       uint8_t status)
{
	return (struct agent_ack){
		.src = u->dst,
		.dst = u->home,
		.has_rh2 = u->away,
		.coa = u->coa,
		.status = status,
		.sequence = u->sequence,
		.lifetime = status >= BA_UNSPECIFIED ? 0
			    : u->lifetime < a->grant ? u->lifetime
						     : a->grant,
		.advice = a->advice,
		.has_replay = u->has_replay,
		.replay = u->replay,
		.sa = a->has_sa ? &a->sa : NULL,
		.spi = a->sa.spi,
		.flip = -1,
	};
}

/* The agent's own time as RFC 4285 section 6 wants it: high half its seconds, low half ours. */
static uint64_t agent_clock(const struct agent *a, const struct agent_received *u, usec_t real)
{
	uint64_t own = mip_replay_from_usec((usec_t)((int64_t)real + a->skew));

	return (own & ~(uint64_t)UINT32_MAX) | (u->replay & UINT32_MAX);
}

bool agent_process(struct agent *a, const struct agent_received *u, usec_t real,
		   struct agent_ack *ret)
{
	struct agent_binding *c = cache_find(a, &u->home);

	if (a->lose) {
		a->lose--;
		return false;
	}
	if (a->silent)
		return false;
	if (a->status >= 0) {
		*ret = agent_ack_for(a, u, (uint8_t)a->status);
		if (a->status == BA_ID_MISMATCH)
			ret->replay = agent_clock(a, u, real);
		return true;
	}
	if (u->has_replay && a->check_clock &&
	    llabs(NTP_SECONDS(agent_clock(a, u, real)) - NTP_SECONDS(u->replay)) > REPLAY_WINDOW) {
		*ret = agent_ack_for(a, u, BA_ID_MISMATCH);
		ret->replay = agent_clock(a, u, real);
		return true;
	}
	if (c && !mh_sequence_newer(u->sequence, c->sequence)) {
		*ret = agent_ack_for(a, u, BA_SEQUENCE_OUT_OF_WINDOW);
		ret->sequence = c->sequence;
		return true;
	}
	if (!c) {
		if (a->n_cache == CONF_MAX_HOMES)
			return false;
		c = &a->cache[a->n_cache++];
		c->home = u->home;
	}
	c->sequence = u->sequence;
	c->bound = u->lifetime != 0;
	c->coa = u->coa;
	*ret = agent_ack_for(a, u, BA_ACCEPTED);
	return true;
}

void agent_ack_build(const struct agent_ack *ack, struct agent_message *ret)
{
	struct mh_message m = {.type = MH_BA};
	int r;

	m.ba.status = ack->status;
	m.ba.flags = ack->flags;
	m.ba.sequence = ack->sequence;
	m.ba.lifetime = ack->lifetime;
	if (ack->advice) {
		m.opt.has_refresh_advice = true;
		m.opt.refresh_advice = ack->advice;
	}
	m.opt.has_replay = ack->has_replay;
	m.opt.replay = ack->replay;
	if (ack->sa) {
		m.opt.has_auth = true;
		m.opt.auth_subtype = 1;
		m.opt.auth_spi = ack->spi;
		m.opt.auth_len = (uint8_t)mip_auth_len(ack->sa->alg);
	}
	r = mh_encode(&m, ret->mh, sizeof(ret->mh));
	if (r < 0)
		abort();
	ret->len = (size_t)r;
	if (ack->sa && mip_auth_sign(ack->sa, &ack->coa, &ack->dst, &m, ret->mh, ret->len) < 0)
		abort();
	if (ack->flip >= 0)
		ret->mh[(size_t)ack->flip % ret->len] ^= 1;
	mh_set_checksum(&ack->src, &ack->dst, ret->mh, ret->len);
	if (ack->wrong_checksum)
		ret->mh[4] ^= 1;
	ret->src = ack->src;
	ret->dst = ack->dst;
	ret->has_rh2 = ack->has_rh2;
	ret->rh2_unknown = ack->rh2_unknown;
}
