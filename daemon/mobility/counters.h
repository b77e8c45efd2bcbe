/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counters of the engine since its start; they only rise. */
#pragma once

#include <stdint.h>

#include "base/property.h"
#include "base/usec.h"
#include "mobility/event.h"
#include "mobility/handover.h"

struct counters {
	uint64_t events[EVENT_KIND_MAX];
	uint64_t handovers[HANDOVER_MODE_MAX][HANDOVER_RESULT_MAX];
	usec_t handover_time; /* from their beginning to the last acknowledgement, summed over those done */
	uint64_t sessions_tracked[SERVICE_TYPE_MAX]; /* by what they requested */
	usec_t session_time;                         /* tracked, summed over those that are over */
	uint64_t sessions_over, sessions_lost;
	uint64_t session_listings; /* how often the kernel was asked for sessions */
	uint64_t withdrawals;
};
