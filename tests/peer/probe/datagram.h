/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Datagrams of the UDP probe.
 *
 * Every packet of the client tells all that the server needs to send its own stream, so there is no
 * handshake to be lost: the first packet heard starts it.  At the end the client asks for the
 * server's account, part by part, until it has all of it.
 */
#pragma once

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "arrivals.h"

#define DATAGRAM_MIN 48 /* octets of a data packet without filling */
#define DATAGRAM_MAX 1452
#define DATAGRAM_GAPS 40 /* gaps per part of a report */

enum datagram_type {
	DATAGRAM_DATA = 1,
	DATAGRAM_REPORT_REQUEST,
	DATAGRAM_REPORT,
	DATAGRAM_MAX_TYPE,
};

struct datagram {
	enum datagram_type type;
	uint64_t flow; /* random, chosen by the client */

	/* data */
	uint32_t sequence;
	uint32_t total;        /* packets each side means to send */
	uint32_t interval_us;  /* between two of them */
	uint32_t threshold_us; /* gap threshold */
	uint64_t sent_at;      /* CLOCK_MONOTONIC microseconds */
	uint16_t size;         /* octets of each packet */

	/* report request: sent by the client; report: sent by the server */
	uint32_t sent;
	uint32_t part, parts; /* of the report; a request has only part */
	uint32_t received, duplicates, reordered;
	struct in6_addr client; /* as the server heard it last */
	uint32_t n_gaps;
	struct arrival_gap gap[DATAGRAM_GAPS];
};

/* 0 or -EBADMSG. */
int datagram_parse(const uint8_t *buf, size_t len, struct datagram *ret);
/* Octets written, or -ENOBUFS. */
int datagram_build(const struct datagram *d, uint8_t *buf, size_t cap);
