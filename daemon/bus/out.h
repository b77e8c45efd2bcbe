/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values on their way out: into a message, or into a hash that tells whether they changed.
 *
 * One function writes each property; which of the two happens is the output's business.  Failures
 * (memory) are collected in `failed` and checked once, at the end.
 */
#pragma once

#include <dbus/dbus.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/usec.h"

struct bus_out {
	DBusMessageIter iter;
	bool to_message, failed;
	uint64_t hash;
};

void out_to_message(struct bus_out *o, DBusMessage *m);
void out_to_hash(struct bus_out *o);

/* Text is made valid UTF-8 first: libdbus aborts on anything else. */
void out_string(struct bus_out *o, const char *s);
void out_path(struct bus_out *o, const char *path);
void out_bool(struct bus_out *o, bool v);
void out_i32(struct bus_out *o, int32_t v);
void out_u32(struct bus_out *o, uint32_t v);
void out_i64(struct bus_out *o, int64_t v);
void out_u64(struct bus_out *o, uint64_t v);
/* An address as text, :: as the empty string. */
void out_addr(struct bus_out *o, const struct in6_addr *a);
/* A time or duration where 0 stands for "none", which is UINT64_MAX on the bus. */
void out_usec(struct bus_out *o, usec_t t);

/* A container (DBUS_TYPE_ARRAY, _VARIANT, _STRUCT) with this signature of its contents. */
void out_open(struct bus_out *o, struct bus_out *sub, int type, const char *signature);
void out_close(struct bus_out *o, struct bus_out *sub);

/* One entry of a dictionary a{sv}: write the value to `variant` between the two calls. */
struct out_entry {
	struct bus_out entry, variant;
};
void out_entry_open(struct bus_out *dict, struct out_entry *e, const char *key,
		    const char *signature);
void out_entry_close(struct bus_out *dict, struct out_entry *e);

/* Whole entries. */
void out_entry_string(struct bus_out *dict, const char *key, const char *v);
void out_entry_path(struct bus_out *dict, const char *key, const char *v);
void out_entry_addr(struct bus_out *dict, const char *key, const struct in6_addr *v);
void out_entry_bool(struct bus_out *dict, const char *key, bool v);
void out_entry_u32(struct bus_out *dict, const char *key, uint32_t v);
void out_entry_u64(struct bus_out *dict, const char *key, uint64_t v);
void out_entry_usec(struct bus_out *dict, const char *key, usec_t v);
