/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Requests to dmmd.  A connection for each, as nothing may stay open in somebody else's program.  dmmd that does not
 * answer costs the time limit once: the next requests of the process do not wait until it shows signs of life.
 */
#ifndef DMM_CLIENT_H
#define DMM_CLIENT_H

#include <netinet/in.h>
#include <stdint.h>

#include "../include/dmmsock.h"

struct client_request {
	struct dmm_service service;
	uint64_t cookie;
	struct in6_addr destination; /* :: = not known */
};

struct client_grant {
	struct in6_addr address;
	uint32_t ifindex;
};

/*
 * Wait for an address, for service.timeout_ms at most (0 = 3 seconds).  0, or
 * -EPERM	not for this user
 * -EADDRNOTAVAIL	none, not in time, or nobody answers
 */
int client_acquire(const struct client_request *request, struct client_grant *ret);

/* Let dmmd prepare an address, without waiting; at most once a second. */
void client_prepare(const struct client_request *request);

/* The datagram socket sends from this address.  0, or a negative errno if dmmd could not be told. */
int client_hold(int fd, unsigned type, uint64_t cookie, const struct in6_addr *address);

/* A descriptor on which changes of the table are told.  Or -ENOPROTOOPT: dmmd does not run; -EAGAIN: too many. */
int client_subscribe(void);

#endif
