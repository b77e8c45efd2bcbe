/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A steady beat that is caught up with when the program was late. */
#pragma once

#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/usec.h"

struct pace;

/* f gets the number of beats due; a negative answer ends the loop.  The first beat is at once. */
int pace_start(sd_event *event, usec_t interval, int (*f)(void *user, uint64_t due), void *user,
	       struct pace **ret);
void pace_stop(struct pace *p);
void pace_free(struct pace *p);
