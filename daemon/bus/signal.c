/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From bus_published() to signals: marks and states are noted at once, everything else happens in
 * one flush a little later.  Events and states are for subscribers, and all of it is for listeners.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "bus/internal.h"

/* Long enough to gather what one move changes, too short to be noticed. */
#define FLUSH_DELAY (20 * USEC_PER_MSEC)
/* Those who only look at properties do not mind when the daemon has something else to do anyway. */
#define FLUSH_SLACK (120 * USEC_PER_MSEC)
/* A bus that takes nothing must not fill our memory. */
#define OUTGOING_MAX (256 * 1024)
#define FLUSH_RETRY USEC_PER_SEC

static void flush_after(struct bus *b, usec_t delay)
{
	if (b->flush_armed)
		return;
	b->flush_armed = true;
	sd_event_source_set_time_accuracy(b->flush, b->n_subscribers ? USEC_PER_MSEC : FLUSH_SLACK);
	sd_event_source_set_time_relative(b->flush, delay);
	sd_event_source_set_enabled(b->flush, SD_EVENT_ONESHOT);
}

static void note(struct bus *b, struct bus_event event)
{
	if (!b->n_subscribers)
		return;
	if (b->n_events == BUS_MAX_EVENTS) {
		b->events_lost++;
		return;
	}
	b->events[b->n_events++] = event;
}

static void note_change(struct bus *b, struct bus_object *o, enum engine_change change,
			const char *state)
{
	note(b, (struct bus_event){
			.object = o,
			.change = change,
			.old_state = o->state,
			.new_state = state,
			.at = b->engine->now,
		});
}

void signals_notice(struct bus *b, uint64_t number)
{
	if (!b->greeted || !b->n_subscribers)
		return;
	flush_after(b, FLUSH_DELAY);
	note(b, (struct bus_event){.notice = number});
}

static void note_state(struct bus *b, struct bus_object *o, const void *object)
{
	const char *state = o->kind->state(b->engine, object);

	o->dirty = true;
	if (o->state && strcmp(o->state, state) == 0)
		return;
	note_change(b, o, o->state ? CHANGE_CHANGED : CHANGE_ADDED, state);
	o->state = state;
}

void bus_published(struct bus *b, enum engine_object kind, enum engine_change change,
		   const void *object)
{
	struct bus_object *o, *manager;

	if (!b || !b->greeted)
		return;
	if (!bus_is_heard(b)) {
		b->rescan = true;
		return;
	}
	flush_after(b, FLUSH_DELAY);
	/* What a binding waits for may depend on these. */
	if (kind == OBJECT_ENGINE || kind == OBJECT_ANCHOR)
		b->bindings_dirty = true;
	o = registry_find(b, kind, object);
	if (!o && change != CHANGE_REMOVED)
		o = registry_add(b, kind, object);
	if (o && change == CHANGE_REMOVED) {
		note_change(b, o, change, "");
		registry_remove(b, o);
	} else if (o) {
		note_state(b, o, object);
	}
	/* The summary follows from everything else. */
	manager = registry_find(b, OBJECT_ENGINE, b->engine);
	if (manager)
		note_state(b, manager, b->engine);
}

static void emit(struct bus *b, DBusMessage *m, bool failed)
{
	if (failed && m) {
		dbus_message_unref(m);
		m = NULL;
	}
	send_message(b, m);
}

static void emit_added(struct bus *b, const struct bus_object *o)
{
	DBusMessage *m =
		dbus_message_new_signal(BUS_PATH, bus_object_manager.name, "InterfacesAdded");
	struct bus_out out = {.failed = true};

	if (m) {
		out_to_message(&out, m);
		out_path(&out, o->path);
		properties_append_interfaces(&out, b, o);
	}
	emit(b, m, out.failed);
}

