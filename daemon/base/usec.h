/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time in microseconds.  Monotonic unless a name says "real". */
#pragma once

#include <stdint.h>

typedef uint64_t usec_t;

#define USEC_PER_MSEC ((usec_t)1000)
#define USEC_PER_SEC ((usec_t)1000000)
#define USEC_INFINITY UINT64_MAX

/* Both clocks at one instant, handed to code that must not read a clock itself. */
struct instant {
	usec_t mono; /* CLOCK_BOOTTIME: goes on during suspend, never steps */
	usec_t real; /* CLOCK_REALTIME: microseconds since 1970 */
};

/* t + d without wrapping past "never". */
static inline usec_t usec_add(usec_t t, usec_t d)
{
	return d > USEC_INFINITY - t ? USEC_INFINITY : t + d;
}

static inline usec_t usec_sub(usec_t t, usec_t d)
{
	return t > d ? t - d : 0;
}
