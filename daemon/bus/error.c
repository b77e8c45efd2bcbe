/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"
#include "bus/internal.h"

#define ERROR(name) BUS_NAME ".Error." name

static const struct {
	int r;
	const char *name;
} errors[] = {
	{-EACCES, ERROR("NotAuthorized")},
	{-EPERM, ERROR("NotAuthorized")},
	{-EBUSY, ERROR("Busy")},
	{-EEXIST, ERROR("AlreadyExists")},
	{-EINVAL, ERROR("InvalidArguments")},
	{-ENETUNREACH, ERROR("Offline")},
	{-ENOENT, ERROR("NotFound")},
	{-ENOMEM, ERROR("NoMemory")},
	{-EOPNOTSUPP, ERROR("NotSupported")},
	{-ETIMEDOUT, ERROR("Timeout")},
};

const char *error_name(int r)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		if (errors[i].r == r)
			return errors[i].name;
	return ERROR("Failed");
}

int call_fail(struct bus_call *c, const char *name, const char *fmt, ...)
{
	va_list ap;

	c->error_name = name;
	va_start(ap, fmt);
	vsnprintf(c->error_text, sizeof(c->error_text), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

void send_message(struct bus *b, DBusMessage *m)
{
	if (!m || !dbus_connection_send(b->conn, m, NULL))
		log_warning("D-Bus: no memory for a message");
	if (m)
		dbus_message_unref(m);
}

void send_error(struct bus *b, DBusMessage *call, const char *name, const char *text)
{
	if (!dbus_message_get_no_reply(call))
		send_message(b, dbus_message_new_error(call, name, text));
}
