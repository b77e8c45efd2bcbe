/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which address a socket is to start from, for what was asked. */
#ifndef DMM_CHOOSE_H
#define DMM_CHOOSE_H

#include <stdbool.h>

#include "client.h"
#include "state.h"

/* Destinations that mobility is about: global IPv6 unicast. */
bool choose_in_scope(const struct sockaddr *to, socklen_t length);

/* The process works in several network namespaces from now on: look at that of each socket. */
void choose_mix_namespaces(void);
/* Is the table about the network namespace of this socket? */
bool choose_is_here(int fd);

/* What the environment asks for a socket that asks nothing: its type, UNSPEC = nothing. */
unsigned choose_policy(int fd, const struct sockaddr_in6 *to);

struct choice {
	int fd;
	unsigned type, flags, timeout_ms; /* asked */
	uint64_t cookie;                  /* 0 = not known */
	const struct sockaddr_in6 *to;    /* NULL = not known */
	bool may_wait;
	/* chosen */
	struct in6_addr address;
	uint32_t ifindex;
};

/*
 * 1 = start from choice->address
 * 0 = leave it to the kernel
 * -EADDRNOTAVAIL, -EPERM	it was required
 */
int choose(struct choice *choice);

/* What remains when the address that was chosen cannot be had: 0 or -EADDRNOTAVAIL. */
int choose_without(const struct choice *choice, const char *why);

#endif
