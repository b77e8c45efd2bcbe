/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test_dmmsock.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ipv6.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libsock-ext/lib/library.h"
#include "libsock-ext/lib/reader.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif
#define SECOND_AND_MORE 1100000

struct in6_addr fake_address(const char *text)
{
	struct in6_addr a;

	cr_assert(inet_pton(AF_INET6, text, &a) == 1);
	return a;
}

struct sockaddr_in6 fake_name(const char *text, unsigned port)
{
	return (struct sockaddr_in6){.sin6_family = AF_INET6,
				     .sin6_addr = fake_address(text),
				     .sin6_port = htons((uint16_t)port)};
}

struct dmm_table_entry fake_entry(const char *address, enum dmm_service_type type)
{
	return (struct dmm_table_entry){.address = fake_address(address),
					.prefix = fake_address(address),
					.prefix_length = 128,
					.type = (uint8_t)type,
					.state = DMM_ENTRY_USABLE,
					.ifindex = 1};
}

static void add_address(int control, const char *text)
{
	struct in6_ifreq req = {.ifr6_prefixlen = 128, .ifr6_ifindex = 1};
	struct sockaddr_in6 own = fake_name(text, 0);
	int r = -1, fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	req.ifr6_addr = own.sin6_addr;
	cr_assert(ioctl(control, SIOCSIFADDR, &req) == 0, "%s: %m", text);
	for (unsigned i = 0; i < 5000 && r < 0; i++) { /* tentative at first */
		r = bind(fd, (struct sockaddr *)&own, sizeof(own));
		if (r < 0)
			usleep(200);
	}
	cr_assert(r == 0, "%m");
	close(fd);
}

static void make_namespace(struct fake *f)
{
	struct ifreq up = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int control;

	f->alone = unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
	if (!f->alone)
		return;
	control = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	cr_assert(ioctl(control, SIOCSIFFLAGS, &up) == 0);
	add_address(control, FAKE_SESSION);
	add_address(control, FAKE_FIXED);
	add_address(control, FAKE_GRACEFUL);
	add_address(control, FAKE_SERVER);
	close(control);
}

static uint64_t netns_cookie(void)
{
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t cookie = 0;
	socklen_t length = sizeof(cookie);

	getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &length);
	close(fd);
	return cookie;
}

static void make_table(struct fake *f)
{
	char name[96], path[96];
	int fd;

	snprintf(name, sizeof(name), "%s/new", f->directory);
	snprintf(path, sizeof(path), "%s/" DMM_TABLE_NAME, f->directory);
	fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	cr_assert(fd >= 0 && ftruncate(fd, (off_t)DMM_TABLE_SIZE(FAKE_CAPACITY)) == 0);
	f->table = mmap(NULL, DMM_TABLE_SIZE(FAKE_CAPACITY), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			0);
	cr_assert(f->table != MAP_FAILED);
	close(fd);
	f->table->magic = DMM_TABLE_MAGIC;
	f->table->version = DMM_TABLE_VERSION;
	f->table->entry_size = sizeof(struct dmm_table_entry);
	f->table->capacity = FAKE_CAPACITY;
	f->table->netns_cookie = netns_cookie();
	f->table->instance = 1;
	fake_publish(f, NULL, 0);
	cr_assert(rename(name, path) == 0);
}

void fake_begin(struct fake *f)
{
	*f = (struct fake){.directory = "/tmp/dmmsock.XXXXXX"};
	make_namespace(f);
	cr_assert(mkdtemp(f->directory) && chmod(f->directory, 0755) == 0);
	make_table(f);
	if (reader_usable()) /* that of a daemon of this host */
		usleep(SECOND_AND_MORE);
	strcpy(library.directory, f->directory);
	reader_refresh(true);
}

void fake_end(struct fake *f)
{
	char path[96];

	if (f->table)
		munmap(f->table, DMM_TABLE_SIZE(FAKE_CAPACITY));
	snprintf(path, sizeof(path), "%s/" DMM_TABLE_NAME, f->directory);
	unlink(path);
	snprintf(path, sizeof(path), "%s/" DMM_SOCKET_NAME, f->directory);
	unlink(path);
	rmdir(f->directory);
}

void fake_replace(struct fake *f)
{
	munmap(f->table, DMM_TABLE_SIZE(FAKE_CAPACITY));
	make_table(f);
}

void fake_publish(struct fake *f, const struct dmm_table_entry *entries, unsigned n)
{
	uint64_t next = f->table->generation + 1;
	struct dmm_table_slot *slot = &f->table->slot[next & 1];

	*slot = (struct dmm_table_slot){.n = n, .best = {-1, -1, -1, -1, -1}};
	for (unsigned i = 0; i < n; i++) {
		f->table->entry[(next & 1) * FAKE_CAPACITY + i] = entries[i];
		slot->best[entries[i].type] = (int32_t)i;
	}
	__atomic_store_n(&f->table->generation, next, __ATOMIC_RELEASE);
}

void fake_publish_all(struct fake *f)
{
	const struct dmm_table_entry all[] = {
		fake_entry(FAKE_SESSION, DMM_SC_SESSION_LASTING),
		fake_entry(FAKE_FIXED, DMM_SC_FIXED),
		fake_entry(FAKE_GRACEFUL, DMM_SC_GRACEFUL_REPLACEMENT),
	};

	fake_publish(f, all, 3);
}

const char *fake_source(int fd)
{
	static char text[INET6_ADDRSTRLEN];
	struct sockaddr_in6 to = fake_name(FAKE_SERVER, 9), own;
	socklen_t length = sizeof(own);

	if (dmm_connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		return strerrorname_np(errno);
	cr_assert(getsockname(fd, (struct sockaddr *)&own, &length) == 0);
	return inet_ntop(AF_INET6, &own.sin6_addr, text, sizeof(text));
}
