/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Packets with a destination of their own: they get their source one by one. */
#ifndef DMM_DATAGRAM_H
#define DMM_DATAGRAM_H

#include <sys/socket.h>
#include <sys/types.h>

struct mmsghdr;

ssize_t datagram_sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *to,
			socklen_t length);
ssize_t datagram_sendmsg(int fd, const struct msghdr *message, int flags);
int datagram_sendmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags);

#endif