static void emit_removed(struct bus *b, const struct bus_object *o)
{
	DBusMessage *m =
		dbus_message_new_signal(BUS_PATH, bus_object_manager.name, "InterfacesRemoved");
	struct bus_out out = {.failed = true}, list;

	if (m) {
		out_to_message(&out, m);
		out_path(&out, o->path);
		out_open(&out, &list, DBUS_TYPE_ARRAY, "s");
		out_string(&list, o->kind->interface->name);
		out_close(&out, &list);
	}
	emit(b, m, out.failed);
}

static void emit_changed(struct bus *b, const struct bus_object *o, uint64_t changed)
{
	DBusMessage *m = dbus_message_new_signal(o->path, bus_properties.name, "PropertiesChanged");
	struct bus_out out = {.failed = true}, list;

	if (m) {
		out_to_message(&out, m);
		out_string(&out, o->kind->interface->name);
		properties_append_changed(&out, b, o, changed);
		out_open(&out, &list, DBUS_TYPE_ARRAY, "s");
		out_close(&out, &list);
	}
	emit(b, m, out.failed);
}

/* The change in one line, as the log would have it; NULL if there is no memory. */
static char *change_text(const struct bus *b, const struct bus_event *e)
{
	const struct bus_object *o = e->object;
	const void *object = object_resolve(b, o);
	size_t size;
	char *text;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	fputs(o->kind->noun, f);
	if (o->kind != &bus_kind_manager)
		fprintf(f, " %s", o->name);
	if (e->change == CHANGE_REMOVED)
		fputs(": removed", f);
	else if (e->old_state)
		fprintf(f, ": %s -> %s", e->old_state, e->new_state);
	else
		fprintf(f, ": %s", e->new_state);
	if (object && o->kind->describe)
		o->kind->describe(f, object, e->new_state == o->state);
	if (fclose(f) == EOF) {
		free(text);
		return NULL;
	}
	return text;
}

static DBusMessage *new_change(struct bus_out *out, const char *kind, const char *text)
{
	DBusMessage *m =
		dbus_message_new_signal(BUS_PATH, bus_kind_manager.interface->name, "StateChanged");

	if (m) {
		out_to_message(out, m);
		out_string(out, kind);
		out_string(out, text);
	}
	return m;
}

static void emit_change(struct bus *b, const struct bus_event *e)
{
	static const char *const changes[] = {[CHANGE_ADDED] = "added",
					      [CHANGE_CHANGED] = "changed",
					      [CHANGE_REMOVED] = "removed"};
	_cleanup_free_ char *text = change_text(b, e);
	struct bus_out out = {.failed = true}, dict;
	DBusMessage *m = new_change(&out, e->object->kind->noun, text ? text : "");

	if (m) {
		out_open(&out, &dict, DBUS_TYPE_ARRAY, "{sv}");
		out_entry_string(&dict, "Change", changes[e->change]);
		out_entry_string(&dict, "Object", e->object->name);
		out_entry_path(&dict, "Path", e->object->path);
		out_entry_string(&dict, "OldState", e->old_state ? e->old_state : "");
		out_entry_string(&dict, "NewState", e->new_state);
		out_entry_u64(&dict, "TimeUSec", e->at.mono);
		out_entry_u64(&dict, "TimeRealUSec", e->at.real);
		out_close(&out, &dict);
	}
	emit(b, m, out.failed);
}

/* Everybody hears it, so it says nothing of what belongs to one user. */
static void emit_notice(struct bus *b, const struct bus_notice *n)
{
	struct bus_out out = {.failed = true};
	DBusMessage *m =
		dbus_message_new_signal(BUS_PATH, bus_kind_manager.interface->name, "Event");

	if (m) {
		out_to_message(&out, m);
		history_append(&out, n, false);
	}
	emit(b, m, out.failed);
}

static void emit_event(struct bus *b, const struct bus_event *e)
{
	const struct bus_notice *n = e->object ? NULL : history_get(b, e->notice);

	if (e->object)
		emit_change(b, e);
	else if (n)
		emit_notice(b, n);
}

