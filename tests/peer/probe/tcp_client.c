/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tcp_client.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>

#include "../common/event.h"
#include "../common/peer.h"
#include "base/log.h"
#include "socket.h"
#include "stream.h"
#include "summary.h"

#define CLIENT_SEED 0

struct tcp_client {
	const struct probe_options *o;
	sd_event *event;
	sd_event_source *timer;
	struct stream *stream;
	bool ended; /* END is sent, the report is awaited */
	int error;
	json_t *report;
	struct in6_addr source;
	usec_t started;
};

static int finish(struct tcp_client *c, int error)
{
	c->error = error;
	return sd_event_exit(c->event, 0);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *user);

static int end(struct tcp_client *c)
{
	if (c->ended)
		return 0;
	c->ended = true;
	stream_stop_data(c->stream);
	stream_send_frame(c->stream, FRAME_END, NULL);
	return peer_timer_set(c->event, &c->timer, peer_now() + c->o->patience, on_timer, c);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *user)
{
	struct tcp_client *c = user;

	(void)s;
	(void)usec;
	return c->ended ? finish(c, -ETIMEDOUT) : end(c);
}

static int on_stop(void *user)
{
	return end(user);
}

static int on_frame(void *user, enum frame_type type, const json_t *content)
{
	struct tcp_client *c = user;

	if (type != FRAME_REPORT || !content)
		return -EBADMSG;
	c->report = json_deep_copy(content);
	return finish(c, 0);
}

static void on_closed(void *user, int error)
{
	finish(user, error < 0 ? error : -ECONNRESET);
}

static void add_tcp_info(json_t *s, int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return;
	json_object_set_new(s, "mss", json_integer(info.tcpi_snd_mss));
	json_object_set_new(s, "pmtu", json_integer(info.tcpi_pmtu));
	json_object_set_new(s, "retransmits", json_integer(info.tcpi_total_retrans));
}

static double longest_ms(const json_t *stalls)
{
	json_int_t longest = 0;
	const json_t *stall;
	size_t i;

	json_array_foreach(stalls, i, stall)
	{
		json_int_t length = json_integer_value(json_object_get(stall, "end_us")) -
				    json_integer_value(json_object_get(stall, "start_us"));

		longest = length > longest ? length : longest;
	}
	return (double)longest / 1e3;
}

static json_t *from_report(const struct tcp_client *c, const char *name)
{
	return c->report ? json_incref(json_object_get(c->report, name)) : json_null();
}

static json_t *summarise(struct tcp_client *c)
{
	json_t *stalls = stream_stalls(c->stream, "down", c->error < 0);
	bool verified = stream_verified(c->stream) &&
			(!c->report || json_is_true(json_object_get(c->report, "verified")));
	json_t *s = json_pack("{s:s, s:o, s:b, s:b, s:I, s:I, s:I, s:I}", "name",
			      c->o->name ? c->o->name : "", "source", json_addr(&c->source), "ok",
			      c->error == 0 && verified, "verified", verified, "start_us",
			      (json_int_t)c->started, "end_us", (json_int_t)peer_now(), "sent_up",
			      (json_int_t)stream_sent(c->stream), "received_down",
			      (json_int_t)stream_received(c->stream));

	json_object_set_new(s, "received_up", from_report(c, "received"));
	json_object_set_new(s, "sent_down", from_report(c, "sent"));
	json_object_set_new(s, "error",
			    c->error < 0 ? json_string(log_strerror(-c->error)) : json_null());
	if (c->report)
		json_array_extend(stalls, json_object_get(c->report, "stalls"));
	json_object_set_new(s, "longest_stall_ms", json_real(longest_ms(stalls)));
	json_object_set_new(s, "stalls", stalls);
	add_tcp_info(s, stream_fd(c->stream));
	return s;
}

static int start(struct tcp_client *c)
{
	struct stream_handlers handlers = {.frame = on_frame, .closed = on_closed, .user = c};
	int fd = probe_socket(c->o, SOCK_STREAM), r;

	if (fd < 0)
		return fd;
	probe_socket_source(fd, &c->source);
	c->started = peer_now();
	r = stream_new(c->event, fd, CLIENT_SEED, &handlers, &c->stream);
	if (r < 0)
		return r;
	stream_send_frame(c->stream, FRAME_HELLO,
			  json_pack("{s:I, s:I}", "rate", (json_int_t)c->o->rate, "stall_us",
				    (json_int_t)c->o->stall));
	r = stream_send_data(c->stream, c->o->rate);
	stream_watch(c->stream, c->o->stall);
	if (r >= 0)
		r = peer_timer_set(c->event, &c->timer, c->started + c->o->duration, on_timer, c);
	return r;
}

int tcp_client_run(const struct probe_options *o)
{
	struct tcp_client c = {.o = o};
	int r = peer_loop_new_stoppable(on_stop, &c, &c.event);

	if (r >= 0)
		r = start(&c);
	if (r >= 0)
		r = sd_event_loop(c.event);
	if (r >= 0) {
		r = summary_write(o, summarise(&c));
		if (r >= 0)
			r = c.error;
	}
	json_decref(c.report);
	stream_free(c.stream);
	sd_event_source_unref(c.timer);
	sd_event_unref(c.event);
	return r;
}
