/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "../protocol.h"
#include "../table.h"
#include "debug.h"
#include "library.h"
#include "reader.h"

#define UNANSWERED_PAUSE_MS 30000 /* no waiting after dmmd has let a request lie */
#define RETRY_MS 5                /* its queue is full */
#define RETRY_CLOSED_MS 20        /* it has hung up: too many others */
#define PREPARE_EVERY_MS 1000
#define SUBSCRIBE_MS 1000

/* The last time that dmmd did not answer. */
static _Atomic uint64_t silent_until_ms, silent_generation;

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static uint64_t generation(void)
{
	struct reader_facts facts = {0};

	reader_facts(&facts);
	return facts.generation;
}

static bool is_silent(void)
{
	return now_ms() < atomic_load(&silent_until_ms) &&
	       generation() == atomic_load(&silent_generation);
}

static void set_silent(void)
{
	atomic_store(&silent_generation, generation());
	atomic_store(&silent_until_ms, now_ms() + UNANSWERED_PAUSE_MS);
}

/* Never 0, 1 or 2, where a program that closed them may be about to open others. */
static int open_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), high;

	if (fd < 0 || fd > STDERR_FILENO)
		return fd < 0 ? -errno : fd;
	high = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (high < 0)
		high = -errno;
	close(fd);
	return high;
}

/* Whoever answers must be root, or whom the table belongs to. */
static int check_peer(int fd)
{
	struct ucred peer;
	socklen_t length = sizeof(peer);
	struct reader_facts facts;

	if (!reader_facts(&facts))
		return -ENOENT;
	if (real.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
		return -errno;
	return peer.uid == 0 || peer.uid == facts.owner ? 0 : -EPERM;
}

/* Connected, or -EAGAIN: its queue is full; others. */
static int open_connection(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd, r;

	_Static_assert(sizeof(to.sun_path) > LIBRARY_DIRECTORY_MAX + sizeof(DMM_SOCKET_NAME),
		       "the path fits");
	snprintf(to.sun_path, sizeof(to.sun_path), "%s/%s", library.directory, DMM_SOCKET_NAME);
	fd = open_socket();
	if (fd < 0)
		return fd;
	r = real.connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0 ? -errno
									   : check_peer(fd);
	if (r == 0)
		return fd;
	close(fd);
	return r;
}

static int open_before(uint64_t deadline)
{
	for (;;) {
		int fd = open_connection();

		if (fd != -EAGAIN || now_ms() >= deadline)
			return fd;
		poll(NULL, 0, RETRY_MS);
	}
}

/* With a descriptor to go along, unless that is negative. */
static int send_request(int fd, const struct dmm_request *request, int passed)
{
	struct iovec data = {.iov_base = (void *)request, .iov_len = sizeof(*request)};
	union {
		char octets[CMSG_SPACE(sizeof(int))];
		struct cmsghdr header;
	} control = {.octets = {0}};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};

	if (passed >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &passed, sizeof(passed));
	}
	if (real.sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return -errno;
	return 0;
}

/* 1 = there is a reply, 0 = not in time.  -ECONNRESET: closed; -EPROTO: not what we understand. */
static int receive_reply(int fd, uint64_t deadline, struct dmm_reply *ret)
{
	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		uint64_t now = now_ms();
		struct dmm_reply reply;
		ssize_t n;

		if (now >= deadline)
			return 0;
		if (poll(&p, 1, (int)(deadline - now)) < 1)
			continue; /* a signal, or the time is over */
		n = recv(fd, &reply, sizeof(reply), MSG_DONTWAIT | MSG_TRUNC);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n <= 0)
			return -ECONNRESET;
		if (n != sizeof(reply) || reply.magic != DMM_PROTOCOL_MAGIC ||
		    reply.version != DMM_PROTOCOL_VERSION)
			return -EPROTO;
		*ret = reply;
		return 1;
	}
}

static struct dmm_request to_wire(const struct client_request *request, enum dmm_op op)
{
	return (struct dmm_request){
		.magic = DMM_PROTOCOL_MAGIC,
		.version = DMM_PROTOCOL_VERSION,
		.op = (uint16_t)op,
		.id = 1,
		.type = request->service.type,
		.flags = request->service.flags,
		.timeout_ms = request->service.timeout_ms,
		.cookie = request->cookie,
		.address = request->destination,
	};
}

static int check_grant(const struct dmm_reply *reply, struct client_grant *ret)
{
	const struct in6_addr *a = &reply->address;

	if (reply->op != DMM_OP_ACQUIRE || reply->id != 1)
		return -EPROTO;
	if (reply->error)
		return reply->error == EPERM ? -EPERM : -EADDRNOTAVAIL;
	if (IN6_IS_ADDR_UNSPECIFIED(a) || IN6_IS_ADDR_MULTICAST(a) || IN6_IS_ADDR_LOOPBACK(a) ||
	    IN6_IS_ADDR_LINKLOCAL(a) || IN6_IS_ADDR_V4MAPPED(a))
		return -EPROTO;
	*ret = (struct client_grant){.address = *a, .ifindex = reply->ifindex};
	return 0;
}

