/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processing of binding updates (RFC 6275 sections 9.5.1, 10.3.1 and 10.3.2; RFC 4285). */
#pragma once

#include "proto/ext.h"

struct agent;

/* A packet to one of our addresses that carries a binding update. */
void registration_receive(struct agent *a, const struct ip6_packet *p);
