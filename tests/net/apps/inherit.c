/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apptest.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ipv6.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 8
#define CONNECTIONS 50
#define NOBODY 65534
#define ELSEWHERE "2001:db8:e15e::1"

static int wait_for(pid_t child)
{
	int status;

	if (child < 0)
		return tell_errno();
	return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* --- threads --------------------------------------------------------------------------------------- */

static struct in6_addr found; /* by the first */
static _Atomic unsigned others;

static void *connect_often(void *unused)
{
	struct sockaddr_in6 own;
	socklen_t length = sizeof(own);

	for (unsigned i = 0; i < CONNECTIONS; i++) {
		int fd = asking(AF_INET6, SOCK_DGRAM);

		if (connect(fd, (struct sockaddr *)&app.peer, sizeof(app.peer)) < 0 ||
		    getsockname(fd, (struct sockaddr *)&own, &length) < 0 ||
		    !IN6_ARE_ADDR_EQUAL(&own.sin6_addr, &found))
			others++;
		close(fd);
	}
	return unused;
}

/* Many at once that ask the same and get the same. */
int case_threads(void)
{
	struct sockaddr_in6 own;
	socklen_t length = sizeof(own);
	char text[INET6_ADDRSTRLEN];
	pthread_t thread[THREADS];
	int fd = asking(AF_INET6, SOCK_DGRAM);

	if (connect(fd, (struct sockaddr *)&app.peer, sizeof(app.peer)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&own, &length) < 0)
		return tell_errno();
	found = own.sin6_addr;
	for (unsigned i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, connect_often, NULL);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	if (others) {
		printf("%u others\n", others);
		return 1;
	}
	return tell_source(inet_ntop(AF_INET6, &found, text, sizeof(text)));
}

/* --- the same socket elsewhere --------------------------------------------------------------------- */

int case_fork(void)
{
	int fd = asking(AF_INET6, SOCK_STREAM);
	pid_t child = fork();

	if (child == 0)
		exit(reach(fd));
	return wait_for(child);
}

int case_dup(void)
{
	int fd = asking(AF_INET6, SOCK_STREAM), copy = fcntl(fd, F_DUPFD, 100);

	close(fd);
	return reach(copy);
}

int case_exec(void)
{
	int fd = asking(AF_INET6, SOCK_STREAM);

	dup2(fd, STDIN_FILENO);
	execl("/proc/self/exe", "apptest", "inherited", app.address, app.port, NULL);
	return tell_errno();
}

static void pass(int to, int fd)
{
	union {
		char octets[CMSG_SPACE(sizeof(int))];
		struct cmsghdr header;
	} control = {.octets = {0}};
	struct iovec part = {.iov_base = question, .iov_len = 1};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	sendmsg(to, &message, 0);
}

static int take(int from)
{
	union {
		char octets[CMSG_SPACE(sizeof(int))];
		struct cmsghdr header;
	} control;
	char octet;
	struct iovec part = {.iov_base = &octet, .iov_len = 1};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	int fd = -1;

	if (recvmsg(from, &message, 0) > 0 && CMSG_FIRSTHDR(&message))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

int case_scm_same(void)
{
	int fd = asking(AF_INET6, SOCK_STREAM), pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		return tell_errno();
	pass(pair[0], fd);
	close(fd);
	return reach(take(pair[1]));
}

/* To a process that has asked for nothing itself. */
int case_scm_other(void)
{
	int fd, pair[2];
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		return tell_errno();
	child = fork();
	if (child == 0)
		exit(reach(take(pair[1])));
	fd = asking(AF_INET6, SOCK_STREAM);
	pass(pair[0], fd);
	close(fd);
	return wait_for(child);
}

/* --- a namespace of its own ------------------------------------------------------------------------ */

/* Up, with an address that can be used at once. */
static int set_up_loopback(void)
{
	struct ifreq up = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	struct in6_ifreq address = {.ifr6_prefixlen = 128, .ifr6_ifindex = 1};
	struct sockaddr_in6 own = {.sin6_family = AF_INET6};
	int control = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), r;

	inet_pton(AF_INET6, ELSEWHERE, &address.ifr6_addr);
	r = ioctl(control, SIOCSIFFLAGS, &up) < 0 || ioctl(control, SIOCSIFADDR, &address) < 0;
	own.sin6_addr = address.ifr6_addr;
	for (unsigned i = 0; i < 1000 && bind(control, (struct sockaddr *)&own, sizeof(own)) < 0;
	     i++)
		usleep(1000);
	close(control);
	return r ? -1 : 0;
}

/* The addresses of the first namespace are not in this one. */
int case_other_netns(void)
{
	struct sockaddr_in6 here = app.peer, own;
	socklen_t length = sizeof(own);
	char text[INET6_ADDRSTRLEN];
	int fd;

	fd = asking(AF_INET6, SOCK_DGRAM);
	if (connect(fd, (struct sockaddr *)&app.peer, sizeof(app.peer)) < 0)
		return tell_errno();
	close(fd);
	if (unshare(CLONE_NEWNET) < 0 || set_up_loopback() < 0)
		return tell_errno();
	inet_pton(AF_INET6, ELSEWHERE, &here.sin6_addr);
	fd = asking(AF_INET6, SOCK_DGRAM);
	if (connect(fd, (struct sockaddr *)&here, sizeof(here)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&own, &length) < 0)
		return tell_errno();
	return tell_source(inet_ntop(AF_INET6, &own.sin6_addr, text, sizeof(text)));
}

/* --- more rights than who starts it ---------------------------------------------------------------- */

static int copy_self(const char *path)
{
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	int r = from < 0 || to < 0 ? -1 : 0;
	ssize_t n = 1;

	while (r == 0 && n > 0)
		n = sendfile(to, from, NULL, 1 << 20);
	if (n < 0 || (r == 0 && fchmod(to, 04755) < 0))
		r = -1;
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	return r;
}

/* A set-user-ID program, started by another user. */
int case_setuid(void)
{
	char directory[] = "/tmp/apptest.XXXXXX", path[64];
	pid_t child;
	int r;

	if (!mkdtemp(directory) || chmod(directory, 0755) < 0)
		return tell_errno();
	snprintf(path, sizeof(path), "%s/apptest", directory);
	if (copy_self(path) < 0) {
		r = tell_errno();
	} else {
		child = fork();
		if (child == 0) {
			if (setgid(NOBODY) == 0 && setuid(NOBODY) == 0)
				execl(path, "apptest", "-t", app.type ? app.type : "0", "-f",
				      app.flags ? app.flags : "0", "tcp", app.address, app.port,
				      NULL);
			exit(tell_errno());
		}
		r = wait_for(child);
	}
	unlink(path);
	rmdir(directory);
	return r;
}
