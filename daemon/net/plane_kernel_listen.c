/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets that somebody waits for, seen by packet sockets that are open only as long as somebody does: the first one that comes
 * out of a tunnel, the next one that leaves from a home address, by its tunnel or, while it has none, into our device.
 */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/plane_kernel.h"

#define LOOK_AT 40 /* octets of a packet */

int listen_open(struct plane_kernel *k)
{
	k->blocked = -1;
	k->epoll = epoll_create1(EPOLL_CLOEXEC);
	return k->epoll < 0 ? -errno : 0;
}

static void shut(int *fd)
{
	close_fd(*fd);
	*fd = -1;
}

void listen_close(struct plane_kernel *k)
{
	shut(&k->blocked);
	shut(&k->epoll);
}

static int set_filter(int fd, struct match *m)
{
	struct sock_fprog prog = {.len = (unsigned short)m->n, .filter = m->code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0 ? -errno : 0;
}

/* Without a protocol nothing comes in before the filter is there. */
static int open_on(struct plane_kernel *k, int ifindex, struct match *m)
{
	struct sockaddr_ll at = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = ifindex,
	};
	struct epoll_event ev = {.events = EPOLLIN};
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), r;

	if (fd < 0)
		return -errno;
	ev.data.fd = fd;
	r = set_filter(fd, m);
	if (r == 0 && (bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0 ||
		       epoll_ctl(k->epoll, EPOLL_CTL_ADD, fd, &ev) < 0))
		r = -errno;
	if (r == 0)
		return fd;
	close(fd);
	return r;
}

static void update(struct plane_kernel *k, int *fd, int ifindex, struct match *m)
{
	if (m->n == 0 || !ifindex) {
		shut(fd);
		return;
	}
	match_end(m, 0);
	if (*fd >= 0 && set_filter(*fd, m) == 0)
		return;
	shut(fd);
	*fd = open_on(k, ifindex, m);
	if (*fd < 0)
		log_errno(*fd, "cannot look at the packets of interface %d", ifindex);
}

static bool is_watched(const struct plane_kernel *k, const struct in6_addr *home)
{
	for (unsigned i = 0; i < k->n_watched; i++)
		if (addr_equal(&k->watched[i], home))
			return true;
	return false;
}

void listen_update(struct plane_kernel *k, struct tunnel *t)
{
	struct match m = {.n = 0};
	struct passage *p;

	list_for_each(p, &k->passages, node) {
		if (p->tunnel == t && p->awaited)
			match_add(&m, MATCH_DESTINATION, &p->home, LOOK_AT);
		if (p->tunnel == t && p->path && is_watched(k, &p->home))
			match_add(&m, MATCH_SOURCE, &p->home, LOOK_AT);
	}
	update(k, &t->listener, t->ifindex, &m);
}

/* At its other end, where they come in. */
static int peer_of_device(const struct plane_kernel *k)
{
	char name[IFNAMSIZ + 1];

	snprintf(name, sizeof(name), "%sp", k->device);
	return link_index(name);
}

void listen_update_all(struct plane_kernel *k)
{
	struct match m = {.n = 0};
	struct tunnel *t;

	for (unsigned i = 0; i < k->n_watched; i++)
		match_add(&m, MATCH_SOURCE, &k->watched[i], LOOK_AT);
	update(k, &k->blocked, m.n ? peer_of_device(k) : 0, &m);
	list_for_each(t, &k->tunnels, node)
		listen_update(k, t);
}

static struct tunnel *tunnel_of(struct plane_kernel *k, int fd)
{
	struct tunnel *t;

	list_for_each(t, &k->tunnels, node)
		if (t->listener == fd)
			return t;
	return NULL;
}

static void came_in(struct plane_kernel *k, struct tunnel *t, const struct in6_addr *home)
{
	struct passage *p;

	list_for_each(p, &k->passages, node)
		if (p->tunnel == t && p->awaited && addr_equal(&p->home, home)) {
			p->awaited = false;
			p->first = loop_now().mono;
		}
	listen_update(k, t);
}

static bool went_out(struct plane_kernel *k, const struct in6_addr *home)
{
	for (unsigned i = 0; i < k->n_watched; i++)
		if (addr_equal(&k->watched[i], home)) {
			k->watched[i] = k->watched[--k->n_watched];
			listen_update_all(k);
			return true;
		}
	return false;
}

/* 1: somebody is to be told of *ret_home; 0: it was of no interest; -errno: there is nothing. */
static int receive(struct plane_kernel *k, int fd, struct in6_addr *ret_home)
{
	struct tunnel *t = tunnel_of(k, fd);
	struct sockaddr_ll from = {0};
	socklen_t len = sizeof(from);
	uint8_t ip[LOOK_AT];
	struct in6_addr addr;
	ssize_t n = recvfrom(fd, ip, sizeof(ip), MSG_TRUNC, (struct sockaddr *)&from, &len);

	if (n < 0)
		return -errno;
	if ((size_t)n < sizeof(ip) || from.sll_protocol != htons(ETH_P_IPV6))
		return 0;
	if (t && from.sll_pkttype != PACKET_OUTGOING) {
		memcpy(&addr, ip + MATCH_DESTINATION, sizeof(addr));
		came_in(k, t, &addr);
		return 0;
	}
	memcpy(&addr, ip + MATCH_SOURCE, sizeof(addr));
	if (!went_out(k, &addr))
		return 0;
	*ret_home = addr;
	return 1;
}

/* Its interface has gone; who wants to listen on makes it again. */
static void lost(struct plane_kernel *k, int fd)
{
	struct tunnel *t = tunnel_of(k, fd);

	if (t)
		shut(&t->listener);
	else if (fd == k->blocked)
		shut(&k->blocked);
}

bool kernel_next_activity(struct plane *p, struct in6_addr *ret_home)
{
	struct plane_kernel *k = to_kernel(p);
	struct epoll_event ev;

	for (unsigned i = 0; i < MESSAGES_PER_WAKEUP; i++) {
		int r;

		if (epoll_wait(k->epoll, &ev, 1, 0) <= 0)
			return false;
		if (k->esp && ev.data.fd == esp_fd(k->esp)) {
			protection_changed(k);
			continue;
		}
		r = receive(k, ev.data.fd, ret_home);
		if (r > 0)
			return true;
		if (r < 0 && r != -EAGAIN)
			lost(k, ev.data.fd);
	}
	return false;
}
