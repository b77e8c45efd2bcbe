/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One operation at a time, by the system calls alone. */
#include "apptest.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ENTRIES 4

/* Does one operation to its end: its result, or a negative errno. */
static int submit(const struct io_uring_sqe *operation)
{
	struct io_uring_params p = {.flags = 0};
	int ring = (int)syscall(SYS_io_uring_setup, ENTRIES, &p);
	char *requests, *results;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
	uint32_t *tail;

	if (ring < 0)
		return -errno;
	requests = mmap(NULL, p.sq_off.array + p.sq_entries * sizeof(uint32_t),
			PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	results = mmap(NULL, p.cq_off.cqes + p.cq_entries * sizeof(*cqes), PROT_READ | PROT_WRITE,
		       MAP_SHARED, ring, IORING_OFF_CQ_RING);
	sqes = mmap(NULL, p.sq_entries * sizeof(*sqes), PROT_READ | PROT_WRITE, MAP_SHARED, ring,
		    IORING_OFF_SQES);
	if (requests == MAP_FAILED || results == MAP_FAILED || sqes == MAP_FAILED)
		return -ENOMEM;
	sqes[0] = *operation;
	*(uint32_t *)(requests + p.sq_off.array) = 0;
	tail = (uint32_t *)(requests + p.sq_off.tail);
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		return -errno;
	cqes = (struct io_uring_cqe *)(results + p.cq_off.cqes);
	return cqes[0].res;
}

static int finish(int fd, int result)
{
	if (result < 0) {
		errno = -result;
		return tell_errno();
	}
	return tell_answer(fd);
}

int case_uring_connect(void)
{
	int fd = asking(AF_INET6, SOCK_STREAM);
	struct io_uring_sqe operation = {.opcode = IORING_OP_CONNECT,
					 .fd = fd,
					 .addr = (uintptr_t)&app.peer,
					 .off = sizeof(app.peer)};

	return finish(fd, submit(&operation));
}

int case_uring_sendmsg(void)
{
	int fd = asking(AF_INET6, SOCK_DGRAM);
	struct iovec part = {.iov_base = question, .iov_len = 1};
	struct msghdr message = {.msg_name = &app.peer,
				 .msg_namelen = sizeof(app.peer),
				 .msg_iov = &part,
				 .msg_iovlen = 1};
	struct io_uring_sqe operation = {
		.opcode = IORING_OP_SENDMSG, .fd = fd, .addr = (uintptr_t)&message, .len = 1};

	return finish(fd, submit(&operation));
}
