/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "registration.h"

#include <stdlib.h>
#include <string.h>

#include "../common/event.h"
#include "../common/peer.h"
#include "acknowledgement.h"
#include "agent.h"
#include "base/log.h"
#include "binding.h"

/* A binding update on its way through the checks. */
struct request {
	struct agent *a;
	const struct ip6_packet *packet;
	struct mh_message bu;
	struct in6_addr home, coa;
	const struct mobile_node *mn;
	struct binding *known; /* the entry of the home address, in whatever state */
	struct acknowledgement ack;
};

static uint16_t lifetime_units(unsigned seconds)
{
	unsigned units = seconds / MH_LIFETIME_UNIT;

	return units > UINT16_MAX ? UINT16_MAX : (uint16_t)units;
}

static bool is_deregistration(const struct request *q)
{
	return q->bu.bu.lifetime == 0 || addr_equal(&q->coa, &q->home);
}

/* The answer's addresses do not come from the binding cache: RFC 6275 section 9.5.4. */
static void request_addresses(struct request *q)
{
	const struct ip6_packet *p = q->packet;

	q->home = *ip6_packet_source(p);
	q->coa = q->bu.opt.has_alt_coa ? q->bu.opt.alt_coa : p->src;
	q->mn = mobile_node_find(&q->a->config.mobile_nodes, &q->home);
	q->known = binding_find(q->a, &q->home);
	q->ack = (struct acknowledgement){
		.agent = p->dst,
		.to = p->src,
		.home = q->home,
		.coa = q->coa,
		.away = p->has_home_option,
		.sa = q->mn && q->mn->has_sa ? &q->mn->sa : NULL,
		.sequence = q->bu.bu.sequence,
		.has_replay = q->bu.opt.has_replay,
		.replay = q->bu.opt.replay,
		.mn_id_subtype = q->bu.opt.mn_id_subtype,
		.mn_id_len = q->bu.opt.mn_id_len,
	};
	memcpy(q->ack.mn_id, q->bu.opt.mn_id, q->bu.opt.mn_id_len);
}

static bool identifier_ok(const struct request *q)
{
	const struct mh_options *o = &q->bu.opt;
	size_t len = strlen(q->mn->nai);

	return len == 0 || o->mn_id_len == 0 ||
	       (o->mn_id_len == len && memcmp(o->mn_id, q->mn->nai, len) == 0);
}

static bool authentic(const struct request *q)
{
	if (!q->mn->has_sa)
		return !q->bu.opt.has_auth; /* what cannot be verified is not believed */
	return mip_auth_verify(&q->mn->sa, &q->coa, &q->home, &q->bu, q->packet->payload,
			       q->packet->payload_len) == 0;
}

/* RFC 4285 section 6: near our clock and newer than anything accepted before. */
static int check_timestamp(struct request *q)
{
	usec_t window = q->a->config.replay_window * USEC_PER_SEC, now = peer_now_real();
	usec_t sent;

	if (!q->mn->has_sa || window == 0)
		return 0;
	if (!q->bu.opt.has_replay)
		return BA_MESG_ID_REQUIRED;
	sent = mip_replay_to_usec(q->bu.opt.replay);
	if (sent + window >= now && sent <= now + window &&
	    (!q->known || q->bu.opt.replay > q->known->last_timestamp))
		return 0;
	q->ack.replay = (mip_replay_from_usec(now) & ~(uint64_t)UINT32_MAX) |
			(q->bu.opt.replay & UINT32_MAX);
	return BA_ID_MISMATCH;
}

/* Care-of addresses that cannot be one: not unicast, ours, or somebody's home address in use. */
static bool care_of_ok(const struct request *q)
{
	if (is_deregistration(q))
		return true;
	return addr_is_routable(&q->coa) && !agent_has_address(q->a, &q->coa) &&
	       !binding_active(q->a, &q->coa);
}

/* 0, or the status that refuses the update.  What needs no secret is checked first. */
static int check_sender(struct request *q)
{
	const struct mh_bu *bu = &q->bu.bu;

	if (!(bu->flags & BU_HOME))
		return BA_HOME_REG_UNSUPPORTED;
	if (!(bu->flags & BU_ACK))
		return BA_UNSPECIFIED;
	if (!agent_prefix_of(q->a, &q->home))
		return BA_NOT_HOME_SUBNET;
	if (!q->mn || !identifier_ok(q))
		return BA_NOT_HOME_AGENT;
	if (!authentic(q)) {
		q->a->counters.authentication_failures++;
		return BA_AUTH_FAIL;
	}
	return check_timestamp(q);
}

