/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The socket that applications ask by, and how much of the daemon they may have: clients, descriptors, time.
 *
 * Clients are watched by a poll set of their own, in which the kernel gives each its turn; it has the lowest priority in the
 * loop, so that a flood of requests delays nothing else.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "sock/internal.h"

#define BACKLOG 4096
#define CLIENTS_PER_TURN 32
#define TOLD_PER_TURN 256
#define PAUSE USEC_PER_SEC
#define OTHER_FDS 512 /* that the rest of the daemon may need */

static const char *const troubles[TROUBLE_MAX] = {
	[TROUBLE_HOSTILE] = "does not keep to the protocol and is cut off",
	[TROUBLE_SLOW] = "does not read its answers and is cut off",
	[TROUBLE_CLIENTS] = "is refused, there are too many connections already",
	[TROUBLE_RATE] = "asks for more addresses than one user may",
	[TROUBLE_FDS] = "is refused, no more files can be opened",
	[TROUBLE_DENIED] = "asked for what its user may not have",
};

void server_complain(struct sock *s, enum trouble kind, const struct client *who)
{
	int silent = complaint_due(&s->server.complaints[kind], loop_now().mono);
	char name[64] = "an application", more[48] = "";

	if (silent < 0)
		return;
	if (who)
		snprintf(name, sizeof(name), "process %d of user %u", who->pid, who->user->uid);
	if (silent > 0)
		snprintf(more, sizeof(more), "; %d more since the last such line", silent);
	log_warning("socket for applications: %s %s%s", name, troubles[kind], more);
}

/* --- subscribers ------------------------------------------------------------------------------------ */

static int on_tell(sd_event_source *source, void *user)
{
	struct sock *s = user;
	struct list *l = &s->server.subscribers;
	const uint64_t generation = table_generation(&s->table);

	for (unsigned i = 0; i < TOLD_PER_TURN; i++) {
		struct client *c = list_entry(l->next, struct client, subscriber);

		if (list_empty(l) || c->told == generation)
			return 0;
		list_remove(&c->subscriber);
		list_append(l, &c->subscriber);
		client_tell(c);
	}
	sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	return 0;
}

void server_tell(struct sock *s)
{
	if (s->server.tell && !list_empty(&s->server.subscribers))
		sd_event_source_set_enabled(s->server.tell, SD_EVENT_ONESHOT);
}

/* --- clients ---------------------------------------------------------------------------------------- */

static int on_clients(sd_event_source *source, int fd, uint32_t revents, void *user)
{
	struct epoll_event ready[CLIENTS_PER_TURN];
	struct sock *s = user;
	struct server *v = &s->server;
	int n = epoll_wait(fd, ready, CLIENTS_PER_TURN, 0);

	(void)source, (void)revents;
	v->batch = ready;
	for (v->batched = n > 0 ? (unsigned)n : 0; v->batched > 0;) {
		const struct epoll_event *e = &ready[--v->batched];

		if (e->data.ptr)
			client_ready(e->data.ptr, e->events);
	}
	v->batch = NULL;
	return 0;
}

void server_forget(struct server *v, const struct client *c)
{
	for (unsigned i = 0; i < v->batched; i++)
		if (v->batch[i].data.ptr == c)
			v->batch[i].data.ptr = NULL;
}

/* With no descriptor left the connection would stay in the queue and wake us for ever: take it with the one in reserve. */
static void shake_off(struct sock *s)
{
	struct server *v = &s->server;
	int fd;

	server_complain(s, TROUBLE_FDS, NULL);
	if (v->reserve >= 0) {
		close(v->reserve);
		fd = accept4(v->listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			dispose_here(fd);
		v->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
	}
	sd_event_source_set_enabled(v->listen_source, SD_EVENT_OFF);
	loop_timer_set(v->resume, loop_now().mono + PAUSE);
}

static int on_resume(sd_event_source *source, uint64_t usec, void *user)
{
	struct server *v = &((struct sock *)user)->server;

	(void)source, (void)usec;
	if (v->reserve < 0)
		v->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
	sd_event_source_set_enabled(v->listen_source, SD_EVENT_ON);
	return 0;
}

static int on_connection(sd_event_source *source, int listener, uint32_t revents, void *user)
{
	struct sock *s = user;

	(void)source, (void)revents;
	for (unsigned i = 0; i < CLIENTS_PER_TURN; i++) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			client_new(s, fd);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
			shake_off(s);
		if (errno != ECONNABORTED && errno != EINTR)
			break;
	}
	return 0;
}

