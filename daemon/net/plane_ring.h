/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reader of a BPF ring buffer (BPF_MAP_TYPE_RINGBUF); its map's descriptor polls readable. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring {
	unsigned long *consumer;       /* position, ours to write */
	const unsigned long *producer; /* position, the kernel's; the data follow a page later */
	const uint8_t *data;
	size_t page, size;
};

/* Records that are there already are skipped.  0 or -errno. */
int ring_open(int map, struct ring *ret);
/* The next record of exactly that size; others are passed over.  False: there is none. */
bool ring_next(struct ring *r, void *ret, size_t size);
void ring_close(struct ring *r);
