/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a home agent answers: binding acknowledgements (RFC 6275 section 11.7.3) and binding errors.
 */
#include <errno.h>
#include <string.h>

#include "mobility/internal.h"

#define MAX_CORRECTIONS 2 /* statuses that ask for another try, per exchange */
#define HINT_INTERVAL \
	(5 * USEC_PER_SEC) /* between refreshes that unauthenticated messages ask for */
#define SHORT_LIFETIME (8 * USEC_PER_SEC)
#define REPLAY_WINDOW ((int64_t)(7 * USEC_PER_SEC)) /* RFC 4285 section 6 */

static struct binding_outstanding *find_outstanding(struct binding *b, uint16_t sequence)
{
	for (unsigned i = 0; i < b->n_outstanding; i++)
		if (b->outstanding[i].sequence == sequence)
			return &b->outstanding[i];
	return NULL;
}

/*
 * The echoed timestamp ties the answer to one request (RFC 4285 section 6).  With status 144 its high half is the agent's
 * clock and only the low half is ours.
 */
static bool echo_matches(const struct mh_message *m, const struct binding_outstanding *o)
{
	if (!o->replay || !m->opt.has_replay)
		return true;
	if (m->ba.status == BA_ID_MISMATCH)
		return (uint32_t)m->opt.replay == (uint32_t)o->replay;
	return m->opt.replay == o->replay;
}

static int authenticate(const struct binding *b, const struct mh_message *m,
			const struct message_event *ev, const struct binding_outstanding *o)
{
	int r = 0;

	if (b->anchor->has_sa)
		r = mip_auth_verify(&b->anchor->sa, &o->coa, &b->home, m, ev->mh, ev->len);
	if (r == 0 && b->anchor->has_sa && !echo_matches(m, o))
		r = -EBADMSG;
	return r;
}

/*
 * The update that an acknowledgement answers: by sequence number; status 135 carries the agent's own idea of that, so
 * it may answer any that is outstanding.  0, -ENOENT if there is none, or why it is not authentic.
 */
static int match(struct binding *b, const struct mh_message *m, const struct message_event *ev,
		 struct binding_outstanding **ret)
{
	struct binding_outstanding *o = find_outstanding(b, m->ba.sequence);
	int r = -ENOENT;

	if (o || m->ba.status != BA_SEQUENCE_OUT_OF_WINDOW) {
		*ret = o;
		return o ? authenticate(b, m, ev, o) : -ENOENT;
	}
	for (unsigned i = b->n_outstanding; i-- > 0 && r != 0;) {
		*ret = &b->outstanding[i];
		r = authenticate(b, m, ev, *ret);
	}
	return r;
}

static void set_health(struct binding *b, enum anchor_health h, int status)
{
	b->last_status = b->anchor->last_status = status;
	anchor_set_health(b->engine, b->anchor, h);
}

/* "Well before" the end: 0.8 of it less up to a tenth, the agent's advice if that is sooner. */
static usec_t refresh_after(struct engine *e, usec_t left, const struct mh_message *m)
{
	usec_t after = left < SHORT_LIFETIME ? left / 2 : left / 10 * 8;
	usec_t advice = m->opt.refresh_advice * MH_LIFETIME_UNIT * USEC_PER_SEC;
	uint16_t jitter;

	if (m->opt.has_refresh_advice && advice && advice < after)
		after = advice;
	e->ops->random(e->user, &jitter, sizeof(jitter));
	return after - after / 10 * jitter / UINT16_MAX;
}

static void forget_until(struct binding *b, uint16_t sequence)
{
	unsigned keep = 0;

	for (unsigned i = 0; i < b->n_outstanding; i++)
		if (mh_sequence_newer(b->outstanding[i].sequence, sequence))
			b->outstanding[keep++] = b->outstanding[i];
	b->n_outstanding = keep;
}

