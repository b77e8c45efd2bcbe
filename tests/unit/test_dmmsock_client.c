/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests to dmmd, which a thread plays: well, badly, or not at all. */
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "libsock-ext/lib/client.h"
#include "libsock-ext/protocol.h"
#include "test_dmmsock.h"

#define TIMEOUT_MS 200

static struct fake f;

static struct daemon {
	int listener;
	pthread_t thread;
	enum behaviour {
		ANSWER,
		REFUSE,
		FORBID,
		SILENCE,
		GARBAGE,
		HALF,
		HANG_UP,
		HANG_UP_FIRST
	} does;
	_Atomic unsigned requests, with_descriptor;
	struct dmm_request last;
} d = {.listener = -1};

static int receive(int fd, struct dmm_request *ret)
{
	union {
		char octets[CMSG_SPACE(sizeof(int))];
		struct cmsghdr header;
	} control;
	struct iovec part = {.iov_base = ret, .iov_len = sizeof(*ret)};
	struct msghdr m = {.msg_iov = &part,
			   .msg_iovlen = 1,
			   .msg_control = &control,
			   .msg_controllen = sizeof(control)};
	int passed;

	if (recvmsg(fd, &m, MSG_CMSG_CLOEXEC) != sizeof(*ret))
		return -1;
	if (CMSG_FIRSTHDR(&m)) {
		memcpy(&passed, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(passed));
		close(passed);
		d.with_descriptor++;
	}
	return 0;
}

static void answer(int fd)
{
	struct dmm_reply reply = {.magic = DMM_PROTOCOL_MAGIC,
				  .version = DMM_PROTOCOL_VERSION,
				  .op = d.last.op,
				  .id = d.last.id,
				  .type = d.last.type,
				  .ifindex = 1,
				  .generation = 5,
				  .address = fake_address(FAKE_GRACEFUL)};

	if (d.last.op == DMM_OP_SUBSCRIBE)
		reply.op = DMM_OP_EVENT;
	switch (d.does) {
	case REFUSE:
		reply.error = EADDRNOTAVAIL;
		break;
	case FORBID:
		reply.error = EPERM;
		break;
	case GARBAGE:
		memset(&reply, 0xa5, sizeof(reply));
		break;
	case HALF:
		send(fd, &reply, sizeof(reply) / 2, MSG_NOSIGNAL);
		return;
	case HANG_UP_FIRST:
		if (d.requests < 3)
			return;
		break;
	case HANG_UP:
		return;
	case SILENCE:
		usleep(2 * TIMEOUT_MS * 1000);
		return;
	case ANSWER:
		break;
	}
	send(fd, &reply, sizeof(reply), MSG_NOSIGNAL);
}

static void *serve(void *unused)
{
	for (;;) {
		int fd = accept(d.listener, NULL, NULL);

		if (fd < 0)
			return unused;
		if (receive(fd, &d.last) == 0) {
			d.requests++;
			answer(fd);
		}
		if (d.last.op == DMM_OP_SUBSCRIBE && d.does == ANSWER) {
			usleep(20000);
			answer(fd);
		}
		close(fd);
	}
}

static void begin(enum behaviour does)
{
	struct sockaddr_un here = {.sun_family = AF_UNIX};

	d.does = does;
	snprintf(here.sun_path, sizeof(here.sun_path), "%s/" DMM_SOCKET_NAME, f.directory);
	d.listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	cr_assert(bind(d.listener, (struct sockaddr *)&here, sizeof(here)) == 0);
	cr_assert(listen(d.listener, 2) == 0);
	cr_assert(pthread_create(&d.thread, NULL, serve, NULL) == 0);
}

static void setup(void)
{
	fake_begin(&f);
	if (!f.alone)
		cr_skip("no network namespace");
}

static void teardown(void)
{
	if (d.listener >= 0) {
		shutdown(d.listener, SHUT_RDWR);
		pthread_join(d.thread, NULL);
		close(d.listener);
	}
	fake_end(&f);
}

TestSuite(dmmsock_client, .init = setup, .fini = teardown, .timeout = 30);

static unsigned now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (unsigned)(t.tv_sec * 1000 + t.tv_nsec / 1000000);
}

/* Where a socket starts from that asks for a type of which there is no address. */
static const char *source(int type, uint32_t flags)
{
	const struct dmm_service s = {
		.type = DMM_SC_SESSION_LASTING, .flags = flags, .timeout_ms = TIMEOUT_MS};
	int fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0);
	const char *found;

	cr_assert(dmm_set_service(fd, &s) == 0, "%m");
	found = fake_source(fd);
	close(fd);
	return found;
}