/* --- life --------------------------------------------------------------------------------------------- */

static unsigned raise_limit(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0)
		return MAX_FDS;
	if (l.rlim_cur < MAX_FDS) {
		rlim_t before = l.rlim_cur;

		l.rlim_cur = l.rlim_max < MAX_FDS ? l.rlim_max : MAX_FDS;
		if (setrlimit(RLIMIT_NOFILE, &l) < 0)
			l.rlim_cur = before;
	}
	return l.rlim_cur > MAX_FDS ? MAX_FDS : (unsigned)l.rlim_cur;
}

/* Is what stands in the way only the name that a crash has left? */
static int remove_stale(const struct sockaddr_un *name)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (lstat(name->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode) || st.st_uid != geteuid())
		return -EEXIST;
	if (connect(fd, (const struct sockaddr *)name, sizeof(*name)) == 0 || errno != ECONNREFUSED)
		return -EADDRINUSE;
	return unlink(name->sun_path) < 0 ? -errno : 0;
}

static int listen_at(const char *path)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = -1;
	int r;

	if (strlen(path) >= sizeof(name.sun_path))
		return -ENAMETOOLONG;
	memcpy(name.sun_path, path, strlen(path));
	r = remove_stale(&name);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&name, sizeof(name)) < 0)
		return -errno;
	if (chmod(path, 0666) < 0 || listen(fd, BACKLOG) < 0) {
		r = -errno;
		unlink(path);
		return r;
	}
	return TAKE_FD(fd);
}

static int low(sd_event_source *source)
{
	return sd_event_source_set_priority(source, SD_EVENT_PRIORITY_IDLE);
}

static int watch(struct sock *s)
{
	struct server *v = &s->server;
	int r;

	v->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (v->epoll < 0)
		return -errno;
	if ((r = sd_event_add_io(s->ev, &v->listen_source, v->listener, EPOLLIN, on_connection,
				 s)) < 0 ||
	    (r = low(v->listen_source)) < 0 ||
	    (r = sd_event_source_set_enabled(v->listen_source, SD_EVENT_OFF)) < 0 ||
	    (r = sd_event_add_io(s->ev, &v->epoll_source, v->epoll, EPOLLIN, on_clients, s)) < 0 ||
	    (r = low(v->epoll_source)) < 0 ||
	    (r = sd_event_add_defer(s->ev, &v->tell, on_tell, s)) < 0 || (r = low(v->tell)) < 0 ||
	    (r = sd_event_source_set_enabled(v->tell, SD_EVENT_OFF)) < 0 ||
	    (r = loop_timer_new(s->ev, on_resume, s, &v->resume)) < 0)
		return r;
	return 0;
}

int server_open(struct sock *s, const char *directory)
{
	struct server *v = &s->server;
	unsigned fds = raise_limit();
	int r;

	v->max_clients = fds > OTHER_FDS ? fds - OTHER_FDS : fds / 2;
	if (v->max_clients > MAX_CLIENTS)
		v->max_clients = MAX_CLIENTS;
	snprintf(v->path, sizeof(v->path), "%s/%s", directory, DMM_SOCKET_NAME);
	r = listen_at(v->path);
	if (r < 0)
		return r;
	v->listener = r;
	v->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
	r = watch(s);
	if (r < 0)
		server_close(s);
	return r;
}

void server_start(struct sock *s)
{
	if (s->server.listen_source)
		sd_event_source_set_enabled(s->server.listen_source, SD_EVENT_ON);
}

void server_close(struct sock *s)
{
	struct server *v = &s->server;
	struct client *c, *next;

	list_for_each_safe(c, next, &v->clients, node)
		client_free(c);
	v->listen_source = sd_event_source_disable_unref(v->listen_source);
	v->epoll_source = sd_event_source_disable_unref(v->epoll_source);
	v->tell = sd_event_source_disable_unref(v->tell);
	v->resume = sd_event_source_disable_unref(v->resume);
	if (v->listener >= 0) {
		unlink(v->path);
		dispose_here(v->listener);
	}
	cleanup_close(&v->epoll);
	cleanup_close(&v->reserve);
	v->listener = v->epoll = v->reserve = -1;
	users_free(&v->users);
}
