/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libdbus in the event loop: its watches, its timeouts and the dispatching of messages.
 *
 * All of it has the lowest priority, and one message is dispatched at a time, so that packets and
 * netlink go first.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <time.h>

#include "base/log.h"
#include "bus/internal.h"

/* The descriptor is watched once, for what all its watches want together. */
static int update_io(struct bus *b)
{
	uint32_t events = 0;
	int r;

	for (int i = 0; i < BUS_MAX_WATCHES; i++) {
		unsigned flags;

		if (!b->watches[i] || !dbus_watch_get_enabled(b->watches[i]))
			continue;
		flags = dbus_watch_get_flags(b->watches[i]);
		events |= (flags & DBUS_WATCH_READABLE ? EPOLLIN : 0) |
			  (flags & DBUS_WATCH_WRITABLE ? EPOLLOUT : 0);
	}
	r = sd_event_source_set_io_events(b->io, events);
	if (r < 0)
		return r;
	return sd_event_source_set_enabled(b->io, events ? SD_EVENT_ON : SD_EVENT_OFF);
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *user)
{
	struct bus *b = (struct bus *)user;
	DBusConnection *conn = dbus_connection_ref(b->conn);
	unsigned ready = (revents & EPOLLIN ? DBUS_WATCH_READABLE : 0) |
			 (revents & EPOLLOUT ? DBUS_WATCH_WRITABLE : 0) |
			 (revents & EPOLLHUP ? DBUS_WATCH_HANGUP : 0) |
			 (revents & EPOLLERR ? DBUS_WATCH_ERROR : 0);

	(void)s, (void)fd;
	for (int i = 0; i < BUS_MAX_WATCHES; i++) {
		DBusWatch *w = b->watches[i];
		unsigned flags;

		if (!w || !dbus_watch_get_enabled(w))
			continue;
		flags = ready & (dbus_watch_get_flags(w) | DBUS_WATCH_HANGUP | DBUS_WATCH_ERROR);
		if (flags)
			dbus_watch_handle(w, flags);
	}
	dbus_connection_unref(conn);
	return 0;
}

static dbus_bool_t add_watch(DBusWatch *w, void *user)
{
	struct bus *b = (struct bus *)user;
	int fd = dbus_watch_get_unix_fd(w);
	int slot = 0;

	while (slot < BUS_MAX_WATCHES && b->watches[slot])
		slot++;
	if (slot == BUS_MAX_WATCHES)
		return FALSE;
	if (!b->io) {
		if (sd_event_add_io(b->ev, &b->io, fd, 0, on_io, b) < 0)
			return FALSE;
		sd_event_source_set_priority(b->io, SD_EVENT_PRIORITY_IDLE);
	} else if (sd_event_source_get_io_fd(b->io) != fd) {
		return FALSE;
	}
	b->watches[slot] = w;
	return update_io(b) >= 0;
}

static void remove_watch(DBusWatch *w, void *user)
{
	struct bus *b = (struct bus *)user;
	bool any = false;

	for (int i = 0; i < BUS_MAX_WATCHES; i++) {
		if (b->watches[i] == w)
			b->watches[i] = NULL;
		any = any || b->watches[i];
	}
	if (any)
		update_io(b);
	else
		b->io = sd_event_source_disable_unref(b->io);
}

static void toggle_watch(DBusWatch *w, void *user)
{
	(void)w;
	update_io((struct bus *)user);
}

static int arm_timeout(sd_event_source *s, DBusTimeout *t)
{
	int r;

	if (!dbus_timeout_get_enabled(t))
		return sd_event_source_set_enabled(s, SD_EVENT_OFF);
	r = sd_event_source_set_time_relative(s,
					      (usec_t)dbus_timeout_get_interval(t) * USEC_PER_MSEC);
	if (r < 0)
		return r;
	return sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
}

static int on_timeout(sd_event_source *s, uint64_t now, void *user)
{
	DBusTimeout *t = (DBusTimeout *)user;

	(void)now;
	arm_timeout(s, t);
	dbus_timeout_handle(t);
	return 0;
}

static void free_source(void *source)
{
	sd_event_source_disable_unref((sd_event_source *)source);
}

static dbus_bool_t add_timeout(DBusTimeout *t, void *user)
{
	struct bus *b = (struct bus *)user;
	sd_event_source *s;

	if (sd_event_add_time_relative(b->ev, &s, CLOCK_MONOTONIC, 0, 0, on_timeout, t) < 0)
		return FALSE;
	sd_event_source_set_priority(s, SD_EVENT_PRIORITY_IDLE);
	if (arm_timeout(s, t) < 0) {
		sd_event_source_disable_unref(s);
		return FALSE;
	}
	dbus_timeout_set_data(t, s, free_source);
	return TRUE;
}

static void remove_timeout(DBusTimeout *t, void *user)
{
	(void)user;
	dbus_timeout_set_data(t, NULL, NULL);
}

static void toggle_timeout(DBusTimeout *t, void *user)
{
	sd_event_source *s = (sd_event_source *)dbus_timeout_get_data(t);

	(void)user;
	if (s)
		arm_timeout(s, t);
}

static void on_status(DBusConnection *conn, DBusDispatchStatus status, void *user)
{
	struct bus *b = (struct bus *)user;

	(void)conn;
	if (status != DBUS_DISPATCH_COMPLETE)
		sd_event_source_set_enabled(b->dispatch, SD_EVENT_ONESHOT);
}

static int on_dispatch(sd_event_source *s, void *user)
{
	struct bus *b = (struct bus *)user;

	if (b->conn && dbus_connection_dispatch(b->conn) != DBUS_DISPATCH_COMPLETE)
		sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
	return 0;
}

int watch_new(struct bus *b)
{
	int r = sd_event_add_defer(b->ev, &b->dispatch, on_dispatch, b);

	if (r < 0)
		return r;
	sd_event_source_set_enabled(b->dispatch, SD_EVENT_OFF);
	return sd_event_source_set_priority(b->dispatch, SD_EVENT_PRIORITY_IDLE);
}

void watch_free(struct bus *b)
{
	b->dispatch = sd_event_source_disable_unref(b->dispatch);
}

bool watch_attach(struct bus *b)
{
	dbus_connection_set_dispatch_status_function(b->conn, on_status, b, NULL);
	return dbus_connection_set_watch_functions(b->conn, add_watch, remove_watch, toggle_watch,
						   b, NULL) &&
	       dbus_connection_set_timeout_functions(b->conn, add_timeout, remove_timeout,
						     toggle_timeout, b, NULL);
}

void watch_detach(struct bus *b)
{
	dbus_connection_set_dispatch_status_function(b->conn, NULL, NULL, NULL);
	dbus_connection_set_timeout_functions(b->conn, NULL, NULL, NULL, NULL, NULL);
	dbus_connection_set_watch_functions(b->conn, NULL, NULL, NULL, NULL, NULL);
	sd_event_source_set_enabled(b->dispatch, SD_EVENT_OFF);
}
