/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "socket.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "../common/peer.h"
#include "base/addr.h"
#include "base/cleanup.h"
#include "base/log.h"

#define BACKLOG 64

static int open_socket(const struct probe_options *o, int type)
{
	int fd = socket(AF_INET6, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1;

	if (fd < 0)
		return log_errno(-errno, "socket");
	if (type == SOCK_DGRAM)
		peer_socket_buffers(fd);
	else
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (o->device && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, o->device,
				    (socklen_t)strlen(o->device) + 1) < 0) {
		int r = log_errno(-errno, "%s", o->device);

		close(fd);
		return r;
	}
	return fd;
}

int probe_socket(const struct probe_options *o, int type)
{
	_cleanup_close_ int fd = open_socket(o, type);
	struct sockaddr_in6 local = {.sin6_family = AF_INET6, .sin6_addr = o->source};

	if (fd < 0)
		return fd;
	if (o->has_source && bind(fd, (struct sockaddr *)&local, sizeof(local)) < 0)
		return log_errno(-errno, "bind to %s", ADDR_STR(&o->source));
	if ((type == SOCK_STREAM || o->connect) &&
	    connect(fd, (const struct sockaddr *)&o->to, sizeof(o->to)) < 0 && errno != EINPROGRESS)
		return log_errno(-errno, "connect to %s", ADDR_STR(&o->to.sin6_addr));
	return TAKE_FD(fd);
}

int probe_server_socket(const struct probe_options *o, int type)
{
	_cleanup_close_ int fd = open_socket(o, type);
	int one = 1;

	if (fd < 0)
		return fd;
	if (type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)&o->to, sizeof(o->to)) < 0)
		return log_errno(-errno, "bind to %s", ADDR_STR(&o->to.sin6_addr));
	if (type == SOCK_STREAM && listen(fd, BACKLOG) < 0)
		return log_errno(-errno, "listen");
	return TAKE_FD(fd);
}

int probe_socket_source(int fd, struct in6_addr *ret)
{
	struct sockaddr_in6 a;
	socklen_t len = sizeof(a);

	if (getsockname(fd, (struct sockaddr *)&a, &len) < 0)
		return -errno;
	*ret = a.sin6_addr;
	return 0;
}
