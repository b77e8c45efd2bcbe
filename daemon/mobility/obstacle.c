/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Telling obstacles apart.  When an anchor is silent, or its tunnel, an echo request straight from the care-of address shows
 * whether it can be reached at all.  When packets leave by a tunnel that answers probes and none comes back, probes as large as
 * the packets show whether the path has a smaller MTU that nobody speaks of (RFC 4821, RFC 8899).
 *
 * Answers to echo requests prove nothing (E11): they change words, and the size of packets by what the host itself has seen.
 */
#include "mobility/obstacle.h"

#include <stdio.h>

#include "mobility/internal.h"

DEFINE_STRTAB(obstacle_kind, "none", "unreachable", "signalling", "tunnel", "mtu");

#define ONE_WAY_LOOKS 2
#define SIZE_TRIES 3
#define SIZE_TIMEOUT (1 * USEC_PER_SEC)
#define SIZE_PAUSE \
	(60 * USEC_PER_SEC) /* flows that only go one way are no reason to ask all the time */

/* Inner packets: as the path is thought to be, behind further headers as they are common, and what every path must carry. */
static const size_t sizes[] = {ECHO_LARGEST, 1420, 1372, 1280, 1240};
#define SIZES (sizeof(sizes) / sizeof(*sizes))

const char *obstacle_words(const struct binding *b, char *buf, size_t size)
{
	const char *name = b->anchor->name;

	switch (b->obstacle.kind) {
	case OBSTACLE_UNREACHABLE:
		snprintf(buf, size,
			 "anchor %s answers nothing from here, neither binding updates nor echo "
			 "requests: it is "
			 "down, or this network does not reach it",
			 name);
		break;
	case OBSTACLE_SIGNALLING:
		snprintf(buf, size,
			 "anchor %s answers echo requests, but no binding update: this network or "
			 "a firewall seems "
			 "to block protocol 135 (Mobility Header); let it pass, or use another "
			 "network",
			 name);
		break;
	case OBSTACLE_TUNNEL:
		if (b->anchor->conf->protection != CONF_PROTECTION_NO) {
			snprintf(
				buf, size,
				"anchor %s acknowledges binding updates, but nothing comes through "
				"its tunnel: it has other keys than PayloadKeyFile=, or this "
				"network or a firewall blocks protocol 50 (ESP)",
				name);
			break;
		}
		snprintf(buf, size,
			 "anchor %s acknowledges binding updates, but nothing comes through its "
			 "tunnel: this network "
			 "or a firewall seems to block protocol 41 (IPv6 in IPv6); let it pass, or "
			 "use another network",
			 name);
		break;
	case OBSTACLE_MTU:
		snprintf(buf, size,
			 "large packets vanish in the tunnel to anchor %s, and no Packet Too Big "
			 "comes: a firewall drops them (let ICMPv6 type 2 pass); until the next "
			 "move sessions go on with packets of %u octets",
			 name, b->obstacle.mtu);
		break;
	case OBSTACLE_NONE:
	case OBSTACLE_MAX:
		if (size)
			buf[0] = '\0';
		break;
	}
	return buf;
}

static void set_kind(struct binding *b, enum obstacle_kind kind)
{
	struct event ev = {
		.kind = EVENT_OBSTACLE,
		.priority = kind == OBSTACLE_NONE ? LOG_INFO : LOG_WARNING,
		.binding = b,
		.anchor = b->anchor,
	};
	char words[sizeof(ev.text)];

	if (b->obstacle.kind == kind)
		return;
	b->obstacle.kind = kind;
	if (kind == OBSTACLE_NONE)
		engine_notify(b->engine, &ev,
			      "%s: nothing stands between the host and anchor %s any more",
			      ADDR_STR(&b->home), b->anchor->name);
	else
		engine_notify(b->engine, &ev, "%s: %s", ADDR_STR(&b->home),
			      obstacle_words(b, words, sizeof(words)));
	engine_publish(b->engine, OBJECT_BINDING, CHANGE_CHANGED, b);
}

void obstacle_reset(struct binding *b)
{
	set_kind(b, OBSTACLE_NONE);
	b->obstacle = (struct obstacle){.size_at = USEC_INFINITY};
}

/* --- straight ------------------------------------------------------------------------------ */

static bool is_answered(const struct binding *b)
{
	return b->obstacle.asked && b->obstacle.answered >= b->obstacle.asked;
}

