/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bounded byte cursors: the one place where parsers and builders check bounds.
 *
 * A cursor that would run past its end is marked failed; every later read gives zero (NULL for
 * bytes) and every later write does nothing, so a caller checks `failed` once, at the end.
 * Integers are big-endian on the wire and host order in the arguments.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct reader {
	const uint8_t *p;
	size_t left;
	bool failed;
};

static inline struct reader reader_make(const void *buf, size_t len)
{
	return (struct reader){.p = (const uint8_t *)buf, .left = len};
}

/* The next n octets, or NULL. */
static inline const uint8_t *read_bytes(struct reader *r, size_t n)
{
	const uint8_t *p = r->p;

	if (r->failed || r->left < n) {
		r->failed = true;
		r->left = 0;
		return NULL;
	}
	r->p += n;
	r->left -= n;
	return p;
}

static inline void read_copy(struct reader *r, void *to, size_t n)
{
	const uint8_t *p = read_bytes(r, n);

	if (p)
		memcpy(to, p, n);
	else
		memset(to, 0, n);
}

static inline uint8_t read_u8(struct reader *r)
{
	const uint8_t *p = read_bytes(r, 1);

	return p ? p[0] : 0;
}

static inline uint16_t read_u16(struct reader *r)
{
	const uint8_t *p = read_bytes(r, 2);

	return (uint16_t)(p ? p[0] << 8 | p[1] : 0);
}

static inline uint32_t read_u32(struct reader *r)
{
	uint32_t hi = read_u16(r);

	return hi << 16 | read_u16(r);
}

static inline uint64_t read_u64(struct reader *r)
{
	uint64_t hi = read_u32(r);

	return hi << 32 | read_u32(r);
}

/* A cursor over the next n octets alone, which are consumed from r. */
static inline struct reader read_sub(struct reader *r, size_t n)
{
	const uint8_t *p = read_bytes(r, n);

	return p ? reader_make(p, n) : (struct reader){.failed = true};
}

struct writer {
	uint8_t *buf;
	size_t cap, len;
	bool failed;
};

static inline struct writer writer_make(void *buf, size_t cap)
{
	return (struct writer){.buf = (uint8_t *)buf, .cap = cap};
}

/* Room for n octets to be filled by the caller, zeroed, or NULL. */
static inline uint8_t *write_room(struct writer *w, size_t n)
{
	uint8_t *p = w->buf + w->len;

	if (w->failed || w->cap - w->len < n) {
		w->failed = true;
		return NULL;
	}
	memset(p, 0, n);
	w->len += n;
	return p;
}

static inline void write_bytes(struct writer *w, const void *from, size_t n)
{
	uint8_t *p = write_room(w, n);

	if (p && n)
		memcpy(p, from, n);
}

static inline void write_u8(struct writer *w, uint8_t v)
{
	write_bytes(w, &v, 1);
}

static inline void write_u16(struct writer *w, uint16_t v)
{
	uint8_t b[2] = {(uint8_t)(v >> 8), (uint8_t)v};

	write_bytes(w, b, 2);
}

static inline void write_u32(struct writer *w, uint32_t v)
{
	write_u16(w, (uint16_t)(v >> 16));
	write_u16(w, (uint16_t)v);
}

static inline void write_u64(struct writer *w, uint64_t v)
{
	write_u32(w, (uint32_t)(v >> 32));
	write_u32(w, (uint32_t)v);
}
