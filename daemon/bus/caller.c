/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who may call what: privileged methods are for root, as the bus daemon knows the sender. */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "bus/internal.h"

struct check {
	struct bus *b;
	DBusMessage *call;
};

static void check_free(void *user)
{
	struct check *c = (struct check *)user;

	c->b->n_checks--;
	dbus_message_unref(c->call);
	free(c);
}

static void on_uid(DBusPendingCall *pending, void *user)
{
	struct check *c = (struct check *)user;
	_cleanup_message_ DBusMessage *reply = dbus_pending_call_steal_reply(pending);
	dbus_uint32_t uid;

	/* The sender may be gone by now; then nobody waits for this answer. */
	if (!dbus_message_get_args(reply, NULL, DBUS_TYPE_UINT32, &uid, DBUS_TYPE_INVALID) ||
	    uid != 0)
		send_error(c->b, c->call, error_name(-EACCES), "Only root may do this");
	else
		dispatch_authorised(c->b, c->call);
}

static int ask(struct bus *b, DBusMessage *call, const char *sender)
{
	_cleanup_message_ DBusMessage *m = dbus_message_new_method_call(
		DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS, "GetConnectionUnixUser");
	struct check *c = (struct check *)calloc(1, sizeof(*c));
	DBusPendingCall *pending = NULL;
	dbus_bool_t ok;

	if (!m || !c ||
	    !dbus_message_append_args(m, DBUS_TYPE_STRING, &sender, DBUS_TYPE_INVALID) ||
	    !dbus_connection_send_with_reply(b->conn, m, &pending, DBUS_TIMEOUT_USE_DEFAULT) ||
	    !pending) {
		free(c);
		return -ENOMEM;
	}
	*c = (struct check){.b = b, .call = dbus_message_ref(call)};
	b->n_checks++;
	ok = dbus_pending_call_set_notify(pending, on_uid, c, check_free);
	if (!ok) {
		dbus_pending_call_cancel(pending);
		check_free(c);
	}
	dbus_pending_call_unref(pending);
	return ok ? 0 : -ENOMEM;
}

void caller_check(struct bus *b, DBusMessage *call)
{
	const char *sender = dbus_message_get_sender(call);
	int r;

	if (!sender)
		r = -EACCES;
	else if (b->n_checks >= BUS_MAX_CHECKS)
		r = -EBUSY;
	else
		r = ask(b, call, sender);
	if (r < 0)
		send_error(b, call, error_name(r), log_strerror(-r));
}
