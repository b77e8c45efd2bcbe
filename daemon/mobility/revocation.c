/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Binding Revocation (RFC 5846): a home agent takes a binding back, and wants to hear that we know. */
#include "mobility/internal.h"

#define REVOCATION_INDICATION 1
#define REVOCATION_ACKNOWLEDGEMENT 2
#define FLAG_PROXY 0x8000u
#define FLAG_IPV4_ONLY 0x4000u
#define STATUS_SUCCESS 0
#define STATUS_NO_IPV4_HOME_ADDRESS 129
#define STATUS_PROXY_PROHIBITED 135
#define TRIGGER_ADMINISTRATIVE 1
#define TRIGGER_OUT_OF_SYNC 7

static void acknowledge(struct binding *b, const struct mh_brev *bri, uint8_t status)
{
	struct mh_message m = {
		.type = MH_BREV,
		.brev =
			{
				.type = REVOCATION_ACKNOWLEDGEMENT,
				.code = status,
				.sequence = bri->sequence,
				.flags = bri->flags,
			},
	};

	binding_send_message(b, &m);
}

/* What the reason tells to do next. */
static void afterwards(struct binding *b, uint8_t trigger)
{
	struct engine *e = b->engine;

	if (e->stopping) {
		binding_withdrawn(b);
		return;
	}
	if (trigger == TRIGGER_OUT_OF_SYNC) {
		binding_register(b);
		return;
	}
	if (trigger != TRIGGER_ADMINISTRATIVE && binding_fail_over(b, "its binding was revoked"))
		return;
	sessions_lost(b, "its home agent revoked the binding");
	b->retry_at = usec_add(e->now.mono, BINDING_SLOW_RETRY);
	binding_set_state(b, BINDING_REFUSED);
}

void revocation_received(struct engine *e, struct binding *b, const struct mh_message *m)
{
	struct event ev = {.kind = EVENT_BINDING_REVOKED,
			   .priority = LOG_WARNING,
			   .binding = b,
			   .anchor = b->anchor};

	if (m->brev.type != REVOCATION_INDICATION)
		return;
	if (m->brev.flags & FLAG_PROXY) {
		acknowledge(b, &m->brev, STATUS_PROXY_PROHIBITED);
		return;
	}
	if (m->brev.flags & FLAG_IPV4_ONLY) { /* we have no IPv4 home address */
		acknowledge(b, &m->brev, STATUS_NO_IPV4_HOME_ADDRESS);
		return;
	}
	b->anchor->revocation = ABILITY_YES;
	acknowledge(b, &m->brev, STATUS_SUCCESS); /* retransmissions are answered as well */
	if (!b->registered)
		return;
	b->anchor->n.revocations++;
	b->registered = false;
	b->expires = 0;
	binding_stop_exchange(b);
	liveness_end(b);
	accepted_retire(e, b, NULL);
	binding_path_blocked(b);
	e->ops->persist(e->user);
	engine_notify(e, &ev, "anchor %s has revoked the binding of %s (trigger %u)",
		      b->anchor->name, ADDR_STR(&b->home), m->brev.code);
	afterwards(b, m->brev.code);
}
