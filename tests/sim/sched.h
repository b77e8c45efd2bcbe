/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Virtual time: jobs in the order of their time, and of their making where that is equal. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/usec.h"

typedef void sched_run(void *owner, void *data);

struct job {
	usec_t at;
	uint64_t order;
	sched_run *run;
	void *owner, *data;
};

struct sched {
	struct job *heap;
	size_t n, room;
	uint64_t orders, done;
	usec_t now;
};

void sched_init(struct sched *s, usec_t now);
void sched_free(struct sched *s);
/* data, NULL or from malloc(), belongs to the schedule from now on and is freed after run(). */
void sched_at(struct sched *s, usec_t at, sched_run *run, void *owner, void *data);
/* Do the next job if it is due by then.  False: there is none, and it is `until` now. */
bool sched_step(struct sched *s, usec_t until);

/* Memory or the end. */
void *sim_alloc(size_t size);
void *sim_copy(const void *data, size_t size);
