/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets of the probe, as the command line wants them. */
#pragma once

#include "options.h"

/*
 * A non-blocking socket of a client: bound to source and device where given; a datagram socket is
 * connected where asked for, a stream socket has begun to connect.  Descriptor or -errno.
 */
int probe_socket(const struct probe_options *o, int type);
/* The same for a server: bound to its address, a stream socket listens. */
int probe_server_socket(const struct probe_options *o, int type);

/* The local address. */
int probe_socket_source(int fd, struct in6_addr *ret);