static void judge(struct binding *b)
{
	if (b->obstacle.no_answers && b->registered && b->state == BINDING_REGISTERED &&
	    !b->path_error && is_answered(b))
		set_kind(b, OBSTACLE_TUNNEL);
	else if (b->retries >= SILENT_AFTER &&
		 (b->state == BINDING_REGISTERING || b->state == BINDING_UPDATING))
		set_kind(b, is_answered(b) ? OBSTACLE_SIGNALLING : OBSTACLE_UNREACHABLE);
}

void obstacle_inquire(struct binding *b)
{
	struct engine *e = b->engine;
	struct obstacle *o = &b->obstacle;

	if (e->uplink && (!o->asked || usec_add(o->asked, SIZE_TIMEOUT) <= e->now.mono)) {
		e->ops->random(e->user, &o->sequence, sizeof(o->sequence));
		o->asked = e->now.mono;
		o->answered = 0;
		e->ops->echo(e->user, e->uplink->ifindex, &e->coa, &b->anchor->address,
			     ECHO_INQUIRY, o->sequence, 0);
	}
	judge(b);
}

void obstacle_tunnel_silent(struct binding *b)
{
	b->obstacle.no_answers = true;
	obstacle_inquire(b);
}

void obstacle_tunnel_answers(struct binding *b)
{
	b->obstacle.no_answers = false;
	if (b->obstacle.kind == OBSTACLE_TUNNEL)
		set_kind(b, OBSTACLE_NONE);
}

bool obstacle_acknowledged(struct binding *b)
{
	if (b->obstacle.kind == OBSTACLE_UNREACHABLE || b->obstacle.kind == OBSTACLE_SIGNALLING)
		set_kind(b, OBSTACLE_NONE);
	judge(b);
	return b->obstacle.kind == OBSTACLE_TUNNEL;
}

/* --- large ---------------------------------------------------------------------------------- */

static void try_size(struct binding *b)
{
	struct engine *e = b->engine;
	struct obstacle *o = &b->obstacle;

	e->ops->random(e->user, &o->size_sequence, sizeof(o->size_sequence));
	o->tries++;
	o->size_at = usec_add(e->now.mono, SIZE_TIMEOUT);
	e->ops->echo(e->user, 0, &b->home, &b->anchor->address, ECHO_SIZE, o->size_sequence,
		     sizes[o->size]);
	b->liveness.sent++; /* our own packets are no traffic */
}

void obstacle_two_ways(struct binding *b)
{
	b->obstacle.one_way = 0;
}

void obstacle_one_way(struct binding *b)
{
	struct obstacle *o = &b->obstacle;

	if (++o->one_way < ONE_WAY_LOOKS || o->size_at != USEC_INFINITY || o->size == SIZES ||
	    b->engine->now.mono < o->size_next)
		return;
	o->size = o->tries = 0;
	try_size(b);
}

/* So large a packet came back. */
static void size_fits(struct binding *b)
{
	struct engine *e = b->engine;
	struct obstacle *o = &b->obstacle;

	o->size_at = USEC_INFINITY;
	o->one_way = 0;
	b->liveness.received++;
	o->size_next = usec_add(e->now.mono, SIZE_PAUSE);
	if (!o->size)
		return; /* whatever it is, it is not the size */
	o->mtu = (uint32_t)sizes[o->size];
	o->size = SIZES; /* once for each path */
	e->ops->limit_mtu(e->user, &b->home, o->mtu);
	set_kind(b, OBSTACLE_MTU);
}

void obstacle_timer(struct binding *b)
{
	struct obstacle *o = &b->obstacle;

	if (b->engine->now.mono < o->size_at)
		return;
	o->size_at = USEC_INFINITY;
	if (b->path.mode != PATH_TUNNEL || !b->registered || b->liveness.dead)
		return;
	if (o->tries >= SIZE_TRIES) {
		o->tries = 0;
		o->size++;
	}
	if (o->size < SIZES)
		try_size(b);
}

usec_t obstacle_next_timer(const struct binding *b)
{
	return b->obstacle.size_at;
}

void obstacle_echo_reply(struct engine *e, const struct in6_addr *from, const struct in6_addr *to,
			 uint16_t identifier, uint16_t sequence)
{
	struct binding *b;

	list_for_each(b, &e->bindings, node) {
		struct obstacle *o = &b->obstacle;

		if (!addr_equal(&b->anchor->address, from))
			continue;
		if (identifier == ECHO_INQUIRY && o->asked && o->sequence == sequence) {
			o->answered = e->now.mono;
			judge(b);
			if (o->kind == OBSTACLE_TUNNEL)
				liveness_blocked(b);
		} else if (identifier == ECHO_SIZE && addr_equal(&b->home, to) &&
			   o->size_at != USEC_INFINITY && o->size_sequence == sequence) {
			size_fits(b);
		}
	}
}
