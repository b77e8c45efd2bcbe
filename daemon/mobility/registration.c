/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Binding updates: build, send, retransmit (RFC 6275 sections 11.7.1 and 11.8). */
#include <errno.h>
#include <string.h>

#include "mobility/internal.h"

#define MAX_UPDATE_RATE 3                  /* per second and home address */
#define RATE_WINDOW (1020 * USEC_PER_MSEC) /* a second as others measure it */
#define WITHDRAW_RETRIES 3
#define FAIL_OVER_AFTER 2 /* unanswered updates */
#define RETURN_RETRIES 3
#define DOUBT_TIME (60 * USEC_PER_SEC)
#define SEND_RETRY (2 * USEC_PER_MSEC)
#define NAI_SUBTYPE 1
#define MN_HA_SUBTYPE 1

static uint16_t lifetime_to_units(usec_t lifetime)
{
	usec_t units = lifetime / (MH_LIFETIME_UNIT * USEC_PER_SEC);

	return (uint16_t)(units > UINT16_MAX ? UINT16_MAX : units);
}

/* No binding may outlive the care-of address it points to. */
static uint16_t lifetime_to_ask(const struct binding *b)
{
	usec_t lifetime = b->anchor->conf->lifetime;
	const struct link_address *a = link_find_address(b->link, &b->coa);

	if (a && a->valid_until != USEC_INFINITY) {
		usec_t left = usec_sub(a->valid_until, b->engine->now.mono);

		if (left < lifetime)
			lifetime = left;
	}
	return lifetime < 2 * MH_LIFETIME_UNIT * USEC_PER_SEC ? 1 : lifetime_to_units(lifetime);
}

static void remember(struct binding *b, const struct binding_outstanding *o)
{
	if (b->n_outstanding == BINDING_MAX_OUTSTANDING) {
		memmove(b->outstanding, b->outstanding + 1,
			sizeof(*o) * (BINDING_MAX_OUTSTANDING - 1));
		b->n_outstanding--;
	}
	b->outstanding[b->n_outstanding++] = *o;
	memmove(b->recent_sent + 1, b->recent_sent,
		sizeof(b->recent_sent[0]) * (MAX_UPDATE_RATE - 1));
	b->recent_sent[0] = b->engine->now.mono;
}

/* When the rate limit lets the next update out; now or later. */
static usec_t rate_limit(const struct binding *b)
{
	usec_t third = b->recent_sent[MAX_UPDATE_RATE - 1], now = b->engine->now.mono;

	return third && third + RATE_WINDOW > now ? third + RATE_WINDOW : now;
}

static void add_authentication(const struct binding *b, struct mh_message *m,
			       struct binding_outstanding *o)
{
	const struct anchor *a = b->anchor;
	size_t n = strlen(a->conf->identifier);

	if (n) {
		m->opt.mn_id_subtype = NAI_SUBTYPE;
		m->opt.mn_id_len = (uint8_t)n;
		memcpy(m->opt.mn_id, a->conf->identifier, n);
	}
	if (!a->has_sa)
		return;
	if (a->conf->replay == CONF_REPLAY_TIMESTAMP) {
		usec_t real = (usec_t)((int64_t)b->engine->now.real + a->clock_offset);

		o->clock_offset = a->clock_offset;
		o->replay = mip_replay_from_usec(real);
		m->opt.has_replay = true;
		m->opt.replay = o->replay;
	}
	m->opt.has_auth = true;
	m->opt.auth_subtype = MN_HA_SUBTYPE;
	m->opt.auth_spi = a->sa.spi;
	m->opt.auth_len = (uint8_t)mip_auth_len(a->sa.alg);
}

/* Into buf, MH_MAX_LEN octets: how many, or -errno. */
static int encode(const struct binding *b, struct mh_message *m, const struct in6_addr *coa,
		  uint8_t *buf)
{
	int r, len = mh_encode(m, buf, MH_MAX_LEN);

	if (len < 0)
		return len;
	if (b->anchor->has_sa) {
		r = mip_auth_sign(&b->anchor->sa, coa, &b->home, m, buf, (size_t)len);
		if (r < 0)
			return r;
	}
	mh_set_checksum(&b->home, &b->anchor->address, buf, (size_t)len);
	return len;
}

