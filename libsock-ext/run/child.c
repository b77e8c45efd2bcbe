/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "filter.h"
#include "run.h"

/* An error or 0; with the listener in the latter case. */
static void send_listener(int channel, int listener)
{
	int error = listener < 0 ? listener : 0;
	struct iovec data = {.iov_base = &error, .iov_len = sizeof(error)};
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};

	if (listener >= 0) {
		struct cmsghdr *rights = &control.align;

		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(rights), &listener, sizeof(int));
	}
	sendmsg(channel, &message, MSG_NOSIGNAL);
}

static int receive_listener(int channel, int *listener)
{
	int error;
	struct iovec data = {.iov_base = &error, .iov_len = sizeof(error)};
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct msghdr message = {.msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	const struct cmsghdr *rights;

	if (recvmsg(channel, &message, MSG_CMSG_CLOEXEC) != sizeof(error))
		return -ECHILD;
	if (error < 0)
		return error;
	rights = CMSG_FIRSTHDR(&message);
	if (!rights || rights->cmsg_type != SCM_RIGHTS || rights->cmsg_len != CMSG_LEN(sizeof(int)))
		return -EPROTO;
	memcpy(listener, CMSG_DATA(rights), sizeof(int));
	return 0;
}

/*
 * A pipe that the command closes must be closed, and what it holds busy it holds busy alone.  Of the
 * descriptors only these two stay, and standard error if asked.
 */
static void let_go(int one, int other, bool keep_error)
{
	int low = one < other ? one : other, high = one < other ? other : one;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = STDIN_FILENO; null >= 0 && fd <= (keep_error ? STDOUT_FILENO : STDERR_FILENO);
	     fd++) {
		if (fd != low && fd != high)
			dup2(null, fd);
	}
	if (low > STDERR_FILENO + 1)
		close_range(STDERR_FILENO + 1, (unsigned)low - 1, 0);
	if (high > low + 1 && high > STDERR_FILENO + 1)
		close_range((unsigned)(low > STDERR_FILENO ? low : STDERR_FILENO) + 1,
			    (unsigned)high - 1, 0);
	close_range((unsigned)(high > STDERR_FILENO ? high : STDERR_FILENO) + 1, ~0U, 0);
	if (chdir("/") < 0)
		return;
}

_Noreturn static void become_command(char *const *command, int channel, const sigset_t *mask,
				     const struct sigaction *on_child)
{
	int listener = filter_install();

	send_listener(channel, listener);
	if (listener < 0)
		_exit(RUN_FAILED);
	close(listener);
	close(channel);
	sigaction(SIGCHLD, on_child, NULL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	_exit(run_execute(command));
}

int child_start(struct child *child, char *const *command, bool keep_error, int *listener)
{
	struct sigaction on_child, standard = {.sa_handler = SIG_DFL};
	sigset_t all, mask;
	int channel[2], r;

	sigfillset(&all);
	child->signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (child->signals < 0)
		return -errno;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) < 0) {
		r = -errno;
		close(child->signals);
		return r;
	}
	sigprocmask(SIG_BLOCK, &all, &mask);
	/* Were it ignored, the status of the command would be lost. */
	sigaction(SIGCHLD, &standard, &on_child);
	child->pid = fork();
	if (child->pid == 0)
		become_command(command, channel[1], &mask, &on_child);
	r = child->pid < 0 ? -errno : 0;
	close(channel[1]);
	if (r == 0)
		r = receive_listener(channel[0], listener);
	close(channel[0]);
	if (r == 0) {
		let_go(*listener, child->signals, keep_error);
		return 0;
	}
	if (child->pid > 0)
		waitpid(child->pid, NULL, 0);
	close(child->signals);
	sigaction(SIGCHLD, &on_child, NULL);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return r;
}

static bool ended(struct child *child)
{
	int status;

	while (waitpid(child->pid, &status, WNOHANG | WUNTRACED) == child->pid) {
		if (!WIFSTOPPED(status)) {
			child->status = status;
			return true;
		}
		/* The shell looks at this process: it stops as the command has, and both go on together. */
		raise(SIGSTOP);
		kill(child->pid, SIGCONT);
	}
	return false;
}

bool child_signal(struct child *child)
{
	struct signalfd_siginfo info;

	if (read(child->signals, &info, sizeof(info)) != sizeof(info))
		return false;
	if (info.ssi_signo == SIGCHLD)
		return ended(child);
	/* Those of the terminal go to the command as well, and those of the command itself are not for us. */
	if (info.ssi_code != SI_KERNEL && info.ssi_pid != (uint32_t)child->pid)
		kill(child->pid, (int)info.ssi_signo);
	return false;
}

int child_status(int status)
{
	const struct rlimit no_core = {0};
	sigset_t set;
	int number;

	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	number = WTERMSIG(status);
	setrlimit(RLIMIT_CORE, &no_core);
	signal(number, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, number);
	raise(number);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	return 128 + number;
}
