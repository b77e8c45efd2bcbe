/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mobile prefix discovery (RFC 6275 sections 6.7, 6.8 and 10.6). */
#pragma once

#include "fault.h"
#include "proto/ext.h"

struct agent;
struct binding;

/* An ICMPv6 packet of type 146; anything but a good solicitation for a binding is ignored. */
void prefix_discovery_receive(struct agent *a, const struct ip6_packet *p);

/* Tell the mobile node of a binding of the home prefixes, unasked (identifier 0). */
int prefix_discovery_advertise(struct agent *a, const struct binding *b, enum message_fault fault);
