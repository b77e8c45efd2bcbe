/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One-way traffic of numbered packets:
 *
 *   flow send KIND FROM TO PORT INTERVAL SIZE     until it is ended; INTERVAL in microseconds, 0 as fast as it goes;
 *                                                 FROM "any" leaves the source to the kernel
 *   flow receive KIND PORT LOG                    until it is ended; LOG gets 16 octets a packet: nanoseconds of the
 *                                                 real-time clock at which the kernel had it, number
 *   flow count PORT SECONDS                       datagrams received in so many seconds, from the first one on
 *
 * KIND is udp, or mptcp: a stream of numbers of 8 octets, which the sender connects.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#define SECOND 1000000000L
#define MAX_SIZE 1400
#define BUFFER (8 << 20) /* octets: the receiver may be away for a while */
#define BATCH 64

static volatile sig_atomic_t ended;

static void on_end(int number)
{
	(void)number;
	ended = 1;
}

static _Noreturn void fail(const char *what)
{
	perror(what);
	exit(1);
}

static long now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * SECOND + t.tv_nsec;
}

static struct sockaddr_in6 endpoint(const char *address, const char *port)
{
	struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)atoi(port))};

	if (strcmp(address, "any") != 0 && inet_pton(AF_INET6, address, &a.sin6_addr) != 1) {
		fprintf(stderr, "%s: not an address\n", address);
		exit(2);
	}
	return a;
}

static int open_socket(const char *kind)
{
	bool stream = strcmp(kind, "mptcp") == 0;
	int one = 1, size = BUFFER;
	int fd = socket(AF_INET6, stream ? SOCK_STREAM : SOCK_DGRAM, stream ? IPPROTO_MPTCP : 0);

	if (fd < 0)
		fail("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (stream)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	else
		setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	return fd;
}

/* What cannot be sent at this moment is lost like anything else; its number is not used again. */
static void send_all(int fd, long interval, size_t size)
{
	uint64_t packet[MAX_SIZE / sizeof(uint64_t)] = {0};
	long due = now(CLOCK_MONOTONIC);

	for (uint64_t number = 0; !ended; number++) {
		packet[0] = number;
		if (send(fd, packet, size, MSG_NOSIGNAL) < 0 &&
		    (errno == EPIPE || errno == ECONNRESET))
			fail("send");
		if (interval) {
			struct timespec t;

			due += interval;
			t = (struct timespec){due / SECOND, due % SECOND};
			clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
		}
	}
}

/* When the kernel had it; now, where it does not say. */
static long arrival(struct msghdr *m)
{
	struct timespec t;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS) {
			memcpy(&t, CMSG_DATA(c), sizeof(t));
			return t.tv_sec * SECOND + t.tv_nsec;
		}
	}
	return now(CLOCK_REALTIME);
}

static void log_datagrams(int fd, FILE *log)
{
	uint64_t packet[MAX_SIZE / sizeof(uint64_t)];
	char control[256];

	while (!ended) {
		struct iovec piece = {packet, sizeof(packet)};
		struct msghdr m = {.msg_iov = &piece,
				   .msg_iovlen = 1,
				   .msg_control = control,
				   .msg_controllen = sizeof(control)};
		ssize_t got = recvmsg(fd, &m, MSG_DONTWAIT);

		if (got >= (ssize_t)sizeof(packet[0])) {
			uint64_t entry[2] = {(uint64_t)arrival(&m), packet[0]};

			fwrite(entry, sizeof(entry), 1, log);
		} else if (got < 0 && errno == EAGAIN) {
			fflush(log);
			recv(fd, NULL, 0, MSG_PEEK); /* sleeps until there is more */
		}
	}
}

static void log_stream(int fd, FILE *log)
{
	uint64_t number[BATCH];
	size_t have = 0;

	while (!ended) {
		ssize_t got = recv(fd, (char *)number + have, sizeof(number) - have, 0);

		if (got == 0 || (got < 0 && errno != EINTR))
			return;
		if (got < 0)
			continue;
		have += (size_t)got;
		for (size_t i = 0; i < have / sizeof(*number); i++) {
			uint64_t entry[2] = {(uint64_t)now(CLOCK_REALTIME), number[i]};

			fwrite(entry, sizeof(entry), 1, log);
		}
		fflush(log);
		memmove(number, number + have / sizeof(*number), have % sizeof(*number));
		have %= sizeof(*number);
	}
}

static int receive_all(const char *kind, const char *port, const char *path)
{
	struct sockaddr_in6 at = endpoint("any", port);
	int one = 1, fd = open_socket(kind);
	FILE *log = fopen(path, "wb");

	if (!log)
		fail(path);
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		fail("bind");
	if (strcmp(kind, "mptcp") == 0) {
		int peer;

		if (listen(fd, 1) < 0)
			fail("listen");
		puts("ready");
		peer = accept(fd, NULL, NULL);
		if (peer >= 0)
			log_stream(peer, log);
	} else {
		setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one));
		puts("ready");
		log_datagrams(fd, log);
	}
	return fclose(log) ? 1 : 0;
}

static int count_all(const char *port, double seconds)
{
	struct sockaddr_in6 at = endpoint("any", port);
	static char packet[BATCH][MAX_SIZE];
	struct iovec piece[BATCH];
	struct mmsghdr m[BATCH] = {0};
	int fd = open_socket("udp");
	long begin = 0, last = 0, count = 0;

	for (int i = 0; i < BATCH; i++) {
		piece[i] = (struct iovec){packet[i], MAX_SIZE};
		m[i].msg_hdr = (struct msghdr){.msg_iov = &piece[i], .msg_iovlen = 1};
	}
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		fail("bind");
	puts("ready");
	while (!ended && (!begin || (double)(last - begin) < seconds * 1e9)) {
		int got = recvmmsg(fd, m, BATCH, MSG_WAITFORONE, NULL);

		last = now(CLOCK_MONOTONIC);
		if (!begin)
			begin = last;
		else if (got > 0)
			count += got;
	}
	printf("%.0f\n", last > begin ? (double)count * 1e9 / (double)(last - begin) : 0.0);
	return 0;
}

static int usage(void)
{
	fputs("flow send udp|mptcp FROM TO PORT INTERVAL SIZE\n"
	      "flow receive udp|mptcp PORT LOG\n"
	      "flow count PORT SECONDS\n",
	      stderr);
	return 2;
}

int main(int argc, char **argv)
{
	struct sigaction end = {.sa_handler = on_end};
	struct sockaddr_in6 from, to;
	long size;
	int fd;

	sigaction(SIGTERM, &end, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 5 && strcmp(argv[1], "receive") == 0)
		return receive_all(argv[2], argv[3], argv[4]);
	if (argc == 4 && strcmp(argv[1], "count") == 0)
		return count_all(argv[2], atof(argv[3]));
	if (argc != 8 || strcmp(argv[1], "send") != 0)
		return usage();
	size = atol(argv[7]);
	if (size < (long)sizeof(uint64_t) || size > MAX_SIZE)
		return usage();
	from = endpoint(argv[3], "0");
	to = endpoint(argv[4], argv[5]);
	fd = open_socket(argv[2]);
	if (bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0)
		fail("bind");
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		fail("connect");
	prctl(PR_SET_TIMERSLACK, 1);
	send_all(fd, atol(argv[6]) * 1000, (size_t)size);
	return 0;
}
