/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Metrics in the text format of OpenMetrics 1.0.  Names and labels are an interface: dmmctl(1) lists them.
 *
 * Each family is written in one piece, with its type, its unit and one line of help before its samples.
 */
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "obs/obs.h"

#define TUNNEL_OVERHEAD 40 /* octets of the outer header of one packet */

static void family(FILE *f, const char *name, const char *type, const char *unit, const char *help)
{
	fprintf(f, "# TYPE %s %s\n", name, type);
	if (unit)
		fprintf(f, "# UNIT %s %s\n", name, unit);
	fprintf(f, "# HELP %s %s\n", name, help);
}

/* Text between quotes: only these three characters need care. */
static void quoted(FILE *f, const char *s)
{
	putc('"', f);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			putc('\\', f);
		if (*s == '\n')
			fputs("\\n", f);
		else
			putc(*s, f);
	}
	putc('"', f);
}

static void label(FILE *f, char before, const char *name, const char *value)
{
	fprintf(f, "%c%s=", before, name);
	quoted(f, value);
}

static void seconds(FILE *f, usec_t t)
{
	fprintf(f, " %" PRIu64 ".%06" PRIu64 "\n", t / USEC_PER_SEC, t % USEC_PER_SEC);
}

static void number(FILE *f, const char *name, const char *suffix, uint64_t value)
{
	fprintf(f, "%s%s %" PRIu64 "\n", name, suffix, value);
}

/* One sample for each name of an enumeration. */
static void by_name(FILE *f, const char *sample, const char *key, const char *const *names,
		    const uint64_t *values)
{
	for (unsigned i = 0; names[i]; i++) {
		fputs(sample, f);
		label(f, '{', key, names[i]);
		fprintf(f, "} %" PRIu64 "\n", values[i]);
	}
}

static void write_general(FILE *f, const struct engine *e)
{
	static const char *const places[] = {"starting", "offline", "local", "home", "away"};
	const char *place = engine_place(e);

	family(f, "dmmd_build", "info", NULL, "The program.");
	fputs("dmmd_build_info", f);
	label(f, '{', "version", DMMD_VERSION);
	fputs("} 1\n", f);
	family(f, "dmmd_place", "stateset", NULL, "Where the host is.");
	for (unsigned i = 0; i < sizeof(places) / sizeof(*places); i++) {
		fputs("dmmd_place", f);
		label(f, '{', "dmmd_place", places[i]);
		fprintf(f, "} %d\n", strcmp(places[i], place) == 0);
	}
}

static void write_handovers(FILE *f, const struct counters *c)
{
	uint64_t done = 0;

	family(f, "dmmd_handovers", "counter", NULL, "Changes of attachment that are over.");
	for (int mode = 0; mode < HANDOVER_MODE_MAX; mode++) {
		for (int result = 0; result < HANDOVER_RESULT_MAX; result++) {
			if (result == HANDOVER_RUNNING)
				continue;
			fputs("dmmd_handovers_total", f);
			label(f, '{', "mode", handover_mode_str(mode));
			label(f, ',', "result", handover_result_str(result));
			fprintf(f, "} %" PRIu64 "\n", c->handovers[mode][result]);
		}
		done += c->handovers[mode][HANDOVER_DONE];
	}
	family(f, "dmmd_handover_duration_seconds", "summary", "seconds",
	       "From the beginning of a handover to its last acknowledgement.");
	number(f, "dmmd_handover_duration_seconds", "_count", done);
	fputs("dmmd_handover_duration_seconds_sum", f);
	seconds(f, c->handover_time);
}

/* A counter of each anchor. */
static void per_anchor(FILE *f, const struct engine *e, const char *name, const char *help,
		       size_t offset)
{
	const struct anchor *a;

	family(f, name, "counter", NULL, help);
	list_for_each(a, &e->anchors, node) {
		fprintf(f, "%s_total", name);
		label(f, '{', "anchor", a->name);
		fprintf(f, "} %" PRIu64 "\n",
			*(const uint64_t *)(const void *)((const char *)&a->n + offset));
	}
}

static void write_acknowledgements(FILE *f, const struct engine *e)
{
	static const char *const outcomes[] = {"accepted",   "rejected",  "bad-authentication",
					       "unexpected", "malformed", NULL};
	const struct anchor *a;

	family(f, "dmmd_binding_acknowledgements", "counter", NULL,
	       "Binding acknowledgements by what became of them.");
	list_for_each(a, &e->anchors, node) {
		const uint64_t values[] = {a->n.ba_accepted, a->n.ba_rejected, a->n.dropped_auth,
					   a->n.dropped_unexpected, a->n.dropped_malformed};

		for (unsigned i = 0; outcomes[i]; i++) {
			fputs("dmmd_binding_acknowledgements_total", f);
			label(f, '{', "anchor", a->name);
			label(f, ',', "outcome", outcomes[i]);
			fprintf(f, "} %" PRIu64 "\n", values[i]);
		}
	}
}

