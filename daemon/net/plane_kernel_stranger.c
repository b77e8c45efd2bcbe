/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tunnel packets to our care-of addresses from others than the home agents there: no tunnel of ours takes them in, and so none
 * counts them.  A raw socket does, which nobody reads from but who wants to know: what it has no room for is counted as well.
 */
#include <errno.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>

#include "net/plane_kernel.h"

#define COUNT_IT 1 /* octets of a packet, the least that is not "none" */

void strangers_open(struct plane_kernel *k)
{
	int least = 0;

	k->strangers_fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_IPV6);
	if (k->strangers_fd < 0) {
		log_errno(-errno, "false tunnel packets cannot be counted");
		return;
	}
	setsockopt(k->strangers_fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof(least));
	strangers_update(k);
}

void strangers_close(struct plane_kernel *k)
{
	close_fd(k->strangers_fd);
	k->strangers_fd = -1;
}

void strangers_update(struct plane_kernel *k)
{
	struct match m = {.n = 0};
	struct sock_fprog prog = {.filter = m.code};
	struct tunnel *t;

	if (k->strangers_fd < 0)
		return;
	list_for_each(t, &k->tunnels, node)
		if (t->ifindex)
			match_add_pair(&m, &t->anchor, &t->coa, 0);
	list_for_each(t, &k->tunnels, node)
		if (t->ifindex)
			match_add(&m, MATCH_DESTINATION, &t->coa, COUNT_IT);
	match_end(&m, 0);
	prog.len = (unsigned short)m.n;
	if (setsockopt(k->strangers_fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0)
		log_errno(-errno, "false tunnel packets cannot be counted");
}

uint64_t strangers_refused(struct plane_kernel *k)
{
	uint32_t info[SK_MEMINFO_VARS];
	socklen_t len = sizeof(info);
	char octet;

	if (k->strangers_fd < 0 ||
	    getsockopt(k->strangers_fd, SOL_SOCKET, SO_MEMINFO, info, &len) < 0 ||
	    len < sizeof(info))
		return k->strangers;
	for (unsigned i = 0; i < MESSAGES_PER_WAKEUP; i++) {
		if (recv(k->strangers_fd, &octet, sizeof(octet), 0) < 0)
			break;
		k->strangers++;
	}
	return k->strangers + info[SK_MEMINFO_DROPS];
}
