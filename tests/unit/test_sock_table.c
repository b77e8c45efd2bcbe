/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table's writer against the layout that readers know. */
#include "test_conf.h"

#include <sys/mman.h>

#include "sock/internal.h"

#define COOKIE 77

/* A file as a reader has it mapped, also after its name is another's. */
struct reader {
	const struct dmm_table *t;
	size_t size;
};

static struct tmpdir dir;
static int dir_fd;

static void setup(void)
{
	dir = tmpdir_new();
	dir_fd = open(dir.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void teardown(void)
{
	close(dir_fd);
	tmpdir_done(&dir);
}

TestSuite(sock_table, .init = setup, .fini = teardown);

static struct reader map_table(void)
{
	struct tmppath path = tmpdir_file(&dir, DMM_TABLE_NAME, NULL, 0);
	int fd = open(path.s, O_RDONLY | O_CLOEXEC);
	struct reader r;
	struct stat st;

	cr_assert_geq(fd, 0);
	cr_assert_eq(fstat(fd, &st), 0);
	cr_assert_eq(st.st_mode & 07777, 0644);
	r.size = (size_t)st.st_size;
	r.t = mmap(NULL, r.size, PROT_READ, MAP_SHARED, fd, 0);
	cr_assert_neq(r.t, MAP_FAILED);
	cr_assert_eq(r.size, DMM_TABLE_SIZE(r.t->capacity));
	close(fd);
	return r;
}

static void unmap(const struct reader *r)
{
	munmap((void *)(uintptr_t)r->t, r->size);
}

static struct dmm_table_slot slot_of(uint32_t n)
{
	struct dmm_table_slot s = {.n = n, .best = {-1, -1, -1, -1, -1}};

	s.best[DMM_SC_SESSION_LASTING] = n ? 0 : -1;
	return s;
}

static struct dmm_table_entry entries[OFFERS_MAX];

static int put(struct table *t, uint32_t n, uint8_t mark)
{
	struct dmm_table_slot s = slot_of(n);

	memset(entries, 0, sizeof(entries));
	for (uint32_t i = 0; i < n; i++) {
		entries[i].address.s6_addr[15] = (uint8_t)(i + 1);
		entries[i].type = mark;
	}
	return table_write(t, &s, entries);
}

static const struct dmm_table_entry *active(const struct reader *r)
{
	return r->t->entry + (r->t->generation & 1) * r->t->capacity;
}

Test(sock_table, is_as_readers_know_it)
{
	struct table t;
	struct reader r;

	table_init(&t, dir_fd, 1000, COOKIE);
	cr_assert_null(t.map);
	cr_assert_eq(put(&t, 2, 9), 1);
	r = map_table();
	cr_assert_eq(r.t->magic, DMM_TABLE_MAGIC);
	cr_assert_eq(r.t->version, DMM_TABLE_VERSION);
	cr_assert_eq(r.t->entry_size, 64);
	cr_assert_eq(r.t->flags, 0);
	cr_assert_eq(r.t->netns_cookie, COOKIE);
	cr_assert_eq(r.t->instance, 1000);
	cr_assert_eq(r.t->generation, 1);
	cr_assert_eq(r.t->slot[1].n, 2);
	cr_assert_eq(r.t->slot[1].best[DMM_SC_SESSION_LASTING], 0);
	cr_assert_eq(active(&r)[1].address.s6_addr[15], 2);
	unmap(&r);
	table_close(&t, true);
}

Test(sock_table, changes_over_between_two_slots_and_only_when_something_changed)
{
	struct table t;
	struct reader r;

	table_init(&t, dir_fd, 1, COOKIE);
	put(&t, 2, 1);
	r = map_table();
	cr_assert_eq(put(&t, 2, 1), 0);
	cr_assert_eq(r.t->generation, 1);
	cr_assert_eq(put(&t, 3, 2), 1);
	cr_assert_eq(r.t->generation, 2);
	cr_assert_eq(r.t->slot[0].n, 3);
	cr_assert_eq(active(&r)[2].type, 2);
	/* Who still reads the other one finds it as it was. */
	cr_assert_eq(r.t->slot[1].n, 2);
	cr_assert_eq(r.t->entry[r.t->capacity].type, 1);
	cr_assert_eq(put(&t, 0, 0), 1);
	cr_assert_eq(r.t->generation, 3);
	unmap(&r);
	table_close(&t, true);
}

Test(sock_table, grows_as_another_file)
{
	struct reader small, large;
	struct table t;

	table_init(&t, dir_fd, 1, COOKIE);
	put(&t, 3, 1);
	small = map_table();
	cr_assert_eq(put(&t, small.t->capacity, 1), 1);
	cr_assert_eq(small.t->generation, 2);
	cr_assert_eq(put(&t, small.t->capacity + 1, 4), 1);
	large = map_table();
	cr_assert_gt(large.t->capacity, small.t->capacity);
	cr_assert_eq(small.t->flags, DMM_TABLE_SUPERSEDED);
	cr_assert_eq(small.t->generation, 2, "what it said last stays");
	cr_assert_eq(large.t->flags, 0);
	cr_assert_eq(large.t->generation, 3);
	cr_assert_eq(active(&large)[small.t->capacity].type, 4);
	cr_assert_eq(put(&t, OFFERS_MAX, 5), 1);
	cr_assert_eq(put(&t, 1, 5), 1);
	unmap(&small);
	small = map_table();
	cr_assert_geq(small.t->capacity, OFFERS_MAX, "it does not shrink");
	unmap(&small);
	unmap(&large);
	table_close(&t, true);
}

Test(sock_table, is_adopted_by_the_next_run)
{
	struct table t;
	struct reader r;

	table_init(&t, dir_fd, 1, COOKIE);
	put(&t, 2, 1);
	r = map_table();
	table_close(&t, false);
	cr_assert_eq(r.t->flags, DMM_TABLE_STOPPED);
	table_init(&t, dir_fd, 2, COOKIE);
	cr_assert_not_null(t.map);
	cr_assert_eq(r.t->flags, DMM_TABLE_STOPPED, "nothing is said before it is written");
	cr_assert_eq(put(&t, 2, 1), 1, "the same again is news of the new instance");
	cr_assert_eq(r.t->flags, 0);
	cr_assert_eq(r.t->instance, 2);
	cr_assert_eq(r.t->generation, 2);
	table_close(&t, true);
	cr_assert_eq(r.t->flags, 0);
	unmap(&r);
}

/* Of another namespace, version or shape, not a file, with another name: nothing of it is used, and a new one is made. */
Test(sock_table, what_is_not_sound_is_replaced)
{
	const size_t offsets[] = {
		offsetof(struct dmm_table, magic), offsetof(struct dmm_table, version),
		offsetof(struct dmm_table, entry_size), offsetof(struct dmm_table, capacity),
		offsetof(struct dmm_table, netns_cookie)};
	struct tmppath path = tmpdir_file(&dir, DMM_TABLE_NAME, NULL, 0);
	struct table t;
	struct reader r;

	for (unsigned i = 0; i < sizeof(offsets) / sizeof(*offsets); i++) {
		const uint8_t wrong = 0x55;
		int fd;

		table_init(&t, dir_fd, 1, COOKIE);
		put(&t, 2, 1);
		table_close(&t, true);
		fd = open(path.s, O_RDWR | O_CLOEXEC);
		cr_assert_eq(pwrite(fd, &wrong, 1, (off_t)offsets[i]), 1);
		close(fd);
		table_init(&t, dir_fd, 2, COOKIE);
		cr_assert_null(t.map, "%zu", offsets[i]);
		cr_assert_eq(put(&t, 2, 1), 1);
		r = map_table();
		cr_assert_eq(r.t->instance, 2);
		unmap(&r);
		table_close(&t, true);
	}
	cr_assert_eq(truncate(path.s, 200), 0);
	table_init(&t, dir_fd, 3, COOKIE);
	cr_assert_null(t.map);
	cr_assert_eq(unlink(path.s), 0);
	cr_assert_eq(symlink("/etc/passwd", path.s), 0);
	table_init(&t, dir_fd, 3, COOKIE);
	cr_assert_null(t.map);
	cr_assert_eq(put(&t, 1, 1), 1);
	r = map_table();
	unmap(&r);
	table_close(&t, true);
}

Test(sock_table, cannot_be_written_where_something_stands_in_the_way)
{
	struct tmppath path = tmpdir_file(&dir, DMM_TABLE_NAME, NULL, 0);
	struct table t;

	cr_assert_eq(mkdir(path.s, 0700), 0);
	table_init(&t, dir_fd, 1, COOKIE);
	cr_assert_lt(put(&t, 1, 1), 0);
	cr_assert_null(t.map);
	cr_assert_eq(rmdir(path.s), 0);
	cr_assert_eq(put(&t, 1, 1), 1);
	table_close(&t, true);
	table_init(&t, -1, 1, COOKIE);
	cr_assert_eq(put(&t, 1, 1), 0);
	cr_assert_eq(table_generation(&t), 0);
	table_close(&t, false);
}

/* --- what stands in it --------------------------------------------------------------------------- */

static struct offers some_offers(void)
{
	struct offers o = {.n = 3, .best = {-1, 1, 1, 2}};

	for (unsigned i = 0; i < o.n; i++) {
		o.offer[i].source.s6_addr[15] = (uint8_t)i;
		o.offer[i].prefix.len = 64;
		o.offer[i].valid_until = USEC_INFINITY;
		o.offer[i].type = SERVICE_SESSION_LASTING;
		o.offer[i].ifindex = 5;
	}
	o.offer[0].draining = o.offer[0].tunnelled = true;
	o.offer[0].valid_until = 3 * USEC_PER_SEC;
	o.offer[2].type = SERVICE_FIXED;
	o.offer[2].on_demand = true;
	return o;
}

Test(sock_content, has_every_offer)
{
	const struct conf conf = {.fixed.all = true};
	const struct offers o = some_offers();
	struct dmm_table_entry e[OFFERS_MAX];
	struct dmm_table_slot s;

	content_make(&o, &conf, &s, e);
	cr_assert_eq(s.n, 3);
	cr_assert_eq(s.best[DMM_SC_UNSPEC], -1);
	cr_assert_eq(s.best[DMM_SC_NON_PERSISTENT], -1);
	cr_assert_eq(s.best[DMM_SC_SESSION_LASTING], 1);
	cr_assert_eq(s.best[DMM_SC_GRACEFUL_REPLACEMENT], 1);
	cr_assert_eq(s.best[DMM_SC_FIXED], 2);
	cr_assert_eq(s.restricted, 0);
	cr_assert_eq(e[0].state, DMM_ENTRY_DRAINING);
	cr_assert_eq(e[0].flags, DMM_ENTRY_TUNNELLED);
	cr_assert_eq(e[0].valid_until, 3000000000);
	cr_assert_eq(e[1].state, DMM_ENTRY_USABLE);
	cr_assert_eq(e[1].valid_until, 0);
	cr_assert_eq(e[1].ifindex, 5);
	cr_assert_eq(e[1].prefix_length, 64);
	cr_assert_eq(e[2].state, DMM_ENTRY_ON_DEMAND);
	cr_assert_eq(e[2].type, DMM_SC_FIXED);
}

Test(sock_content, restricts_what_is_fixed_and_no_more)
{
	const struct conf conf = {.fixed.n_users = 1};
	struct offers o = some_offers();
	struct dmm_table_entry e[OFFERS_MAX];
	struct dmm_table_slot s;

	content_make(&o, &conf, &s, e);
	cr_assert_eq(s.restricted, 1u << DMM_SC_FIXED);
	cr_assert_eq(e[1].flags, 0);
	cr_assert_eq(e[2].flags, DMM_ENTRY_RESTRICTED);
	o.best[SERVICE_SESSION_LASTING] = 2;
	content_make(&o, &conf, &s, e);
	cr_assert_eq(e[2].flags, 0, "it is the best for others, too");
}