static void write_health(FILE *f, const struct engine *e)
{
	const struct anchor *a;

	family(f, "dmmd_anchor_health", "stateset", NULL, "How anchors behave.");
	list_for_each(a, &e->anchors, node)
		for (int i = 0; i < ANCHOR_HEALTH_MAX; i++) {
			fputs("dmmd_anchor_health", f);
			label(f, '{', "anchor", a->name);
			label(f, ',', "dmmd_anchor_health", anchor_health_str(i));
			fprintf(f, "} %d\n", (int)a->health == i);
		}
	family(f, "dmmd_anchor_rtt_seconds", "gauge", "seconds",
	       "Smoothed round trip to anchors; those not measured are left out.");
	list_for_each(a, &e->anchors, node)
		if (a->rtt) {
			fputs("dmmd_anchor_rtt_seconds", f);
			label(f, '{', "anchor", a->name);
			putc('}', f);
			seconds(f, a->rtt);
		}
}

#define PER_ANCHOR(f, e, name, help, member) \
	per_anchor(f, e, name, help, offsetof(struct anchor_counters, member))

static void write_anchors(FILE *f, const struct engine *e)
{
	PER_ANCHOR(f, e, "dmmd_binding_updates_sent",
		   "Binding updates sent, retransmissions included.", bu_sent);
	PER_ANCHOR(f, e, "dmmd_binding_updates_retransmitted", "Of these, sent again.",
		   bu_retransmitted);
	write_acknowledgements(f, e);
	PER_ANCHOR(f, e, "dmmd_probes_sent", "Probes through tunnels of the anchor.", probes_sent);
	PER_ANCHOR(f, e, "dmmd_probes_answered", "Of these, answered.", probes_answered);
	PER_ANCHOR(f, e, "dmmd_anchor_switches", "Authenticated home agent switch messages.",
		   switches);
	PER_ANCHOR(f, e, "dmmd_anchor_revocations", "Authenticated binding revocations.",
		   revocations);
	write_health(f, e);
}

static void write_sessions(FILE *f, const struct engine *e)
{
	const struct counters *c = &e->counters;
	uint64_t now[SERVICE_TYPE_MAX] = {0}, need[SERVICE_TYPE_MAX] = {0};
	const struct session *s;

	for (int i = 0; i < SESSION_BUCKETS; i++)
		list_for_each(s, &e->sessions[i], hash_node) {
			now[s->requested]++;
			need[s->requested] += s->in_need;
		}
	family(f, "dmmd_sessions", "gauge", NULL, "Sessions on prefixes that were left.");
	by_name(f, "dmmd_sessions", "type", service_type_names, now);
	family(f, "dmmd_sessions_in_need", "gauge", NULL,
	       "Of these, those whose address has to stay.");
	by_name(f, "dmmd_sessions_in_need", "type", service_type_names, need);
	family(f, "dmmd_sessions_tracked", "counter", NULL,
	       "Sessions that came to the notice of the daemon.");
	by_name(f, "dmmd_sessions_tracked_total", "type", service_type_names, c->sessions_tracked);
	family(f, "dmmd_sessions_lost", "counter", NULL, "Sessions whose address was lost.");
	number(f, "dmmd_sessions_lost", "_total", c->sessions_lost);
	family(f, "dmmd_session_duration_seconds", "summary", "seconds",
	       "How long sessions that are over were kept an eye on.");
	number(f, "dmmd_session_duration_seconds", "_count", c->sessions_over);
	fputs("dmmd_session_duration_seconds_sum", f);
	seconds(f, c->session_time);
	family(f, "dmmd_session_listings", "counter", NULL,
	       "How often the kernel was asked for sessions.");
	number(f, "dmmd_session_listings", "_total", c->session_listings);
}

static void write_bindings(FILE *f, const struct engine *e)
{
	uint64_t bindings[BINDING_STATE_MAX] = {0}, prefixes[PREFIX_STATE_MAX] = {0};
	uint64_t tunnels = 0, dead = 0;
	const struct binding *b;
	const struct prefix *p;

	list_for_each(b, &e->bindings, node) {
		bindings[b->state]++;
		tunnels += b->path.mode == PATH_TUNNEL;
		dead += b->liveness.dead;
	}
	list_for_each(p, &e->prefixes, node)
		prefixes[p->state]++;
	family(f, "dmmd_bindings", "gauge", NULL, "Entries of the binding update list.");
	by_name(f, "dmmd_bindings", "state", binding_state_names, bindings);
	family(f, "dmmd_prefixes", "gauge", NULL, "Prefixes the host has or had.");
	by_name(f, "dmmd_prefixes", "state", prefix_state_names, prefixes);
	family(f, "dmmd_tunnels", "gauge", NULL, "Home addresses whose packets take a tunnel.");
	number(f, "dmmd_tunnels", "", tunnels);
	family(f, "dmmd_tunnels_dead", "gauge", NULL, "Of these, those that carry nothing.");
	number(f, "dmmd_tunnels_dead", "", dead);
	family(f, "dmmd_withdrawals", "counter", NULL, "Bindings withdrawn for lack of need.");
	number(f, "dmmd_withdrawals", "_total", e->counters.withdrawals);
}

