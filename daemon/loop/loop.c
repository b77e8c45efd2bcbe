/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loop/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

static struct loop_handlers handlers;

static int on_stop(sd_event_source *s, const struct signalfd_siginfo *si, void *user)
{
	(void)s, (void)si, (void)user;
	handlers.stop(handlers.user);
	return 0;
}

static int on_reload(sd_event_source *s, const struct signalfd_siginfo *si, void *user)
{
	(void)s, (void)si, (void)user;
	handlers.reload(handlers.user);
	return 0;
}

int loop_new(const struct loop_handlers *h, sd_event **ret)
{
	sd_event *ev;
	sigset_t set;
	int r;

	handlers = *h;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	signal(SIGPIPE, SIG_IGN);

	r = sd_event_new(&ev);
	if (r < 0)
		return r;
	if ((r = sd_event_add_signal(ev, NULL, SIGTERM, on_stop, NULL)) < 0 ||
	    (r = sd_event_add_signal(ev, NULL, SIGINT, on_stop, NULL)) < 0 ||
	    (r = sd_event_add_signal(ev, NULL, SIGHUP, on_reload, NULL)) < 0 ||
	    (r = sd_event_set_watchdog(ev, true)) < 0) {
		sd_event_unref(ev);
		return r;
	}
	*ret = ev;
	return 0;
}

static usec_t clock_usec(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (usec_t)ts.tv_sec * USEC_PER_SEC + (usec_t)ts.tv_nsec / 1000;
}

struct instant loop_now(void)
{
	return (struct instant){.mono = clock_usec(CLOCK_BOOTTIME),
				.real = clock_usec(CLOCK_REALTIME)};
}

int loop_timer_new(sd_event *ev, sd_event_time_handler_t cb, void *user, sd_event_source **ret)
{
	sd_event_source *s;
	/* 1 ms of slack: retransmission timers are in seconds, and wake-ups coalesce. */
	int r = sd_event_add_time(ev, &s, CLOCK_BOOTTIME, USEC_INFINITY, USEC_PER_MSEC, cb, user);

	if (r < 0)
		return r;
	sd_event_source_set_enabled(s, SD_EVENT_OFF);
	*ret = s;
	return 0;
}

void loop_timer_set(sd_event_source *timer, usec_t when)
{
	if (when == USEC_INFINITY) {
		sd_event_source_set_enabled(timer, SD_EVENT_OFF);
		return;
	}
	sd_event_source_set_time(timer, when);
	sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}
