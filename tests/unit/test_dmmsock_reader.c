/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table as applications read it: what is believed, and what is not. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "libsock-ext/lib/reader.h"
#include "test_dmmsock.h"

static struct fake f;

static void setup(void)
{
	fake_begin(&f);
}

static void teardown(void)
{
	fake_end(&f);
}

TestSuite(dmmsock_reader, .init = setup, .fini = teardown, .timeout = 30);

static int pick(unsigned type, struct dmm_table_entry *ret)
{
	bool restricted;

	return reader_pick(type, ret, &restricted);
}

/* Puts a file in place of the table that is mapped and says so. */
static void put_file(const void *data, size_t size, mode_t mode)
{
	char path[96];
	int fd;

	f.table->flags |= DMM_TABLE_SUPERSEDED;
	snprintf(path, sizeof(path), "%s/" DMM_TABLE_NAME, f.directory);
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	cr_assert(fd >= 0 && write(fd, data, size) == (ssize_t)size && fchmod(fd, mode) == 0);
	close(fd);
	reader_refresh(true);
}

static size_t good(struct dmm_table *copy)
{
	size_t size = DMM_TABLE_SIZE(FAKE_CAPACITY);

	fake_publish_all(&f);
	memcpy(copy, f.table, size);
	copy->flags = 0;
	return size;
}

union room {
	struct dmm_table table;
	char octets[DMM_TABLE_SIZE(FAKE_CAPACITY)];
};

Test(dmmsock_reader, best)
{
	struct dmm_table_entry e;
	struct in6_addr want = fake_address(FAKE_FIXED);

	cr_assert(reader_usable());
	cr_assert_eq(pick(DMM_SC_FIXED, &e), -EADDRNOTAVAIL);
	fake_publish_all(&f);
	cr_assert_eq(pick(DMM_SC_FIXED, &e), 0);
	cr_assert(IN6_ARE_ADDR_EQUAL(&e.address, &want));
	cr_assert_eq(pick(DMM_SC_NON_PERSISTENT, &e), -EADDRNOTAVAIL);
	cr_assert_eq(pick(DMM_TABLE_TYPES, &e), -EADDRNOTAVAIL);
	cr_assert_eq(reader_find(&want, &e), 0);
	cr_assert_eq(e.type, DMM_SC_FIXED);
	want = fake_address(FAKE_ABSENT);
	cr_assert_eq(reader_find(&want, &e), -ENOENT);
}

Test(dmmsock_reader, expired_or_draining)
{
	struct dmm_table_entry e[2] = {fake_entry(FAKE_SESSION, DMM_SC_SESSION_LASTING),
				       fake_entry(FAKE_GRACEFUL, DMM_SC_SESSION_LASTING)},
			       got;
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	e[1].state = DMM_ENTRY_DRAINING; /* the best */
	fake_publish(&f, e, 2);
	cr_assert_eq(pick(DMM_SC_SESSION_LASTING, &got), 0);
	cr_assert(IN6_ARE_ADDR_EQUAL(&got.address, &e[0].address));
	e[0].valid_until = (uint64_t)t.tv_sec * 1000000000u;
	fake_publish(&f, e, 2);
	cr_assert_eq(pick(DMM_SC_SESSION_LASTING, &got), -EADDRNOTAVAIL);
	e[0].valid_until = (uint64_t)(t.tv_sec + 60) * 1000000000u;
	fake_publish(&f, e, 2);
	cr_assert_eq(pick(DMM_SC_SESSION_LASTING, &got), 0);
}

/* Nothing that is no source gets as far as bind(2), whoever wrote it. */
Test(dmmsock_reader, no_source)
{
	static const char *const bad[] = {"::", "::1", "fe80::1", "ff02::1", "::ffff:10.0.0.1"};
	struct dmm_table_entry got;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct dmm_table_entry e = fake_entry(bad[i], DMM_SC_FIXED);

		fake_publish(&f, &e, 1);
		cr_assert_eq(pick(DMM_SC_FIXED, &got), -EADDRNOTAVAIL, "%s", bad[i]);
	}
}

Test(dmmsock_reader, restricted)
{
	struct dmm_table_entry e;
	bool restricted;

	fake_publish_all(&f);
	cr_assert(reader_pick(DMM_SC_FIXED, &e, &restricted) == 0 && !restricted);
	f.table->slot[f.table->generation & 1].restricted = 1u << DMM_SC_FIXED;
	cr_assert(reader_pick(DMM_SC_FIXED, &e, &restricted) == 0 && restricted);
	cr_assert(reader_pick(DMM_SC_SESSION_LASTING, &e, &restricted) == 0 && !restricted);
}

/* Numbers that point out of the table. */
Test(dmmsock_reader, out_of_bounds)
{
	struct dmm_table_slot *slot;
	struct dmm_table_entry e;

	fake_publish_all(&f);
	slot = &f.table->slot[f.table->generation & 1];
	slot->best[DMM_SC_FIXED] = FAKE_CAPACITY;
	slot->n = UINT32_MAX;
	cr_assert_eq(pick(DMM_SC_FIXED, &e), -EADDRNOTAVAIL);
	slot->best[DMM_SC_FIXED] = INT32_MIN;
	cr_assert_eq(pick(DMM_SC_FIXED, &e), -EADDRNOTAVAIL);
	f.table->capacity = UINT32_MAX; /* it is not looked at again */
	slot->best[DMM_SC_FIXED] = INT32_MAX;
	cr_assert_eq(pick(DMM_SC_FIXED, &e), -EADDRNOTAVAIL);
}

