/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * apptest: an application that asks for a service by setsockopt(2), or is given one, and tells what it got.
 *
 *	apptest.c	arguments, the cases by name, the peer
 *	stream.c	connections
 *	datagram.c	packets
 *	inherit.c	other processes, threads and namespaces
 *	uring.c		io_uring, without the C library's calls
 *
 * It knows nothing of any library of dmmd, and is built as a dynamic and as a static program.
 */
#ifndef APPTEST_H
#define APPTEST_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#include "libsock-ext/include/dmmsock.h"

struct app {
	struct dmm_service service; /* to ask for */
	bool asks;
	const char *type, *flags; /* as on the command line */
	struct sockaddr_in6 peer;
	const char *address, *port; /* the same as text */
};
extern struct app app;
extern char question[]; /* one octet that makes the peer answer */

/* What every case ends with: `source ADDRESS` as the peer saw it, or `errno NAME`. */
int tell_source(const char *address);
int tell_errno(void);
int tell_answer(int fd);

/* A new socket that asks for the service.  When it is refused that is told (`set NAME`), and the socket goes on without. */
int asking(int family, int type);
void ask(int fd);

/* connect(2) to the peer, and what it answers. */
int reach(int fd);
int connect_to(int fd, const char *address, in_port_t port);
/* With a packet that makes the peer answer. */
int reach_datagram(int fd);

int case_tcp(void);
int case_tcp_nonblock(void);
int case_fastopen(void);
int case_fastopen_connect(void);
int case_v4_mapped(void);
int case_af_inet(void);
int case_bound(void);
int case_bound_port(void);
int case_bind_any(void);
int case_listen(void);
int case_refused(void);
int case_raw_connect(void);
int case_loopback(void);
int case_connected(void);
int case_status(void);

int case_udp_connect(void);
int case_udp_sendto(void);
int case_udp_sendmsg(void);
int case_udp_sendmmsg(void);
int case_udp_pktinfo(void);
int case_udp_disconnect(void);
int case_udp_bound_port(void);

int case_threads(void);
int case_fork(void);
int case_dup(void);
int case_exec(void);
int case_scm_same(void);
int case_scm_other(void);
int case_other_netns(void);
int case_setuid(void);

int case_uring_connect(void);
int case_uring_sendmsg(void);

#endif