static int sign_and_send(struct binding *b, struct mh_message *m, const struct in6_addr *coa,
			 bool at_home)
{
	struct engine *e = b->engine;
	uint8_t buf[MH_MAX_LEN];
	struct ip6_packet p = {
		.src = *coa,
		.dst = b->anchor->address,
		.has_home_option = !at_home,
		.home = b->home,
		.hop_limit = 64,
		.next_header = MH_NEXT_HEADER,
		.payload = buf,
	};
	int len = encode(b, m, coa, buf);

	if (len < 0)
		return len;
	p.payload_len = (size_t)len;
	return e->ops->send(e->user, b->link->ifindex, &p);
}

int binding_send_message(struct binding *b, struct mh_message *m)
{
	struct binding_outstanding unused = {0};

	if (!b->link || !b->link->up)
		return -ENETDOWN;
	add_authentication(b, m, &unused);
	return sign_and_send(b, m, &b->coa, false);
}

static struct mh_message next_update(const struct binding *b, struct binding_outstanding *o)
{
	struct mh_message m = {.type = MH_BU};

	o->sequence = m.bu.sequence = (uint16_t)(b->sequence + 1);
	m.bu.flags = BU_ACK | BU_HOME;
	m.bu.lifetime = o->lifetime;
	m.opt.has_alt_coa = true;
	m.opt.alt_coa = o->coa;
	add_authentication(b, &m, o);
	return m;
}

void registration_rehearse(const struct engine *e)
{
	struct binding_outstanding o = {.coa = e->coa};
	uint8_t buf[MH_MAX_LEN];
	struct mh_message m;
	struct binding *b;

	list_for_each(b, &e->bindings, node) {
		if (!binding_needed(b))
			continue;
		m = next_update(b, &o);
		(void)encode(b, &m, &o.coa, buf);
		return;
	}
}

/* Send one update for b->coa out of b->link; at home the home address is the care-of address. */
static int send_update(struct binding *b, uint16_t lifetime, bool at_home)
{
	const struct in6_addr *coa = at_home ? &b->home : &b->coa;
	struct engine *e = b->engine;
	struct binding_outstanding o = {.coa = *coa, .lifetime = lifetime, .sent = e->now.mono};
	struct mh_message m = next_update(b, &o);
	int r;

	r = sign_and_send(b, &m, coa, at_home);
	if (r < 0)
		return r;
	b->sequence = o.sequence; /* what could not be sent has used none */
	remember(b, &o);
	b->anchor->n.bu_sent++;
	b->send_failures = 0;
	handover_bu_sent(e);
	e->ops->persist(e->user);
	return 0;
}

/* Send, or come back soon: the rate limit, or a kernel that has not got its route yet. */
static void transmit(struct binding *b)
{
	struct engine *e = b->engine;
	usec_t at = rate_limit(b);
	bool at_home = b->state == BINDING_RETURNING;
	bool withdraw = at_home || b->state == BINDING_WITHDRAWING;
	int r;

	if (!b->link || !b->link->up) {
		b->retransmit_at = USEC_INFINITY;
		return;
	}
	if (at > e->now.mono) {
		b->retransmit_at = at;
		b->postponed = true;
		return;
	}
	b->postponed = false;
	r = send_update(b, withdraw ? 0 : lifetime_to_ask(b), at_home);
	if (r < 0) {
		unsigned shift = b->send_failures < 9 ? b->send_failures : 9;

		if (b->send_failures++ == 0)
			log_debug("%s: cannot send a binding update yet: %s", ADDR_STR(&b->home),
				  log_strerror(-r));
		b->retransmit_at = usec_add(e->now.mono, SEND_RETRY << shift);
		b->postponed = true;
		return;
	}
	b->retransmit_at = usec_add(e->now.mono, b->timeout);
	if (!withdraw && b->path.unannounced && addr_equal(&b->path.coa, &b->coa))
		binding_path_tunnel(b);
}

