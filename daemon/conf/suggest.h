/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "Did you mean ...?": the accepted name nearest to what was typed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct suggestion {
	const char *name; /* NULL: nothing is near enough */
	unsigned distance;
};

/* Keep candidate if it is near what was typed and nearer than what was offered before. */
void suggestion_offer(struct suggestion *s, const char *typed, const char *candidate);
