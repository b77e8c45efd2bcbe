/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages that the home agent sends of its own accord. */
#pragma once

#include <netinet/in.h>
#include <stdint.h>

#include "notice.h"
#include "proto/mh.h"

struct agent;
struct binding;

/*
 * Home agent switch (RFC 5142) to the mobile node of a binding.  advice: refresh interval in units
 * of 4 s, 0 = none.
 */
int notify_switch(struct agent *a, const struct binding *b, const struct mh_has *agents,
		  uint16_t advice, const struct notice_options *o);

/* Binding error (RFC 6275 section 9.3.3) about a home address, to a care-of address. */
int notify_error(struct agent *a, const struct in6_addr *from, const struct in6_addr *to,
		 const struct in6_addr *home, uint8_t status);

/* Binding refresh request (RFC 6275 section 6.1.2), through the tunnel. */
int notify_refresh(struct agent *a, const struct binding *b);
