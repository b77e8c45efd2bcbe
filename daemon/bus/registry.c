/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The objects on the bus: which they are, and how they follow those of the engine. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "bus/internal.h"

static const struct bus_kind *const kinds[BUS_N_KINDS] = {
	[OBJECT_ENGINE] = &bus_kind_manager,  [OBJECT_LINK] = &bus_kind_link,
	[OBJECT_PREFIX] = &bus_kind_prefix,   [OBJECT_ANCHOR] = &bus_kind_anchor,
	[OBJECT_BINDING] = &bus_kind_binding, [OBJECT_HANDOVER] = &bus_kind_handover,
};

static size_t n_properties(const struct bus_interface *i)
{
	size_t n = 0;

	while (i->properties[n].name)
		n++;
	return n;
}

static struct bus_object *object_new(const struct bus_kind *kind, const void *object,
				     const char *path)
{
	size_t n = n_properties(kind->interface);
	struct bus_object *o = (struct bus_object *)calloc(1, sizeof(*o) + n * sizeof(*o->hashes));

	if (!o)
		return NULL;
	list_init(&o->node);
	o->kind = kind;
	o->object = object;
	o->path = strdup(path);
	if (!o->path) {
		free(o);
		return NULL;
	}
	return o;
}

void object_free(struct bus_object *o)
{
	if (!o)
		return;
	list_remove(&o->node);
	free(o->path);
	free(o);
}

struct bus_object *registry_add(struct bus *b, enum engine_object kind, const void *object)
{
	struct bus_object *o = object_new(kinds[kind], object, PATH_OF(kinds[kind], object));

	if (!o) {
		/* A later scan finds it. */
		log_warning("D-Bus: no memory for an object");
		b->rescan = true;
		return NULL;
	}
	if (kind == OBJECT_HANDOVER)
		o->id = ((const struct handover *)object)->id;
	o->kind->name(object, o->name);
	list_append(&b->objects[kind], &o->node);
	return o;
}

struct bus_object *registry_find(struct bus *b, enum engine_object kind, const void *object)
{
	struct bus_object *o;

	list_for_each(o, &b->objects[kind], node)
		if (o->object == object &&
		    (kind != OBJECT_HANDOVER || o->id == ((const struct handover *)object)->id))
			return o;
	return NULL;
}

void registry_remove(struct bus *b, struct bus_object *o)
{
	o->object = NULL;
	list_remove(&o->node);
	list_append(&b->removed, &o->node);
}

const void *object_resolve(const struct bus *b, const struct bus_object *o)
{
	if (o->id)
		return engine_handover(b->engine, o->id);
	return o->object;
}

struct bus_object *registry_each(struct bus *b, bool (*cb)(struct bus_object *o, void *user),
				 void *user)
{
	struct bus_object *o;

	for (int kind = 0; kind < BUS_N_KINDS; kind++)
		list_for_each(o, &b->objects[kind], node)
			if (cb(o, user))
				return o;
	return cb(b->log_control, user) ? b->log_control : NULL;
}

static bool has_path(struct bus_object *o, void *user)
{
	return strcmp(o->path, (const char *)user) == 0;
}

struct bus_object *registry_find_path(struct bus *b, const char *path)
{
	struct bus_object *o = registry_each(b, has_path, (void *)path);

	return o && (!o->id || object_resolve(b, o)) ? o : NULL;
}

static void see(struct bus *b, enum engine_object kind, const void *object)
{
	struct bus_object *o = registry_find(b, kind, object);

	if (o && strcmp(o->path, PATH_OF(kinds[kind], object)) != 0) {
		registry_remove(b, o); /* another one in the same place of memory */
		o = NULL;
	}
	if (!o)
		o = registry_add(b, kind, object);
	if (!o)
		return;
	o->kind->name(object, o->name);
	o->seen = true;
	o->dirty = true;
}

static void registry_scan(struct bus *b)
{
	const struct engine *e = b->engine;
	const struct link *link;
	const struct prefix *prefix;
	const struct anchor *anchor;
	const struct binding *binding;
	struct bus_object *o, *next;

	b->rescan = false;
	for (int kind = 0; kind < BUS_N_KINDS; kind++)
		list_for_each(o, &b->objects[kind], node)
			o->seen = false;

	see(b, OBJECT_ENGINE, e);
	list_for_each(link, &e->links, node)
		see(b, OBJECT_LINK, link);
	list_for_each(prefix, &e->prefixes, node)
		see(b, OBJECT_PREFIX, prefix);
	list_for_each(anchor, &e->anchors, node)
		see(b, OBJECT_ANCHOR, anchor);
	list_for_each(binding, &e->bindings, node)
		see(b, OBJECT_BINDING, binding);
	for (int i = 0; i < HANDOVER_RING; i++)
		if (e->handovers[i].id)
			see(b, OBJECT_HANDOVER, &e->handovers[i]);

	for (int kind = 0; kind < BUS_N_KINDS; kind++)
		list_for_each_safe(o, next, &b->objects[kind], node)
			if (!o->seen)
				registry_remove(b, o);
}

void registry_free_removed(struct bus *b)
{
	struct bus_object *o, *next;

	list_for_each_safe(o, next, &b->removed, node)
		object_free(o);
}

void registry_clear(struct bus *b)
{
	struct bus_object *o, *next;

	for (int kind = 0; kind < BUS_N_KINDS; kind++)
		list_for_each_safe(o, next, &b->objects[kind], node)
			object_free(o);
	registry_free_removed(b);
}

void registry_refresh(struct bus *b)
{
	if (!b->rescan)
		return;
	registry_scan(b);
	if (!bus_is_heard(b))
		registry_free_removed(b);
}

int registry_new(struct bus *b)
{
	for (int kind = 0; kind < BUS_N_KINDS; kind++)
		list_init(&b->objects[kind]);
	list_init(&b->removed);
	b->log_control = object_new(&bus_kind_log_control, b, "/org/freedesktop/LogControl1");
	return b->log_control ? 0 : -ENOMEM;
}