Test(dmmsock_reader, stopped)
{
	struct dmm_table_entry e;

	fake_publish_all(&f);
	f.table->flags = DMM_TABLE_STOPPED;
	cr_assert_not(reader_usable());
	cr_assert_eq(pick(DMM_SC_FIXED, &e), -ENOENT);
	reader_refresh(true);
	cr_assert_not(reader_usable());
	f.table->flags = 0; /* begun anew in the same file */
	reader_refresh(true);
	cr_assert(reader_usable());
}

Test(dmmsock_reader, superseded)
{
	struct dmm_table_entry e;

	for (unsigned i = 0; i < 20; i++) { /* more often than there are places */
		f.table->flags = DMM_TABLE_SUPERSEDED;
		cr_assert_eq(pick(DMM_SC_FIXED, &e), -ENOENT);
		fake_replace(&f);
		fake_publish_all(&f);
		reader_refresh(true);
		cr_assert_eq(pick(DMM_SC_FIXED, &e), 0);
	}
}

/* A daemon that was killed could not say so. */
Test(dmmsock_reader, replaced_without_a_word)
{
	struct dmm_table_entry e;

	fake_replace(&f);
	fake_publish_all(&f);
	cr_assert_eq(pick(DMM_SC_FIXED, &e), -EADDRNOTAVAIL);
	usleep(1100000);
	reader_refresh(false);
	cr_assert_eq(pick(DMM_SC_FIXED, &e), 0);
}

Test(dmmsock_reader, bad_files)
{
	union room room;
	size_t size = good(&room.table);

	put_file(room.octets, 0, 0644);
	cr_assert_not(reader_usable(), "empty");
	put_file(room.octets, 100, 0644);
	cr_assert_not(reader_usable(), "short");
	put_file(room.octets, size - 1, 0644);
	cr_assert_not(reader_usable(), "one octet short");
	put_file(room.octets, size, 0666);
	cr_assert_not(reader_usable(), "anybody may write");
	room.table.version++;
	put_file(room.octets, size, 0644);
	cr_assert_not(reader_usable(), "another version");
	memset(room.octets, 0xa5, size);
	put_file(room.octets, size, 0644);
	cr_assert_not(reader_usable(), "garbage");
	good(&room.table);
	room.table.flags = 0;
	put_file(room.octets, size, 0644);
	cr_assert(reader_usable());
}

Test(dmmsock_reader, not_a_file)
{
	char path[96];

	f.table->flags |= DMM_TABLE_SUPERSEDED;
	snprintf(path, sizeof(path), "%s/" DMM_TABLE_NAME, f.directory);
	unlink(path);
	reader_refresh(true);
	cr_assert_not(reader_usable());
	cr_assert(mkfifo(path, 0644) == 0);
	reader_refresh(true);
	cr_assert_not(reader_usable());
	unlink(path);
	cr_assert(symlink("/etc/passwd", path) == 0);
	reader_refresh(true);
	cr_assert_not(reader_usable());
}

Test(dmmsock_reader, directory_of_anybody)
{
	union room room;
	size_t size = good(&room.table);

	chmod(f.directory, 0777);
	put_file(room.octets, size, 0644);
	cr_assert_not(reader_usable());
	chmod(f.directory, 0755);
	reader_refresh(true);
	cr_assert(reader_usable());
}

/* The file of a user in a directory of another. */
Test(dmmsock_reader, wrong_owner)
{
	union room room;
	size_t size;
	char path[96];

	if (geteuid() != 0)
		cr_skip("needs root");
	size = good(&room.table);
	f.table->flags |= DMM_TABLE_SUPERSEDED;
	snprintf(path, sizeof(path), "%s/" DMM_TABLE_NAME, f.directory);
	put_file(room.octets, size, 0644);
	cr_assert(reader_usable());
	cr_assert(chown(path, 65534, -1) == 0);
	fake_replace(&f);
	cr_assert(chown(path, 65534, -1) == 0);
	usleep(1100000); /* the other file is noticed, and not taken */
	reader_refresh(false);
	cr_assert(chown(f.directory, 65534, -1) == 0); /* the owner of both may */
	usleep(1100000);
	reader_refresh(false);
	cr_assert(reader_usable());
}

static void *publish_often(void *stop)
{
	struct dmm_table_entry a = fake_entry(FAKE_SESSION, DMM_SC_FIXED),
			       b = fake_entry(FAKE_FIXED, DMM_SC_FIXED);

	a.prefix_length = 1;
	b.prefix_length = 2;
	while (!__atomic_load_n((bool *)stop, __ATOMIC_RELAXED)) {
		fake_publish(&f, &a, 1);
		fake_publish(&f, &b, 1);
	}
	return NULL;
}

/* The address of one entry never comes with what belongs to another. */
Test(dmmsock_reader, writer_in_between)
{
	struct in6_addr session = fake_address(FAKE_SESSION);
	bool stop = false;
	pthread_t thread;
	unsigned found = 0;

	cr_assert(pthread_create(&thread, NULL, publish_often, &stop) == 0);
	while (found < 20000) {
		struct dmm_table_entry e;

		if (pick(DMM_SC_FIXED, &e) == 0) {
			bool first = IN6_ARE_ADDR_EQUAL(&e.address, &session);

			cr_assert_eq(e.prefix_length, first ? 1 : 2);
			found++;
		}
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
}
