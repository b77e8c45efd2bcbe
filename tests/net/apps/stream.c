/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apptest.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CLOSED_PORT 1
#ifndef MSG_FASTOPEN
#define MSG_FASTOPEN 0x20000000
#endif

int case_tcp(void)
{
	return reach(asking(AF_INET6, SOCK_STREAM));
}

static int finish(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	socklen_t length = sizeof(errno);

	poll(&p, 1, 5000);
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &errno, &length) < 0 || errno)
		return tell_errno();
	return 0;
}

/* As event loops do, with a second connect() to see how the first went. */
int case_tcp_nonblock(void)
{
	int fd = asking(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK);

	if (connect(fd, (struct sockaddr *)&app.peer, sizeof(app.peer)) < 0 && errno != EINPROGRESS)
		return tell_errno();
	if (finish(fd))
		return 1;
	if (connect(fd, (struct sockaddr *)&app.peer, sizeof(app.peer)) < 0 && errno != EISCONN)
		return tell_errno();
	return tell_answer(fd);
}

int case_fastopen(void)
{
	int fd = asking(AF_INET6, SOCK_STREAM);

	if (sendto(fd, "?", 1, MSG_FASTOPEN, (struct sockaddr *)&app.peer, sizeof(app.peer)) < 0)
		return tell_errno();
	return tell_answer(fd);
}

int case_fastopen_connect(void)
{
	int fd = asking(AF_INET6, SOCK_STREAM), on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof(on));
	if (connect(fd, (struct sockaddr *)&app.peer, sizeof(app.peer)) < 0 ||
	    send(fd, "?", 1, 0) < 0)
		return tell_errno();
	return tell_answer(fd);
}

/* The address that comes with the case is an IPv4 address mapped to IPv6.  A connection to IPv6 fails before. */
int case_v4_mapped(void)
{
	int fd = asking(AF_INET6, SOCK_STREAM);

	connect_to(fd, "2001:db8:ffff::1", htons(CLOSED_PORT));
	return reach(fd);
}

int case_af_inet(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = app.peer.sin6_port};
	int fd = asking(AF_INET, SOCK_STREAM);

	to.sin_addr.s_addr = app.peer.sin6_addr.s6_addr32[3];
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		return tell_errno();
	return tell_answer(fd);
}

/* To the peer's own address: certainly not what anybody else would choose. */
int case_bound(void)
{
	int fd = asking(AF_INET6, SOCK_STREAM);
	struct sockaddr_in6 own = app.peer;

	own.sin6_port = 0;
	if (bind(fd, (struct sockaddr *)&own, sizeof(own)) < 0)
		return tell_errno();
	return reach(fd);
}

/* A port is taken before anything is asked. */
int case_bound_port(void)
{
	int fd = socket(AF_INET6, SOCK_STREAM, 0);
	struct sockaddr_in6 any = {.sin6_family = AF_INET6};

	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0)
		return tell_errno();
	ask(fd);
	return reach(fd);
}

/* ... and after. */
int case_bind_any(void)
{
	int fd = asking(AF_INET6, SOCK_STREAM);
	struct sockaddr_in6 any = {.sin6_family = AF_INET6};

	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0)
		return tell_errno();
	return reach(fd);
}

static int tell_local(int fd)
{
	struct sockaddr_in6 own;
	socklen_t length = sizeof(own);
	char text[INET6_ADDRSTRLEN];

	if (getsockname(fd, (struct sockaddr *)&own, &length) < 0)
		return tell_errno();
	return tell_source(inet_ntop(AF_INET6, &own.sin6_addr, text, sizeof(text)));
}

int case_listen(void)
{
	int fd = asking(AF_INET6, SOCK_STREAM);
	struct sockaddr_in6 any = {.sin6_family = AF_INET6};

	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0 || listen(fd, 1) < 0)
		return tell_errno();
	return tell_local(fd);
}

int case_refused(void)
{
	int fd = asking(AF_INET6, SOCK_STREAM);

	if (connect_to(fd, app.address, htons(CLOSED_PORT)) == 0 || errno != ECONNREFUSED)
		return tell_errno();
	return reach(fd);
}

int case_raw_connect(void)
{
	int fd = asking(AF_INET6, SOCK_STREAM);

	if (syscall(SYS_connect, fd, &app.peer, sizeof(app.peer)) < 0)
		return tell_errno();
	return tell_answer(fd);
}

int case_loopback(void)
{
	int fd = asking(AF_INET6, SOCK_DGRAM);

	return connect_to(fd, "::1", app.peer.sin6_port) < 0 ? tell_errno() : tell_local(fd);
}

/* It is too late to ask. */
int case_connected(void)
{
	int fd = socket(AF_INET6, SOCK_STREAM, 0);

	if (connect(fd, (struct sockaddr *)&app.peer, sizeof(app.peer)) < 0)
		return tell_errno();
	ask(fd);
	return tell_answer(fd);
}

/* `status REQUESTED EFFECTIVE FLAGS` of a connection, before its source. */
int case_status(void)
{
	int fd = asking(AF_INET6, SOCK_STREAM);
	struct dmm_status status;
	socklen_t length = sizeof(status);
	char text[INET6_ADDRSTRLEN];

	if (connect(fd, (struct sockaddr *)&app.peer, sizeof(app.peer)) < 0 ||
	    getsockopt(fd, IPPROTO_IPV6, IPV6_DMM_STATUS, &status, &length) < 0)
		return tell_errno();
	printf("status %u %u %u\n", status.requested, status.effective, status.flags);
	return tell_source(inet_ntop(AF_INET6, &status.address, text, sizeof(text)));
}