static unsigned count_descriptors(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += dup2(fd, fd) == fd;
	return n;
}

Test(dmmsock_client, answered)
{
	unsigned before;

	begin(ANSWER);
	before = count_descriptors();
	cr_assert_str_eq(source(SOCK_DGRAM, DMM_F_REQUIRE), FAKE_GRACEFUL);
	cr_assert_eq(count_descriptors(), before);
	cr_assert(d.requests == 1 && d.last.op == DMM_OP_ACQUIRE &&
		  d.last.type == DMM_SC_SESSION_LASTING && d.last.flags == DMM_F_REQUIRE &&
		  d.last.cookie != 0 && d.last.timeout_ms <= TIMEOUT_MS);
}

/* Only what is not in the table, or is not for everybody, is asked for. */
Test(dmmsock_client, asked_when_needed)
{
	struct dmm_table_entry e = fake_entry(FAKE_SESSION, DMM_SC_SESSION_LASTING);

	begin(ANSWER);
	fake_publish(&f, &e, 1);
	cr_assert_str_eq(source(SOCK_DGRAM, 0), FAKE_SESSION);
	cr_assert_eq(d.requests, 0);
	cr_assert_str_eq(source(SOCK_DGRAM, DMM_F_NEW), FAKE_GRACEFUL);
	e.state = DMM_ENTRY_ON_DEMAND;
	fake_publish(&f, &e, 1);
	cr_assert_str_eq(source(SOCK_DGRAM, 0), FAKE_GRACEFUL);
	e.state = DMM_ENTRY_USABLE;
	e.flags = DMM_ENTRY_RESTRICTED;
	fake_publish(&f, &e, 1);
	cr_assert_str_eq(source(SOCK_DGRAM, 0), FAKE_GRACEFUL);
	cr_assert_eq(d.requests, 3);
}

Test(dmmsock_client, refused)
{
	unsigned begun;

	begin(REFUSE);
	cr_assert_str_eq(source(SOCK_DGRAM, DMM_F_REQUIRE), "EADDRNOTAVAIL");
	cr_assert_str_eq(source(SOCK_DGRAM, 0), FAKE_SERVER);
	begun = d.requests;
	cr_assert_str_eq(source(SOCK_DGRAM, 0), FAKE_SERVER); /* that is known for a while */
	cr_assert_eq(d.requests, begun);
}

Test(dmmsock_client, forbidden)
{
	begin(FORBID);
	cr_assert_str_eq(source(SOCK_DGRAM, DMM_F_REQUIRE), "EPERM");
	cr_assert_str_eq(source(SOCK_DGRAM, 0), FAKE_SERVER);
}

Test(dmmsock_client, silence_costs_once)
{
	unsigned begun = now_ms(), first;

	begin(SILENCE);
	cr_assert_str_eq(source(SOCK_DGRAM, DMM_F_REQUIRE), "EADDRNOTAVAIL");
	first = now_ms() - begun;
	cr_assert(first >= TIMEOUT_MS - 10 && first < 2 * TIMEOUT_MS, "%u ms", first);
	begun = now_ms();
	for (unsigned i = 0; i < 20; i++)
		cr_assert_str_eq(source(SOCK_DGRAM, i & 1), i & 1 ? "EADDRNOTAVAIL" : FAKE_SERVER);
	cr_assert_lt(now_ms() - begun, TIMEOUT_MS);
	fake_publish(&f, NULL, 0); /* a sign of life */
	begun = now_ms();
	source(SOCK_DGRAM, DMM_F_REQUIRE);
	cr_assert_geq(now_ms() - begun, TIMEOUT_MS - 10);
}

Test(dmmsock_client, nonsense)
{
	begin(GARBAGE);
	cr_assert_str_eq(source(SOCK_DGRAM, DMM_F_REQUIRE), "EADDRNOTAVAIL");
	d.does = HALF;
	cr_assert_str_eq(source(SOCK_DGRAM, DMM_F_REQUIRE), "EADDRNOTAVAIL");
}

Test(dmmsock_client, hangs_up)
{
	unsigned begun = now_ms();

	begin(HANG_UP);
	cr_assert_str_eq(source(SOCK_DGRAM, DMM_F_REQUIRE), "EADDRNOTAVAIL");
	cr_assert_lt(now_ms() - begun, 2 * TIMEOUT_MS);
	begun = now_ms();
	cr_assert_str_eq(source(SOCK_DGRAM, DMM_F_REQUIRE), "EADDRNOTAVAIL");
	cr_assert_lt(now_ms() - begun, TIMEOUT_MS / 2);
}

