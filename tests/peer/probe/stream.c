/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/peer.h"
#include "base/cleanup.h"
#include "pace.h"
#include "pattern.h"
#include "stall.h"

#define HEADER_LEN 4
#define DATA_MAX 16384
#define CONTENT_MAX (1 << 20)
#define READ_SIZE 65536
#define WRITES_MAX 8 /* at a time: reading must not wait for a fast reader's end */
#define TICK (10 * USEC_PER_MSEC)
#define TICKS_PER_SEC (USEC_PER_SEC / TICK)

struct stream {
	sd_event *event;
	sd_event_source *io;
	struct stream_handlers handlers;
	int fd;

	/* out: one data frame at a time, then what is queued behind it */
	unsigned seed;
	struct pace *pace;
	bool sending;
	uint64_t rate, budget, sent;
	uint8_t out[HEADER_LEN + DATA_MAX];
	size_t out_len, out_done;
	uint8_t *queue;
	size_t queue_len;

	/* in */
	uint8_t header[HEADER_LEN];
	size_t header_len;
	size_t left; /* of the frame's content */
	uint8_t *content;
	size_t content_len;
	uint64_t received;
	bool corrupt;
	struct stalls stalls;
};

static void put_header(uint8_t *p, enum frame_type type, size_t len)
{
	p[0] = (uint8_t)type;
	p[1] = (uint8_t)(len >> 16);
	p[2] = (uint8_t)(len >> 8);
	p[3] = (uint8_t)len;
}

/* The next octets to go out, or none. */
static bool refill(struct stream *s)
{
	size_t len = DATA_MAX;

	if (s->queue_len > 0)
		return true;
	if (s->rate > 0 && s->budget < len)
		len = s->budget;
	if (!s->sending || len == 0)
		return false;
	put_header(s->out, FRAME_DATA, len);
	pattern_fill(s->seed, s->sent, s->out + HEADER_LEN, len);
	s->out_len = HEADER_LEN + len;
	s->out_done = 0;
	s->sent += len;
	if (s->rate > 0)
		s->budget -= len;
	return true;
}

static int send_some(struct stream *s, const uint8_t *p, size_t len)
{
	ssize_t n = send(s->fd, p, len, MSG_NOSIGNAL);

	return n < 0 ? -errno : (int)n;
}

/* Write until the kernel's buffer is full, there is nothing to write, or it is the others' turn. */
static int flush(struct stream *s)
{
	int r = 0;

	for (int i = 0; s->out_done < s->out_len || refill(s); i++) {
		if (i == WRITES_MAX)
			r = -EAGAIN;
		if (r < 0)
			break;
		if (s->out_done < s->out_len) {
			r = send_some(s, s->out + s->out_done, s->out_len - s->out_done);
			if (r > 0)
				s->out_done += (size_t)r;
		} else {
			r = send_some(s, s->queue, s->queue_len);
			if (r > 0) {
				s->queue_len -= (size_t)r;
				memmove(s->queue, s->queue + r, s->queue_len);
			}
		}
	}
	if (r == -EAGAIN || r == -EINTR)
		return sd_event_source_set_io_events(s->io, EPOLLIN | EPOLLOUT);
	if (r < 0)
		return r;
	return sd_event_source_set_io_events(s->io, EPOLLIN);
}

static int frame_complete(struct stream *s)
{
	json_t *content = NULL;
	int r;

	if (s->header[0] != FRAME_DATA && s->content_len > 0)
		content = json_loadb((const char *)s->content, s->content_len, 0, NULL);
	s->header_len = 0;
	s->content_len = 0;
	if (s->header[0] == FRAME_DATA)
		return 0;
	r = s->handlers.frame(s->handlers.user, s->header[0], content);
	json_decref(content);
	return r;
}

static int header_complete(struct stream *s)
{
	uint8_t *content;

	s->left = (size_t)s->header[1] << 16 | (size_t)s->header[2] << 8 | s->header[3];
	if (s->left == 0)
		return frame_complete(s);
	if (s->header[0] == FRAME_DATA)
		return 0;
	if (s->left > CONTENT_MAX)
		return -EBADMSG;
	content = realloc(s->content, s->left);
	if (!content)
		return -ENOMEM;
	s->content = content;
	return 0;
}

static int take(struct stream *s, const uint8_t *p, size_t n)
{
	while (n > 0) {
		size_t want = s->header_len < HEADER_LEN ? HEADER_LEN - s->header_len : s->left;
		size_t now = n < want ? n : want;
		int r = 0;

		if (s->header_len < HEADER_LEN) {
			memcpy(s->header + s->header_len, p, now);
			s->header_len += now;
			if (s->header_len == HEADER_LEN)
				r = header_complete(s);
		} else {
			if (s->header[0] != FRAME_DATA) {
				memcpy(s->content + s->content_len, p, now);
				s->content_len += now;
			} else {
				if (!pattern_check(!s->seed, s->received, p, now))
					s->corrupt = true;
				s->received += now;
			}
			s->left -= now;
			if (s->left == 0)
				r = frame_complete(s);
		}
		if (r < 0)
			return r;
		p += now;
		n -= now;
	}
	return 0;
}

