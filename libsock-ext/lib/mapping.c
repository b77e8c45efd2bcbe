/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table in memory.  What a file must be like before it is believed: regular, written by nobody but its owner, who is
 * root or owns the directory, in which nobody else may put files.
 *
 * A table that was replaced is unmapped when nobody reads any.  One thread at a time maps; others go on with what there is.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "debug.h"
#include "library.h"
#include "reader.h"

#define MAPS 8
#define LOOK_EVERY_MS 1000

struct map {
	const struct dmm_table *table; /* NULL = free */
	size_t size;
	uint32_t capacity;
	dev_t device;
	ino_t inode;
	struct reader_facts facts;
};

static struct map maps[MAPS];
static struct map *_Atomic current;
static _Atomic unsigned readers;
static _Atomic pid_t
	mapper; /* process that maps: a child of fork(2) is not stopped by its parent's */
static _Atomic uint64_t looked_ms;

static const struct map *begin_read(void)
{
	atomic_fetch_add(&readers, 1);
	return atomic_load(&current);
}

static void end_read(void)
{
	atomic_fetch_sub(&readers, 1);
}

static bool alive(const struct map *map)
{
	uint32_t flags;

	if (!map)
		return false;
	flags = __atomic_load_n(&map->table->flags, __ATOMIC_ACQUIRE);
	return !(flags & (DMM_TABLE_SUPERSEDED | DMM_TABLE_STOPPED));
}

static int check_owner(const struct stat *directory, const struct stat *file)
{
	const mode_t others = S_IWGRP | S_IWOTH;

	if (!S_ISREG(file->st_mode) || (directory->st_mode | file->st_mode) & others)
		return -EPERM;
	return file->st_uid == 0 || file->st_uid == directory->st_uid ? 0 : -EPERM;
}

static int map_file(int fd, const struct stat *st, struct map *ret)
{
	struct map map = {.size = (size_t)st->st_size, .device = st->st_dev, .inode = st->st_ino};
	void *p;

	if (st->st_size < (off_t)sizeof(struct dmm_table) || st->st_size > 1 << 30)
		return -EINVAL;
	p = mmap(NULL, map.size, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	map.table = p;
	map.capacity = *(const volatile uint32_t *)&map.table->capacity;
	if (reader_check(map.table, map.size) < 0 || map.size < DMM_TABLE_SIZE(map.capacity) ||
	    !alive(&map)) {
		munmap(p, map.size);
		return -EINVAL;
	}
	map.facts.netns_cookie = map.table->netns_cookie;
	map.facts.owner = st->st_uid;
	*ret = map;
	return 0;
}

static int open_table(struct map *ret)
{
	int directory = open(library.directory, O_PATH | O_DIRECTORY | O_CLOEXEC), fd, r;
	struct stat above, st;

	if (directory < 0)
		return -errno;
	fd = openat(directory, DMM_TABLE_NAME,
		    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
	r = fd < 0 ? -errno : 0;
	if (r == 0 && (fstat(directory, &above) < 0 || fstat(fd, &st) < 0))
		r = -errno;
	if (r == 0)
		r = check_owner(&above, &st);
	if (r == 0)
		r = map_file(fd, &st, ret);
	if (fd >= 0)
		close(fd);
	close(directory);
	return r;
}

/* Is the file that is there still the one that is mapped?  One that cannot be seen (chroot) does not count. */
static bool replaced(const struct map *map)
{
	char path[LIBRARY_DIRECTORY_MAX + sizeof("/" DMM_TABLE_NAME)];
	struct stat st;
	size_t n = 0;

	while (library.directory[n] && n < sizeof(library.directory)) {
		path[n] = library.directory[n];
		n++;
	}
	for (const char *s = "/" DMM_TABLE_NAME; (path[n++] = *s); s++)
		;
	return stat(path, &st) == 0 && (st.st_dev != map->device || st.st_ino != map->inode);
}

/* No reader that begins now finds what is not current. */
static void unmap_unused(const struct map *keep)
{
	if (atomic_load(&readers) != 0)
		return;
	for (struct map *m = maps; m < maps + MAPS; m++)
		if (m != keep && m->table) {
			munmap((void *)m->table, m->size);
			m->table = NULL;
		}
}

static void look(void)
{
	struct map *old = atomic_load(&current), *place = NULL, map;
	int r;

	if (alive(old) && !replaced(old))
		return;
	unmap_unused(old);
	for (struct map *m = maps; m < maps + MAPS && !place; m++)
		if (!m->table)
			place = m;
	if (!place)
		return;
	r = open_table(&map);
	if (r < 0) {
		if (r != -ENOENT)
			DEBUG("table in %s is not used: error %d", library.directory, -r);
		return;
	}
	*place = map;
	atomic_store(&current, place);
	unmap_unused(place);
}

void reader_refresh(bool asked)
{
	uint64_t now = library_now_ms();
	pid_t self, nobody = 0;
	int saved = errno, cancel;

	if (now - atomic_load_explicit(&looked_ms, memory_order_relaxed) < LOOK_EVERY_MS &&
	    (!asked || reader_usable()))
		return;
	self = getpid();
	if (!atomic_compare_exchange_strong(&mapper, &nobody, self) &&
	    (nobody == self || !atomic_compare_exchange_strong(&mapper, &nobody, self)))
		return;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	look();
	pthread_setcancelstate(cancel, &cancel);
	atomic_store(&looked_ms, now);
	atomic_store(&mapper, 0);
	errno = saved;
}

bool reader_usable(void)
{
	bool usable = alive(begin_read());

	end_read();
	return usable;
}

bool reader_facts(struct reader_facts *ret)
{
	const struct map *map = begin_read();
	bool usable = alive(map);

	if (usable) {
		*ret = map->facts;
		ret->generation = __atomic_load_n(&map->table->generation, __ATOMIC_ACQUIRE);
	}
	end_read();
	return usable;
}

int reader_pick(unsigned type, struct dmm_table_entry *ret, bool *restricted)
{
	const struct map *map = begin_read();
	int r = -ENOENT;

	*restricted = false;
	if (alive(map))
		r = reader_pick_from(map->table, map->capacity, type, ret, restricted);
	end_read();
	return r;
}

int reader_find(const struct in6_addr *address, struct dmm_table_entry *ret)
{
	const struct map *map = begin_read();
	int r = alive(map) ? reader_find_in(map->table, map->capacity, address, ret) : -ENOENT;

	end_read();
	return r;
}