/* The binding is gone at the agent: returned home, withdrawn, or not granted. */
static void accepted_deregistration(struct binding *b)
{
	struct engine *e = b->engine;

	b->registered = false;
	b->expires = 0;
	binding_stop_exchange(b);
	accepted_retire(e, b, NULL);
	if (b->state == BINDING_RETURNING && b->link) {
		binding_path_home(b, b->link, false);
		binding_set_state(b, BINDING_HOME);
		liveness_end(b);
		if (b->path.claimed_ifindex)
			e->ops->announce(e->user, b->link->ifindex, &b->home);
		else
			need_end(b);
	} else {
		binding_withdrawn(b);
	}
}

/* No newer update says something else. */
static bool is_last_word(const struct binding *b, const struct binding_outstanding *o)
{
	for (unsigned i = 0; i < b->n_outstanding; i++)
		if (!addr_equal(&b->outstanding[i].coa, &o->coa) || !b->outstanding[i].lifetime)
			return false;
	return true;
}

static void accepted_registration(struct binding *b, const struct mh_message *m,
				  const struct binding_outstanding *o)
{
	struct engine *e = b->engine;
	uint16_t granted = m->ba.lifetime < o->lifetime ? m->ba.lifetime : o->lifetime;
	usec_t lifetime = granted * MH_LIFETIME_UNIT * USEC_PER_SEC;
	bool moved = !b->registered || !addr_equal(&b->registered_coa, &o->coa);

	b->registered = true;
	b->registered_coa = o->coa;
	b->expires = usec_add(o->sent, lifetime);
	if (!addr_equal(&o->coa, &b->coa) || !is_last_word(b, o))
		return; /* an older move; the answer to the newest is still to come */
	b->backoff = 0;
	b->refresh_at =
		usec_add(e->now.mono, refresh_after(e, usec_sub(b->expires, e->now.mono), m));
	binding_stop_exchange(b);
	if (b->link && /* else it is gone, and the next attachment brings a path */
	    (b->path.mode != PATH_TUNNEL || !addr_equal(&b->path.coa, &b->coa) ||
	     !addr_equal(&b->path.anchor, &b->anchor->address)))
		binding_path_tunnel(b);
	binding_confirm_path(b);
	accepted_retire(e, b, &b->coa);
	binding_set_state(b, BINDING_REGISTERED);
	liveness_acknowledged(b);
	if (b->automatic && !b->home_heard)
		prefix_discovery_begin(b);
	if (moved || !b->liveness.watched)
		liveness_begin(b);
}

static usec_t retry_after(struct binding *b)
{
	switch (b->last_status) {
	case BA_DAD_FAILED:
		if (b->dynamic) /* it was ours: perhaps its link still hears us */
			break;
		return USEC_INFINITY;
	case BA_PROHIBITED:
	case BA_AUTH_FAIL:
		return USEC_INFINITY; /* not before the configuration changes */
	case BA_HOME_REG_UNSUPPORTED:
	case BA_NOT_HOME_SUBNET:
	case BA_NOT_HOME_AGENT:
		return BINDING_SLOW_RETRY;
	default:
		break;
	}
	b->backoff = b->backoff ? 2 * b->backoff : BINDING_INITIAL_TIMEOUT;
	if (b->backoff > BINDING_MAX_TIMEOUT)
		b->backoff = BINDING_MAX_TIMEOUT;
	return b->backoff;
}

/* Accepted, but for no time at all: try again as after a refusal. */
static void not_granted(struct binding *b)
{
	b->registered = false;
	b->expires = 0;
	binding_stop_exchange(b);
	binding_path_blocked(b);
	b->retry_at = usec_add(b->engine->now.mono, retry_after(b));
	binding_set_state(b, BINDING_REFUSED);
}

