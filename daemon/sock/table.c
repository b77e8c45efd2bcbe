/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writer of the table (libsock-ext/table.h).
 *
 * Readers have it mapped and are not asked: the file is never made shorter, and what they may be reading is never
 * overwritten before they have been sent to the other slot.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sock/internal.h"

#define NEW_NAME "." DMM_TABLE_NAME ".new"
#define PAGE 4096
#define MAX_CAPACITY (1u << 16)

_Static_assert(sizeof(struct dmm_table_entry) == 64 && sizeof(struct dmm_table) == 128,
	       "other programs read it");

/* As many as fill whole pages. */
static uint32_t capacity_for(uint32_t n)
{
	uint32_t capacity = (PAGE - sizeof(struct dmm_table)) / 2 / sizeof(struct dmm_table_entry);

	while (capacity < n)
		capacity = 2 * capacity + 1;
	return capacity;
}

static _Atomic uint64_t *generation_of(const struct table *t)
{
	return (_Atomic uint64_t *)&t->map->generation;
}

static void set_flags(struct table *t, uint32_t set, uint32_t clear)
{
	_Atomic uint32_t *flags = (_Atomic uint32_t *)&t->map->flags;
	uint32_t before = atomic_load_explicit(flags, memory_order_relaxed);

	atomic_store_explicit(flags, (before | set) & ~clear, memory_order_release);
}

static struct dmm_table_entry *entries_of(const struct table *t, uint64_t generation)
{
	return t->map->entry + (generation & 1) * t->map->capacity;
}

uint64_t table_generation(const struct table *t)
{
	return t->map ? atomic_load_explicit(generation_of(t), memory_order_relaxed) : 0;
}

static void let_go(struct table *t)
{
	if (t->map)
		munmap(t->map, DMM_TABLE_SIZE(t->map->capacity));
	t->map = NULL;
	cleanup_close(&t->readable);
	t->readable = -1;
}

/* The same file by a descriptor that only reads. */
static int open_readable(int directory, const char *name, int fd)
{
	int readable = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat a, b;

	if (readable < 0)
		return -errno;
	if (fstat(fd, &a) == 0 && fstat(readable, &b) == 0 && a.st_ino == b.st_ino &&
	    a.st_dev == b.st_dev)
		return readable;
	close(readable);
	return -ESTALE;
}

/* --- an earlier run's ------------------------------------------------------------------------------ */

static bool is_sound(const struct table *t, const struct dmm_table *h, off_t size)
{
	return h->magic == DMM_TABLE_MAGIC && h->version == DMM_TABLE_VERSION &&
	       h->entry_size == sizeof(struct dmm_table_entry) && h->capacity > 0 &&
	       h->capacity <= MAX_CAPACITY && size == (off_t)DMM_TABLE_SIZE(h->capacity) &&
	       h->netns_cookie == t->netns_cookie && !(h->flags & DMM_TABLE_SUPERSEDED);
}

static int adopt(struct table *t)
{
	_cleanup_close_ int fd =
		openat(t->directory, DMM_TABLE_NAME, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct dmm_table header;
	struct stat st;
	void *map;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_nlink != 1 ||
	    pread(fd, &header, sizeof(header), 0) != sizeof(header) ||
	    !is_sound(t, &header, st.st_size) || fchmod(fd, 0644) < 0)
		return -EINVAL;
	t->readable = open_readable(t->directory, DMM_TABLE_NAME, fd);
	if (t->readable < 0)
		return t->readable;
	map = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		cleanup_close(&t->readable);
		t->readable = -1;
		return -ENOMEM;
	}
	t->map = map;
	return 0;
}

void table_init(struct table *t, int directory, uint64_t instance, uint64_t netns_cookie)
{
	*t = (struct table){.directory = directory,
			    .readable = -1,
			    .instance = instance,
			    .netns_cookie = netns_cookie};
	if (directory >= 0 && adopt(t) == 0)
		log_debug("the table of an earlier run is taken over at generation %llu",
			  (unsigned long long)table_generation(t));
}

/* --- writing ----------------------------------------------------------------------------------------- */

static int make(struct table *t, uint32_t capacity)
{
	const size_t size = DMM_TABLE_SIZE(capacity);
	_cleanup_close_ int fd = -1;
	int r;

	unlinkat(t->directory, NEW_NAME, 0);
	fd = openat(t->directory, NEW_NAME, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    0600);
	if (fd < 0)
		return -errno;
	/* No reader is to find out that there was no room for a page. */
	r = posix_fallocate(fd, 0, (off_t)size);
	if (r > 0)
		return -r;
	t->readable = open_readable(t->directory, NEW_NAME, fd);
	if (t->readable < 0)
		return t->readable;
	t->map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (t->map == MAP_FAILED) {
		t->map = NULL;
		return -ENOMEM;
	}
	*t->map = (struct dmm_table){.magic = DMM_TABLE_MAGIC,
				     .version = DMM_TABLE_VERSION,
				     .entry_size = sizeof(struct dmm_table_entry),
				     .capacity = capacity,
				     .netns_cookie = t->netns_cookie,
				     .instance = t->instance};
	return fchmod(fd, 0644) < 0 ? -errno : 0;
}

static bool same(const struct table *t, const struct dmm_table_slot *slot,
		 const struct dmm_table_entry *entries)
{
	uint64_t generation = table_generation(t);

	return memcmp(&t->map->slot[generation & 1], slot, sizeof(*slot)) == 0 &&
	       memcmp(entries_of(t, generation), entries, slot->n * sizeof(*entries)) == 0;
}

/* Into the slot that nobody is sent to; then everybody is. */
static void fill(struct table *t, uint64_t generation, const struct dmm_table_slot *slot,
		 const struct dmm_table_entry *entries)
{
	/* Whoever sees what follows has been sent away from this slot before. */
	atomic_thread_fence(memory_order_release);
	t->map->slot[generation & 1] = *slot;
	memcpy(entries_of(t, generation), entries, slot->n * sizeof(*entries));
	atomic_store_explicit(generation_of(t), generation, memory_order_release);
}

static int replace(struct table *t, const struct dmm_table_slot *slot,
		   const struct dmm_table_entry *entries)
{
	struct table next = *t;
	int r;

	next.map = NULL;
	next.readable = -1;
	r = make(&next, capacity_for(slot->n));
	if (r == 0) {
		fill(&next, table_generation(t) + 1, slot, entries);
		r = renameat(t->directory, NEW_NAME, t->directory, DMM_TABLE_NAME) < 0 ? -errno : 0;
	}
	if (r < 0) {
		let_go(&next);
		unlinkat(t->directory, NEW_NAME, 0);
		return r;
	}
	if (t->map)
		set_flags(t, DMM_TABLE_SUPERSEDED, 0);
	let_go(t);
	*t = next;
	return 1;
}

int table_write(struct table *t, const struct dmm_table_slot *slot,
		const struct dmm_table_entry *entries)
{
	bool renew;

	if (t->directory < 0)
		return 0;
	if (!t->map || slot->n > t->map->capacity)
		return replace(t, slot, entries);
	renew = t->map->instance != t->instance;
	if (!renew && same(t, slot, entries))
		return 0;
	fill(t, table_generation(t) + 1, slot, entries);
	if (renew) {
		t->map->instance = t->instance;
		set_flags(t, 0, DMM_TABLE_STOPPED);
	}
	return 1;
}

void table_close(struct table *t, bool keep)
{
	if (t->map && !keep)
		set_flags(t, DMM_TABLE_STOPPED, 0);
	let_go(t);
	t->directory = -1;
}
