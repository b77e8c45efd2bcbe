/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl.h"

#define TIMEOUT_MS 5000

static const struct {
	const char *error;
	int code;
	const char *text; /* instead of the error's own, which is for programmers */
} codes[] = {
	{DBUS_ERROR_SERVICE_UNKNOWN, CTL_NOT_RUNNING, "dmmd is not running"},
	{DBUS_ERROR_NAME_HAS_NO_OWNER, CTL_NOT_RUNNING, "dmmd is not running"},
	{DBUS_ERROR_NO_REPLY, CTL_TIMEOUT, "dmmd does not answer"},
	{DBUS_ERROR_TIMEOUT, CTL_TIMEOUT, "dmmd does not answer"},
	{DBUS_ERROR_TIMED_OUT, CTL_TIMEOUT, "dmmd does not answer"},
	{DBUS_ERROR_ACCESS_DENIED, CTL_DENIED, "the D-Bus policy denied it; changes are for root"},
	{CTL_SERVICE ".Error.NotAuthorized", CTL_DENIED, NULL},
	{DBUS_ERROR_UNKNOWN_OBJECT, CTL_NO_OBJECT, NULL},
	{CTL_SERVICE ".Error.NotFound", CTL_NO_OBJECT, NULL},
	{CTL_SERVICE ".Error.Timeout", CTL_TIMEOUT, NULL},
};

/* Sentences on the bus, but ours begin with a name and a colon. */
static void complain_of(const char *message)
{
	bool word = isupper((unsigned char)message[0]) && islower((unsigned char)message[1]);

	complain("%c%s", word ? tolower((unsigned char)*message) : *message,
		 *message ? message + 1 : "");
}

static int error_code(const DBusError *error)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		if (strcmp(codes[i].error, error->name) == 0) {
			complain_of(codes[i].text ? codes[i].text : error->message);
			return codes[i].code;
		}
	complain_of(error->message);
	return strncmp(error->name, CTL_SERVICE ".Error.", strlen(CTL_SERVICE ".Error.")) == 0
		       ? CTL_REFUSED
		       : CTL_ERROR;
}

static DBusConnection *open_bus(const char *address, DBusError *error)
{
	DBusConnection *conn;

	if (!address)
		return dbus_bus_get_private(DBUS_BUS_SYSTEM, error);
	conn = dbus_connection_open_private(address, error);
	if (conn && !dbus_bus_register(conn, error)) {
		dbus_connection_close(conn);
		dbus_connection_unref(conn);
		conn = NULL;
	}
	return conn;
}

int client_connect(struct ctl *c)
{
	DBusError error = DBUS_ERROR_INIT;

	c->conn = open_bus(c->address, &error);
	if (!c->conn) {
		complain("cannot reach the bus: %s", error.message);
		dbus_error_free(&error);
		return CTL_ERROR;
	}
	dbus_connection_set_exit_on_disconnect(c->conn, FALSE);
	return CTL_OK;
}

void client_disconnect(struct ctl *c)
{
	if (!c->conn)
		return;
	dbus_connection_close(c->conn);
	dbus_connection_unref(c->conn);
	c->conn = NULL;
}

int client_send(struct ctl *c, DBusMessage *m, const char *signature, DBusMessage **ret)
{
	DBusError error = DBUS_ERROR_INIT;
	DBusMessage *reply;
	int r;

	if (!m)
		abort();
	/* To look must not start it. */
	dbus_message_set_auto_start(m, FALSE);
	reply = dbus_connection_send_with_reply_and_block(c->conn, m, TIMEOUT_MS, &error);
	dbus_message_unref(m);
	if (!reply) {
		r = error_code(&error);
		dbus_error_free(&error);
		return r;
	}
	if (signature && !dbus_message_has_signature(reply, signature)) {
		dbus_message_unref(reply);
		complain("the daemon's answer is not understood");
		return CTL_ERROR;
	}
	if (ret)
		*ret = reply;
	else
		dbus_message_unref(reply);
	return CTL_OK;
}

