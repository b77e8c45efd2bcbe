/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a node is: straight ways, one after the other, in metres and seconds. */
#pragma once

#include "rng.h"

enum movement {
	MOVEMENT_WAYPOINT, /* random waypoint, at the speed of pedestrians */
	MOVEMENT_STREETS,  /* vehicles on a grid of streets */
	MOVEMENT_MAX,
};

struct mover {
	enum movement kind;
	struct rng rng;
	double now, x, y;               /* a moment, and the position then */
	double until, speed_x, speed_y; /* of the way it is on */
	int column, row;                /* of its network */
	int direction;                  /* MOVEMENT_STREETS: 0 east, 1 north, 2 west, 3 south */
	int crossing_x, crossing_y;     /* where it comes to at the end of the way */
	bool pausing;
};

/* Somewhere on its way, as if it had always been moving. */
void mover_init(struct mover *m, enum movement kind, struct rng rng);
int mover_network(const struct mover *m);
/* Go on to the next network; when, in seconds since mover_init(). */
double mover_next(struct mover *m);
