/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "notice.h"

#include <errno.h>
#include <stdlib.h>

#include "../common/event.h"
#include "../common/peer.h"
#include "agent.h"
#include "base/log.h"
#include "binding.h"
#include "transmit.h"

#define SWITCH_FIRST (5 * USEC_PER_SEC) /* INITIAL-HA-SWITCH-TIMEOUT */
#define SWITCH_MAX (20 * USEC_PER_SEC)
#define REVOCATION_DELAY USEC_PER_SEC     /* InitMINDelayBRIs */
#define REVOCATION_END (2 * USEC_PER_SEC) /* MAX_BRACK_TIMEOUT */
#define REVOCATION_TRANSMISSIONS 2        /* 1 + BRIMaxRetries */

struct notice {
	struct list node;
	struct agent *agent;
	struct in6_addr home;
	struct mh_message message;
	struct notice_options options;
	unsigned sent;
	sd_event_source *timer;
};

static void notice_free(struct notice *n)
{
	list_remove(&n->node);
	sd_event_source_unref(n->timer);
	free(n);
}

static int transmit(struct notice *n, const struct binding *b)
{
	struct transmit_route route = {
		.from = b->agent,
		.to = n->options.tunnelled ? b->home : b->coa,
		.home = b->home,
		.with_rh2 = !n->options.tunnelled,
		.tunnel = n->options.tunnelled ? b : NULL,
	};
	struct transmit_auth auth = {
		.sa = b->mn->has_sa ? &b->mn->sa : NULL, .coa = b->coa, .home = b->home};
	struct mh_message m = n->message;
	int r;

	/* No request to copy a timestamp from: our own tells that it is new. */
	m.opt.has_replay = b->mn->has_sa;
	m.opt.replay = mip_replay_from_usec(peer_now_real());
	r = transmit_message(n->agent, &route, &auth, &m, n->options.fault);
	if (r < 0)
		return r;
	n->sent++;
	if (m.type == MH_HAS)
		n->agent->counters.switches_sent++;
	else
		n->agent->counters.revocations_sent++;
	event_log(m.type == MH_HAS ? "switch" : "revocation", "{s:o, s:i, s:b, s:s}", "home",
		  json_addr(&b->home), "transmission", (int)n->sent, "tunnelled",
		  n->options.tunnelled, "fault", message_fault_str((int)n->options.fault));
	return 0;
}

/* How long to wait behind the transmission that was the last; USEC_INFINITY: for nothing more. */
static usec_t patience(const struct notice *n)
{
	usec_t wait = SWITCH_FIRST;

	if (n->options.once)
		return n->message.type == MH_BREV ? REVOCATION_END : USEC_INFINITY;
	if (n->message.type == MH_BREV)
		return n->sent < REVOCATION_TRANSMISSIONS ? REVOCATION_DELAY : REVOCATION_END;
	for (unsigned i = 1; i < n->sent && wait < SWITCH_MAX; i++)
		wait *= 2;
	return wait < SWITCH_MAX ? wait : SWITCH_MAX;
}

static bool exhausted(const struct notice *n)
{
	return n->options.once ||
	       (n->message.type == MH_BREV && n->sent == REVOCATION_TRANSMISSIONS);
}

/* Nobody answered: a home agent that means it ends the binding all the same. */
static void give_up(struct notice *n, struct binding *b)
{
	if (n->message.type == MH_BREV && n->options.fault == MESSAGE_FAULT_NONE) {
		n->agent->counters.revocations_unanswered++;
		binding_forget(b);
	}
	notice_free(n);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *user)
{
	struct notice *n = user;
	struct binding *b = binding_active(n->agent, &n->home);

	(void)s;
	if (!b || n->agent->faults.silent) {
		notice_free(n);
		return 0;
	}
	if (exhausted(n)) {
		give_up(n, b);
		return 0;
	}
	transmit(n, b);
	return peer_timer_set(n->agent->event, &n->timer, usec + patience(n), on_timer, n);
}

static struct notice *find(struct agent *a, const struct in6_addr *home, uint8_t type)
{
	struct notice *n;

	list_for_each(n, &a->notices, node)
		if (n->message.type == type && addr_equal(&n->home, home))
			return n;
	return NULL;
}

int notice_send(struct agent *a, const struct binding *b, const struct mh_message *m,
		const struct notice_options *o)
{
	struct notice *n = find(a, &b->home, m->type);
	usec_t wait;
	int r;

	if (n)
		notice_free(n);
	n = calloc(1, sizeof(*n));
	if (!n)
		return -ENOMEM;
	*n = (struct notice){.agent = a, .home = b->home, .message = *m, .options = *o};
	list_append(&a->notices, &n->node);
	r = transmit(n, b);
	wait = patience(n);
	if (r >= 0 && wait != USEC_INFINITY)
		return peer_timer_set(a->event, &n->timer, peer_now() + wait, on_timer, n);
	notice_free(n);
	return r;
}

bool notice_answered(struct agent *a, const struct in6_addr *home, uint16_t sequence)
{
	struct notice *n = find(a, home, MH_BREV);

	if (!n || n->message.brev.sequence != sequence)
		return false;
	notice_free(n);
	return true;
}

void notices_free(struct agent *a)
{
	struct notice *n, *next;

	list_for_each_safe(n, next, &a->notices, node)
		notice_free(n);
}