static void accepted_ack(struct binding *b, const struct mh_message *m,
			 const struct binding_outstanding *found)
{
	struct binding_outstanding o = *found;
	struct engine *e = b->engine;
	bool withdrawn = o.lifetime == 0;

	b->anchor->n.ba_accepted++;
	if (b->retries == 0)
		anchor_measured(b->anchor, e->now.mono - o.sent);
	forget_until(b, o.sequence);
	set_health(b, ANCHOR_REACHABLE, m->ba.status);
	if (m->ba.status == BA_ACCEPTED_PREFIX_DISCOVERY)
		prefix_discovery_begin(b);

	if (withdrawn) {
		/* Meanwhile we may have moved on: then the answer to the newer update counts. */
		if (b->state != BINDING_RETURNING && b->state != BINDING_WITHDRAWING) {
			b->registered = false;
			b->expires = 0;
			e->ops->persist(e->user);
			return;
		}
		accepted_deregistration(b);
	} else if (b->state == BINDING_RETURNING || b->state == BINDING_WITHDRAWING) {
		b->registered = true;
		b->registered_coa = o.coa;
		return;
	} else if (m->ba.lifetime == 0) {
		log_warning("anchor %s granted no lifetime to %s", b->anchor->name,
			    ADDR_STR(&b->home));
		not_granted(b);
	} else {
		accepted_registration(b, m, &o);
	}
	e->ops->persist(e->user);
	handover_ba_accepted(e);
	if (b->state != BINDING_UPDATING && b->state != BINDING_REGISTERING)
		handover_leave(b, b->state != BINDING_REFUSED);
}

/* Try again with what the agent corrected.  False: it has corrected us too often. */
static bool try_again(struct binding *b, const char *why)
{
	struct engine *e = b->engine;

	if (b->corrections >= MAX_CORRECTIONS)
		return false;
	log_debug("%s: %s, trying again", ADDR_STR(&b->home), why);
	b->corrections++;
	b->n_outstanding = 0;
	b->postponed = true; /* not a timeout: the back-off does not grow */
	b->retransmit_at = e->now.mono;
	binding_retransmit(b);
	return true;
}

/* RFC 4285 section 6: the high half of its timestamp is the agent's clock in seconds. */
static void learn_clock(struct anchor *a, uint64_t agent, const struct binding_outstanding *o)
{
	/* Seconds of 32 bits wrap in 2036; the difference does not mind. */
	int32_t seconds = (int32_t)((uint32_t)(agent >> 32) - (uint32_t)(o->replay >> 32));

	a->clock_offset = o->clock_offset + seconds * (int64_t)USEC_PER_SEC;
}

static void refused(struct binding *b, const struct mh_message *m)
{
	struct engine *e = b->engine;
	bool returning = b->state == BINDING_RETURNING || b->state == BINDING_WITHDRAWING;
	bool lost_state = m->ba.status == BA_NOT_HOME_AGENT && b->registered;
	struct event ev = {
		.kind = EVENT_BINDING_REFUSED,
		.priority = LOG_WARNING,
		.binding = b,
		.anchor = b->anchor,
	};
	usec_t after;

	b->anchor->n.ba_rejected++;
	set_health(b, ANCHOR_REFUSING, m->ba.status);
	binding_stop_exchange(b);
	engine_notify(e, &ev, "anchor %s refuses %s: %s (%u)", b->anchor->name, ADDR_STR(&b->home),
		      ba_status_str(m->ba.status), m->ba.status);
	if (returning) { /* what it does not know it need not forget */
		accepted_deregistration(b);
		handover_leave(b, true);
		return;
	}
	if (!b->anchor->leaving && m->ba.status != BA_DAD_FAILED && m->ba.status != BA_AUTH_FAIL &&
	    binding_fail_over(b, "it refuses"))
		return;
	if (lost_state) { /* it knew us once: register anew as a first registration */
		b->registered = false;
		b->expires = 0;
		binding_register(b);
		return;
	}
	after = retry_after(b);
	b->retry_at = usec_add(e->now.mono, after);
	b->refused_for_good = after == USEC_INFINITY;
	/* Take back what went ahead of the answer; what the agent still holds goes on. */
	if (b->path.mode == PATH_TUNNEL && addr_equal(&b->path.coa, &b->coa) &&
	    !(b->registered && addr_equal(&b->registered_coa, &b->coa)))
		binding_path_blocked(b);
	if (!b->registered && b->state != BINDING_REFUSED)
		sessions_lost(b,
			      "its home agent refuses the binding and no other serves the prefix");
	/* An address that somebody else has: one we made can be made anew. */
	b->removed |= b->automatic && m->ba.status == BA_DAD_FAILED;
	binding_set_state(b, BINDING_REFUSED);
	handover_leave(b, false);
}

