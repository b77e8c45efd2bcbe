/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Router advertisements on one interface (RFC 4861 section 6.2, RFC 6275 section 7). */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/list.h"
#include "base/usec.h"
#include "proto/nd.h"

#define ADVERTISER_MAX_EXTRA 768

struct advertiser {
	struct list node;
	char name[IF_NAMESIZE];
	struct nd_router_advert ra; /* what is advertised; link-layer address at each sending */
	uint8_t extra[ADVERTISER_MAX_EXTRA]; /* options as they are, behind those of `ra` */
	size_t extra_len;
	usec_t interval;       /* between unsolicited ones; 0: only on solicitation */
	bool answer_multicast; /* answer to all nodes, not to the one that asked */
	bool vanished;         /* says nothing, hears nothing */
	uint64_t solicitations, advertisements;

	int ifindex, fd;
	sd_event_source *source, *timer;
	sd_event *event;
};

struct advertiser *advertiser_new(const char *ifname);
void advertiser_free(struct advertiser *a);

/*
 * Add options given as hexadecimal digits, whole ones: 0, -EINVAL for anything else, -E2BIG.  What
 * is in them is not looked at.
 */
int advertiser_add_option(struct advertiser *a, const char *hex);

/* Open the socket and send the first advertisement where there is an interval: 0 or -errno. */
int advertiser_start(struct advertiser *a, sd_event *event);
/* To all nodes, now: 0 or -errno. */
int advertiser_send(struct advertiser *a);
