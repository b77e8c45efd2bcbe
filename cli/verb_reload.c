/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl.h"

int verb_reload(struct ctl *c, char **args, int n)
{
	DBusMessage *reply;
	const char *later;
	int r = client_ask(c, "Reload", "s", &reply);

	(void)args, (void)n;
	if (r != CTL_OK)
		return r;
	dbus_message_get_args(reply, NULL, DBUS_TYPE_STRING, &later, DBUS_TYPE_INVALID);
	if (later[0])
		complain("at the next start, not before, this takes effect: %s", later);
	dbus_message_unref(reply);
	return CTL_OK;
}
