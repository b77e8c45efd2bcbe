/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pace.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct pace {
	int fd;
	sd_event_source *source;
	int (*f)(void *user, uint64_t due);
	void *user;
};

static int on_beat(sd_event_source *s, int fd, uint32_t revents, void *user)
{
	struct pace *p = user;
	uint64_t due;

	(void)s;
	(void)revents;
	if (read(fd, &due, sizeof(due)) != sizeof(due))
		return 0;
	return p->f(p->user, due);
}

int pace_start(sd_event *event, usec_t interval, int (*f)(void *user, uint64_t due), void *user,
	       struct pace **ret)
{
	struct itimerspec t = {
		.it_interval = {.tv_sec = (time_t)(interval / USEC_PER_SEC),
				.tv_nsec = (long)(interval % USEC_PER_SEC) * 1000},
		.it_value = {.tv_nsec = 1},
	};
	struct pace *p = calloc(1, sizeof(*p));
	int r = 0;

	if (!p)
		return -ENOMEM;
	p->f = f;
	p->user = user;
	p->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (p->fd < 0 || timerfd_settime(p->fd, 0, &t, NULL) < 0)
		r = -errno;
	if (r >= 0)
		r = sd_event_add_io(event, &p->source, p->fd, EPOLLIN, on_beat, p);
	if (r < 0) {
		pace_free(p);
		return r;
	}
	*ret = p;
	return 0;
}

void pace_stop(struct pace *p)
{
	if (p)
		sd_event_source_set_enabled(p->source, SD_EVENT_OFF);
}

void pace_free(struct pace *p)
{
	if (!p)
		return;
	sd_event_source_unref(p->source);
	if (p->fd >= 0)
		close(p->fd);
	free(p);
}
