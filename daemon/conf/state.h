/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state file (StateFile=): what must survive a crash of the daemon, one line for each home
 * address, so that sequence numbers keep rising (RFC 6275 section 11.7.1) and a binding left behind
 * is known.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/property.h"
#include "base/usec.h"

#define STATE_ENTRIES_MAX 256

struct state_entry {
	struct in6_addr home, anchor, coa;
	uint16_t sequence;   /* last sent */
	bool registered;     /* the agent holds a binding to coa as far as we know */
	usec_t expires_real; /* end of that binding, 0 = unknown */
	bool on_request;     /* made for sessions that ask for `service` */
	enum service_type service;
};

/*
 * 0 and *ret_n entries (at most max), -ENOENT, -EBADMSG for a file that is not one of ours or is
 * damaged, -E2BIG when there are more entries, or -errno; then nothing is loaded.
 */
int state_load(const char *path, struct state_entry *entries, unsigned max, unsigned *ret_n);
int state_parse(const char *text, size_t len, struct state_entry *entries, unsigned max,
		unsigned *ret_n);
/*
 * Replace the file atomically, mode 0600; blocks until the disk has it.  0, -E2BIG for more than
 * STATE_ENTRIES_MAX, or -errno.
 */
int state_store(const char *path, const struct state_entry *entries, unsigned n);
