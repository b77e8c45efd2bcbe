/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mobility/event.h"

#include <stdarg.h>
#include <stdio.h>

#include "mobility/internal.h"

DEFINE_STRTAB(event_kind, "uplink", "offline", "prefix-state", "binding-state", "binding-refused",
	      "binding-revoked", "binding-withdrawn", "anchor-found", "anchor-health",
	      "anchor-switch", "path-dead", "path-alive", "session-lost", "handover", "obstacle",
	      "forged");

void engine_notify(struct engine *e, struct event *ev, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(ev->text, sizeof(ev->text), fmt, ap);
	va_end(ap);
	e->counters.events[ev->kind]++;
	e->ops->notify(e->user, ev);
}
