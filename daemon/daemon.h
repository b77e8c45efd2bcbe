/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What main.c, ops.c and view.c share. */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "bus/bus.h"
#include "conf/conf.h"
#include "mobility/engine.h"

/* The new state is saved after this long at most, or up to SAVE_SLACK earlier when there is something else to do. */
#define SAVE_DELAY (100 * USEC_PER_MSEC)
#define SAVE_SLACK (40 * USEC_PER_MSEC)

struct daemon {
	const char *config_path, *bus_address;
	bool no_bus;
	struct conf *conf, *old_conf; /* old: while a withdrawal still needs it */
	sd_event *ev;
	struct engine *engine;
	struct net *net;
	struct sock *sock;
	struct bus *bus;
	struct events *events;
	struct selftest *selftest;
	struct session_bytes *bytes; /* of the sessions, when they were looked at last */
	size_t n_bytes;
	sd_event_source *timer, *save_timer, *stop_check, *leisure;
	bool notifies, status_due; /* the service manager wants to know; there is something new */
	bool save_pending;
	int lock;
};

/* ops.c; `user` is a struct daemon. */
extern const struct engine_ops daemon_ops;

/* view.c: for struct bus_handlers. */
void view_look(void *user);
void view_refresh(void *user);
void view_detail(void *user, const struct session_info *s, struct bus_session *ret);
size_t view_fallbacks(void *user, struct session_info **ret);
const char *view_protection(void *user, const struct binding *b, const char **ret_words);
void view_applications(void *user, unsigned *ret_clients, bool *ret_hooks);
