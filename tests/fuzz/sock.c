/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets of applications to the daemon's socket: connections, messages of any length, descriptors, and clients that do
 * not read.  What comes back is always a reply of the protocol, and nothing is kept of those that went.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "sock/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CLIENTS 4

enum { OP_CONNECT, OP_PACKET, OP_REQUEST, OP_DESCRIPTORS, OP_READ, OP_CLOSE, OP_TURN, OP_MAX };

static struct {
	sd_event *ev;
	struct conf *conf;
	struct engine *engine;
	struct sock *sock;
	char directory[32];
	struct sockaddr_un name;
	int fd[CLIENTS];
} f;

struct input {
	const uint8_t *data;
	size_t size;
};

static void set_timer(void *user, usec_t when)
{
	(void)user, (void)when;
}

static void random_octets(void *user, void *buf, size_t len)
{
	(void)user;
	memset(buf, 1, len);
}

static void publish(void *user, enum engine_object kind, enum engine_change change,
		    const void *object)
{
	(void)user, (void)kind, (void)change, (void)object;
}

static const struct engine_ops ops = {
	.set_timer = set_timer, .random = random_octets, .publish = publish};

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void clean(void)
{
	char path[64];

	sock_stop(f.sock, false);
	sock_free(f.sock);
	engine_free(f.engine);
	conf_free(f.conf);
	sd_event_unref(f.ev);
	snprintf(path, sizeof(path), "%s/" DMM_TABLE_NAME, f.directory);
	unlink(path);
	rmdir(f.directory);
}

/* One address that is there and one that is not yet; nothing ever changes that. */
static void offer(struct sock *s)
{
	struct offer *o = s->offers.offer;

	s->offers.n = 2;
	s->offers.best[SERVICE_SESSION_LASTING] = 0;
	s->offers.best[SERVICE_FIXED] = 1;
	o[0] = (struct offer){.type = SERVICE_SESSION_LASTING, .valid_until = USEC_INFINITY};
	o[0].source.s6_addr[0] = 0x20;
	o[1] = o[0];
	o[1].source.s6_addr[15] = 1;
	o[1].type = SERVICE_FIXED;
	o[1].on_demand = true;
}

static void set_up(void)
{
	static const char nothing[] = "[Daemon]\n";
	struct conf_errors errors = {.out = stderr};

	log_set_max_level(LOG_EMERG);
	strcpy(f.directory, "/tmp/dmmd-fuzz-XXXXXX");
	require(mkdtemp(f.directory) && chmod(f.directory, 0755) == 0);
	require(conf_parse_buffer("fuzz", nothing, strlen(nothing), &errors, &f.conf) == 0);
	strcpy(f.conf->runtime_directory, f.directory);
	strcpy(f.conf->hooks_directory, "/none");
	require(sd_event_new(&f.ev) >= 0);
	require(engine_new(f.conf, &ops, NULL, &f.engine) == 0);
	require(sock_new(f.ev, f.engine, NULL, f.conf, &f.sock) == 0);
	offer(f.sock);
	server_start(f.sock);
	f.name.sun_family = AF_UNIX;
	strcpy(f.name.sun_path, f.sock->server.path);
	for (int i = 0; i < CLIENTS; i++)
		f.fd[i] = -1;
	atexit(clean);
}

static uint8_t next(struct input *in)
{
	if (in->size == 0)
		return 0;
	in->size--;
	return *in->data++;
}

static size_t take(struct input *in, void *to, size_t len)
{
	if (len > in->size)
		len = in->size;
	memcpy(to, in->data, len);
	in->data += len;
	in->size -= len;
	return len;
}

static void turn(unsigned times)
{
	while (times-- > 0 && sd_event_run(f.ev, 0) > 0)
		;
}

static void connect_client(int *fd)
{
	if (*fd >= 0)
		return;
	*fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (connect(*fd, (struct sockaddr *)&f.name, sizeof(f.name)) < 0) {
		close(*fd);
		*fd = -1;
	}
}

