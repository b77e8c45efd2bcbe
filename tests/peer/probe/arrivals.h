/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What arrives of a numbered stream: lost, duplicate and reordered packets, and gaps in time. */
#pragma once

#include <stdint.h>

#include "base/usec.h"

#define ARRIVALS_MAX_SEQUENCE (1u << 28)

struct arrival_gap {
	usec_t start, end; /* last arrival before it, first one after it */
	uint32_t lost;     /* numbers skipped meanwhile */
};

struct arrivals {
	usec_t start, threshold, last;
	uint32_t next;                            /* one above the highest number seen */
	uint32_t received, duplicates, reordered; /* received: different numbers */
	uint8_t *seen;                            /* one bit a number */
	uint32_t seen_bits;
	struct arrival_gap *gaps;
	uint32_t n_gaps;
};

/* A gap is listed when two arrivals in a row are further apart than the threshold. */
void arrivals_init(struct arrivals *a, usec_t threshold, usec_t now);
void arrivals_free(struct arrivals *a);

/* 0, or -ENOMEM or -ERANGE for a number above the maximum. */
int arrivals_add(struct arrivals *a, uint32_t sequence, usec_t now);
/* The stream is over and `sent` packets were sent: a loss at its end is a gap, too. */
int arrivals_finish(struct arrivals *a, uint32_t sent, usec_t now);
