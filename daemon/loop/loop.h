/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The event loop: sd-event(3) with our signals, and the one place that reads the clocks. */
#pragma once

#include <systemd/sd-event.h>

#include "base/usec.h"

/* A loop that calls stop on SIGTERM and SIGINT and reload on SIGHUP. */
struct loop_handlers {
	void (*stop)(void *user);
	void (*reload)(void *user);
	void *user;
};
int loop_new(const struct loop_handlers *h, sd_event **ret);

/* Both clocks now. */
struct instant loop_now(void);

/* A one-shot timer on CLOCK_BOOTTIME, disarmed; loop_timer_set() arms it (USEC_INFINITY disarms).
 */
int loop_timer_new(sd_event *ev, sd_event_time_handler_t cb, void *user, sd_event_source **ret);
void loop_timer_set(sd_event_source *timer, usec_t when);
