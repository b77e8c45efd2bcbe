/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Somebody who has read along, and may send anything but what he has no key for. */
#pragma once

#include "host.h"

/* One attack, or a small flood of one. */
void hostile_act(struct host *h, struct rng *r);