static int check_binding(struct request *q)
{
	const struct binding *b = q->known;

	if (b && b->state != BINDING_NONE && !mh_sequence_newer(q->bu.bu.sequence, b->sequence)) {
		q->ack.sequence = b->sequence;
		return BA_SEQUENCE_OUT_OF_WINDOW;
	}
	if (!care_of_ok(q))
		return BA_INVALID_COA;
	if (is_deregistration(q))
		return b && b->state != BINDING_NONE ? 0 : BA_NOT_HOME_AGENT;
	/* Without home address option only the mobile node at home can have sent it. */
	return q->ack.away ? 0 : BA_UNSPECIFIED;
}

static int scripted_status(struct request *q)
{
	struct faults *f = &q->a->faults;

	if (f->status_count == 0)
		return -1;
	f->status_count--;
	return f->status;
}

static int refuse(struct request *q, int status)
{
	q->ack.status = (uint8_t)status;
	acknowledgement_send(q->a, &q->ack);
	return 0;
}

static void grant_lifetime(struct request *q)
{
	uint16_t most = lifetime_units(q->a->config.lifetime_max);
	uint16_t advice = lifetime_units(q->a->config.refresh_advice);

	q->ack.lifetime = q->bu.bu.lifetime < most ? q->bu.bu.lifetime : most;
	if (advice < q->ack.lifetime)
		q->ack.refresh_advice = advice;
}

static void deregister(struct request *q)
{
	/* Before the answer: at home it goes out by the link, not into the tunnel. */
	binding_deregister(q->known, q->bu.bu.sequence);
	acknowledgement_send(q->a, &q->ack);
}

static int register_binding(struct request *q)
{
	struct binding *b = q->known;
	struct binding_update u = {
		.agent = q->ack.agent,
		.coa = q->coa,
		.sequence = q->bu.bu.sequence,
		.flags = q->bu.bu.flags,
	};
	struct acknowledgement *pending;
	int r;

	grant_lifetime(q);
	u.lifetime = (usec_t)q->ack.lifetime * MH_LIFETIME_UNIT * USEC_PER_SEC;
	r = binding_register(b, &u, q->a->config.dad_delay_ms * USEC_PER_MSEC);
	if (r < 0) {
		binding_forget(b);
		return log_errno(r, "%s: no path for the binding", ADDR_STR(&b->home));
	}
	if (b->state != BINDING_TENTATIVE) {
		acknowledgement_behind_data(q->a, &q->ack);
		return 0;
	}
	/* The newest update gets the one answer when DAD is over. */
	pending = malloc(sizeof(*pending));
	if (!pending)
		return -1;
	*pending = q->ack;
	free(b->pending);
	b->pending = pending;
	return 0;
}

static int process(struct request *q)
{
	int status = check_sender(q), scripted;

	if (status != 0)
		return refuse(q, status);
	scripted = scripted_status(q);
	if (scripted >= BA_UNSPECIFIED)
		return refuse(q, scripted);
	if (!q->known)
		q->known = binding_obtain(q->a, &q->home, q->mn);
	if (!q->known)
		return refuse(q, BA_NO_RESOURCES);
	if (q->mn->has_sa)
		q->known->last_timestamp = q->bu.opt.replay;
	status = check_binding(q);
	if (status != 0)
		return refuse(q, status);
	q->ack.status = scripted < 0 ? BA_ACCEPTED : (uint8_t)scripted;
	if (!is_deregistration(q))
		return register_binding(q);
	deregister(q);
	return 0;
}

static bool ignored(struct agent *a)
{
	if (!a->faults.silent && a->faults.drop == 0)
		return false;
	if (a->faults.drop > 0)
		a->faults.drop--;
	a->counters.updates_ignored++;
	return true;
}

void registration_receive(struct agent *a, const struct ip6_packet *p)
{
	struct request q = {.a = a, .packet = p};

	a->counters.binding_updates++;
	if (ignored(a))
		return;
	if (!mh_checksum_ok(ip6_packet_source(p), ip6_packet_destination(p), p->payload,
			    p->payload_len)) {
		a->counters.updates_bad_checksum++;
		return;
	}
	if (mh_decode(p->payload, p->payload_len, &q.bu) < 0 ||
	    !addr_is_routable(ip6_packet_source(p)) || !addr_is_routable(&p->src)) {
		a->counters.updates_malformed++;
		return;
	}
	request_addresses(&q);
	event_log("binding-update", "{s:o, s:o, s:o, s:i, s:i, s:i}", "home", json_addr(&q.home),
		  "source", json_addr(&p->src), "coa", json_addr(&q.coa), "sequence",
		  q.bu.bu.sequence, "flags", q.bu.bu.flags, "lifetime_s",
		  q.bu.bu.lifetime * MH_LIFETIME_UNIT);
	process(&q);
}
