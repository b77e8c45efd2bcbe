/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apptest.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_MS 5000

struct app app;
char question[] = "?";

static const struct {
	const char *name;
	int (*run)(void);
} cases[] = {
	{"tcp", case_tcp},
	{"tcp-nonblock", case_tcp_nonblock},
	{"fastopen", case_fastopen},
	{"fastopen-connect", case_fastopen_connect},
	{"v4-mapped", case_v4_mapped},
	{"af-inet", case_af_inet},
	{"bound", case_bound},
	{"bound-port", case_bound_port},
	{"bind-any", case_bind_any},
	{"listen", case_listen},
	{"refused", case_refused},
	{"raw-connect", case_raw_connect},
	{"loopback", case_loopback},
	{"connected", case_connected},
	{"status", case_status},
	{"udp-connect", case_udp_connect},
	{"udp-sendto", case_udp_sendto},
	{"udp-sendmsg", case_udp_sendmsg},
	{"udp-sendmmsg", case_udp_sendmmsg},
	{"udp-pktinfo", case_udp_pktinfo},
	{"udp-disconnect", case_udp_disconnect},
	{"udp-bound-port", case_udp_bound_port},
	{"threads", case_threads},
	{"fork", case_fork},
	{"dup", case_dup},
	{"exec", case_exec},
	{"scm-same", case_scm_same},
	{"scm-other", case_scm_other},
	{"other-netns", case_other_netns},
	{"setuid", case_setuid},
	{"uring-connect", case_uring_connect},
	{"uring-sendmsg", case_uring_sendmsg},
};

int tell_source(const char *address)
{
	printf("source %s\n", address);
	return 0;
}

int tell_errno(void)
{
	const char *name = strerrorname_np(errno);

	printf("errno %s\n", name ? name : "0");
	return 1;
}

int tell_answer(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char text[INET6_ADDRSTRLEN];
	ssize_t n;

	if (poll(&p, 1, ANSWER_MS) < 1) {
		errno = ETIMEDOUT;
		return tell_errno();
	}
	n = recv(fd, text, sizeof(text) - 1, 0);
	if (n <= 0)
		return tell_errno();
	text[n] = '\0';
	return tell_source(text);
}

void ask(int fd)
{
	if (app.asks &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_DMM_SERVICE, &app.service, sizeof(app.service)) < 0)
		printf("set %s\n", strerrorname_np(errno));
}

int asking(int family, int type)
{
	int fd = socket(family, type, 0);

	if (fd < 0) {
		perror("socket");
		exit(1);
	}
	ask(fd);
	return fd;
}

int connect_to(int fd, const char *address, in_port_t port)
{
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = port};

	inet_pton(AF_INET6, address, &to.sin6_addr);
	return connect(fd, (struct sockaddr *)&to, sizeof(to));
}

int reach(int fd)
{
	if (connect(fd, (struct sockaddr *)&app.peer, sizeof(app.peer)) < 0)
		return tell_errno();
	return tell_answer(fd);
}

int reach_datagram(int fd)
{
	if (connect(fd, (struct sockaddr *)&app.peer, sizeof(app.peer)) < 0 ||
	    send(fd, "?", 1, 0) < 0)
		return tell_errno();
	return tell_answer(fd);
}

/* --- the peer ------------------------------------------------------------------------------------ */

static size_t text_of(const struct sockaddr_in6 *from, char *text)
{
	inet_ntop(AF_INET6, &from->sin6_addr, text, INET6_ADDRSTRLEN);
	return strlen(text);
}

static void answer_stream(int listener)
{
	struct sockaddr_in6 from;
	socklen_t length = sizeof(from);
	char text[INET6_ADDRSTRLEN];
	int fd = accept(listener, (struct sockaddr *)&from, &length);

	if (fd < 0)
		return;
	send(fd, text, text_of(&from, text), MSG_NOSIGNAL);
	shutdown(fd, SHUT_WR);
	recv(fd, text, sizeof(text), 0); /* or it would be reset */
	close(fd);
}

/* From the address that it was sent to: a connected socket takes no other. */
static void answer_datagram(int fd)
{
	char text[INET6_ADDRSTRLEN], control[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	struct iovec part = {.iov_base = text, .iov_len = sizeof(text)};
	struct sockaddr_in6 from;
	struct msghdr message = {.msg_name = &from,
				 .msg_namelen = sizeof(from),
				 .msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};

	if (recvmsg(fd, &message, 0) < 0)
		return;
	part.iov_len = text_of(&from, text);
	sendmsg(fd, &message, 0);
}

/* Tells everybody where they come from, also over IPv4, until it is killed. */
static int serve(void)
{
	struct pollfd p[2] = {{.events = POLLIN}, {.events = POLLIN}};
	int on = 1, off = 0, queue = 16;

	p[0].fd = socket(AF_INET6, SOCK_STREAM, 0);
	p[1].fd = socket(AF_INET6, SOCK_DGRAM, 0);
	for (unsigned i = 0; i < 2; i++) {
		setsockopt(p[i].fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		setsockopt(p[i].fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
		if (bind(p[i].fd, (struct sockaddr *)&app.peer, sizeof(app.peer)) < 0)
			return tell_errno();
	}
	setsockopt(p[1].fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
	setsockopt(p[0].fd, IPPROTO_TCP, 23 /* TCP_FASTOPEN */, &queue, sizeof(queue));
	if (listen(p[0].fd, 64) < 0)
		return tell_errno();
	puts("ready");
	fflush(stdout);
	while (poll(p, 2, -1) >= 0 || errno == EINTR) {
		if (p[0].revents)
			answer_stream(p[0].fd);
		if (p[1].revents)
			answer_datagram(p[1].fd);
	}
	return 1;
}

/* --- arguments ------------------------------------------------------------------------------------ */

static int usage(void)
{
	fputs("usage: apptest [-t TYPE] [-f FLAGS] [-w MILLISECONDS] CASE ADDRESS PORT\n"
	      "TYPE and FLAGS are the numbers of dmmsock.h.  CASE is serve, inherited or one of:\n",
	      stderr);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		fprintf(stderr, "  %s\n", cases[i].name);
	return 2;
}

static uint32_t number(const char *text)
{
	return (uint32_t)strtoul(text, NULL, 0);
}

int main(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "t:f:w:")) >= 0) {
		switch (option) {
		case 't':
			app.asks = true;
			app.type = optarg;
			app.service.type = number(optarg);
			break;
		case 'f':
			app.flags = optarg;
			app.service.flags = number(optarg);
			break;
		case 'w':
			app.service.timeout_ms = number(optarg);
			break;
		default:
			return usage();
		}
	}
	if (argc - optind < 3)
		return usage();
	app.address = argv[optind + 1];
	app.port = argv[optind + 2];
	app.peer = (struct sockaddr_in6){.sin6_family = AF_INET6,
					 .sin6_port = htons((uint16_t)number(app.port))};
	if (inet_pton(AF_INET6, app.address, &app.peer.sin6_addr) != 1)
		return usage();
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (strcmp(argv[optind], "serve") == 0)
		return serve();
	if (strcmp(argv[optind], "inherited") == 0) /* a connection by standard input */
		return reach(STDIN_FILENO);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (strcmp(argv[optind], cases[i].name) == 0)
			return cases[i].run();
	return usage();
}
