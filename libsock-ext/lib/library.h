/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libsock-ext/lib: what libdmmsock and the preload object have in common.
 *
 *	library.[ch]	start, environment, the C library's calls behind ours (real.c; preload/real.c)
 *	reader.[ch]	dmmd's table of addresses, mapped (../table.h)
 *	state.[ch]	what was asked for each socket
 *	client.[ch]	requests to dmmd (../protocol.h)
 *	choose.[ch]	which address a socket is to start from
 *	source.[ch]	binding a socket to it before connect(2), and undoing that
 *	datagram.[ch]	packets of sockets that are not connected
 *	option.[ch]	the socket options IPV6_DMM_SERVICE and IPV6_DMM_STATUS
 *	debug.[ch]	what was decided and why, on demand
 *	api.c		the functions of ../include/dmmsock.h
 *	rfc5014.c	bind2addrsel() and inet6_is_srcaddr()
 *
 * RFC 8653 (services, section 3; errors and authorisation, section 5), RFC 5014 (sections 7 and 8).
 *
 * This code runs inside of other people's connect(): no allocation, no lock, no thread, no signal, no
 * descriptor that stays open; errno as the application expects it.
 */
#ifndef DMM_LIBRARY_H
#define DMM_LIBRARY_H

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct mmsghdr;

/* The calls that the preload object stands before. */
struct real_calls {
	int (*connect)(int, const struct sockaddr *, socklen_t);
	int (*bind)(int, const struct sockaddr *, socklen_t);
	int (*setsockopt)(int, int, int, const void *, socklen_t);
	int (*getsockopt)(int, int, int, void *, socklen_t *);
	ssize_t (*sendto)(int, const void *, size_t, int, const struct sockaddr *, socklen_t);
	ssize_t (*sendmsg)(int, const struct msghdr *, int);
	int (*sendmmsg)(int, struct mmsghdr *, unsigned, int);
	int (*setns)(int, int);
	int (*unshare)(int);
	bool sees_all; /* the application's own calls come through here as well */
};
extern struct real_calls real;
void real_load(void);

/* Zero: nobody asked for anything, every call goes straight through. */
#define LIBRARY_UNREADY 1u /* not started */
#define LIBRARY_STATE 2u   /* a socket has state */
#define LIBRARY_POLICY 4u  /* the environment asks for all sockets (DMM_TYPE) */
extern _Atomic unsigned library_active;

#define LIBRARY_DIRECTORY_MAX 96 /* leaves room for the name of a socket */

struct library {
	char directory[LIBRARY_DIRECTORY_MAX];
	unsigned policy_type; /* enum dmm_service_type; UNSPEC = none */
	bool policy_udp;
};
extern struct library library;

/* Reads the environment and maps the table.  Any number of times. */
void library_start(void);
/* enum dmm_service_type by a name of dmm-run(1) or of RFC 8653; UNSPEC: it is none. */
unsigned library_type(const char *name);
/* The environment's DMM_TYPE counts (preload object). */
void library_read_policy(void);

static inline bool library_asked(void)
{
	return atomic_load_explicit(&library_active, memory_order_acquire) != 0;
}

/* Milliseconds of a clock that is cheap to read. */
uint64_t library_now_ms(void);

#endif
