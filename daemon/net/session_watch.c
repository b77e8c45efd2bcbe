/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which sockets go: the kernel's multicast of destroyed ones (sock_diag(7)).
 *
 * It knows no filter, every TCP and UDP socket of IPv6 on this host is told; so the groups are joined only while somebody
 * listens.
 */
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <sys/epoll.h>

#include "net/internal.h"

/* Ten thousand that go at once.  It is a limit, not an allocation. */
#define RECEIVE_BUFFER (8 << 20)

static const int groups[] = {SKNLGRP_INET6_TCP_DESTROY, SKNLGRP_INET6_UDP_DESTROY};

static int on_destroyed(const struct nlmsghdr *h, void *user)
{
	struct session_watch *w = user;

	if (h->nlmsg_type == SOCK_DIAG_BY_FAMILY &&
	    mnl_nlmsg_get_payload_len(h) >= sizeof(struct inet_diag_msg))
		w->gone(w->user, diag_cookie(mnl_nlmsg_get_payload(h)));
	return MNL_CB_OK;
}

/* Whoever is told may end the watch, or begin another. */
static int on_readable(sd_event_source *s, int fd, uint32_t revents, void *user)
{
	struct session_watch *w = user;
	char buf[4096];
	ssize_t len;

	(void)s, (void)fd, (void)revents;
	for (unsigned i = 0; i < MESSAGES_PER_WAKEUP && w->socket; i++) {
		len = mnl_socket_recvfrom(w->socket, buf, sizeof(buf));
		if (len >= 0)
			mnl_cb_run(buf, (size_t)len, 0, 0, on_destroyed, w);
		else if (errno == ENOBUFS)
			w->lost(w->user);
		else if (errno == EAGAIN)
			break;
	}
	return 0;
}

int session_watch_start(struct session_watch *w, sd_event *ev)
{
	const int size = RECEIVE_BUFFER;
	int r, fd;

	w->socket = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!w->socket)
		return -errno;
	fd = mnl_socket_get_fd(w->socket);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	/* Before it joins: the kernel sends nothing to a socket without a port. */
	r = mnl_socket_bind(w->socket, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno : 0;
	for (unsigned i = 0; i < sizeof(groups) / sizeof(groups[0]) && r == 0; i++) {
		if (mnl_socket_setsockopt(w->socket, NETLINK_ADD_MEMBERSHIP, (void *)&groups[i],
					  sizeof(groups[i])) < 0)
			r = -errno;
	}
	if (r == 0)
		r = sd_event_add_io(ev, &w->source, fd, EPOLLIN, on_readable, w);
	if (r < 0)
		session_watch_stop(w);
	return r;
}

void session_watch_stop(struct session_watch *w)
{
	w->source = sd_event_source_disable_unref(w->source);
	if (w->socket)
		mnl_socket_close(w->socket);
	w->socket = NULL;
}

static void gone(void *user, uint64_t cookie)
{
	engine_session_gone(((struct net *)user)->engine, loop_now(), cookie);
}

static void lost(void *user)
{
	engine_sessions_lost(((struct net *)user)->engine, loop_now());
}

void net_watch_sessions(struct net *n, bool on)
{
	int r;

	if (!on) {
		session_watch_stop(&n->session_watch);
		return;
	}
	if (n->session_watch.socket)
		return;
	n->session_watch = (struct session_watch){.gone = gone, .lost = lost, .user = n};
	r = session_watch_start(&n->session_watch, n->ev);
	if (r < 0)
		log_errno(r, "cannot hear of the end of sessions");
}
