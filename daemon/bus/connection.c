/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The connection: opened, greeted (Hello) and named (RequestName) without waiting for answers, and
 * again after it was lost.
 *
 * dbus_bus_get() would do the greeting by waiting for its answer, hence the two calls by hand.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "bus/internal.h"
#include "loop/loop.h"

#define SYSTEM_BUS "unix:path=/run/dbus/system_bus_socket"
#define RETRY_FIRST (1 * USEC_PER_SEC)
#define RETRY_MAX (600 * USEC_PER_SEC)
/* No call we understand is longer; the default would be 128 MiB. */
#define INCOMING_MAX (64 * 1024)

static void retry_later(struct bus *b)
{
	loop_timer_set(b->retry, usec_add(loop_now().mono, b->retry_delay));
	b->retry_delay *= 2;
	if (b->retry_delay > RETRY_MAX)
		b->retry_delay = RETRY_MAX;
}

static void drop(struct bus *b)
{
	if (!b->conn)
		return;
	callers_free(b);
	listeners_free(b);
	testers_free(b);
	watch_detach(b);
	dbus_connection_close(b->conn);
	dbus_connection_unref(b->conn);
	b->conn = NULL;
	b->greeted = false;
	b->name_state = 0;
	signals_end(b);
	registry_clear(b);
}

/* Not from within a callback of libdbus: a source of its own drops the connection. */
static void drop_soon(struct bus *b)
{
	sd_event_source_set_enabled(b->drop, SD_EVENT_ONESHOT);
}

static int on_drop(sd_event_source *s, void *user)
{
	struct bus *b = (struct bus *)user;

	(void)s;
	drop(b);
	retry_later(b);
	return 0;
}

static void name_refused(struct bus *b, int r)
{
	bool news = b->name_state != r;

	b->name_state = r;
	retry_later(b);
	if (!news)
		return;
	if (r == -EEXIST)
		log_error("D-Bus: the name " BUS_NAME " belongs to another daemon");
	else
		log_warning("D-Bus: the bus does not give us the name " BUS_NAME
			    "; is its policy file installed?");
	if (r == -EEXIST && b->handlers.name_taken)
		b->handlers.name_taken(b->handlers.user);
}

static void on_name(DBusPendingCall *pending, void *user)
{
	struct bus *b = (struct bus *)user;
	_cleanup_message_ DBusMessage *reply = dbus_pending_call_steal_reply(pending);
	dbus_uint32_t result;

	if (!dbus_message_get_args(reply, NULL, DBUS_TYPE_UINT32, &result, DBUS_TYPE_INVALID)) {
		name_refused(b, -EACCES);
	} else if (result == DBUS_REQUEST_NAME_REPLY_EXISTS) {
		name_refused(b, -EEXIST);
	} else {
		b->name_state = 1;
		b->retry_delay = RETRY_FIRST;
		loop_timer_set(b->retry, USEC_INFINITY);
		log_debug("D-Bus: we are " BUS_NAME);
	}
}

/* Call a method of the bus itself; its answer goes to `done`. */
static bool call_bus(struct bus *b, DBusMessage *m, DBusPendingCallNotifyFunction done)
{
	DBusPendingCall *pending = NULL;
	bool ok;

	ok = dbus_connection_send_with_reply(b->conn, m, &pending, DBUS_TIMEOUT_USE_DEFAULT) &&
	     pending && dbus_pending_call_set_notify(pending, done, b, NULL);
	if (pending)
		dbus_pending_call_unref(pending);
	return ok;
}

int ask_about(struct bus *b, const char *method, const char *name,
	      DBusPendingCallNotifyFunction done, void *user, DBusPendingCall **ret)
{
	_cleanup_message_ DBusMessage *m = dbus_message_new_method_call(
		DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS, method);

	if (!m || !dbus_message_append_args(m, DBUS_TYPE_STRING, &name, DBUS_TYPE_INVALID) ||
	    !dbus_connection_send_with_reply(b->conn, m, ret, DBUS_TIMEOUT_USE_DEFAULT) || !*ret)
		return -ENOMEM;
	if (dbus_pending_call_set_notify(*ret, done, user, NULL))
		return 0;
	question_drop(ret);
	return -ENOMEM;
}

void question_drop(DBusPendingCall **question)
{
	if (!*question)
		return;
	dbus_pending_call_cancel(*question);
	dbus_pending_call_unref(TAKE_PTR(*question));
}

