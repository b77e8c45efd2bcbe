/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.freedesktop.LogControl1(5), for `systemctl service-log-level dmmd`. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "bus/field.h"

/* Where base/log.c writes was decided at the start. */
static const char *target(void)
{
	return getenv("JOURNAL_STREAM") ? "journal" : "console";
}

static void get_level(struct bus_out *out, const struct bus *b, const struct bus_property *p,
		      const void *object)
{
	(void)b, (void)p, (void)object;
	out_string(out, log_level_str(log_get_max_level()));
}

static int set_level(struct bus_call *c, DBusMessageIter *value)
{
	const char *text;
	int level;

	dbus_message_iter_get_basic(value, &text);
	level = log_level_parse(text);
	if (level < 0)
		return call_fail(c, DBUS_ERROR_INVALID_ARGS,
				 "Log levels are emerg, alert, crit, err, warning, notice, info "
				 "and debug");
	log_notice("log level %s -> %s", log_level_str(log_get_max_level()), log_level_str(level));
	log_set_max_level(level);
	return 0;
}

static void get_target(struct bus_out *out, const struct bus *b, const struct bus_property *p,
		       const void *object)
{
	(void)b, (void)p, (void)object;
	out_string(out, target());
}

static int set_target(struct bus_call *c, DBusMessageIter *value)
{
	const char *text;

	dbus_message_iter_get_basic(value, &text);
	return strcmp(text, target()) == 0
		       ? 0
		       : call_fail(c, DBUS_ERROR_NOT_SUPPORTED, "The log target cannot be changed");
}

static void get_identifier(struct bus_out *out, const struct bus *b, const struct bus_property *p,
			   const void *object)
{
	(void)b, (void)p, (void)object;
	out_string(out, "dmmd");
}

static const struct bus_property properties[] = {
	{"LogLevel", "s", BUS_SILENT, get_level, .set = set_level, .doc = "As LogLevel="},
	{"LogTarget", "s", BUS_SILENT, get_target, .set = set_target, .doc = "journal or console"},
	{"SyslogIdentifier", "s", BUS_SILENT, get_identifier, .doc = "dmmd"},
	{0}};

static const struct bus_interface interface = {.name = "org.freedesktop.LogControl1",
					       .properties = properties};

const struct bus_kind bus_kind_log_control = {
	.noun = "log control",
	.interface = &interface,
};
