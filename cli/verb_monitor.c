/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "ctl.h"

/* Events that only say what a change of state has said. */
static bool is_told_otherwise(const json_t *event)
{
	static const char *const kinds[] = {"offline", "prefix-state", "binding-state",
					    "anchor-health", "handover"};
	const char *kind = json_string_value(json_object_get(event, "kind"));

	if (json_is_null(json_object_get(event, "priority")))
		return false;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strcmp(kinds[i], kind) == 0)
			return true;
	return false;
}

int verb_monitor(struct ctl *c, char **args, int n)
{
	DBusMessage *m;
	int r;

	(void)args, (void)n;
	r = client_subscribe(c, "type='signal',sender='" CTL_SERVICE "',interface='" CTL_SERVICE
				".Manager'");
	/* Is it there?  Later it may go and come again. */
	if (r == CTL_OK)
		r = client_call(c, DBUS_INTERFACE_PEER, "Ping", NULL, NULL);
	while (r == CTL_OK && client_next_signal(c, -1, &m) > 0) {
		int change = client_daemon_change(m);
		json_auto_t *event = change ? event_of_daemon(change > 0) : event_decode_signal(m);

		dbus_message_unref(m);
		if (event && !is_told_otherwise(event))
			r = event_show(c, event);
	}
	return r == CTL_OK ? CTL_ERROR : r;
}