/* 1 = there is a reply, 0 = not in time, or a negative errno. */
static int ask(const struct dmm_request *wire, uint64_t deadline, struct dmm_reply *ret)
{
	for (;;) {
		int fd = open_before(deadline), r;

		if (fd < 0)
			return fd == -EAGAIN ? 0 : fd;
		r = send_request(fd, wire, -1);
		if (r == 0)
			r = receive_reply(fd, deadline, ret);
		close(fd);
		if (r != -ECONNRESET && r != -EPIPE)
			return r;
		if (now_ms() + RETRY_CLOSED_MS >= deadline)
			return 0;
		poll(NULL, 0, RETRY_CLOSED_MS);
	}
}

/* dmmd is given a little less time, so that its own answer arrives before ours is over. */
static int acquire(const struct client_request *request, uint64_t timeout_ms,
		   struct client_grant *ret)
{
	struct dmm_request wire = to_wire(request, DMM_OP_ACQUIRE);
	struct dmm_reply reply;
	int r;

	wire.timeout_ms = (uint32_t)(timeout_ms - timeout_ms / 8);
	r = ask(&wire, now_ms() + timeout_ms, &reply);
	if (r == 0) {
		set_silent();
		DEBUG("dmmd has not answered in %u ms", (unsigned)timeout_ms);
	} else if (r < 0) {
		DEBUG("dmmd cannot be asked: error %d", -r);
	} else {
		r = check_grant(&reply, ret);
		return r == 0 || r == -EPERM ? r : -EADDRNOTAVAIL;
	}
	return -EADDRNOTAVAIL;
}

int client_acquire(const struct client_request *request, struct client_grant *ret)
{
	uint64_t timeout = request->service.timeout_ms;
	int cancel, r;

	if (!timeout)
		timeout = DMM_TIMEOUT_DEFAULT_MS;
	if (timeout > DMM_TIMEOUT_MAX_MS)
		timeout = DMM_TIMEOUT_MAX_MS;
	if (is_silent()) {
		DEBUG("dmmd is not asked: it has not answered lately");
		return -EADDRNOTAVAIL;
	}
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	r = acquire(request, timeout, ret);
	pthread_setcancelstate(cancel, &cancel);
	return r;
}

/* Once in a second for all of a process. */
static bool may_send(_Atomic uint64_t *last_ms)
{
	uint64_t now = now_ms(), last = atomic_load(last_ms);

	return (!last || now - last >= PREPARE_EVERY_MS) &&
	       atomic_compare_exchange_strong(last_ms, &last, now);
}

static int tell(const struct dmm_request *wire, int passed)
{
	int cancel, fd, r;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	fd = open_connection();
	r = fd < 0 ? fd : send_request(fd, wire, passed);
	if (fd >= 0)
		close(fd);
	pthread_setcancelstate(cancel, &cancel);
	return r;
}

void client_prepare(const struct client_request *request)
{
	static _Atomic uint64_t last_ms;
	struct dmm_request wire = to_wire(request, DMM_OP_ACQUIRE);
	int saved = errno;

	wire.flags |= DMM_F_NOWAIT;
	if (may_send(&last_ms))
		tell(&wire, -1);
	errno = saved;
}

int client_hold(int fd, unsigned type, uint64_t cookie, const struct in6_addr *address)
{
	static _Atomic uint64_t failed_ms;
	struct client_request request = {.service.type = type, .cookie = cookie};
	struct dmm_request wire = to_wire(&request, DMM_OP_HOLD);
	uint64_t failed = atomic_load(&failed_ms);
	int saved = errno, r;

	if (failed && now_ms() - failed < PREPARE_EVERY_MS)
		return -EAGAIN;
	wire.address = *address;
	r = tell(&wire, fd);
	atomic_store(&failed_ms, r < 0 ? now_ms() : 0);
	errno = saved;
	return r;
}

int client_subscribe(void)
{
	struct client_request request = {.cookie = 0};
	struct dmm_request wire = to_wire(&request, DMM_OP_SUBSCRIBE);
	uint64_t deadline = now_ms() + SUBSCRIBE_MS;
	struct dmm_reply reply;
	int cancel, fd, r;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	fd = open_before(deadline);
	r = fd == -EAGAIN ? -EAGAIN : fd < 0 ? -ENOPROTOOPT : send_request(fd, &wire, -1);
	if (fd >= 0 && r == 0)
		r = receive_reply(fd, deadline, &reply);
	if (r > 0)
		r = reply.error ? -reply.error : fd;
	else if (r != -EAGAIN)
		r = -ENOPROTOOPT;
	if (r < 0 && fd >= 0)
		close(fd);
	pthread_setcancelstate(cancel, &cancel);
	return r;
}
