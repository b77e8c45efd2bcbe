/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The library is called by name and stands before nobody: the real calls are the C library's. */
#include <sched.h>

#include "library.h"

static int call_connect(int fd, const struct sockaddr *address, socklen_t length)
{
	return connect(fd, address, length);
}

static int call_bind(int fd, const struct sockaddr *address, socklen_t length)
{
	return bind(fd, address, length);
}

static ssize_t call_sendto(int fd, const void *data, size_t size, int flags,
			   const struct sockaddr *address, socklen_t length)
{
	return sendto(fd, data, size, flags, address, length);
}

struct real_calls real = {
	.connect = call_connect,
	.bind = call_bind,
	.setsockopt = setsockopt,
	.getsockopt = getsockopt,
	.sendto = call_sendto,
	.sendmsg = sendmsg,
	.sendmmsg = sendmmsg,
	.setns = setns,
	.unshare = unshare,
};

void real_load(void)
{
}
