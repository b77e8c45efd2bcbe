/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tcp_server.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/list.h"
#include "base/log.h"
#include "socket.h"
#include "stream.h"

#define SERVER_SEED 1

struct tcp_server {
	sd_event *event;
	sd_event_source *io;
	int fd;
	struct list connections;
};

struct connection {
	struct list node;
	struct stream *stream;
};

static void connection_free(struct connection *c)
{
	list_remove(&c->node);
	stream_free(c->stream);
	free(c);
}

static json_t *account(struct connection *c)
{
	return json_pack("{s:I, s:I, s:b, s:o}", "received", (json_int_t)stream_received(c->stream),
			 "sent", (json_int_t)stream_sent(c->stream), "verified",
			 stream_verified(c->stream), "stalls",
			 stream_stalls(c->stream, "up", false));
}

static int on_frame(void *user, enum frame_type type, const json_t *content)
{
	struct connection *c = user;
	json_int_t rate = json_integer_value(json_object_get(content, "rate"));
	json_int_t stall = json_integer_value(json_object_get(content, "stall_us"));

	if (type == FRAME_HELLO && rate >= 0 && stall > 0) {
		stream_watch(c->stream, (usec_t)stall);
		return stream_send_data(c->stream, (uint64_t)rate);
	}
	if (type != FRAME_END)
		return -EBADMSG;
	stream_stop_data(c->stream);
	return stream_send_frame(c->stream, FRAME_REPORT, account(c));
}

static void on_closed(void *user, int error)
{
	if (error < 0)
		log_info("tcp client: %s", log_strerror(-error));
	connection_free(user);
}

static int on_connection(sd_event_source *source, int fd, uint32_t revents, void *user)
{
	struct tcp_server *s = user;
	struct connection *c;
	struct stream_handlers handlers = {.frame = on_frame, .closed = on_closed};
	int accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK), one = 1, r;

	(void)source;
	(void)revents;
	if (accepted < 0)
		return 0;
	setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c = calloc(1, sizeof(*c));
	if (!c) {
		close(accepted);
		return -ENOMEM;
	}
	handlers.user = c;
	list_append(&s->connections, &c->node);
	r = stream_new(s->event, accepted, SERVER_SEED, &handlers, &c->stream);
	if (r < 0)
		connection_free(c);
	return r;
}

int tcp_server_open(const struct probe_options *o, sd_event *event, struct tcp_server **ret)
{
	struct tcp_server *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->event = event;
	list_init(&s->connections);
	r = s->fd = probe_server_socket(o, SOCK_STREAM);
	if (r >= 0)
		r = sd_event_add_io(event, &s->io, s->fd, EPOLLIN, on_connection, s);
	if (r < 0) {
		tcp_server_close(s);
		return r;
	}
	*ret = s;
	return 0;
}

void tcp_server_close(struct tcp_server *s)
{
	struct connection *c, *next;

	if (!s)
		return;
	list_for_each_safe(c, next, &s->connections, node)
		connection_free(c);
	sd_event_source_unref(s->io);
	if (s->fd >= 0)
		close(s->fd);
	free(s);
}
