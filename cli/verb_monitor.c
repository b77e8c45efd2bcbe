/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <time.h>

#include "base/usec.h"
#include "ctl.h"

/* An event as {"time_real_usec", "time_usec", "kind", "text", ...}. */
static json_t *decode_event(DBusMessage *m)
{
	const char *kind, *text;
	DBusMessageIter it;
	json_auto_t *details = NULL;
	json_t *event;

	if (!dbus_message_has_signature(m, "ssa{sv}"))
		return NULL;
	dbus_message_iter_init(m, &it);
	dbus_message_iter_get_basic(&it, &kind);
	dbus_message_iter_next(&it);
	dbus_message_iter_get_basic(&it, &text);
	dbus_message_iter_next(&it);
	event = json_pack("{s:s,s:s}", "kind", kind, "text", text);
	details = decode_value(&it);
	json_object_update(event, details);
	return event;
}

static json_t *daemon_event(bool came)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return json_pack("{s:I,s:I,s:s,s:s}", "time_real_usec",
			 (json_int_t)ts.tv_sec * (json_int_t)USEC_PER_SEC + ts.tv_nsec / 1000,
			 "time_usec", (json_int_t)format_now(), "kind", "daemon", "text",
			 came ? "dmmd started" : "dmmd stopped");
}

static int show(const struct ctl *c, const json_t *event)
{
	char when[FORMAT_LEN];

	/* One line each, however pretty. */
	if (c->json != JSON_MODE_OFF)
		return output_json(&(struct ctl){.json = JSON_MODE_SHORT}, event);
	format_value(FORMAT_STAMP, json_object_get(event, "time_real_usec"), when);
	printf("%s  ", when);
	output_coloured(c, format_colour(json_string_value(json_object_get(event, "new_state"))),
			json_string_value(json_object_get(event, "text")));
	putchar('\n');
	return fflush(stdout) == EOF ? CTL_ERROR : CTL_OK;
}

int verb_monitor(struct ctl *c, char **args, int n)
{
	DBusMessage *m;
	int r;

	(void)args, (void)n;
	r = client_subscribe(c, "type='signal',sender='" CTL_SERVICE "',interface='" CTL_SERVICE
				".Manager',member='Event'");
	/* Is it there?  Later it may go and come again. */
	if (r == CTL_OK)
		r = client_call(c, DBUS_INTERFACE_PEER, "Ping", NULL, NULL);
	while (r == CTL_OK && client_next_signal(c, -1, &m) > 0) {
		int change = client_daemon_change(m);
		json_auto_t *event = change ? daemon_event(change > 0) : decode_event(m);

		dbus_message_unref(m);
		if (event)
			r = show(c, event);
	}
	return r == CTL_OK ? CTL_ERROR : r;
}
