/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

static usec_t clock_usec(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (usec_t)t.tv_sec * USEC_PER_SEC + (usec_t)t.tv_nsec / 1000;
}

usec_t peer_now(void)
{
	return clock_usec(CLOCK_MONOTONIC);
}

usec_t peer_now_real(void)
{
	return clock_usec(CLOCK_REALTIME);
}

struct stop_request {
	int (*stop)(void *user);
	void *user;
};

static int on_signal(sd_event_source *s, const struct signalfd_siginfo *si, void *user)
{
	struct stop_request *request = user;

	(void)si;
	if (request)
		return request->stop(request->user);
	return sd_event_exit(sd_event_source_get_event(s), 0);
}

static int loop_new(struct stop_request *request, sd_event **ret)
{
	sd_event *event = NULL;
	sigset_t set;
	int r;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	signal(SIGPIPE, SIG_IGN);
	r = sd_event_new(&event);
	if (r < 0)
		return r;
	r = sd_event_add_signal(event, NULL, SIGTERM, on_signal, request);
	if (r >= 0)
		r = sd_event_add_signal(event, NULL, SIGINT, on_signal, request);
	if (r < 0) {
		sd_event_unref(event);
		return r;
	}
	*ret = event;
	return 0;
}

int peer_loop_new(sd_event **ret)
{
	return loop_new(NULL, ret);
}

int peer_loop_new_stoppable(int (*stop)(void *user), void *user, sd_event **ret)
{
	static struct stop_request request;

	request = (struct stop_request){.stop = stop, .user = user};
	return loop_new(&request, ret);
}

int peer_timer_set(sd_event *event, sd_event_source **timer, usec_t when, sd_event_time_handler_t f,
		   void *user)
{
	int r;

	if (!*timer)
		return sd_event_add_time(event, timer, CLOCK_MONOTONIC, when, 1, f, user);
	r = sd_event_source_set_time(*timer, when);
	return r < 0 ? r : sd_event_source_set_enabled(*timer, SD_EVENT_ONESHOT);
}

void peer_timer_stop(sd_event_source *timer)
{
	if (timer)
		sd_event_source_set_enabled(timer, SD_EVENT_OFF);
}

int peer_parse_number(const char *s, uint64_t min, uint64_t max, uint64_t *ret)
{
	unsigned long long v;
	char *end;

	if (*s < '0' || *s > '9')
		return -EINVAL;
	errno = 0;
	v = strtoull(s, &end, 10);
	if (errno || *end || v < min || v > max)
		return -EINVAL;
	*ret = v;
	return 0;
}

int peer_parse_unsigned(const char *s, unsigned min, unsigned max, unsigned *ret)
{
	uint64_t v;
	int r = peer_parse_number(s, min, max, &v);

	if (r >= 0)
		*ret = (unsigned)v;
	return r;
}

void peer_socket_buffers(int fd)
{
	int size = PEER_SOCKET_BUFFER;

	/* Past the system's limit where we may, up to it where we may not. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}
