/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sock/internal.h"

static const uint32_t to_library[SERVICE_TYPE_MAX] = {
	[SERVICE_NON_PERSISTENT] = DMM_SC_NON_PERSISTENT,
	[SERVICE_GRACEFUL_REPLACEMENT] = DMM_SC_GRACEFUL_REPLACEMENT,
	[SERVICE_SESSION_LASTING] = DMM_SC_SESSION_LASTING,
	[SERVICE_FIXED] = DMM_SC_FIXED,
};

bool type_from_library(uint32_t type, enum service_type *ret)
{
	for (unsigned i = 0; i < SERVICE_TYPE_MAX; i++)
		if (to_library[i] == type) {
			*ret = (enum service_type)i;
			return true;
		}
	return false;
}

uint32_t type_to_library(enum service_type type)
{
	return to_library[type];
}
