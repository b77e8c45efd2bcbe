/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mover.h"

#include "grid.h"

#define SIDE (GRID * CELL)
/* Random waypoint: speeds are uniform, as are the pauses between the ways. */
#define WALK_SLOW 0.5
#define WALK_FAST 2.0
#define PAUSE 60.0
/* Streets: two in each direction through every network, none along a border. */
#define BLOCK 250.0
#define STREETS 20
#define DRIVE_SLOW 10.0
#define DRIVE_FAST 30.0
#define STRAIGHT_ON 0.5

static double between(struct rng *r, double from, double to)
{
	return from + (to - from) * rng_unit(r);
}

/* Who is slow is longer on its way: at a random moment the density of a speed is as its inverse. */
static double speed_under_way(struct rng *r, double slow, double fast)
{
	return slow * pow(fast / slow, rng_unit(r));
}

static void go(struct mover *m, double to_x, double to_y, double speed)
{
	double length = hypot(to_x - m->x, to_y - m->y);

	m->until = m->now + length / speed;
	m->speed_x = length > 0 ? (to_x - m->x) / length * speed : 0;
	m->speed_y = length > 0 ? (to_y - m->y) / length * speed : 0;
}

/* --- random waypoint ---------------------------------------------------------------------- */

static void pause_for(struct mover *m, double seconds)
{
	m->pausing = true;
	m->speed_x = m->speed_y = 0;
	m->until = m->now + seconds;
}

static void next_way(struct mover *m)
{
	double x, y;

	if (!m->pausing) {
		pause_for(m, between(&m->rng, 0, PAUSE));
		return;
	}
	m->pausing = false;
	x = between(&m->rng, 0, SIDE);
	y = between(&m->rng, 0, SIDE);
	go(m, x, y, between(&m->rng, WALK_SLOW, WALK_FAST));
}

/* A random moment falls on long and on slow ways more often than on others. */
static void begin_waypoint(struct mover *m)
{
	double mean_way = 0.521405 * SIDE; /* between two random points of a square */
	double mean_time = mean_way * log(WALK_FAST / WALK_SLOW) / (WALK_FAST - WALK_SLOW);
	double from_x, from_y, to_x, to_y, at;

	if (rng_chance(&m->rng, PAUSE / 2 / (PAUSE / 2 + mean_time))) {
		m->x = between(&m->rng, 0, SIDE);
		m->y = between(&m->rng, 0, SIDE);
		/* What is left of it: the square root makes the longer ones more likely. */
		pause_for(m, PAUSE * sqrt(rng_unit(&m->rng)) * rng_unit(&m->rng));
		return;
	}
	do {
		from_x = between(&m->rng, 0, SIDE);
		from_y = between(&m->rng, 0, SIDE);
		to_x = between(&m->rng, 0, SIDE);
		to_y = between(&m->rng, 0, SIDE);
	} while (!rng_chance(&m->rng, hypot(to_x - from_x, to_y - from_y) / (SIDE * M_SQRT2)));
	at = rng_unit(&m->rng);
	m->x = from_x + at * (to_x - from_x);
	m->y = from_y + at * (to_y - from_y);
	go(m, to_x, to_y, speed_under_way(&m->rng, WALK_SLOW, WALK_FAST));
}

/* --- streets ------------------------------------------------------------------------------ */

static const int step_x[] = {1, 0, -1, 0}, step_y[] = {0, 1, 0, -1};

static double street(int number)
{
	return (number + 0.5) * BLOCK;
}

static bool leads_somewhere(const struct mover *m, int direction)
{
	int x = m->crossing_x + step_x[direction], y = m->crossing_y + step_y[direction];

	return x >= 0 && x < STREETS && y >= 0 && y < STREETS;
}

/* Straight on or, at half the odds, to either side; back never. */
static void turn(struct mover *m)
{
	int direction;

	do {
		direction = m->direction;
		if (!rng_chance(&m->rng, STRAIGHT_ON))
			direction += rng_chance(&m->rng, 0.5) ? 1 : 3;
		direction %= 4;
	} while (!leads_somewhere(m, direction));
	m->direction = direction;
}

static void next_block(struct mover *m, double speed)
{
	m->crossing_x += step_x[m->direction];
	m->crossing_y += step_y[m->direction];
	go(m, street(m->crossing_x), street(m->crossing_y), speed);
}

static void begin_streets(struct mover *m)
{
	double at = rng_unit(&m->rng) * BLOCK;

	do {
		m->crossing_x = (int)rng_below(&m->rng, STREETS);
		m->crossing_y = (int)rng_below(&m->rng, STREETS);
		m->direction = (int)rng_below(&m->rng, 4);
	} while (!leads_somewhere(m, m->direction));
	m->x = street(m->crossing_x) + at * step_x[m->direction];
	m->y = street(m->crossing_y) + at * step_y[m->direction];
	next_block(m, speed_under_way(&m->rng, DRIVE_SLOW, DRIVE_FAST));
}

/* --- both --------------------------------------------------------------------------------- */

void mover_init(struct mover *m, enum movement kind, struct rng rng)
{
	*m = (struct mover){.kind = kind, .rng = rng};
	if (kind == MOVEMENT_WAYPOINT)
		begin_waypoint(m);
	else
		begin_streets(m);
	m->column = (int)(m->x / CELL);
	m->row = (int)(m->y / CELL);
}

int mover_network(const struct mover *m)
{
	return m->row * GRID + m->column;
}

static void end_way(struct mover *m)
{
	double rest = m->until - m->now;

	m->x += rest * m->speed_x;
	m->y += rest * m->speed_y;
	m->now = m->until;
	if (m->kind == MOVEMENT_WAYPOINT) {
		next_way(m);
		return;
	}
	turn(m);
	next_block(m, between(&m->rng, DRIVE_SLOW, DRIVE_FAST));
}

/* Seconds until a border of the network is reached in one direction. */
static double until_border(double at, double speed, int cell)
{
	double border = (speed > 0 ? cell + 1 : cell) * CELL;

	return fabs(speed) > 0 ? fmax((border - at) / speed, 0) : INFINITY;
}

double mover_next(struct mover *m)
{
	for (;;) {
		double in_x = until_border(m->x, m->speed_x, m->column);
		double in_y = until_border(m->y, m->speed_y, m->row);
		double in = fmin(in_x, in_y);

		if (m->now + in >= m->until) {
			end_way(m);
			continue;
		}
		m->now += in;
		m->x += in * m->speed_x;
		m->y += in * m->speed_y;
		if (in_x < in_y)
			m->column += m->speed_x > 0 ? 1 : -1;
		else
			m->row += m->speed_y > 0 ? 1 : -1;
		return m->now;
	}
}
