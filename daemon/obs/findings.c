/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the test finds, each with words that help who reads them. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "obs/obs.h"
#include "proto/mh.h"

#define MAX_CLOCK_OFFSET (60 * (int64_t)USEC_PER_SEC)

void findings_add(struct findings *f, bool ok, const char *what, const char *fmt, ...)
{
	struct finding *one;
	va_list ap;

	if (f->n == f->room) {
		unsigned room = f->room ? f->room * 2 : 32;
		struct finding *list = (struct finding *)realloc(f->list, room * sizeof(*list));

		if (!list) {
			f->incomplete = true;
			return;
		}
		f->list = list;
		f->room = room;
	}
	one = &f->list[f->n++];
	one->ok = ok;
	snprintf(one->what, sizeof(one->what), "%s", what);
	va_start(ap, fmt);
	vsnprintf(one->words, sizeof(one->words), fmt, ap);
	va_end(ap);
}

void findings_free(struct findings *f)
{
	free(f->list);
	*f = (struct findings){0};
}

static double ms(usec_t t)
{
	return (double)t / (double)USEC_PER_MSEC;
}

static void add_network(struct findings *f, const struct engine *e)
{
	const char *what = engine_waiting_for(e);

	if (e->uplink)
		findings_add(f, true, "network", "care-of address %s on %s", ADDR_STR(&e->coa),
			     e->uplink->name);
	else
		findings_add(f, false, "network", "there is no way out, waiting for %s",
			     what ? what : "an uplink");
}

static bool is_blocked(struct net *n, const struct binding *b, const char **ret_words)
{
	return n && net_protection(n, &b->path, ret_words) == NET_PROTECTION_BLOCKED;
}

static void add_tunnel(struct findings *f, const char *what, const struct binding *b, struct net *n,
		       usec_t since)
{
	const struct liveness *l = &b->liveness;
	const char *anchor = b->anchor ? b->anchor->name : "its anchor";
	const char *waiting = binding_waiting_for(b), *words = NULL;
	bool is_protected = b->anchor && b->anchor->conf->protection != CONF_PROTECTION_NO;

	if (l->probe_answered && l->probe_answered >= since)
		findings_add(f, true, what, "the probe through %s was answered after %.1f ms",
			     anchor, ms(l->rtt));
	else if (!b->registered)
		findings_add(f, false, what, "not registered at %s yet, waiting for %s", anchor,
			     waiting ? waiting : "its acknowledgement");
	else if (is_blocked(n, b, &words))
		findings_add(f, false, what, "blocked: %s",
			     words ? words : "its tunnel could not be set up, see the log");
	else if (b->obstacle.kind == OBSTACLE_UNREACHABLE ||
		 b->obstacle.kind == OBSTACLE_SIGNALLING)
		findings_add(f, false, what, "no answer through %s: see the way of %s", anchor,
			     ADDR_STR(&b->home));
	else if (l->probed && l->probed >= since)
		findings_add(f, false, what,
			     "no answer through %s: does it forward packets of %s, and does "
			     "nothing between %s and %s drop %s?",
			     anchor, ADDR_STR(&b->home), ADDR_STR(&b->path.coa),
			     ADDR_STR(&b->path.anchor),
			     is_protected ? "ESP (protocol 50)" : "IPv6 in IPv6 (protocol 41)");
	else
		findings_add(f, false, what, "no probe could be sent through %s%s", anchor,
			     b->engine->uplink ? "" : ": there is no way out");
}

static void add_path(struct findings *f, const struct binding *b, struct net *n, usec_t since)
{
	const char *waiting = binding_waiting_for(b);
	char what[64];

	snprintf(what, sizeof(what), "home address %s", ADDR_STR(&b->home));
	if (b->state == BINDING_REFUSED) {
		findings_add(f, false, what, "%s refuses the binding: %s",
			     b->anchor ? b->anchor->name : "the anchor",
			     b->last_status < 0 ? "no status"
						: ba_status_str((unsigned)b->last_status));
		return;
	}
	switch (b->path.mode) {
	case PATH_TUNNEL:
		add_tunnel(f, what, b, n, since);
		break;
	case PATH_HOME:
		findings_add(f, true, what, "on its home link, without a tunnel");
		break;
	case PATH_BLOCKED:
	case PATH_MODE_MAX:
		findings_add(f, false, what, "nothing can be sent from it, waiting for %s",
			     waiting ? waiting : "its anchor");
		break;
	}
}

