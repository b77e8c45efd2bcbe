/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "udp_client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "../common/event.h"
#include "../common/peer.h"
#include "arrivals.h"
#include "base/log.h"
#include "datagram.h"
#include "pace.h"
#include "socket.h"
#include "summary.h"

#define REPORT_RETRY (100 * USEC_PER_MSEC)
#define BATCH 64

enum phase {
	PHASE_SENDING,
	PHASE_LINGERING, /* packets may still be under way */
	PHASE_ASKING,    /* for the server's account */
	PHASE_DRAINING,  /* the last packets that the account speaks of */
};

struct udp_client {
	const struct probe_options *o;
	sd_event *event;
	sd_event_source *io, *timer;
	int fd;
	struct pace *pace;
	enum phase phase;
	uint64_t flow;
	uint32_t total, sent, send_errors;
	int last_error;
	usec_t started, deadline;
	struct in6_addr source;
	struct arrivals down;

	struct datagram report; /* numbers of the parts so far; the gaps are collected below */
	uint32_t next_part;
	json_t *gaps;
};

static void send_datagram(struct udp_client *c, const struct datagram *d)
{
	uint8_t buf[DATAGRAM_MAX];
	int len = datagram_build(d, buf, sizeof(buf));

	/* Connected or not, an address is right; not connected, the source may change. */
	if (len >= 0 && sendto(c->fd, buf, (size_t)len, 0,
			       c->o->connect ? NULL : (const struct sockaddr *)&c->o->to,
			       c->o->connect ? 0 : sizeof(c->o->to)) < 0) {
		c->send_errors++;
		c->last_error = errno;
	}
}

static void send_data(struct udp_client *c)
{
	struct datagram d = {
		.type = DATAGRAM_DATA,
		.flow = c->flow,
		.sequence = c->sent++,
		.total = c->total,
		.interval_us = (uint32_t)c->o->interval,
		.threshold_us = (uint32_t)c->down.threshold,
		.sent_at = peer_now(),
		.size = (uint16_t)c->o->size,
	};

	send_datagram(c, &d);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *user);

static int enter(struct udp_client *c, enum phase phase, usec_t wait)
{
	c->phase = phase;
	return peer_timer_set(c->event, &c->timer, peer_now() + wait, on_timer, c);
}

static int on_pace(void *user, uint64_t due)
{
	struct udp_client *c = user;

	while (due-- > 0 && c->sent < c->total)
		send_data(c);
	if (c->sent < c->total || c->phase != PHASE_SENDING)
		return 0;
	pace_stop(c->pace);
	return enter(c, PHASE_LINGERING, c->o->linger);
}

static int ask(struct udp_client *c)
{
	struct datagram d = {.type = DATAGRAM_REPORT_REQUEST,
			     .flow = c->flow,
			     .sent = c->sent,
			     .part = c->next_part};

	if (peer_now() > c->deadline)
		return sd_event_exit(c->event, 0);
	send_datagram(c, &d);
	return enter(c, PHASE_ASKING, REPORT_RETRY);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *user)
{
	struct udp_client *c = user;

	(void)s;
	(void)usec;
	switch (c->phase) {
	case PHASE_SENDING:
		return 0;
	case PHASE_LINGERING:
		c->deadline = peer_now() + c->o->patience;
		return ask(c);
	case PHASE_ASKING:
		return ask(c);
	case PHASE_DRAINING:
		return sd_event_exit(c->event, 0);
	}
	return 0;
}

static void gaps_append(json_t *list, const char *direction, const struct arrival_gap *g,
			uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:s, s:I, s:I, s:I}", "direction",
						      direction, "start_us", (json_int_t)g[i].start,
						      "end_us", (json_int_t)g[i].end, "lost",
						      (json_int_t)g[i].lost));
}

static bool report_complete(const struct udp_client *c)
{
	return c->report.parts > 0 && c->next_part == c->report.parts;
}

static int on_report(struct udp_client *c, const struct datagram *d)
{
	if (c->phase != PHASE_ASKING || d->part != c->next_part || d->parts == 0)
		return 0;
	gaps_append(c->gaps, "up", d->gap, d->n_gaps);
	c->report = *d;
	c->next_part++;
	if (!report_complete(c))
		return ask(c);
	return enter(c, PHASE_DRAINING, c->down.received < d->sent ? c->o->linger : 0);
}

static int on_readable(sd_event_source *s, int fd, uint32_t revents, void *user)
{
	struct udp_client *c = user;

	(void)s;
	(void)revents;
	for (int i = 0; i < BATCH; i++) {
		uint8_t buf[DATAGRAM_MAX];
		struct datagram d;
		ssize_t n = recv(fd, buf, sizeof(buf), 0);
		int r = 0;

		if (n < 0)
			break; /* ICMP errors included: losses are counted, not reasons to end */
		if (datagram_parse(buf, (size_t)n, &d) < 0 || d.flow != c->flow)
			continue;
		if (d.type == DATAGRAM_DATA)
			r = arrivals_add(&c->down, d.sequence, peer_now());
		else if (d.type == DATAGRAM_REPORT)
			r = on_report(c, &d);
		if (r < 0)
			return r;
	}
	return 0;
}

