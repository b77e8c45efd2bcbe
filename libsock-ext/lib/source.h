/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Binding a socket to its source address before the kernel would choose one. */
#ifndef DMM_SOURCE_H
#define DMM_SOURCE_H

#include "choose.h"
#include "state.h"

/* 0 = not known. */
uint64_t source_cookie(int fd);

/* State of a socket and its cookie; without asking the kernel for that if no socket has any. */
void source_state(int fd, struct state *ret, uint64_t *cookie);

/* Before a connection to that address begins.  0 = go on with the real call, -1 = errno tells the application. */
int source_prepare(int fd, const struct sockaddr *to, socklen_t length, bool may_wait);

/* connect(2) and bind(2) for applications. */
int source_connect(int fd, const struct sockaddr *to, socklen_t length);
int source_bind(int fd, const struct sockaddr *address, socklen_t length);

/* Bind to the address that was chosen, without taking a port.  0 or a negative errno. */
int source_assign(int fd, const struct in6_addr *address);

/* Local address of an IPv6 socket: 0 or a negative errno. */
int source_local(int fd, struct sockaddr_in6 *ret);

bool source_blocks(int fd);

/* The socket may leave by the interface that has the address. */
bool source_device_fits(int fd, const struct choice *choice);
/* Some socket of the process was bound to a device. */
void source_device_used(void);

/* The application has set IPV6_V6ONLY. */
void source_v6only_set(int fd, bool value);
/* What it is now, remembered in the state. */
void source_remember_v6only(int fd, struct state *state);

#endif
