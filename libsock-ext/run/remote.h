/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the supervisor takes from a thread that waits in connect(2): its socket and where it goes. */
#ifndef DMM_RUN_REMOTE_H
#define DMM_RUN_REMOTE_H

#include <netinet/in.h>
#include <sys/types.h>

/* A duplicate of descriptor `fd` of thread `tid`; the caller closes it. */
int remote_descriptor(pid_t tid, int fd);

/* The address at `at` in the memory of `tid`, of `length` octets; its scope is 0 if it has none. */
int remote_address(pid_t tid, unsigned long at, unsigned length, struct sockaddr_in6 *address);

#endif