static int on_stop(void *user)
{
	struct udp_client *c = user;

	if (c->phase != PHASE_SENDING)
		return 0;
	pace_stop(c->pace);
	return enter(c, PHASE_LINGERING, c->o->linger);
}

static usec_t longest_of(const json_t *gaps, const char *direction)
{
	usec_t longest = 0;
	const json_t *g;
	size_t i;

	json_array_foreach(gaps, i, g)
	{
		usec_t length = (usec_t)(json_integer_value(json_object_get(g, "end_us")) -
					 json_integer_value(json_object_get(g, "start_us")));

		if (strcmp(json_string_value(json_object_get(g, "direction")), direction) == 0 &&
		    length > longest)
			longest = length;
	}
	return longest;
}

static void set_count(json_t *o, const char *name, bool known, int64_t value)
{
	json_object_set_new(o, name, known ? json_integer(value) : json_null());
}

static json_t *summarise(struct udp_client *c)
{
	bool known = report_complete(c);
	uint32_t expected = known ? c->report.sent : c->down.next;
	usec_t up, down;
	json_t *s;

	arrivals_finish(&c->down, expected, peer_now());
	gaps_append(c->gaps, "down", c->down.gaps, c->down.n_gaps);
	up = longest_of(c->gaps, "up");
	down = longest_of(c->gaps, "down");
	s = json_pack("{s:s, s:o, s:b, s:I, s:I, s:I}", "name", c->o->name ? c->o->name : "",
		      "source", json_addr(known ? &c->report.client : &c->source), "ok", known,
		      "start_us", (json_int_t)c->started, "end_us", (json_int_t)peer_now(),
		      "sent_up", (json_int_t)c->sent);
	json_object_set_new(s, "error",
			    known ? json_null() : json_string("no account from the server"));
	set_count(s, "received_up", known, c->report.received);
	set_count(s, "lost_up", known, (int64_t)c->sent - c->report.received);
	set_count(s, "sent_down", known, c->report.sent);
	set_count(s, "received_down", true, c->down.received);
	set_count(s, "lost_down", known, (int64_t)c->report.sent - c->down.received);
	set_count(s, "duplicates", true, (int64_t)c->down.duplicates + c->report.duplicates);
	set_count(s, "reordered", true, (int64_t)c->down.reordered + c->report.reordered);
	set_count(s, "send_errors", true, c->send_errors);
	json_object_set_new(s, "last_send_error",
			    c->last_error ? json_string(log_strerror(c->last_error)) : json_null());
	json_object_set(s, "gaps", c->gaps);
	json_object_set_new(s, "longest_gap_ms", json_real((double)(up > down ? up : down) / 1e3));
	json_object_set_new(s, "longest_gap_up_ms", json_real((double)up / 1e3));
	json_object_set_new(s, "longest_gap_down_ms", json_real((double)down / 1e3));
	return s;
}

static int start(struct udp_client *c)
{
	const struct probe_options *o = c->o;
	usec_t packets = o->duration / o->interval;
	int r;

	if (packets == 0 || packets > ARRIVALS_MAX_SEQUENCE)
		return -ERANGE;
	c->total = (uint32_t)packets;
	if (getrandom(&c->flow, sizeof(c->flow), 0) < 0)
		return -errno;
	r = c->fd = probe_socket(o, SOCK_DGRAM);
	if (r < 0)
		return r;
	r = probe_socket_source(c->fd, &c->source);
	if (r >= 0)
		r = sd_event_add_io(c->event, &c->io, c->fd, EPOLLIN, on_readable, c);
	c->started = peer_now();
	arrivals_init(&c->down, o->interval * o->gap_intervals, c->started);
	if (r >= 0)
		r = pace_start(c->event, o->interval, on_pace, c, &c->pace);
	return r;
}

int udp_client_run(const struct probe_options *o)
{
	struct udp_client c = {.o = o, .fd = -1, .gaps = json_array()};
	int r = peer_loop_new_stoppable(on_stop, &c, &c.event);

	if (r >= 0)
		r = start(&c);
	if (r >= 0)
		r = sd_event_loop(c.event);
	if (r >= 0)
		r = summary_write(o, summarise(&c));
	if (r >= 0 && !report_complete(&c))
		r = -ETIMEDOUT;
	pace_free(c.pace);
	sd_event_source_unref(c.io);
	sd_event_source_unref(c.timer);
	sd_event_unref(c.event);
	arrivals_free(&c.down);
	json_decref(c.gaps);
	if (c.fd >= 0)
		close(c.fd);
	return r;
}