/* Too many others: it is tried again. */
Test(dmmsock_client, hangs_up_at_first)
{
	begin(HANG_UP_FIRST);
	cr_assert_str_eq(source(SOCK_DGRAM, DMM_F_REQUIRE), FAKE_GRACEFUL);
	cr_assert_eq(d.requests, 3);
}

Test(dmmsock_client, nobody_there)
{
	unsigned begun = now_ms();

	cr_assert_str_eq(source(SOCK_DGRAM, DMM_F_REQUIRE), "EADDRNOTAVAIL");
	cr_assert_lt(now_ms() - begun, TIMEOUT_MS / 2);
	cr_assert(dmm_event_fd() < 0 && errno == ENOPROTOOPT);
}

static void wait_for(const _Atomic unsigned *value, unsigned n)
{
	for (unsigned i = 0; i < 1000 && *value < n; i++)
		usleep(1000);
	cr_assert_eq(*value, n);
}

/* A socket that does not wait makes dmmd prepare an address, once in a second. */
Test(dmmsock_client, prepared)
{
	begin(SILENCE);
	for (unsigned i = 0; i < 5; i++)
		cr_assert_str_eq(source(SOCK_DGRAM | SOCK_NONBLOCK, 0), FAKE_SERVER);
	cr_assert_str_eq(source(SOCK_DGRAM, DMM_F_NOWAIT), FAKE_SERVER);
	wait_for(&d.requests, 1);
	cr_assert(d.last.flags & DMM_F_NOWAIT);
	usleep(1100000);
	cr_assert_str_eq(source(SOCK_DGRAM, DMM_F_NOWAIT), FAKE_SERVER);
	wait_for(&d.requests, 2);
}

/* Packets: dmmd is told once for each socket and address. */
Test(dmmsock_client, held)
{
	const struct dmm_service s = {.type = DMM_SC_SESSION_LASTING};
	struct dmm_table_entry e = fake_entry(FAKE_SESSION, DMM_SC_SESSION_LASTING);
	struct sockaddr_in6 to = fake_name(FAKE_SERVER, 9);
	struct iovec part = {.iov_base = &to, .iov_len = 1};
	struct msghdr m = {
		.msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &part, .msg_iovlen = 1};
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	begin(ANSWER);
	fake_publish(&f, &e, 1);
	cr_assert(dmm_set_service(fd, &s) == 0);
	for (unsigned i = 0; i < 5; i++)
		cr_assert_eq(dmm_sendmsg(fd, &m, 0), 1, "%m");
	wait_for(&d.with_descriptor, 1);
	cr_assert(d.last.op == DMM_OP_HOLD && IN6_ARE_ADDR_EQUAL(&d.last.address, &e.address));
	e = fake_entry(FAKE_FIXED, DMM_SC_SESSION_LASTING);
	fake_publish(&f, &e, 1);
	for (unsigned i = 0; i < 5; i++)
		cr_assert_eq(dmm_sendmsg(fd, &m, 0), 1);
	wait_for(&d.with_descriptor, 2);
	cr_assert_eq(d.requests, 2);
}

Test(dmmsock_client, events)
{
	struct dmm_event event;
	struct pollfd p = {.events = POLLIN};

	begin(ANSWER);
	p.fd = dmm_event_fd();
	cr_assert_geq(p.fd, 0, "%m");
	cr_assert_eq(poll(&p, 1, 5000), 1);
	cr_assert_eq(read(p.fd, &event, sizeof(event)), sizeof(event));
	cr_assert_eq(event.generation, 5);
	poll(&p, 1, 5000); /* dmmd goes */
	cr_assert_eq(read(p.fd, &event, sizeof(event)), 0);
}

/* Descriptors that a program has closed to open others are not taken in between. */
Test(dmmsock_client, standard_descriptors_closed)
{
	int copy = dup(STDIN_FILENO);

	begin(SILENCE);
	close(STDIN_FILENO);
	cr_assert_str_eq(source(SOCK_DGRAM | SOCK_NONBLOCK, 0), FAKE_SERVER);
	cr_assert_str_eq(source(SOCK_DGRAM, 0), FAKE_SERVER);
	dup2(copy, STDIN_FILENO);
}