static void send_packet(int fd, const void *packet, size_t len, const int *fds, unsigned n_fds)
{
	union {
		char space[CMSG_SPACE(8 * sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct iovec iov = {.iov_base = (void *)packet, .iov_len = len};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *h;

	if (n_fds) {
		m.msg_control = control.space;
		m.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(h), fds, n_fds * sizeof(int));
	}
	sendmsg(fd, &m, MSG_NOSIGNAL);
}

/* A request that is well formed but for what the input says. */
static struct dmm_request make_request(struct input *in)
{
	struct dmm_request q = {.magic = DMM_PROTOCOL_MAGIC, .version = DMM_PROTOCOL_VERSION};

	q.op = next(in) % 8;
	q.id = next(in);
	q.type = next(in) % 6;
	q.flags = next(in) % 9;
	q.timeout_ms = next(in);
	q.cookie = next(in);
	q.address = f.sock->offers.offer[next(in) % 3].source;
	return q;
}

static void send_descriptors(struct input *in, int fd)
{
	struct dmm_request q = make_request(in);
	unsigned n = 1 + next(in) % 8;
	int fds[8];

	fds[0] = next(in) % 2 ? socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)
			      : open("/dev/null", O_RDONLY | O_CLOEXEC);
	for (unsigned i = 1; i < n; i++)
		fds[i] = fds[0];
	if (fds[0] < 0)
		return;
	send_packet(fd, &q, sizeof(q), fds, n);
	close(fds[0]);
}

static void read_replies(int fd)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct dmm_reply r;
	struct iovec iov = {.iov_base = &r, .iov_len = sizeof(r)};
	ssize_t len;

	for (;;) {
		struct msghdr m = {.msg_iov = &iov,
				   .msg_iovlen = 1,
				   .msg_control = control.space,
				   .msg_controllen = sizeof(control.space)};
		struct cmsghdr *h;
		int passed;

		len = recvmsg(fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		if (len <= 0)
			return;
		require(len == sizeof(r) && r.magic == DMM_PROTOCOL_MAGIC && r.error >= 0 &&
			r.op <= DMM_OP_EVENT);
		h = CMSG_FIRSTHDR(&m);
		if (h && h->cmsg_type == SCM_RIGHTS) {
			require(r.op == DMM_OP_TABLE);
			memcpy(&passed, CMSG_DATA(h), sizeof(passed));
			close(passed);
		}
	}
}

static void close_client(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void step(struct input *in)
{
	int *fd = &f.fd[next(in) % CLIENTS];
	uint8_t packet[96];
	struct dmm_request q;
	size_t len;

	switch (next(in) % OP_MAX) {
	case OP_CONNECT:
		connect_client(fd);
		break;
	case OP_PACKET:
		len = take(in, packet, next(in) % sizeof(packet));
		send_packet(*fd, packet, len, NULL, 0);
		break;
	case OP_REQUEST:
		q = make_request(in);
		send_packet(*fd, &q, sizeof(q), NULL, 0);
		break;
	case OP_DESCRIPTORS:
		send_descriptors(in, *fd);
		break;
	case OP_READ:
		turn(4);
		if (*fd >= 0)
			read_replies(*fd);
		break;
	case OP_CLOSE:
		close_client(fd);
		break;
	default:
		turn(1);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	struct user *u;

	if (!f.ev)
		set_up();
	while (in.size > 0)
		step(&in);
	turn(64);
	for (int i = 0; i < CLIENTS; i++)
		close_client(&f.fd[i]);
	turn(64);
	require(f.sock->server.n_clients == 0 && f.sock->server.n_subscribers == 0);
	require(f.sock->acquisition.n_waiting == 0);
	/* The next input is not to find its user out of breath. */
	for (unsigned i = 0; i < USER_BUCKETS; i++)
		list_for_each(u, &f.sock->server.users.bucket[i], node) {
			require(u->clients == 0 && u->waiting == 0);
			u->missing = u->fresh = u->group = (struct bucket){0};
		}
	f.sock->holds.n = 0;
	return 0;
}
