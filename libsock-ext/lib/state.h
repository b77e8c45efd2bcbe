/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What was asked for each socket, by SO_COOKIE: that is the same in every copy of a descriptor and is never used again,
 * so nothing needs to be done when descriptors are duplicated, inherited or closed.
 *
 * Of fixed size, without locks, for threads and signal handlers.  When its place is full the oldest socket is forgotten,
 * those that were connected already first.
 */
#ifndef DMM_STATE_H
#define DMM_STATE_H

#include <stdbool.h>
#include <stdint.h>

#define STATE_PLACES 4096

/* All zero = nothing known. */
struct state {
	uint64_t type : 3;        /* enum dmm_service_type that was asked; UNSPEC = nothing */
	uint64_t flags : 3;       /* DMM_F_* */
	uint64_t timeout_ms : 16; /* 0 = default */
	uint64_t bound : 1;       /* by us: to be undone when its destination is another */
	uint64_t v6only_known : 1;
	uint64_t v6only : 1; /* before our bind(2), which sets it */
	uint64_t datagram : 1;
	uint64_t held : 24; /* which address dmmd was told that it sends from; 0 = none */
	uint64_t tag : 14;  /* of the cookie: set by state_put() */
};

/* Without a state of that socket: false, all zero. */
bool state_get(uint64_t cookie, struct state *ret);
void state_put(uint64_t cookie, struct state state);

#endif
