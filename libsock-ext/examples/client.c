/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A connection that outlasts moves, or none at all; and one that is told when it had better change over.
 *
 *	cc -o client client.c $(pkg-config --cflags --libs dmmsock)
 *	./client 2001:db8::7 7
 */
#include <arpa/inet.h>
#include <dmmsock.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Without dmmd the option is not known: an ordinary connection is better than none, unless a service is required. */
static bool ask(int fd, const struct dmm_service *service)
{
	if (dmm_set_service(fd, service) == 0)
		return true;
	if (errno != ENOPROTOOPT)
		perror("dmm_set_service");
	else if (service->flags & DMM_F_REQUIRE)
		fputs("no dmmd: an address that lasts cannot be had\n", stderr);
	else
		return true;
	return false;
}

static int open_connection(const struct sockaddr_in6 *to, const struct dmm_service *service)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (!ask(fd, service)) {
		close(fd);
		return -1;
	}
	if (dmm_connect(fd, (const struct sockaddr *)to, sizeof(*to)) == 0)
		return fd;
	if (errno == EADDRNOTAVAIL)
		fputs("no address that outlasts moves\n", stderr);
	else
		perror("dmm_connect");
	close(fd);
	return -1;
}

static void tell(int fd)
{
	struct sockaddr_in6 own = {0};
	socklen_t length = sizeof(own);
	struct dmm_status status;
	char address[INET6_ADDRSTRLEN];

	if (dmm_status(fd, &status) < 0) {
		if (getsockname(fd, (struct sockaddr *)&own, &length) == 0)
			printf("from %s, as without dmmd\n",
			       inet_ntop(AF_INET6, &own.sin6_addr, address, sizeof(address)));
		return;
	}
	printf("from %s%s%s\n", inet_ntop(AF_INET6, &status.address, address, sizeof(address)),
	       status.flags & DMM_S_TUNNELLED ? ", through its anchor" : "",
	       status.flags & DMM_S_DRAINING ? ", which will go" : "");
}

/* Graceful replacement: a new connection takes over before the address of the old one goes. */
static int change_over(int fd, const struct sockaddr_in6 *to, const struct dmm_service *service)
{
	struct dmm_status status;
	int next;

	if (dmm_status(fd, &status) < 0 || !(status.flags & DMM_S_DRAINING))
		return fd;
	next = open_connection(to, service);
	if (next < 0)
		return fd;
	tell(next);
	close(fd);
	return next;
}

int main(int argc, char **argv)
{
	const struct dmm_service required = {
		.type = DMM_SC_SESSION_LASTING, .flags = DMM_F_REQUIRE, .timeout_ms = 2000};
	const struct dmm_service graceful = {.type = DMM_SC_GRACEFUL_REPLACEMENT};
	struct sockaddr_in6 to = {.sin6_family = AF_INET6};
	struct pollfd changes = {.events = POLLIN};
	struct dmm_event event;
	int lasting, replaced;

	if (argc != 3 || inet_pton(AF_INET6, argv[1], &to.sin6_addr) != 1) {
		fputs("usage: client ADDRESS PORT\n", stderr);
		return 2;
	}
	to.sin6_port = htons((unsigned short)atoi(argv[2]));
	lasting = open_connection(&to, &required);
	replaced = open_connection(&to, &graceful);
	if (lasting >= 0)
		tell(lasting);
	if (replaced >= 0)
		tell(replaced);
	changes.fd = dmm_event_fd();
	if (changes.fd < 0) {
		perror("nobody tells of moves: dmm_event_fd");
		return lasting < 0 || replaced < 0;
	}
	while (poll(&changes, 1, -1) == 1) {
		if (read(changes.fd, &event, sizeof(event)) != sizeof(event))
			break; /* dmmd has gone */
		replaced = change_over(replaced, &to, &graceful);
	}
	return 0;
}