static void request_name(struct bus *b)
{
	_cleanup_message_ DBusMessage *m = dbus_message_new_method_call(
		DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS, "RequestName");
	dbus_uint32_t flags = DBUS_NAME_FLAG_DO_NOT_QUEUE;
	const char *name = BUS_NAME;

	if (!m ||
	    !dbus_message_append_args(m, DBUS_TYPE_STRING, &name, DBUS_TYPE_UINT32, &flags,
				      DBUS_TYPE_INVALID) ||
	    !call_bus(b, m, on_name))
		drop_soon(b);
}

static void on_hello(DBusPendingCall *pending, void *user)
{
	struct bus *b = (struct bus *)user;
	_cleanup_message_ DBusMessage *reply = dbus_pending_call_steal_reply(pending);
	const char *unique;

	if (!dbus_message_get_args(reply, NULL, DBUS_TYPE_STRING, &unique, DBUS_TYPE_INVALID) ||
	    !dbus_bus_set_unique_name(b->conn, unique)) {
		drop_soon(b);
		return;
	}
	b->greeted = true;
	b->rescan = true;
	request_name(b);
}

static DBusHandlerResult on_message(DBusConnection *conn, DBusMessage *m, void *user)
{
	struct bus *b = (struct bus *)user;

	(void)conn;
	if (dbus_message_is_signal(m, DBUS_INTERFACE_LOCAL, "Disconnected")) {
		log_info("D-Bus: the bus went away");
		drop_soon(b);
		return DBUS_HANDLER_RESULT_HANDLED;
	}
	if (dbus_message_is_signal(m, DBUS_INTERFACE_DBUS, "NameOwnerChanged"))
		listener_name_changed(b, m);
	if (dbus_message_get_type(m) != DBUS_MESSAGE_TYPE_METHOD_CALL || !b->greeted)
		return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
	dispatch_call(b, m);
	return DBUS_HANDLER_RESULT_HANDLED;
}

static const char *address(const struct bus *b)
{
	const char *system = getenv("DBUS_SYSTEM_BUS_ADDRESS");

	if (b->address)
		return b->address;
	return system && *system ? system : SYSTEM_BUS;
}

static void connect_now(struct bus *b)
{
	_cleanup_message_ DBusMessage *hello = dbus_message_new_method_call(
		DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS, "Hello");
	DBusError error = DBUS_ERROR_INIT;

	b->conn = dbus_connection_open_private(address(b), &error);
	if (!b->conn) {
		log_line(b->missed ? LOG_DEBUG : LOG_NOTICE,
			 "D-Bus: no bus at %s: %s; going on without it", address(b), error.message);
		b->missed = true;
		dbus_error_free(&error);
		retry_later(b);
		return;
	}
	b->missed = false;
	dbus_connection_set_exit_on_disconnect(b->conn, FALSE);
	/* For flow control only: libdbus would take a message over a size limit of its own for a broken
	 * connection, and anybody could throw us off the bus with one. */
	dbus_connection_set_max_received_size(b->conn, INCOMING_MAX);
	if (!hello || !watch_attach(b) ||
	    !dbus_connection_add_filter(b->conn, on_message, b, NULL) ||
	    !call_bus(b, hello, on_hello)) {
		drop(b);
		retry_later(b);
	}
}

static int on_retry(sd_event_source *s, uint64_t now, void *user)
{
	struct bus *b = (struct bus *)user;

	(void)s, (void)now;
	bus_retry(b);
	return 0;
}

void bus_retry(struct bus *b)
{
	if (!b->conn)
		connect_now(b);
	else if (b->greeted && b->name_state != 1)
		request_name(b);
}

int bus_name_state(const struct bus *b)
{
	return b->name_state;
}

int connection_new(struct bus *b)
{
	int r;

	b->retry_delay = RETRY_FIRST;
	r = loop_timer_new(b->ev, on_retry, b, &b->retry);
	if (r < 0)
		return r;
	sd_event_source_set_priority(b->retry, SD_EVENT_PRIORITY_IDLE);
	r = sd_event_add_defer(b->ev, &b->drop, on_drop, b);
	if (r < 0)
		return r;
	sd_event_source_set_enabled(b->drop, SD_EVENT_OFF);
	connect_now(b);
	return 0;
}

void connection_free(struct bus *b)
{
	drop(b);
	b->retry = sd_event_source_disable_unref(b->retry);
	b->drop = sd_event_source_disable_unref(b->drop);
}
