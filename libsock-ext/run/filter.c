/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Other architectures of the same kernel, as i386, number their calls otherwise: they pass. */
#if defined(__x86_64__)
#define FILTER_ARCH AUDIT_ARCH_X86_64
#define FILTER_NUMBERS_END 0x40000000u /* x32 is beyond */
#elif defined(__aarch64__)
#define FILTER_ARCH AUDIT_ARCH_AARCH64
#define FILTER_NUMBERS_END 0x80000000u
#endif

#define SHORTEST_ADDRESS 24 /* struct sockaddr_in6 without scope, which the kernel takes */

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

#ifdef FILTER_ARCH

/* The half of 64-bit argument `n` that holds its low 32 bits. */
#define ARGUMENT_LOW(n) \
	(offsetof(struct seccomp_data, args[n]) + (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0))

static int install(const struct sock_fprog *program, unsigned long flags)
{
	long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			  SECCOMP_FILTER_FLAG_NEW_LISTENER | flags, program);

	return fd < 0 ? -errno : (int)fd;
}

int filter_install(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FILTER_ARCH, 0, 6),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, FILTER_NUMBERS_END, 4, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_connect, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARGUMENT_LOW(2)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, SHORTEST_ADDRESS, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};
	/* Signals, as those by which Go changes goroutines, do not make the call begin anew (Linux 5.19). */
	unsigned long flags = SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	int r = install(&program, flags);

	if (r == -EINVAL) {
		flags = 0;
		r = install(&program, flags);
	}
	if (r != -EACCES)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return install(&program, flags);
}

#else

int filter_install(void)
{
	return -ENOSYS;
}

#endif