static void add_obstacle(struct findings *f, const struct binding *b)
{
	char what[96], words[320];

	if (b->obstacle.kind == OBSTACLE_NONE)
		return;
	snprintf(what, sizeof(what), "way of %s", ADDR_STR(&b->home));
	findings_add(f, false, what, "%s", obstacle_words(b, words, sizeof(words)));
}

static void add_key(struct findings *f, const struct anchor *a)
{
	char what[96];

	snprintf(what, sizeof(what), "key of %s", a->name);
	if (!a->has_sa)
		findings_add(f, true, what,
			     "none (Insecure=yes): whoever can send as %s can divert or cut its "
			     "bindings; a KeyFile= prevents that",
			     ADDR_STR(&a->address));
	else if (a->failed_auth)
		findings_add(f, false, what,
			     "%s %u acknowledgements failed authentication: SPI=, "
			     "Algorithm= and key have to be the same at the home agent",
			     a->key_proven ? "the last" : "all", a->failed_auth);
	else if (a->clock_offset > MAX_CLOCK_OFFSET || a->clock_offset < -MAX_CLOCK_OFFSET)
		findings_add(f, false, what,
			     "the clock of the home agent is %+.0f s off ours; time stamps protect "
			     "against replay only while clocks are right, so set them (NTP)",
			     (double)a->clock_offset / (double)USEC_PER_SEC);
	else if (a->n.dropped_auth && a->key_proven)
		findings_add(f, true, what,
			     "used; %" PRIu64 " forged or damaged acknowledgements were dropped",
			     a->n.dropped_auth);
	else
		findings_add(f, true, what, "%s", a->key_proven ? "used" : "not used so far");
}

static bool is_silent_in_tunnels_only(const struct engine *e, const struct anchor *a)
{
	const struct binding *b;

	list_for_each(b, &e->bindings, node)
		if (b->anchor == a && (b->obstacle.kind == OBSTACLE_TUNNEL ||
				       (b->state == BINDING_REGISTERED && b->liveness.dead)))
			return true;
	return false;
}

static void add_silence(struct findings *f, const char *what, const struct engine *e,
			const struct anchor *a)
{
	if (!e->uplink)
		findings_add(f, false, what, "out of reach: there is no way out");
	else if (is_silent_in_tunnels_only(e, a))
		findings_add(f, false, what,
			     "acknowledges binding updates, but its tunnel is silent");
	else
		findings_add(f, false, what,
			     "%s does not answer binding updates: is it up, is the address right, "
			     "does nothing on the way drop Mobility Headers (protocol 135)?",
			     ADDR_STR(&a->address));
}

static void add_health(struct findings *f, const struct engine *e, const struct anchor *a)
{
	const char *leaving = a->leaving ? "; it asks us to go elsewhere" : "";
	char what[96];

	snprintf(what, sizeof(what), "anchor %s", a->name);
	if (a->failed_auth && (a->health == ANCHOR_SILENT || a->health == ANCHOR_UNTRIED)) {
		findings_add(f, false, what,
			     "%s answers binding updates, but with a wrong authenticator: see its "
			     "key",
			     ADDR_STR(&a->address));
		return;
	}
	switch (a->health) {
	case ANCHOR_UNTRIED:
		findings_add(f, true, what, "not tried so far%s", leaving);
		break;
	case ANCHOR_REACHABLE:
		if (a->rtt)
			findings_add(f, true, what, "reachable in %.1f ms%s", ms(a->rtt), leaving);
		else
			findings_add(f, true, what, "reachable%s", leaving);
		break;
	case ANCHOR_SILENT:
		add_silence(f, what, e, a);
		break;
	case ANCHOR_REFUSING:
		findings_add(f, false, what, "refuses us: %s",
			     a->last_status < 0 ? "no status"
						: ba_status_str((unsigned)a->last_status));
		break;
	case ANCHOR_HEALTH_MAX:
		break;
	}
}

void findings_of_audit(struct findings *f, const struct audit_result *results, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		findings_add(f, results[i].ok, results[i].what, "%s",
			     *results[i].words ? results[i].words : "as it should be");
}

void findings_of_engine(struct findings *f, const struct engine *e, struct net *n, usec_t since)
{
	const struct binding *b;
	const struct anchor *a;

	add_network(f, e);
	list_for_each(b, &e->bindings, node) {
		add_path(f, b, n, since);
		add_obstacle(f, b);
	}
	list_for_each(a, &e->anchors, node) {
		if (addr_is_any(&a->address))
			continue;
		add_key(f, a);
		add_health(f, e, a);
	}
	if (list_empty(&e->anchors))
		findings_add(f, true, "anchors",
			     "none known: sessions end when the network they began on is left");
}
