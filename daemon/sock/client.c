/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One connection: packets in, packets out.  There is no memory for what it does not read. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "sock/internal.h"

#define PACKETS_PER_TURN 8
/* Some forty packets, as the kernel counts: whoever leaves more unread is cut off. */
#define SEND_BUFFER (16 * 1024)
/* One is right; another is enough to see that it is wrong.  The kernel drops the rest. */
#define MAX_PASSED 2

_Static_assert(sizeof(struct dmm_request) == 64 && sizeof(struct dmm_reply) == 64,
	       "other programs send and read them");

static bool may_connect(struct sock *s, const struct user *user)
{
	const struct server *v = &s->server;

	return user && v->n_clients < v->max_clients && user->clients < v->max_clients / USER_SHARE;
}

void client_new(struct sock *s, int fd)
{
	struct server *v = &s->server;
	const int size = SEND_BUFFER;
	struct epoll_event ev = {.events = EPOLLIN};
	struct ucred peer;
	socklen_t len = sizeof(peer);
	struct client *c;
	struct user *user;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0) {
		dispose_here(fd);
		return;
	}
	user = users_get(&v->users, peer.uid, loop_now().mono);
	c = may_connect(s, user) ? calloc(1, sizeof(*c)) : NULL;
	if (!c) {
		server_complain(s, TROUBLE_CLIENTS, NULL);
		dispose_here(fd);
		return;
	}
	*c = (struct client){.sock = s, .user = user, .fd = fd, .pid = peer.pid, .gid = peer.gid};
	list_init(&c->subscriber);
	list_init(&c->waiting);
	list_append(&v->clients, &c->node);
	v->n_clients++;
	user->clients++;
	ev.data.ptr = c;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	if (epoll_ctl(v->epoll, EPOLL_CTL_ADD, fd, &ev) < 0)
		client_free(c);
}

void client_free(struct client *c)
{
	struct server *v = &c->sock->server;

	acquire_forget(c);
	server_forget(v, c);
	if (c->subscribed)
		v->n_subscribers--;
	list_remove(&c->subscriber);
	list_remove(&c->node);
	v->n_clients--;
	c->user->clients--;
	dispose_here(c->fd);
	free(c);
}

/* --- out ------------------------------------------------------------------------------------------- */

static ssize_t transmit(const struct client *c, const struct dmm_reply *reply, int fd)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct iovec iov = {.iov_base = (void *)reply, .iov_len = sizeof(*reply)};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *h;

	if (fd >= 0) {
		m.msg_control = control.space;
		m.msg_controllen = sizeof(control.space);
		h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(h), &fd, sizeof(fd));
	}
	return sendmsg(c->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static bool client_send(struct client *c, const struct dmm_reply *reply, int fd)
{
	if (transmit(c, reply, fd) >= 0)
		return true;
	if (errno == EAGAIN || errno == ENOBUFS) {
		c->sock->server.hostile++;
		server_complain(c->sock, TROUBLE_SLOW, c);
	}
	client_free(c);
	return false;
}

static struct dmm_reply reply_to(const struct client *c, uint16_t op, uint32_t id)
{
	return (struct dmm_reply){.magic = DMM_PROTOCOL_MAGIC,
				  .version = DMM_PROTOCOL_VERSION,
				  .op = op,
				  .id = id,
				  .generation = table_generation(&c->sock->table)};
}

bool client_reply(struct client *c, uint16_t op, uint32_t id, int error, const struct offer *given)
{
	struct dmm_reply reply = reply_to(c, op, id);

	reply.error = error;
	if (given) {
		reply.type = type_to_library(given->type);
		reply.ifindex = (uint32_t)given->ifindex;
		reply.address = given->source;
	}
	return client_send(c, &reply, -1);
}

bool client_reply_fd(struct client *c, uint16_t op, uint32_t id, int fd)
{
	const struct dmm_reply reply = reply_to(c, op, id);

	return client_send(c, &reply, fd);
}

static void wait_for_room(struct client *c, bool wait)
{
	struct epoll_event ev = {.events = EPOLLIN | (wait ? EPOLLOUT : 0), .data.ptr = c};

	c->behind = wait;
	epoll_ctl(c->sock->server.epoll, EPOLL_CTL_MOD, c->fd, &ev);
}

bool client_tell(struct client *c)
{
	const struct dmm_reply event = reply_to(c, DMM_OP_EVENT, c->event_id);

	c->told = event.generation;
	if (transmit(c, &event, -1) >= 0) {
		if (c->behind)
			wait_for_room(c, false);
		return true;
	}
	if (errno != EAGAIN && errno != ENOBUFS) {
		client_free(c);
		return false;
	}
	if (!c->behind)
		wait_for_room(c, true);
	return true;
}

bool client_hostile(struct client *c)
{
	struct dmm_reply reply = reply_to(c, 0, 0);

	reply.error = EPROTO;
	c->sock->server.hostile++;
	server_complain(c->sock, TROUBLE_HOSTILE, c);
	transmit(c, &reply, -1);
	client_free(c);
	return false;
}

/* --- in -------------------------------------------------------------------------------------------- */

struct packet {
	struct dmm_request request;
	int fd[MAX_PASSED];
	unsigned n_fds;
	bool fds_lost; /* there were some that could not be taken */
};

static ssize_t receive(const struct client *c, struct packet *p)
{
	union {
		char space[CMSG_SPACE(MAX_PASSED * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = {.iov_base = &p->request, .iov_len = sizeof(p->request)};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	struct patience patience;
	ssize_t len;

	if (dispose_possible(c->user->uid)) {
		m.msg_control = control.space;
		m.msg_controllen = sizeof(control.space);
	}
	patience_limit(&patience);
	len = recvmsg(c->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | MSG_TRUNC);
	patience_restore(&patience);
	p->n_fds = 0;
	p->fds_lost = len >= 0 && (m.msg_flags & MSG_CTRUNC);
	if (len < 0)
		return len;
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
		size_t size = h->cmsg_len - CMSG_LEN(0);

		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		memcpy(p->fd + p->n_fds, CMSG_DATA(h), size);
		p->n_fds += (unsigned)(size / sizeof(int));
	}
	return len;
}

static bool take_packet(struct client *c, struct packet *p, ssize_t len)
{
	if (len != sizeof(p->request) || p->n_fds > 1) {
		dispose(c->user->uid, p->fd, p->n_fds);
		return client_hostile(c);
	}
	return request_handle(c, &p->request, p->n_fds ? p->fd[0] : -1, p->fds_lost);
}

void client_ready(struct client *c, uint32_t events)
{
	struct packet p;
	ssize_t len;

	if ((events & EPOLLOUT) && c->behind && !client_tell(c))
		return;
	if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	for (unsigned i = 0; i < PACKETS_PER_TURN; i++) {
		len = receive(c, &p);
		if (len < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (len <= 0) {
			dispose(c->user->uid, p.fd, p.n_fds);
			client_free(c);
			return;
		}
		if (!take_packet(c, &p, len))
			return;
	}
}
