/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "remote.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define PIDFD_OF_THREAD O_EXCL /* PIDFD_THREAD, Linux 6.9 */
#define LINK_SIZE 64           /* "socket:[number]" */

static int duplicate(int pidfd, int fd)
{
	long copy;
	int r;

	if (pidfd < 0)
		return -errno;
	copy = syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	r = copy < 0 ? -errno : (int)copy;
	close(pidfd);
	return r;
}

static pid_t process_of(pid_t tid)
{
	char path[64], line[256];
	pid_t pid = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	f = fopen(path, "re");
	while (f && !pid && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "Tgid:", 5) == 0)
			pid = (pid_t)strtol(line + 5, NULL, 10);
	}
	if (f)
		fclose(f);
	return pid;
}

static ssize_t read_descriptor_link(const char *of, int fd, char link[LINK_SIZE])
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%s/fd/%d", of, fd);
	return readlink(path, link, LINK_SIZE);
}

/* A thread may have descriptors of its own, unlike the process that it belongs to. */
static bool same_file(pid_t tid, int fd, int copy)
{
	char of[16], theirs[LINK_SIZE], ours[LINK_SIZE];
	ssize_t n;

	snprintf(of, sizeof(of), "%d", tid);
	n = read_descriptor_link(of, fd, theirs);
	return n > 0 && n == read_descriptor_link("self", copy, ours) &&
	       memcmp(theirs, ours, (size_t)n) == 0;
}

int remote_descriptor(pid_t tid, int fd)
{
	int copy = duplicate((int)syscall(SYS_pidfd_open, tid, PIDFD_OF_THREAD), fd);

	if (copy != -EINVAL)
		return copy;
	copy = duplicate((int)syscall(SYS_pidfd_open, process_of(tid), 0), fd);
	if (copy >= 0 && !same_file(tid, fd, copy)) {
		close(copy);
		return -EBADF;
	}
	return copy;
}

int remote_address(pid_t tid, unsigned long at, unsigned length, struct sockaddr_in6 *address)
{
	struct sockaddr_in6 copy = {0};
	struct iovec here = {.iov_base = &copy};
	struct iovec there = {.iov_base = (void *)at};
	ssize_t n;

	here.iov_len = length < sizeof(copy) ? length : sizeof(copy);
	there.iov_len = here.iov_len;
	n = process_vm_readv(tid, &here, 1, &there, 1, 0);
	if (n < 0)
		return -errno;
	if ((size_t)n < here.iov_len)
		return -EFAULT;
	*address = copy;
	return 0;
}
