/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The socket options of dmmsock.h, for kernels whose hooks do not have them. */
#ifndef DMM_OPTION_H
#define DMM_OPTION_H

#include <sys/socket.h>

#include "../include/dmmsock.h"

/* As setsockopt(2) and getsockopt(2) of IPV6_DMM_SERVICE and IPV6_DMM_STATUS: the kernel first.  0, or -1 and errno. */
int option_set(int fd, const void *value, socklen_t length);
int option_get(int fd, int option, void *value, socklen_t *length);

#endif