int client_call(struct ctl *c, const char *interface, const char *method, const char *arg,
		DBusMessage **ret)
{
	DBusMessage *m = dbus_message_new_method_call(CTL_SERVICE, CTL_PATH, interface, method);

	if (m && arg && !dbus_message_append_args(m, DBUS_TYPE_STRING, &arg, DBUS_TYPE_INVALID))
		abort();
	return client_send(c, m, NULL, ret);
}

int client_ask(struct ctl *c, const char *method, const char *signature, DBusMessage **ret)
{
	return client_send(
		c,
		dbus_message_new_method_call(CTL_SERVICE, CTL_PATH, CTL_SERVICE ".Manager", method),
		signature, ret);
}

/* The daemon tells of events only to those who ask.  One that is not there is asked when it comes. */
static void ask_for_events(struct ctl *c)
{
	DBusMessage *m = dbus_message_new_method_call(CTL_SERVICE, CTL_PATH, CTL_SERVICE ".Manager",
						      "Subscribe");

	if (!m)
		abort();
	dbus_message_set_auto_start(m, FALSE);
	if (!dbus_connection_send(c->conn, m, &c->subscribe_serial))
		abort();
	dbus_message_unref(m);
}

/* Its answer comes among the signals. */
static void complain_if_refused(struct ctl *c, DBusMessage *m)
{
	DBusError error = DBUS_ERROR_INIT;

	if (dbus_message_get_reply_serial(m) != c->subscribe_serial ||
	    !dbus_set_error_from_message(&error, m))
		return;
	if (!dbus_error_has_name(&error, DBUS_ERROR_SERVICE_UNKNOWN) &&
	    !dbus_error_has_name(&error, DBUS_ERROR_NAME_HAS_NO_OWNER))
		complain("no events will be told: %s", error.message);
	dbus_error_free(&error);
}

int client_subscribe(struct ctl *c, const char *match)
{
	static const char owner[] =
		"type='signal',sender='" DBUS_SERVICE_DBUS "',interface='" DBUS_INTERFACE_DBUS
		"',member='NameOwnerChanged',arg0='" CTL_SERVICE "'";
	DBusError error = DBUS_ERROR_INIT;
	int r;

	dbus_bus_add_match(c->conn, match, &error);
	if (!dbus_error_is_set(&error))
		dbus_bus_add_match(c->conn, owner, &error);
	if (!dbus_error_is_set(&error)) {
		ask_for_events(c);
		return CTL_OK;
	}
	r = error_code(&error);
	dbus_error_free(&error);
	return r;
}

int client_next_signal(struct ctl *c, int timeout_ms, DBusMessage **ret)
{
	DBusMessage *m;

	for (;;) {
		while ((m = dbus_connection_pop_message(c->conn))) {
			if (dbus_message_is_signal(m, DBUS_INTERFACE_LOCAL, "Disconnected")) {
				dbus_message_unref(m);
				complain("the bus went away");
				return -1;
			}
			if (dbus_message_get_type(m) == DBUS_MESSAGE_TYPE_SIGNAL &&
			    !dbus_message_is_signal(m, DBUS_INTERFACE_DBUS, "NameAcquired")) {
				if (client_daemon_change(m) > 0)
					ask_for_events(c);
				*ret = m;
				return 1;
			}
			complain_if_refused(c, m);
			dbus_message_unref(m);
		}
		if (!dbus_connection_read_write(c->conn, timeout_ms))
			return -1;
		if (timeout_ms >= 0 &&
		    dbus_connection_get_dispatch_status(c->conn) == DBUS_DISPATCH_COMPLETE)
			return 0;
	}
}

int client_daemon_change(DBusMessage *m)
{
	const char *name, *old, *new;

	if (!dbus_message_is_signal(m, DBUS_INTERFACE_DBUS, "NameOwnerChanged") ||
	    !dbus_message_get_args(m, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING, &old,
				   DBUS_TYPE_STRING, &new, DBUS_TYPE_INVALID))
		return 0;
	return *new ? 1 : -1;
}
