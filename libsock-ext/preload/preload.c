/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libsock-ext/preload: libdmmsock-preload.so, which dmm-run(1) puts before the C library of unmodified programs.
 *
 *	preload.c	the calls that it stands before
 *	real.c		finding the next definition of each
 *
 * Each goes straight to the real call until a socket asks for something, or DMM_TYPE asks for all of them.
 */
#include <sched.h>
#include <string.h>

#include "../lib/choose.h"
#include "../lib/datagram.h"
#include "../lib/library.h"
#include "../lib/option.h"
#include "../lib/source.h"

#ifndef SO_BINDTOIFINDEX
#define SO_BINDTOIFINDEX 62
#endif

/* Under a name of our own: the C library's declarations vary with its macros. */
#define INTERPOSE(type, name, ...) \
	__attribute__((visibility("default"))) type name##_call(__VA_ARGS__) __asm__(#name); \
	type name##_call(__VA_ARGS__)

__attribute__((constructor)) static void start(void)
{
	library_start();
}

/* Others may call before our constructor. */
static bool asked(void)
{
	if (__builtin_expect(!library_asked(), 1))
		return false;
	if (!real.connect) {
		real_load();
		library_start();
	}
	return library_asked();
}

INTERPOSE(int, connect, int fd, const struct sockaddr *address, socklen_t length)
{
	return asked() ? source_connect(fd, address, length) : real.connect(fd, address, length);
}

INTERPOSE(int, bind, int fd, const struct sockaddr *address, socklen_t length)
{
	return asked() ? source_bind(fd, address, length) : real.bind(fd, address, length);
}

INTERPOSE(int, setsockopt, int fd, int level, int option, const void *value, socklen_t length)
{
	bool active = asked(), set;
	int r, number;

	if (level == IPPROTO_IPV6 && option == IPV6_DMM_SERVICE)
		return option_set(fd, value, length);
	r = real.setsockopt(fd, level, option, value, length);
	if (r < 0)
		return r;
	if (level == SOL_SOCKET && (option == SO_BINDTODEVICE || option == SO_BINDTOIFINDEX))
		source_device_used();
	set = active && level == IPPROTO_IPV6 && option == IPV6_V6ONLY && length >= sizeof(number);
	if (set) {
		memcpy(&number, value, sizeof(number));
		source_v6only_set(fd, number != 0);
	}
	return r;
}

INTERPOSE(int, getsockopt, int fd, int level, int option, void *value, socklen_t *length)
{
	asked();
	if (level == IPPROTO_IPV6 && (option == IPV6_DMM_SERVICE || option == IPV6_DMM_STATUS))
		return option_get(fd, option, value, length);
	return real.getsockopt(fd, level, option, value, length);
}

INTERPOSE(ssize_t, sendto, int fd, const void *data, size_t size, int flags,
	  const struct sockaddr *address, socklen_t length)
{
	return asked() ? datagram_sendto(fd, data, size, flags, address, length)
		       : real.sendto(fd, data, size, flags, address, length);
}

INTERPOSE(ssize_t, sendmsg, int fd, const struct msghdr *message, int flags)
{
	return asked() ? datagram_sendmsg(fd, message, flags) : real.sendmsg(fd, message, flags);
}

INTERPOSE(int, sendmmsg, int fd, struct mmsghdr *messages, unsigned n, int flags)
{
	return asked() ? datagram_sendmmsg(fd, messages, n, flags)
		       : real.sendmmsg(fd, messages, n, flags);
}

INTERPOSE(int, setns, int fd, int type)
{
	asked();
	choose_mix_namespaces();
	return real.setns(fd, type);
}

INTERPOSE(int, unshare, int flags)
{
	asked();
	if (flags & CLONE_NEWNET)
		choose_mix_namespaces();
	return real.unshare(flags);
}
