/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "revocation.h"

#include "../common/event.h"
#include "agent.h"
#include "binding.h"
#include "proto/mh.h"

#define INDICATION 1
#define ACKNOWLEDGEMENT 2
#define REFUSED 128 /* this status and above: nothing was revoked */

int revocation_send(struct agent *a, const struct binding *b, uint8_t trigger, uint16_t flags,
		    const struct notice_options *o)
{
	struct mh_message m = {.type = MH_BREV};

	m.brev = (struct mh_brev){.type = INDICATION,
				  .code = trigger,
				  .sequence = ++a->revocation_sequence,
				  .flags = flags};
	return notice_send(a, b, &m, o);
}

static bool authentic(const struct binding *b, const struct ip6_packet *p,
		      const struct mh_message *m)
{
	if (!b->mn->has_sa)
		return !m->opt.has_auth;
	return mip_auth_verify(&b->mn->sa, &p->src, &b->home, m, p->payload, p->payload_len) == 0;
}

void revocation_receive(struct agent *a, const struct ip6_packet *p)
{
	struct binding *b = binding_active(a, ip6_packet_source(p));
	struct mh_message m;

	if (a->faults.silent || !b)
		return;
	if (!mh_checksum_ok(ip6_packet_source(p), ip6_packet_destination(p), p->payload,
			    p->payload_len) ||
	    mh_decode(p->payload, p->payload_len, &m) < 0 || m.brev.type != ACKNOWLEDGEMENT) {
		a->counters.updates_malformed++;
		return;
	}
	if (!authentic(b, p, &m)) {
		a->counters.authentication_failures++;
		return;
	}
	if (!notice_answered(a, &b->home, m.brev.sequence))
		return;
	a->counters.revocations_acknowledged++;
	a->revoked.any = true;
	a->revoked.home = b->home;
	a->revoked.status = m.brev.code;
	a->revoked.sequence = m.brev.sequence;
	event_log("revocation-acknowledgement", "{s:o, s:i, s:i}", "home", json_addr(&b->home),
		  "status", m.brev.code, "sequence", m.brev.sequence);
	if (m.brev.code < REFUSED)
		binding_forget(b);
}
