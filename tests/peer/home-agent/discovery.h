/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dynamic home agent address discovery (RFC 6275 section 10.5). */
#pragma once

#include "proto/ext.h"

struct agent;

/* Own the home agents anycast address of each home prefix: 0 or a negative errno, logged. */
int discovery_open(struct agent *a);
void discovery_close(struct agent *a);

/* An ICMPv6 packet; anything but a good request to the anycast address is ignored. */
void discovery_receive(struct agent *a, const struct ip6_packet *p);
