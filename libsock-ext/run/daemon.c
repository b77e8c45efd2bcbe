/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "../protocol.h"
#include "../table.h"
#include "../lib/library.h"

#define ANSWER_MS 1000u /* what dmmd can answer at once */

int daemon_open(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int length, fd, r;

	length = snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", library.directory,
			  DMM_SOCKET_NAME);
	if (length < 0 || (size_t)length >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	/* Not blocking: a queue that is full must not hold up the command. */
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/* The reply to the only request of this connection. */
static int receive(int fd, const struct dmm_request *request, int64_t deadline)
{
	for (;;) {
		struct pollfd ready = {.fd = fd, .events = POLLIN};
		struct dmm_reply reply;
		int64_t left = deadline - now_ms();
		ssize_t n;

		if (left <= 0 || poll(&ready, 1, (int)left) == 0)
			return -ETIMEDOUT;
		n = recv(fd, &reply, sizeof(reply), MSG_TRUNC);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -ECONNRESET;
		if (n != sizeof(reply) || reply.magic != DMM_PROTOCOL_MAGIC ||
		    reply.version != DMM_PROTOCOL_VERSION)
			return -EPROTO;
		if (reply.op == request->op && reply.id == request->id)
			return reply.error >= 0 ? -reply.error : -EPROTO;
	}
}

int daemon_control_group(int fd, enum dmm_service_type type, bool udp)
{
	const struct dmm_request request = {
		.magic = DMM_PROTOCOL_MAGIC,
		.version = DMM_PROTOCOL_VERSION,
		.op = DMM_OP_CONTROL_GROUP,
		.id = 1,
		.type = type,
		.flags = udp ? DMM_GROUP_UDP : 0,
		.timeout_ms = ANSWER_MS,
	};

	if (send(fd, &request, sizeof(request), MSG_NOSIGNAL) < 0)
		return -errno;
	return receive(fd, &request, now_ms() + ANSWER_MS);
}