static void both_ways(FILE *f, const char *name, uint64_t sent, uint64_t received)
{
	fprintf(f, "%s_total{direction=\"sent\"} %" PRIu64 "\n", name, sent);
	fprintf(f, "%s_total{direction=\"received\"} %" PRIu64 "\n", name, received);
}

static void write_plane(FILE *f, const struct metrics_plane *p)
{
	const struct net_traffic *t = &p->traffic;

	family(f, "dmmd_tunnel_packets", "counter", NULL, "Packets through tunnels.");
	both_ways(f, "dmmd_tunnel_packets", t->sent_packets, t->received_packets);
	family(f, "dmmd_tunnel_bytes", "counter", "bytes", "Their octets, inner headers included.");
	both_ways(f, "dmmd_tunnel_bytes", t->sent_bytes, t->received_bytes);
	family(f, "dmmd_tunnel_overhead_bytes", "counter", "bytes",
	       "Octets of their outer headers.");
	both_ways(f, "dmmd_tunnel_overhead_bytes", t->sent_packets * TUNNEL_OVERHEAD,
		  t->received_packets * TUNNEL_OVERHEAD);
	family(f, "dmmd_dropped_packets", "counter", NULL, "Packets the data plane refused.");
	by_name(f, "dmmd_dropped_packets_total", "reason", net_drop_names, p->dropped);
}

static void write_sock(FILE *f, const struct sock_info *s)
{
	static const char *const results[] = {"acquired", "unavailable", "denied", NULL};
	static const char *const given[] = {"given", "missing", NULL};
	const uint64_t requests[] = {s->acquired, s->refused, s->denied};
	const uint64_t addresses[] = {s->hooks_given, s->hooks_missing};

	family(f, "dmmd_sock_clients", "gauge", NULL, "Programs connected to the daemon.");
	number(f, "dmmd_sock_clients", "", s->clients);
	family(f, "dmmd_sock_subscribers", "gauge", NULL, "Of these, those that hear of changes.");
	number(f, "dmmd_sock_subscribers", "", s->subscribers);
	family(f, "dmmd_sock_waiting", "gauge", NULL, "Requests that wait for an address.");
	number(f, "dmmd_sock_waiting", "", s->waiting);
	family(f, "dmmd_sock_requests", "counter", NULL, "Requests for an address.");
	by_name(f, "dmmd_sock_requests_total", "result", results, requests);
	family(f, "dmmd_sock_cut_off", "counter", NULL,
	       "Connections that did not keep to the protocol.");
	number(f, "dmmd_sock_cut_off", "_total", s->hostile);
	family(f, "dmmd_hooks", "gauge", NULL, "Whether the kernel's socket hooks are in use.");
	number(f, "dmmd_hooks", "", s->hooks);
	family(f, "dmmd_hooks_addresses", "counter", NULL,
	       "What the socket hooks had to give, of all network namespaces.");
	by_name(f, "dmmd_hooks_addresses_total", "result", given, addresses);
}

void metrics_write(FILE *out, const struct engine *e, const struct metrics_plane *p,
		   const struct sock_info *s)
{
	write_general(out, e);
	write_handovers(out, &e->counters);
	write_anchors(out, e);
	write_sessions(out, e);
	write_bindings(out, e);
	write_plane(out, p);
	write_sock(out, s);
	family(out, "dmmd_events", "counter", NULL, "Events since the start.");
	by_name(out, "dmmd_events_total", "kind", event_kind_names, e->counters.events);
	fputs("# EOF\n", out);
}

void metrics_write_now(FILE *out, const struct engine *e, struct net *n, const struct sock *s)
{
	struct metrics_plane p = {0};
	struct sock_info info;

	for (unsigned slot = 0; slot < CONF_MAX_HOMES; slot++) {
		struct net_traffic t;

		net_traffic(n, slot, &t);
		p.traffic.sent_packets += t.sent_packets;
		p.traffic.sent_bytes += t.sent_bytes;
		p.traffic.received_packets += t.received_packets;
		p.traffic.received_bytes += t.received_bytes;
	}
	net_dropped(n, p.dropped);
	sock_info(s, &info);
	metrics_write(out, e, &p, &info);
}
