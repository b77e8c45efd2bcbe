/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Properties that are plain members of a struct: FIELD() finds the function by the type. */
#pragma once

#include <stddef.h>

#include "bus/internal.h"

#define DECLARE_FIELD(name) \
	void name(struct bus_out *out, const struct bus *b, const struct bus_property *p, \
		  const void *field)

DECLARE_FIELD(field_bool);  /* b */
DECLARE_FIELD(field_int);   /* i */
DECLARE_FIELD(field_uint);  /* u */
DECLARE_FIELD(field_u16);   /* u */
DECLARE_FIELD(field_i64);   /* x */
DECLARE_FIELD(field_u64);   /* t */
DECLARE_FIELD(field_chars); /* s */
DECLARE_FIELD(field_addr);  /* s, :: is empty */
DECLARE_FIELD(field_usec);  /* t, 0 is UINT64_MAX */
DECLARE_FIELD(field_enum);  /* s */

/* clang-format off */
#define FIELD(type, member) \
	.offset = offsetof(type, member), \
	.get = _Generic(((type *)0)->member, \
			bool: field_bool, \
			int: field_int, \
			unsigned: field_uint, \
			uint16_t: field_u16, \
			int64_t: field_i64, \
			uint64_t: field_u64, \
			char *: field_chars, \
			struct in6_addr: field_addr)
#define FIELD_USEC(type, member) \
	.offset = offsetof(type, member), \
	.get = _Generic(((type *)0)->member, usec_t: field_usec)
#define FIELD_ENUM(type, member, names) \
	.offset = offsetof(type, member), .get = field_enum, .str = (names)
/* clang-format on */