/* The state of before: the change is told when the message has left. */
static enum binding_state begin_exchange(struct binding *b, enum binding_state state,
					 usec_t timeout)
{
	b->retries = b->corrections = b->send_failures = 0;
	b->timeout = timeout;
	b->retry_at = b->refresh_at = USEC_INFINITY;
	return binding_change_state(b, state);
}

void binding_stop_exchange(struct binding *b)
{
	b->retransmit_at = USEC_INFINITY;
	b->n_outstanding = 0;
	b->retries = b->corrections = 0;
	b->postponed = false;
}

/* We are not going home after all. */
static void drop_claim(struct binding *b)
{
	struct path p = b->path;

	p.claimed_ifindex = 0;
	binding_set_path(b, &p);
}

void binding_register(struct binding *b)
{
	struct engine *e = b->engine;
	bool old_alive = path_alive(e, &b->path) && !b->path.unannounced;
	enum binding_state was;

	if (!e->uplink) { /* the next attachment takes it up */
		was = begin_exchange(b, BINDING_REGISTERING, b->anchor->conf->first_timeout);
		b->retransmit_at = USEC_INFINITY;
		binding_tell_state(b, was);
		return;
	}
	if (!addr_equal(&b->coa, &e->coa))
		obstacle_reset(b);
	b->coa = e->coa;
	b->link = e->uplink;
	handover_join(b);
	was = begin_exchange(b, b->registered ? BINDING_UPDATING : BINDING_REGISTERING,
			     b->registered ? BINDING_INITIAL_TIMEOUT
					   : b->anchor->conf->first_timeout);
	accepted_add(e, b, &b->coa);
	transmit(b);
	/*
	 * Data follow right behind the update, so that the outage is one round trip; a refusal
	 * takes it back.  While the old path still carries packets it is kept until the agent has
	 * answered: nothing is lost (E10).
	 */
	if (!old_alive)
		binding_path_tunnel(b);
	else if (b->path.mode == PATH_TUNNEL && b->path.claimed_ifindex)
		drop_claim(b);
	binding_tell_state(b, was);
}

void binding_refresh(struct binding *b)
{
	enum binding_state was;

	b->link = b->engine->uplink;
	was = begin_exchange(b, b->registered ? BINDING_UPDATING : BINDING_REGISTERING,
			     BINDING_INITIAL_TIMEOUT);
	transmit(b);
	binding_tell_state(b, was);
}

void binding_return_home(struct binding *b, struct link *home)
{
	bool old_alive = b->path.mode == PATH_TUNNEL && path_alive(b->engine, &b->path);
	enum binding_state was;

	b->link = home;
	b->coa = b->home;
	handover_join(b);
	was = begin_exchange(b, BINDING_RETURNING, BINDING_INITIAL_TIMEOUT);
	/* The update leaves before the home address is ours on this link: the solicitation for the
	 * agent must not carry an address that the agent itself defends (RFC 6275 section 11.5.5).
	 */
	transmit(b);
	if (old_alive) {
		/* Nothing unauthenticated moves packets (E11): claim the address so that the answer
		 * can reach it, and keep the tunnel until the agent has confirmed. */
		struct path p = b->path;

		p.claimed_ifindex = link_has_address(home, b) ? 0 : home->ifindex;
		binding_set_path(b, &p);
	} else {
		binding_path_home(b, home, false);
	}
	binding_tell_state(b, was);
}

static bool can_park(const struct binding *b)
{
	return b->dynamic && b->registered && b->expires && !b->removed && !b->successor &&
	       !b->engine->stopping;
}

