/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command line of the probe. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/usec.h"

enum probe_verb { PROBE_SERVER, PROBE_UDP, PROBE_TCP };

struct probe_options {
	enum probe_verb verb;
	struct sockaddr_in6 to; /* server: where it listens */
	bool has_source;
	struct in6_addr source;
	const char *device; /* SO_BINDTODEVICE; NULL: any */
	const char *name, *log_path;
	usec_t duration;
	usec_t patience;         /* for the server's account, after the end */
	usec_t interval, linger; /* udp */
	unsigned gap_intervals, size;
	bool connect;
	uint64_t rate; /* tcp: octets a second each way, 0 = as fast as it goes */
	usec_t stall;
};

/* 0, or a negative errno, reported.  Exits on --help. */
int options_parse(int argc, char **argv, struct probe_options *ret);
