/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A cursor that works in both directions, so that one function describes a field layout for
 * decoding and encoding and the two cannot drift apart: decoding, wire_u16(w, &x) fills x from the
 * octets; encoding, it writes x.
 */
#pragma once

#include "base/cursor.h"

struct wire {
	bool encoding;
	bool refused;    /* content that no message may have, found in either direction */
	unsigned index;  /* which element, where the field is one of a list */
	struct reader r; /* decoding: the octets of one structure */
	struct writer w; /* encoding: the whole message so far */
};

static inline bool wire_ok(const struct wire *w)
{
	return !w->refused && !w->r.failed && !w->w.failed;
}

static inline void wire_u8(struct wire *w, uint8_t *v)
{
	if (w->encoding)
		write_u8(&w->w, *v);
	else
		*v = read_u8(&w->r);
}

static inline void wire_u16(struct wire *w, uint16_t *v)
{
	if (w->encoding)
		write_u16(&w->w, *v);
	else
		*v = read_u16(&w->r);
}

static inline void wire_u32(struct wire *w, uint32_t *v)
{
	if (w->encoding)
		write_u32(&w->w, *v);
	else
		*v = read_u32(&w->r);
}

static inline void wire_u64(struct wire *w, uint64_t *v)
{
	if (w->encoding)
		write_u64(&w->w, *v);
	else
		*v = read_u64(&w->r);
}

static inline void wire_bytes(struct wire *w, void *v, size_t n)
{
	if (w->encoding)
		write_bytes(&w->w, v, n);
	else
		read_copy(&w->r, v, n);
}

/* Reserved octets: zero on send, ignored on receipt. */
static inline void wire_reserved(struct wire *w, size_t n)
{
	if (w->encoding)
		write_room(&w->w, n);
	else
		read_bytes(&w->r, n);
}