/* The handler may free the stream: nothing of it is touched after. */
static int close_with(struct stream *s, int error)
{
	sd_event_source_set_enabled(s->io, SD_EVENT_OFF);
	pace_stop(s->pace);
	s->handlers.closed(s->handlers.user, error);
	return 0;
}

static int pending_error(int fd)
{
	int error = 0;
	socklen_t len = sizeof(error);

	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
	return -error;
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *user)
{
	static uint8_t buf[READ_SIZE];
	struct stream *s = user;
	int r = 0;

	(void)source;
	if (revents & EPOLLERR) {
		r = pending_error(fd);
		return close_with(s, r < 0 ? r : -ECONNABORTED);
	}
	if (revents & (EPOLLIN | EPOLLHUP)) {
		ssize_t n = recv(fd, buf, sizeof(buf), 0);

		if (n < 0 && errno != EAGAIN)
			return close_with(s, -errno);
		if (n == 0)
			return close_with(s, 0);
		if (n > 0) {
			stalls_progress(&s->stalls, peer_now());
			r = take(s, buf, (size_t)n);
		}
	}
	if (r >= 0)
		r = flush(s);
	return r < 0 ? close_with(s, r) : 0;
}

int stream_new(sd_event *event, int fd, unsigned seed, const struct stream_handlers *h,
	       struct stream **ret)
{
	struct stream *s = calloc(1, sizeof(*s));
	int r;

	if (!s) {
		close(fd);
		return -ENOMEM;
	}
	s->event = event;
	s->fd = fd;
	s->seed = seed;
	s->handlers = *h;
	r = sd_event_add_io(event, &s->io, fd, EPOLLIN | EPOLLOUT, on_io, s);
	if (r < 0) {
		stream_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

void stream_free(struct stream *s)
{
	if (!s)
		return;
	sd_event_source_unref(s->io);
	pace_free(s->pace);
	close(s->fd);
	free(s->queue);
	free(s->content);
	stalls_free(&s->stalls);
	free(s);
}

static int on_tick(void *user, uint64_t due)
{
	struct stream *s = user;
	uint64_t most = s->rate / 4 + DATA_MAX;

	/* What could not be sent while the path was dead is not made up for at once. */
	s->budget += due * s->rate / TICKS_PER_SEC;
	if (s->budget > most)
		s->budget = most;
	return s->sending ? sd_event_source_set_io_events(s->io, EPOLLIN | EPOLLOUT) : 0;
}

int stream_send_data(struct stream *s, uint64_t rate)
{
	s->sending = true;
	s->rate = rate;
	if (rate > 0 && !s->pace)
		return pace_start(s->event, TICK, on_tick, s, &s->pace);
	return sd_event_source_set_io_events(s->io, EPOLLIN | EPOLLOUT);
}

void stream_stop_data(struct stream *s)
{
	s->sending = false;
	pace_stop(s->pace);
}

int stream_send_frame(struct stream *s, enum frame_type type, json_t *content)
{
	_cleanup_free_ char *text = content ? json_dumps(content, JSON_COMPACT) : NULL;
	size_t len = text ? strlen(text) : 0;
	uint8_t *queue;

	json_decref(content);
	if (len > CONTENT_MAX)
		return -EMSGSIZE;
	queue = realloc(s->queue, s->queue_len + HEADER_LEN + len);
	if (!queue)
		return -ENOMEM;
	s->queue = queue;
	put_header(queue + s->queue_len, type, len);
	if (len > 0)
		memcpy(queue + s->queue_len + HEADER_LEN, text, len);
	s->queue_len += HEADER_LEN + len;
	return sd_event_source_set_io_events(s->io, EPOLLIN | EPOLLOUT);
}

void stream_watch(struct stream *s, usec_t stall)
{
	stalls_start(&s->stalls, stall, peer_now());
}

json_t *stream_stalls(struct stream *s, const char *direction, bool open_end)
{
	if (open_end)
		stalls_progress(&s->stalls, peer_now());
	return stalls_json(&s->stalls, direction);
}

uint64_t stream_sent(const struct stream *s)
{
	return s->sent;
}

uint64_t stream_received(const struct stream *s)
{
	return s->received;
}

bool stream_verified(const struct stream *s)
{
	return !s->corrupt;
}

int stream_fd(const struct stream *s)
{
	return s->fd;
}