void binding_withdraw(struct binding *b)
{
	struct engine *e = b->engine;
	bool bound = b->registered || b->state == BINDING_REGISTERING;
	enum binding_state was;

	if (b->state == BINDING_RETURNING)
		return; /* withdraws as well */
	binding_stop_exchange(b);
	b->refresh_at = b->retry_at = USEC_INFINITY;
	liveness_end(b);
	if (!bound || !e->uplink) {
		if (can_park(b))
			binding_park(b);
		else
			binding_withdrawn(b);
		return;
	}
	b->link = e->uplink;
	b->coa = e->coa;
	/* The acknowledgement comes here, wherever it was registered. */
	accepted_add(e, b, &b->coa);
	was = begin_exchange(b, BINDING_WITHDRAWING, BINDING_INITIAL_TIMEOUT);
	transmit(b);
	binding_tell_state(b, was);
}

/* Sooner if there is another that could take over: it should not take more than five seconds. */
static bool is_time_to_give_up(const struct binding *b)
{
	const struct anchor *other = anchor_best_but(b->engine, &b->home_prefix, b->anchor);

	if (other && !anchor_is_out(b->engine, other))
		return b->retries >= FAIL_OVER_AFTER;
	return b->retries == SILENT_AFTER || b->timeout == BINDING_MAX_TIMEOUT;
}

/* Of those that serve the prefix the one that was not asked for longest. */
static struct anchor *next_in_turn(const struct binding *b)
{
	struct anchor *a, *next = NULL;

	list_for_each(a, &b->engine->anchors, node)
		if (a != b->anchor && anchor_serves(b->engine, a, &b->home_prefix) &&
		    (!next || a->out_since < next->out_since))
			next = a;
	return next;
}

/* The anchor is silent.  True: another one has taken over. */
static bool give_up_anchor(struct binding *b)
{
	struct engine *e = b->engine;
	struct anchor *a = b->anchor, *other;

	if (a->health != ANCHOR_SILENT)
		anchor_set_health(e, a, ANCHOR_SILENT);
	a->out_since = e->now.mono;
	obstacle_inquire(b);
	if (b->state != BINDING_REGISTERING && b->state != BINDING_UPDATING)
		return false;
	if (binding_fail_over(b, "it does not answer"))
		return true;
	if (b->retries == SILENT_AFTER)
		sessions_lost(b, "its home agent does not answer and no other serves the prefix");
	/* All are silent: ask them in turn (RFC 6275 section 11.4.1). */
	other = b->timeout == BINDING_MAX_TIMEOUT ? next_in_turn(b) : NULL;
	if (!other)
		return false;
	binding_change_anchor(b, other, "it does not answer");
	return true;
}

void binding_retransmit(struct binding *b)
{
	struct anchor *a = b->anchor;

	if (b->state == BINDING_WITHDRAWING &&
	    b->retries >= (b->successor ? 1 : WITHDRAW_RETRIES)) {
		if (can_park(b)) {
			binding_park(b); /* the next place may reach it */
			return;
		}
		binding_stop_exchange(b); /* it will expire there */
		b->registered = false;
		b->expires = 0;
		binding_withdrawn(b);
		return;
	}

	if (b->state == BINDING_RETURNING && b->retries >= RETURN_RETRIES && !b->engine->stopping &&
	    b->path.mode == PATH_TUNNEL && path_alive(b->engine, &b->path)) {
		log_warning("%s: nobody on %s acknowledges a return home, the tunnel stays",
			    ADDR_STR(&b->home), b->link->name);
		b->doubted = b->link;
		b->doubted_until = usec_add(b->engine->now.mono, DOUBT_TIME);
		binding_stop_exchange(b);
		binding_set_state(b, BINDING_REGISTERED); /* as before, as far as anybody knows */
		if (binding_needed(b))
			binding_register(b);
		else
			binding_withdraw(b);
		return;
	}
	if (!b->postponed) {
		b->retries++;
		a->n.bu_retransmitted++;
		b->timeout =
			b->timeout * 2 < BINDING_MAX_TIMEOUT ? b->timeout * 2 : BINDING_MAX_TIMEOUT;
		if (is_time_to_give_up(b) && give_up_anchor(b))
			return;
	}
	transmit(b);
}
