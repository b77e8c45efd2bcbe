/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Introspection documents (D-Bus specification, "Introspection Data Format") from the tables. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus/internal.h"

#define DOCTYPE \
	"<!DOCTYPE node PUBLIC \"-//freedesktop//DTD D-BUS Object Introspection 1.0//EN\"\n" \
	" \"http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd\">\n"

/* A comment, its lines broken before column 100. */
static void write_doc(FILE *f, bool docs, const char *indent, const char *doc)
{
	size_t column = strlen(indent) + strlen("<!--");

	if (!docs || !doc)
		return;
	fprintf(f, "%s<!--", indent);
	while (*doc) {
		size_t word = strcspn(doc, " ");

		if (column + 1 + word > 95) {
			fprintf(f, "\n%s    ", indent);
			column = strlen(indent) + 4;
		}
		fprintf(f, " %.*s", (int)word, doc);
		column += 1 + word;
		doc += word;
		doc += strspn(doc, " ");
	}
	fputs(" -->\n", f);
}

static void write_args(FILE *f, const struct bus_arg *args, const char *direction)
{
	for (int i = 0; i < BUS_MAX_ARGS && args[i].name; i++)
		fprintf(f, "      <arg name=\"%s\" type=\"%s\"%s/>\n", args[i].name,
			args[i].signature, direction);
}

static void write_property(FILE *f, const struct bus_property *p)
{
	static const char *const emits[] = {
		[BUS_EMITS] = NULL, [BUS_CONST] = "const", [BUS_SILENT] = "false"};

	fprintf(f, "    <property name=\"%s\" type=\"%s\" access=\"%s\"", p->name, p->signature,
		p->set ? "readwrite" : "read");
	if (!emits[p->emits]) {
		fputs("/>\n", f);
		return;
	}
	fprintf(f,
		">\n      <annotation name=\"org.freedesktop.DBus.Property.EmitsChangedSignal\" "
		"value=\"%s\"/>\n    </property>\n",
		emits[p->emits]);
}

static void write_interface(FILE *f, const struct bus_interface *i, bool docs)
{
	write_doc(f, docs, "  ", i->doc);
	fprintf(f, "  <interface name=\"%s\">\n", i->name);
	for (const struct bus_property *p = i->properties; p && p->name; p++) {
		write_doc(f, docs, "    ", p->doc);
		write_property(f, p);
	}
	for (const struct bus_method *m = i->methods; m && m->name; m++) {
		write_doc(f, docs, "    ", m->doc);
		fprintf(f, "    <method name=\"%s\">\n", m->name);
		write_args(f, m->in, " direction=\"in\"");
		write_args(f, m->out, " direction=\"out\"");
		fputs("    </method>\n", f);
	}
	for (const struct bus_signal *s = i->signals; s && s->name; s++) {
		write_doc(f, docs, "    ", s->doc);
		fprintf(f, "    <signal name=\"%s\">\n", s->name);
		write_args(f, s->args, "");
		fputs("    </signal>\n", f);
	}
	fputs("  </interface>\n", f);
}

int bus_write_introspection(FILE *out, const char *interface)
{
	static const struct bus_kind *const kinds[] = {&bus_kind_manager, &bus_kind_link,
						       &bus_kind_prefix,  &bus_kind_anchor,
						       &bus_kind_binding, &bus_kind_handover};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strcmp(kinds[i]->interface->name, interface) != 0)
			continue;
		fputs("<!-- SPDX-License-Identifier: GPL-2.0-or-later -->\n" DOCTYPE "<node>\n",
		      out);
		write_interface(out, kinds[i]->interface, true);
		fputs("</node>\n", out);
		return ferror(out) ? -EIO : 0;
	}
	return -ENOENT;
}

struct children {
	FILE *f;
	struct bus *b;
	const char *path; /* without the final slash of the root */
	size_t len;
};

/* The first element of an object's path below the parent, or NULL. */
static const char *child_of(const struct children *c, const struct bus_object *o, size_t *ret_len)
{
	const char *name;

	if (strncmp(o->path, c->path, c->len) != 0 || o->path[c->len] != '/')
		return NULL;
	name = o->path + c->len + 1;
	*ret_len = strcspn(name, "/");
	return name;
}

struct earlier {
	const struct children *c;
	const struct bus_object *end;
	const char *name;
	size_t len;
};

static bool same_child(struct bus_object *o, void *user)
{
	const struct earlier *e = (const struct earlier *)user;
	size_t len;
	const char *name;

	if (o == e->end)
		return true;
	name = child_of(e->c, o, &len);
	return name && len == e->len && strncmp(name, e->name, len) == 0;
}

static bool write_child(struct bus_object *o, void *user)
{
	const struct children *c = (const struct children *)user;
	struct earlier e = {.c = c, .end = o};

	e.name = child_of(c, o, &e.len);
	/* Each name once: with the first object that has it. */
	if (e.name && registry_each(c->b, same_child, &e) == o)
		fprintf(c->f, "  <node name=\"%.*s\"/>\n", (int)e.len, e.name);
	return false;
}

int introspect_object(struct bus *b, const char *path, const struct bus_object *o, char **ret)
{
	const struct bus_interface *list[BUS_MAX_INTERFACES];
	struct children c = {.b = b, .path = path, .len = strcmp(path, "/") ? strlen(path) : 0};
	size_t size;
	char *xml;

	c.f = open_memstream(&xml, &size);
	if (!c.f)
		return -errno;
	fputs(DOCTYPE "<node>\n", c.f);
	object_interfaces(o, list);
	for (int i = 0; list[i]; i++)
		write_interface(c.f, list[i], false);
	registry_each(b, write_child, &c);
	fputs("</node>\n", c.f);
	if (fclose(c.f) == EOF) {
		free(xml);
		return -ENOMEM;
	}
	*ret = xml;
	return 0;
}
