/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long connect(2) takes:  connect udp|tcp TYPE ADDRESS COUNT
 *
 * Each time a new socket that asks for TYPE, if that is not 0, and connects to a socket of this process at ADDRESS.  Writes
 * the median in nanoseconds, and the source of the last socket.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define IPV6_DMM_SERVICE 0x444D
#define MAX_COUNT 100000

static int compare(const void *a, const void *b)
{
	long x = *(const long *)a, y = *(const long *)b;

	return (x > y) - (x < y);
}

static long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000L + t.tv_nsec;
}

static _Noreturn void fail(const char *what)
{
	perror(what);
	exit(1);
}

/* One connection; nothing of it is left. */
static long measure(int kind, int type, int server, const struct sockaddr_in6 *to,
		    struct sockaddr_in6 *from)
{
	const struct linger reset = {.l_onoff = 1};
	socklen_t size = sizeof(*from);
	int fd = socket(AF_INET6, kind, 0);
	long start, end;

	if (fd < 0)
		fail("socket");
	if (type && setsockopt(fd, IPPROTO_IPV6, IPV6_DMM_SERVICE, &type, sizeof(type)) < 0)
		fail("setsockopt");
	start = now();
	if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0)
		fail("connect");
	end = now();
	if (getsockname(fd, (struct sockaddr *)from, &size) < 0)
		fail("getsockname");
	if (kind == SOCK_STREAM) {
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		close(accept(server, NULL, NULL));
	}
	close(fd);
	return end - start;
}

int main(int argc, char **argv)
{
	struct sockaddr_in6 to = {.sin6_family = AF_INET6}, from;
	int kind, type, server, count;
	socklen_t size = sizeof(to);
	char text[INET6_ADDRSTRLEN];
	static long taken[MAX_COUNT];

	if (argc != 5) {
		fputs("connect udp|tcp TYPE ADDRESS COUNT\n", stderr);
		return 2;
	}
	kind = strcmp(argv[1], "tcp") == 0 ? SOCK_STREAM : SOCK_DGRAM;
	type = atoi(argv[2]);
	count = atoi(argv[4]);
	if (inet_pton(AF_INET6, argv[3], &to.sin6_addr) != 1 || count < 1 || count > MAX_COUNT)
		return 2;
	server = socket(AF_INET6, kind, 0);
	if (server < 0 || bind(server, (struct sockaddr *)&to, sizeof(to)) < 0 ||
	    getsockname(server, (struct sockaddr *)&to, &size) < 0 ||
	    (kind == SOCK_STREAM && listen(server, 16) < 0))
		fail("server");
	for (int i = 0; i < count / 10; i++) /* caches */
		measure(kind, type, server, &to, &from);
	for (int i = 0; i < count; i++)
		taken[i] = measure(kind, type, server, &to, &from);
	qsort(taken, (size_t)count, sizeof(*taken), compare);
	printf("%ld %s\n", taken[count / 2],
	       inet_ntop(AF_INET6, &from.sin6_addr, text, sizeof(text)));
	return 0;
}