static void process_status(struct binding *b, const struct mh_message *m,
			   const struct binding_outstanding *o)
{
	switch (m->ba.status) {
	case BA_SEQUENCE_OUT_OF_WINDOW:
		/* The agent's last number is not behind the update it refuses, or this is an echo of
		 * something old.  Ours only ever rise. */
		if (mh_sequence_newer(o->sequence, m->ba.sequence)) {
			b->anchor->n.dropped_unexpected++;
			return;
		}
		if (mh_sequence_newer(m->ba.sequence, b->sequence))
			b->sequence = m->ba.sequence;
		if (try_again(b, "sequence number out of window"))
			return;
		break;
	case BA_ID_MISMATCH:
		if (m->opt.has_replay && o->replay) {
			learn_clock(b->anchor, m->opt.replay, o);
			if (b->corrections == 0 && try_again(b, "the home agent's clock differs"))
				return;
		}
		break;
	default:
		break;
	}
	refused(b, m);
}

static void authentication_passed(struct anchor *a)
{
	a->key_proven = a->has_sa;
	a->failed_auth = 0;
}

/* Told of the first in a row: whoever sends them decides how many come. */
static void authentication_failed(struct binding *b, const struct mh_message *m, int r)
{
	struct event ev = {.kind = EVENT_FORGED, .priority = LOG_WARNING, .binding = b};
	struct anchor *a = b->anchor;

	ev.anchor = a;
	a->n.dropped_auth++;
	if (a->failed_auth++ == 0 && m->type == MH_BA)
		engine_notify(b->engine, &ev,
			      "anchor %s: an acknowledgement (status %u, not trusted) fails "
			      "authentication (%s): check SPI=, KeyFile= and Algorithm=",
			      a->name, m->ba.status,
			      r == -ENOKEY ? "no option with our SPI" : "wrong authenticator");
	else if (a->failed_auth == 1)
		engine_notify(b->engine, &ev,
			      "anchor %s: a mobility message of type %u fails authentication",
			      a->name, m->type);
	engine_publish(b->engine, OBJECT_ANCHOR, CHANGE_CHANGED, a);
}

static void receive_ack(struct engine *e, const struct mh_message *m,
			const struct message_event *ev)
{
	struct binding *b = engine_find_home(e, &ev->dst);
	struct binding_outstanding *o;
	int r;

	if (!b || !addr_equal(&ev->src, &b->anchor->address)) {
		log_debug("acknowledgement from %s for %s: not expected", ADDR_STR(&ev->src),
			  ADDR_STR(&ev->dst));
		return;
	}
	b->anchor->n.ba_received++;
	/* Away from home it comes with a type 2 routing header (section 11.7.3). */
	if (b->state != BINDING_RETURNING && !ev->has_rh2 && !ev->rh2_unknown) {
		b->anchor->n.dropped_unexpected++;
		return;
	}
	r = match(b, m, ev, &o);
	if (r == -ENOENT) {
		b->anchor->n.dropped_unexpected++;
		log_debug("acknowledgement for %s with sequence %u: none outstanding",
			  ADDR_STR(&ev->dst), m->ba.sequence);
		return;
	}
	if (r < 0) {
		authentication_failed(b, m, r);
		return;
	}
	authentication_passed(b->anchor);
	handover_ba_received(e);
	if (m->ba.status < BA_UNSPECIFIED)
		accepted_ack(b, m, o);
	else
		process_status(b, m, o);
	engine_publish(e, OBJECT_BINDING, CHANGE_CHANGED, b);
}

