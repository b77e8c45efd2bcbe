/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Provisioning domains that routers name (RFC 8801), one for each link and name, with the additional information that was
 * fetched from it over HTTPS.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/usec.h"
#include "proto/nd.h"
#include "proto/pvd.h"

#define DOMAIN_MAX 16 /* known at once; anybody on a link can name some */

struct domain {
	struct list node;
	int ifindex;
	char name[PVD_MAX_NAME + 1]; /* lower case, without a dot at the end */
	bool http;                   /* H: there is additional information */
	uint8_t delay;
	uint16_t sequence;
	uint32_t epoch; /* attachment of the link in which it was last heard */
	usec_t heard;
	usec_t fetch_at;       /* USEC_INFINITY = nothing is to be fetched */
	usec_t asked_at;       /* last request; 0 = none yet */
	bool asking;           /* its answer has not come */
	unsigned failures;     /* in a row */
	struct pvd_info *info; /* NULL = none that is valid */
	usec_t expires;        /* of info */
};