static void emit_lost(struct bus *b)
{
	struct bus_out out = {.failed = true}, dict;
	DBusMessage *m = new_change(&out, "lost", "more happened at once than could be kept");

	if (m) {
		out_open(&out, &dict, DBUS_TYPE_ARRAY, "{sv}");
		out_entry_u64(&dict, "Events", b->events_lost);
		out_close(&out, &dict);
	}
	emit(b, m, out.failed);
}

/* The records that newer handovers have overwritten. */
static void drop_handovers(struct bus *b)
{
	struct bus_object *o, *next;

	list_for_each_safe(o, next, &b->objects[OBJECT_HANDOVER], node)
		if (!object_resolve(b, o))
			registry_remove(b, o);
}

static bool announce(struct bus_object *o, void *user)
{
	struct bus *b = (struct bus *)user;

	if (o->announced || o->kind == &bus_kind_log_control)
		return false;
	emit_added(b, o);
	properties_refresh(b, o);
	o->announced = true;
	o->dirty = false;
	return false;
}

static bool tell_changes(struct bus_object *o, void *user)
{
	struct bus *b = (struct bus *)user;
	uint64_t changed = o->dirty ? properties_refresh(b, o) : 0;

	o->dirty = false;
	if (changed)
		emit_changed(b, o, changed);
	return false;
}

static int on_flush(sd_event_source *s, uint64_t now, void *user)
{
	struct bus *b = (struct bus *)user;
	struct bus_object *o;

	(void)s, (void)now;
	b->flush_armed = false;
	if (!b->greeted)
		return 0;
	if (dbus_connection_get_outgoing_size(b->conn) > OUTGOING_MAX) {
		flush_after(b, FLUSH_RETRY);
		return 0;
	}
	registry_refresh(b);
	drop_handovers(b);
	if (b->bindings_dirty)
		list_for_each(o, &b->objects[OBJECT_BINDING], node)
			o->dirty = true;
	b->bindings_dirty = false;

	/* First what is gone: a path may have come back for something new. */
	list_for_each(o, &b->removed, node)
		if (o->announced)
			emit_removed(b, o);
	registry_each(b, announce, b);
	for (unsigned i = 0; i < b->n_events; i++)
		emit_event(b, &b->events[i]);
	b->n_events = 0;
	if (b->events_lost)
		emit_lost(b);
	b->events_lost = 0;
	registry_each(b, tell_changes, b);
	registry_free_removed(b);
	return 0;
}

static bool settle(struct bus_object *o, void *user)
{
	struct bus *b = (struct bus *)user;

	if (o->kind == &bus_kind_log_control)
		return false;
	properties_refresh(b, o);
	o->state = o->kind->state(b->engine, object_resolve(b, o));
	o->announced = true;
	o->dirty = false;
	return false;
}

void signals_begin(struct bus *b)
{
	registry_refresh(b);
	registry_each(b, settle, b);
}

void signals_end(struct bus *b)
{
	b->n_events = 0;
	b->events_lost = 0;
	b->flush_armed = false;
	sd_event_source_set_enabled(b->flush, SD_EVENT_OFF);
	b->rescan = true;
	registry_free_removed(b);
}

int signals_new(struct bus *b)
{
	/* The clock of the other timers: what one clock wakes for shares a wake-up. */
	int r = sd_event_add_time_relative(b->ev, &b->flush, CLOCK_BOOTTIME, 0, USEC_PER_MSEC,
					   on_flush, b);

	if (r < 0)
		return r;
	sd_event_source_set_enabled(b->flush, SD_EVENT_OFF);
	return sd_event_source_set_priority(b->flush, SD_EVENT_PRIORITY_IDLE);
}

void signals_free(struct bus *b)
{
	b->flush = sd_event_source_disable_unref(b->flush);
}