/*
 * Messages that nothing authenticates may at most make us ask the agent again: a Binding Error that
 * it does not know the home address (RFC 6275 section 11.3.6), a Binding Refresh Request.
 */
static void receive_hint(struct engine *e, const struct message_event *ev,
			 const struct in6_addr *home)
{
	struct binding *b = engine_find_home(e, home);

	if (!b || !addr_equal(&ev->src, &b->anchor->address) || b->state != BINDING_REGISTERED)
		return;
	if (b->recent_sent[0] + HINT_INTERVAL > e->now.mono)
		return;
	binding_refresh(b);
}

/* A timestamp that is near our time, as its sender's clock is known, and newer than the last. */
static bool is_fresh(struct anchor *a, const struct mh_message *m, usec_t real)
{
	int64_t sent, ours = (int64_t)real + a->clock_offset;

	if (a->conf->replay != CONF_REPLAY_TIMESTAMP)
		return true;
	if (!m->opt.has_replay || m->opt.replay <= a->last_replay)
		return false;
	sent = (int64_t)mip_replay_to_usec(m->opt.replay);
	return sent > ours - REPLAY_WINDOW && sent < ours + REPLAY_WINDOW;
}

static bool is_authentic(struct binding *b, const struct mh_message *m,
			 const struct message_event *ev)
{
	struct anchor *a = b->anchor;

	if (!a->has_sa)
		return true; /* Insecure=yes: the administrator has agreed */
	if (mip_auth_verify(&a->sa, &b->registered_coa, &b->home, m, ev->mh, ev->len) < 0 ||
	    !is_fresh(a, m, b->engine->now.real))
		return false;
	if (m->opt.has_replay)
		a->last_replay = m->opt.replay;
	return true;
}

/* Home agent switch, binding revocation: what an anchor tells us to do. */
static void receive_order(struct engine *e, const struct mh_message *m,
			  const struct message_event *ev)
{
	struct binding *b = engine_find_home(e, &ev->dst);

	if (!b || !addr_equal(&ev->src, &b->anchor->address)) {
		log_debug("mobility message type %u from %s: not expected", m->type,
			  ADDR_STR(&ev->src));
		return;
	}
	if (!is_authentic(b, m, ev)) {
		authentication_failed(b, m, -EBADMSG);
		return;
	}
	authentication_passed(b->anchor);
	if (m->type == MH_HAS)
		switch_received(e, b, m);
	else
		revocation_received(e, b, m);
}

void engine_message(struct engine *e, struct instant now, const struct message_event *ev)
{
	struct mh_message m;
	struct binding *b;
	int r;

	e->now = now;
	if (!mh_checksum_ok(&ev->src, &ev->dst, ev->mh, ev->len))
		return;
	r = mh_decode(ev->mh, ev->len, &m);
	if (r < 0) {
		b = engine_find_home(e, &ev->dst);
		if (b && addr_equal(&ev->src, &b->anchor->address))
			b->anchor->n.dropped_malformed++;
		log_debug("mobility message from %s: %s", ADDR_STR(&ev->src), log_strerror(-r));
		return;
	}
	switch (m.type) {
	case MH_BA:
		receive_ack(e, &m, ev);
		break;
	case MH_BE:
		if (m.be.status == 1)
			receive_hint(e, ev, &m.be.home);
		break;
	case MH_BRR:
		receive_hint(e, ev, &ev->dst);
		break;
	case MH_HAS:
	case MH_BREV:
		receive_order(e, &m, ev);
		break;
	default:
		log_debug("mobility message type %u from %s ignored", m.type, ADDR_STR(&ev->src));
		return;
	}
	engine_settle(e);
}
