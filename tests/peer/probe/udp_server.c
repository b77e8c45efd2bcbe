/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "udp_server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/peer.h"
#include "arrivals.h"
#include "base/addr.h"
#include "base/list.h"
#include "base/log.h"
#include "datagram.h"
#include "pace.h"
#include "socket.h"

#define BATCH 64
#define MAX_FLOWS 1024
/* A client that is out of reach comes back within this time, or not at all. */
#define SILENCE_MAX (120 * USEC_PER_SEC)

struct udp_server {
	sd_event *event;
	sd_event_source *io, *timer;
	int fd;
	struct list flows;
	unsigned n_flows;
};

struct flow {
	struct list node;
	struct udp_server *server;
	uint64_t id;
	struct sockaddr_in6 client; /* where it was heard last */
	usec_t heard;
	struct pace *pace;
	uint32_t total, sent;
	uint16_t size;
	struct arrivals up;
	bool finished; /* the client has asked for the account */
};

static struct flow *flow_find(struct udp_server *s, uint64_t id)
{
	struct flow *f;

	list_for_each(f, &s->flows, node)
		if (f->id == id)
			return f;
	return NULL;
}

static void flow_free(struct flow *f)
{
	list_remove(&f->node);
	f->server->n_flows--;
	pace_free(f->pace);
	arrivals_free(&f->up);
	free(f);
}

static void send_to(struct udp_server *s, const struct sockaddr_in6 *to, const struct datagram *d)
{
	uint8_t buf[DATAGRAM_MAX];
	int len = datagram_build(d, buf, sizeof(buf));

	/* What cannot be sent counts as lost on the way. */
	if (len >= 0 &&
	    sendto(s->fd, buf, (size_t)len, 0, (const struct sockaddr *)to, sizeof(*to)) < 0)
		log_debug("%s: %s", ADDR_STR(&to->sin6_addr), log_strerror(errno));
}

static int on_pace(void *user, uint64_t due)
{
	struct flow *f = user;

	while (due-- > 0 && f->sent < f->total) {
		struct datagram d = {.type = DATAGRAM_DATA,
				     .flow = f->id,
				     .sequence = f->sent++,
				     .total = f->total,
				     .sent_at = peer_now(),
				     .size = f->size};

		send_to(f->server, &f->client, &d);
	}
	if (f->sent == f->total || peer_now() - f->heard > SILENCE_MAX)
		pace_stop(f->pace);
	return 0;
}

static struct flow *flow_new(struct udp_server *s, const struct datagram *d,
			     const struct sockaddr_in6 *client)
{
	struct flow *f;

	if (s->n_flows == MAX_FLOWS || d->interval_us == 0 || d->total > ARRIVALS_MAX_SEQUENCE)
		return NULL;
	f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	*f = (struct flow){.server = s,
			   .id = d->flow,
			   .client = *client,
			   .heard = peer_now(),
			   .total = d->total,
			   .size = d->size > DATAGRAM_MAX ? DATAGRAM_MAX : d->size};
	arrivals_init(&f->up, d->threshold_us, f->heard);
	list_append(&s->flows, &f->node);
	s->n_flows++;
	if (pace_start(s->event, d->interval_us, on_pace, f, &f->pace) < 0) {
		flow_free(f);
		return NULL;
	}
	return f;
}

static void on_data(struct udp_server *s, const struct datagram *d, const struct sockaddr_in6 *from)
{
	struct flow *f = flow_find(s, d->flow);

	if (!f)
		f = flow_new(s, d, from);
	if (!f || f->finished)
		return;
	f->client = *from;
	f->heard = peer_now();
	arrivals_add(&f->up, d->sequence, f->heard);
}

static void finish(struct flow *f, uint32_t sent)
{
	f->finished = true;
	pace_stop(f->pace);
	arrivals_finish(&f->up, sent, peer_now());
}

static void report_fill(struct datagram *d, const struct flow *f, uint32_t part)
{
	uint32_t first = part * DATAGRAM_GAPS, n = f->up.n_gaps;

	d->sent = f->sent;
	d->received = f->up.received;
	d->duplicates = f->up.duplicates;
	d->reordered = f->up.reordered;
	d->parts = n == 0 ? 1 : (n + DATAGRAM_GAPS - 1) / DATAGRAM_GAPS;
	if (n == 0 || part >= d->parts)
		return;
	d->n_gaps = n - first > DATAGRAM_GAPS ? DATAGRAM_GAPS : n - first;
	memcpy(d->gap, f->up.gaps + first, d->n_gaps * sizeof(*d->gap));
}

static void on_request(struct udp_server *s, const struct datagram *d,
		       const struct sockaddr_in6 *from)
{
	struct flow *f = flow_find(s, d->flow);
	struct datagram report = {
		.type = DATAGRAM_REPORT, .flow = d->flow, .part = d->part, .parts = 1};

	report.client = from->sin6_addr;
	if (f) {
		if (!f->finished)
			finish(f, d->sent);
		f->heard = peer_now();
		if (d->part <= f->up.n_gaps / DATAGRAM_GAPS)
			report_fill(&report, f, d->part);
	}
	send_to(s, from, &report);
}

static int on_readable(sd_event_source *source, int fd, uint32_t revents, void *user)
{
	struct udp_server *s = user;

	(void)source;
	(void)revents;
	for (int i = 0; i < BATCH; i++) {
		struct sockaddr_in6 from = {0};
		socklen_t len = sizeof(from);
		uint8_t buf[DATAGRAM_MAX];
		struct datagram d;
		ssize_t n = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len);

		if (n < 0)
			break;
		if (datagram_parse(buf, (size_t)n, &d) < 0)
			continue;
		if (d.type == DATAGRAM_DATA)
			on_data(s, &d, &from);
		else if (d.type == DATAGRAM_REPORT_REQUEST)
			on_request(s, &d, &from);
	}
	return 0;
}

/* Forget the flows whose clients are done or gone. */
static int on_timer(sd_event_source *source, uint64_t usec, void *user)
{
	struct udp_server *s = user;
	struct flow *f, *next;

	(void)source;
	list_for_each_safe(f, next, &s->flows, node)
		if (usec > f->heard + SILENCE_MAX && (f->finished || f->sent == f->total))
			flow_free(f);
	return peer_timer_set(s->event, &s->timer, usec + SILENCE_MAX / 2, on_timer, s);
}

int udp_server_open(const struct probe_options *o, sd_event *event, struct udp_server **ret)
{
	struct udp_server *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->event = event;
	list_init(&s->flows);
	r = s->fd = probe_server_socket(o, SOCK_DGRAM);
	if (r >= 0)
		r = sd_event_add_io(event, &s->io, s->fd, EPOLLIN, on_readable, s);
	if (r >= 0)
		r = peer_timer_set(event, &s->timer, peer_now() + SILENCE_MAX / 2, on_timer, s);
	if (r < 0) {
		udp_server_close(s);
		return r;
	}
	*ret = s;
	return 0;
}

void udp_server_close(struct udp_server *s)
{
	struct flow *f, *next;

	if (!s)
		return;
	list_for_each_safe(f, next, &s->flows, node)
		flow_free(f);
	sd_event_source_unref(s->io);
	sd_event_source_unref(s->timer);
	if (s->fd >= 0)
		close(s->fd);
	free(s);
}
