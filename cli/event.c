/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events and changes of state, one line each. */
#include <string.h>
#include <time.h>

#include "base/usec.h"
#include "ctl.h"

static const char *next_string(DBusMessageIter *it)
{
	const char *s;

	dbus_message_iter_get_basic(it, &s);
	dbus_message_iter_next(it);
	return s;
}

static json_t *decode(DBusMessageIter *it, bool has_priority)
{
	const char *kind = next_string(it);
	const char *priority = has_priority ? next_string(it) : NULL;
	const char *text = next_string(it);
	json_auto_t *details = decode_value(it);
	json_t *event = json_pack("{s:s,s:s?,s:s,s:n}", "kind", kind, "priority", priority, "text",
				  text, "new_state");

	json_object_update(event, details);
	return event;
}

json_t *event_decode_entry(DBusMessageIter *entry)
{
	DBusMessageIter it;

	dbus_message_iter_recurse(entry, &it);
	return decode(&it, true);
}

json_t *event_decode_signal(DBusMessage *m)
{
	DBusMessageIter it;

	if (!dbus_message_iter_init(m, &it))
		return NULL;
	if (dbus_message_is_signal(m, CTL_SERVICE ".Manager", "Event") &&
	    dbus_message_has_signature(m, "sssa{sv}"))
		return decode(&it, true);
	if (dbus_message_is_signal(m, CTL_SERVICE ".Manager", "StateChanged") &&
	    dbus_message_has_signature(m, "ssa{sv}"))
		return decode(&it, false);
	return NULL;
}

json_t *event_of_daemon(bool came)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return json_pack("{s:I,s:I,s:s,s:n,s:n,s:s}", "time_real_usec",
			 (json_int_t)ts.tv_sec * (json_int_t)USEC_PER_SEC + ts.tv_nsec / 1000,
			 "time_usec", (json_int_t)format_now(), "kind", "daemon", "priority",
			 "new_state", "text", came ? "dmmd started" : "dmmd stopped");
}

static const char *colour_of(const json_t *event)
{
	const char *priority = json_string_value(json_object_get(event, "priority"));
	const char *state = json_string_value(json_object_get(event, "new_state"));

	if (priority && strcmp(priority, "warning") == 0)
		return "yellow";
	if (priority && (strcmp(priority, "err") == 0 || strcmp(priority, "crit") == 0))
		return "red";
	return format_colour(state);
}

int event_show(const struct ctl *c, const json_t *event)
{
	char when[FORMAT_LEN];

	/* One line each, however pretty. */
	if (c->json != JSON_MODE_OFF)
		return output_json(&(struct ctl){.json = JSON_MODE_SHORT}, event);
	format_value(FORMAT_STAMP, json_object_get(event, "time_real_usec"), when);
	printf("%s  ", when);
	output_coloured(c, colour_of(event), json_string_value(json_object_get(event, "text")));
	putchar('\n');
	return fflush(stdout) == EOF ? CTL_ERROR : CTL_OK;
}
