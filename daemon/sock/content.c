/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "sock/internal.h"

#define NSEC_PER_USEC 1000

static uint8_t state_of(const struct offer *o)
{
	if (o->draining)
		return DMM_ENTRY_DRAINING;
	return o->on_demand ? DMM_ENTRY_ON_DEMAND : DMM_ENTRY_USABLE;
}

/* Both clocks are CLOCK_BOOTTIME. */
static uint64_t end_of(const struct offer *o)
{
	return o->valid_until == USEC_INFINITY ? 0 : o->valid_until * NSEC_PER_USEC;
}

static struct dmm_table_entry entry_of(const struct offer *o)
{
	return (struct dmm_table_entry){
		.address = o->source,
		.prefix = o->prefix.addr,
		.prefix_length = o->prefix.len,
		.type = (uint8_t)type_to_library(o->type),
		.state = state_of(o),
		.ifindex = (uint32_t)o->ifindex,
		.valid_until = end_of(o),
		.flags = o->tunnelled ? DMM_ENTRY_TUNNELLED : 0,
	};
}

void content_make(const struct offers *offers, const struct conf *conf, struct dmm_table_slot *slot,
		  struct dmm_table_entry entries[static OFFERS_MAX])
{
	memset(slot, 0, sizeof(*slot));
	slot->n = offers->n;
	for (unsigned i = 0; i < offers->n; i++)
		entries[i] = entry_of(&offers->offer[i]);
	for (unsigned i = 0; i < DMM_TABLE_TYPES; i++)
		slot->best[i] = -1;
	for (unsigned i = SERVICE_NON_PERSISTENT + 1; i < SERVICE_TYPE_MAX; i++)
		slot->best[type_to_library((enum service_type)i)] = offers->best[i];
	if (conf->fixed.all)
		return;
	/* What is the best of a weaker type is for everybody all the same. */
	slot->restricted = 1u << DMM_SC_FIXED;
	for (unsigned i = 0; i < offers->n; i++)
		if (offers->offer[i].type == SERVICE_FIXED &&
		    offers->best[SERVICE_SESSION_LASTING] != (int)i &&
		    offers->best[SERVICE_GRACEFUL_REPLACEMENT] != (int)i)
			entries[i].flags |= DMM_ENTRY_RESTRICTED;
}
