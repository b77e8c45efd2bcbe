/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bus/field.h"

#define UNUSED __attribute__((unused))
#define DEFINE_FIELD(name, type, put) \
	void name(struct bus_out *out, const struct bus *b UNUSED, \
		  const struct bus_property *p UNUSED, const void *field) \
	{ \
		put(out, *(const type *)field); \
	}

DEFINE_FIELD(field_bool, bool, out_bool)
DEFINE_FIELD(field_int, int, out_i32)
DEFINE_FIELD(field_uint, unsigned, out_u32)
DEFINE_FIELD(field_u16, uint16_t, out_u32)
DEFINE_FIELD(field_i64, int64_t, out_i64)
DEFINE_FIELD(field_u64, uint64_t, out_u64)
DEFINE_FIELD(field_usec, usec_t, out_usec)

void field_chars(struct bus_out *out, const struct bus *b UNUSED,
		 const struct bus_property *p UNUSED, const void *field)
{
	out_string(out, (const char *)field);
}

void field_addr(struct bus_out *out, const struct bus *b UNUSED,
		const struct bus_property *p UNUSED, const void *field)
{
	out_addr(out, (const struct in6_addr *)field);
}

void field_enum(struct bus_out *out, const struct bus *b UNUSED, const struct bus_property *p,
		const void *field)
{
	/* Enumerations without negative members are unsigned int; both have this size. */
	out_string(out, p->str(*(const int *)field));
}
