/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datagram.h"

#include <errno.h>

#include "base/cursor.h"

#define MAGIC 0x646d6d70u /* "dmmp" */

static void parse_data(struct reader *r, struct datagram *d)
{
	d->sequence = read_u32(r);
	d->total = read_u32(r);
	d->interval_us = read_u32(r);
	d->threshold_us = read_u32(r);
	d->sent_at = read_u64(r);
	d->size = read_u16(r);
}

static void parse_report(struct reader *r, struct datagram *d)
{
	d->sent = read_u32(r);
	d->part = read_u32(r);
	d->parts = read_u32(r);
	d->received = read_u32(r);
	d->duplicates = read_u32(r);
	d->reordered = read_u32(r);
	read_copy(r, &d->client, sizeof(d->client));
	d->n_gaps = read_u32(r);
	if (d->n_gaps > DATAGRAM_GAPS) {
		r->failed = true;
		return;
	}
	for (uint32_t i = 0; i < d->n_gaps; i++) {
		d->gap[i].start = read_u64(r);
		d->gap[i].end = read_u64(r);
		d->gap[i].lost = read_u32(r);
	}
}

int datagram_parse(const uint8_t *buf, size_t len, struct datagram *ret)
{
	struct reader r = reader_make(buf, len);

	if (read_u32(&r) != MAGIC)
		return -EBADMSG;
	ret->type = read_u32(&r);
	ret->flow = read_u64(&r);
	switch (ret->type) {
	case DATAGRAM_DATA:
		parse_data(&r, ret);
		break;
	case DATAGRAM_REPORT_REQUEST:
		ret->sent = read_u32(&r);
		ret->part = read_u32(&r);
		break;
	case DATAGRAM_REPORT:
		parse_report(&r, ret);
		break;
	case DATAGRAM_MAX_TYPE:
	default:
		return -EBADMSG;
	}
	return r.failed ? -EBADMSG : 0;
}

static void build_data(struct writer *w, const struct datagram *d)
{
	write_u32(w, d->sequence);
	write_u32(w, d->total);
	write_u32(w, d->interval_us);
	write_u32(w, d->threshold_us);
	write_u64(w, d->sent_at);
	write_u16(w, d->size);
	if (w->len < d->size)
		write_room(w, d->size - w->len);
}

static void build_report(struct writer *w, const struct datagram *d)
{
	write_u32(w, d->sent);
	write_u32(w, d->part);
	write_u32(w, d->parts);
	write_u32(w, d->received);
	write_u32(w, d->duplicates);
	write_u32(w, d->reordered);
	write_bytes(w, &d->client, sizeof(d->client));
	write_u32(w, d->n_gaps);
	for (uint32_t i = 0; i < d->n_gaps; i++) {
		write_u64(w, d->gap[i].start);
		write_u64(w, d->gap[i].end);
		write_u32(w, d->gap[i].lost);
	}
}

int datagram_build(const struct datagram *d, uint8_t *buf, size_t cap)
{
	struct writer w = writer_make(buf, cap);

	write_u32(&w, MAGIC);
	write_u32(&w, d->type);
	write_u64(&w, d->flow);
	if (d->type == DATAGRAM_DATA) {
		build_data(&w, d);
	} else if (d->type == DATAGRAM_REPORT) {
		build_report(&w, d);
	} else {
		write_u32(&w, d->sent);
		write_u32(&w, d->part);
	}
	return w.failed ? -ENOBUFS : (int)w.len;
}
