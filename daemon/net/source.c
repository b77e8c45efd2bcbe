/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which source address the kernel itself takes (RFC 6724). */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "net/net.h"

int net_source(const struct in6_addr *destination, struct in6_addr *ret)
{
	_cleanup_close_ int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in6 sa = {
		.sin6_family = AF_INET6, .sin6_port = htons(9), .sin6_addr = *destination};
	socklen_t len = sizeof(sa);

	/* To connect sends nothing. */
	if (fd < 0 || connect(fd, (const struct sockaddr *)&sa, len) < 0 ||
	    getsockname(fd, (struct sockaddr *)&sa, &len) < 0)
		return -errno;
	*ret = sa.sin6_addr;
	return 0;
}
