/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sock/internal.h"

#define COMPLAINT_INTERVAL (60 * USEC_PER_SEC)

int complaint_due(struct complaint *c, usec_t now)
{
	unsigned silent = c->silent;

	if (c->last && now - c->last < COMPLAINT_INTERVAL) {
		c->silent++;
		return -1;
	}
	c->last = now;
	c->silent = 0;
	return (int)silent;
}
