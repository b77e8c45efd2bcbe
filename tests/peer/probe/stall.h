/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pauses in what arrives. */
#pragma once

#include <jansson.h>

#include "base/usec.h"

#define STALLS_MAX 1000 /* listed; later ones are left out */

struct stall {
	usec_t start, end;
};

struct stalls {
	usec_t threshold, last; /* threshold 0: not watching */
	struct stall *list;
	unsigned n;
};

void stalls_start(struct stalls *s, usec_t threshold, usec_t now);
void stalls_free(struct stalls *s);
void stalls_progress(struct stalls *s, usec_t now);
json_t *stalls_json(const struct stalls *s, const char *direction);
