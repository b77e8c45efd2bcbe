/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The D-Bus adaptor: shows the engine as org.dmmd1 (D-Bus specification 0.38, LogControl1 as in
 * org.freedesktop.LogControl1(5)).
 *
 *   bus.c         life                            dispatch.c     method calls
 *   connection.c  bus, greeting, name             properties.c   org.freedesktop.DBus.Properties
 *   watch.c       libdbus in the event loop       introspect.c   documents from the tables
 *   registry.c    which objects there are         caller.c       who is calling
 *   signal.c      what changed, told later        error.c        errno as D-Bus errors
 *   history.c     the last events                 sessions.c, explain.c, test.c   methods
 *   out.c         values to messages or hashes    path.c         object paths
 *   object_*.c    one interface each: its table   field.c        properties that are plain members
 *
 * Nothing here waits: calls to the bus itself are answered to callbacks.  Nothing here changes the
 * engine: methods that do are callbacks of the daemon.
 */
#include "bus/bus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bus/internal.h"
#include "loop/loop.h"

int bus_new(sd_event *ev, const struct engine *e, const char *address, struct bus **ret)
{
	struct bus *b = (struct bus *)calloc(1, sizeof(*b));
	int r;

	if (!b)
		return -ENOMEM;
	b->ev = sd_event_ref(ev);
	b->engine = e;
	b->started = loop_now().mono;
	callers_new(b);
	listeners_new(b);
	b->notices = (struct bus_notice *)calloc(BUS_MAX_NOTICES, sizeof(*b->notices));
	r = registry_new(b);
	if (r >= 0 && !b->notices)
		r = -ENOMEM;
	if (r >= 0 && address && !(b->address = strdup(address)))
		r = -ENOMEM;
	if (r < 0 || (r = watch_new(b)) < 0 || (r = signals_new(b)) < 0 ||
	    (r = connection_new(b)) < 0) {
		bus_free(b);
		return r;
	}
	*ret = b;
	return 0;
}

void bus_set_handlers(struct bus *b, const struct bus_handlers *handlers)
{
	b->handlers = *handlers;
}

void bus_free(struct bus *b)
{
	if (!b)
		return;
	connection_free(b);
	signals_free(b);
	watch_free(b);
	registry_clear(b);
	object_free(b->log_control);
	sd_event_unref(b->ev);
	free(b->notices);
	free(b->address);
	free(b);
}
