/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pseudo-random numbers that a seed repeats exactly. */
#pragma once

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/usec.h"

struct rng {
	uint64_t state;
};

static inline uint64_t rng_next(struct rng *r)
{
	uint64_t z = (r->state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* A stream of its own, so that one consumer does not shift the numbers of another. */
static inline struct rng rng_fork(struct rng *r)
{
	return (struct rng){rng_next(r)};
}

static inline unsigned rng_below(struct rng *r, unsigned n)
{
	return (unsigned)(rng_next(r) % n);
}

/* In [0, 1). */
static inline double rng_unit(struct rng *r)
{
	return (double)(rng_next(r) >> 11) / 9007199254740992.0;
}

static inline bool rng_chance(struct rng *r, double p)
{
	return p > 0 && rng_unit(r) < p;
}

static inline usec_t rng_between(struct rng *r, usec_t from, usec_t to)
{
	return to > from ? from + rng_next(r) % (to - from) : from;
}

/* Heavy-tailed: at least `least`, cut at `most`. */
static inline usec_t rng_pareto(struct rng *r, usec_t least, double shape, usec_t most)
{
	double d = (double)least * pow(1 - rng_unit(r), -1 / shape);

	return d < (double)most ? (usec_t)d : most;
}
