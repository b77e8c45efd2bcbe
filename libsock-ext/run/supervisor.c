/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The supervisor reads where the thread wants to go, binds a duplicate of its socket and lets the kernel go on with the
 * call as it was made.  What the thread does to its memory or its descriptors meanwhile harms itself alone: the
 * supervisor acts with no other rights than the command has, and on that one duplicate.
 *
 * The library knows sockets by their cookie, which a duplicate has as well: what it does for a process that it is
 * loaded in, it does here for others.  Whatever fails, the call goes on: the worst is the address that the host chooses
 * itself.
 */
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../lib/choose.h"
#include "../lib/debug.h"
#include "../lib/library.h"
#include "../lib/source.h"
#include "child.h"
#include "remote.h"

struct supervisor {
	int listener;
	struct seccomp_notif *call; /* of the size that the kernel wants */
	size_t call_size;
	struct seccomp_notif_resp *answer;
};

static int make_buffers(struct supervisor *s)
{
	struct seccomp_notif_sizes sizes;

	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
		return -errno;
	s->call_size =
		sizes.seccomp_notif > sizeof(*s->call) ? sizes.seccomp_notif : sizeof(*s->call);
	s->call = malloc(s->call_size);
	s->answer =
		calloc(1, sizes.seccomp_notif_resp > sizeof(*s->answer) ? sizes.seccomp_notif_resp
									: sizeof(*s->answer));
	return s->call && s->answer ? 0 : -ENOMEM;
}

static void choose_source(struct supervisor *s)
{
	pid_t tid = (pid_t)s->call->pid;
	struct sockaddr_in6 destination;
	int fd;

	if (tid == 0 || remote_address(tid, s->call->data.args[1], (unsigned)s->call->data.args[2],
				       &destination) < 0)
		return;
	if (destination.sin6_family != AF_INET6)
		return;
	fd = remote_descriptor(tid, (int)s->call->data.args[0]);
	if (fd < 0)
		return;
	/* The thread may have been killed and its number given to another meanwhile. */
	if (ioctl(s->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &s->call->id) == 0) {
		DEBUG("thread %d connects", (int)tid);
		source_prepare(fd, (const struct sockaddr *)&destination, sizeof(destination),
			       true);
	}
	close(fd);
}

static void handle_call(struct supervisor *s)
{
	memset(s->call, 0, s->call_size);
	if (ioctl(s->listener, SECCOMP_IOCTL_NOTIF_RECV, s->call) < 0)
		return;
	choose_source(s);
	s->answer->id = s->call->id;
	s->answer->val = 0;
	s->answer->error = 0;
	s->answer->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	ioctl(s->listener, SECCOMP_IOCTL_NOTIF_SEND, s->answer);
}

/* Until the command has ended, or nobody is left under the filter when there is no child. */
static int supervise(struct supervisor *s, struct child *child)
{
	struct pollfd ready[] = {
		{.fd = s->listener, .events = POLLIN},
		{.fd = child ? child->signals : -1, .events = POLLIN},
	};

	for (;;) {
		if (poll(ready, 2, -1) < 0)
			continue;
		if (ready[0].revents & POLLIN)
			handle_call(s);
		else if (ready[0].revents)
			ready[0].fd = -1;
		if (ready[1].revents && child_signal(child))
			return child->status;
		if (ready[0].fd < 0 && !child)
			return 0;
	}
}

/* The command may have left processes behind: without a supervisor they could not connect at all. */
static void hand_over(struct supervisor *s)
{
	struct pollfd users = {.fd = s->listener, .events = 0};

	if (poll(&users, 1, 0) > 0)
		return;
	if (fork() == 0) {
		setsid();
		close(STDERR_FILENO);
		supervise(s, NULL);
		_exit(0);
	}
}

int supervisor_run(const struct run_request *request)
{
	struct supervisor s = {.listener = -1};
	struct child child;
	int r = make_buffers(&s);

	if (r == 0)
		r = child_start(&child, request->command, request->debug && !request->debug[0],
				&s.listener);
	if (r == 0) {
		/* In the command's namespace, and those that its children may make. */
		choose_mix_namespaces();
		library.policy_type = request->type;
		library.policy_udp = request->udp;
		r = supervise(&s, &child);
		hand_over(&s);
		r = child_status(r);
	}
	free(s.call);
	free(s.answer);
	return r;
}
