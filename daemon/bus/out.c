/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bus/out.h"

#include <string.h>

#include "base/addr.h"

#define FNV_BASIS 14695981039346656037ULL
#define FNV_PRIME 1099511628211ULL
#define TEXT_MAX 1024

void out_to_message(struct bus_out *o, DBusMessage *m)
{
	*o = (struct bus_out){.to_message = true};
	dbus_message_iter_init_append(m, &o->iter);
}

void out_to_hash(struct bus_out *o)
{
	*o = (struct bus_out){.hash = FNV_BASIS};
}

static void hash(struct bus_out *o, const void *p, size_t n)
{
	const uint8_t *b = (const uint8_t *)p;

	for (size_t i = 0; i < n; i++)
		o->hash = (o->hash ^ b[i]) * FNV_PRIME;
}

static void put(struct bus_out *o, int type, const void *v, size_t n)
{
	if (!o->to_message)
		hash(o, v, n);
	else if (!o->failed)
		o->failed = !dbus_message_iter_append_basic(&o->iter, type, v);
}

static void put_text(struct bus_out *o, int type, const char *s)
{
	if (o->to_message)
		put(o, type, &s, sizeof(s));
	else
		hash(o, s, strlen(s) + 1);
}

void out_string(struct bus_out *o, const char *s)
{
	char ascii[TEXT_MAX];
	size_t n = 0;

	if (o->to_message && !dbus_validate_utf8(s, NULL)) {
		for (; s[n] && n < sizeof(ascii) - 1; n++)
			ascii[n] = (s[n] & 0x80) ? '?' : s[n];
		ascii[n] = '\0';
		s = ascii;
	}
	put_text(o, DBUS_TYPE_STRING, s);
}

void out_path(struct bus_out *o, const char *path)
{
	put_text(o, DBUS_TYPE_OBJECT_PATH, path);
}

void out_bool(struct bus_out *o, bool v)
{
	dbus_bool_t wide = v;

	put(o, DBUS_TYPE_BOOLEAN, &wide, sizeof(wide));
}

void out_i32(struct bus_out *o, int32_t v)
{
	put(o, DBUS_TYPE_INT32, &v, sizeof(v));
}

void out_u32(struct bus_out *o, uint32_t v)
{
	put(o, DBUS_TYPE_UINT32, &v, sizeof(v));
}

void out_i64(struct bus_out *o, int64_t v)
{
	put(o, DBUS_TYPE_INT64, &v, sizeof(v));
}

void out_u64(struct bus_out *o, uint64_t v)
{
	put(o, DBUS_TYPE_UINT64, &v, sizeof(v));
}

void out_addr(struct bus_out *o, const struct in6_addr *a)
{
	out_string(o, addr_is_any(a) ? "" : ADDR_STR(a));
}

void out_usec(struct bus_out *o, usec_t t)
{
	out_u64(o, t ? t : USEC_INFINITY);
}

void out_open(struct bus_out *o, struct bus_out *sub, int type, const char *signature)
{
	*sub = (struct bus_out){.to_message = o->to_message, .failed = o->failed, .hash = o->hash};
	dbus_message_iter_init_closed(&sub->iter);
	if (o->to_message && !o->failed)
		sub->failed =
			!dbus_message_iter_open_container(&o->iter, type, signature, &sub->iter);
	/* The bounds of a container are part of the value. */
	if (!o->to_message)
		hash(sub, "(", 1);
}

void out_close(struct bus_out *o, struct bus_out *sub)
{
	if (!o->to_message) {
		hash(sub, ")", 1);
		o->hash = sub->hash;
	} else if (sub->failed) {
		dbus_message_iter_abandon_container_if_open(&o->iter, &sub->iter);
		o->failed = true;
	} else if (!dbus_message_iter_close_container(&o->iter, &sub->iter)) {
		o->failed = true;
	}
}

void out_entry_open(struct bus_out *dict, struct out_entry *e, const char *key,
		    const char *signature)
{
	out_open(dict, &e->entry, DBUS_TYPE_DICT_ENTRY, NULL);
	out_string(&e->entry, key);
	out_open(&e->entry, &e->variant, DBUS_TYPE_VARIANT, signature);
}

void out_entry_close(struct bus_out *dict, struct out_entry *e)
{
	out_close(&e->entry, &e->variant);
	out_close(dict, &e->entry);
}

#define DEFINE_ENTRY(name, type, signature) \
	void out_entry_##name(struct bus_out *dict, const char *key, type v) \
	{ \
		struct out_entry e; \
\
		out_entry_open(dict, &e, key, signature); \
		out_##name(&e.variant, v); \
		out_entry_close(dict, &e); \
	}

DEFINE_ENTRY(string, const char *, "s")
DEFINE_ENTRY(path, const char *, "o")
DEFINE_ENTRY(addr, const struct in6_addr *, "s")
DEFINE_ENTRY(bool, bool, "b")
DEFINE_ENTRY(u32, uint32_t, "u")
DEFINE_ENTRY(u64, uint64_t, "t")
DEFINE_ENTRY(usec, usec_t, "t")
