/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test_conf.h"

#include "base/addr.h"
#include "conf/state.h"

static struct state_entry entry(unsigned i)
{
	struct state_entry e = {.sequence = (uint16_t)(65535 - i),
				.registered = i % 2 == 0,
				.expires_real = i == 0 ? UINT64_MAX : i};

	cr_assert_eq(addr_parse("2001:db8:1::10", &e.home), 0);
	e.home.s6_addr[15] = (uint8_t)i;
	e.home.s6_addr[14] = (uint8_t)(i >> 8);
	cr_assert_eq(addr_parse("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", &e.anchor), 0);
	if (e.registered)
		cr_assert_eq(addr_parse("2001:db8:2:3:4:5:6:7", &e.coa), 0);
	return e;
}

static bool same(const struct state_entry *a, const struct state_entry *b)
{
	return addr_equal(&a->home, &b->home) && addr_equal(&a->anchor, &b->anchor) &&
	       addr_equal(&a->coa, &b->coa) && a->sequence == b->sequence &&
	       a->registered == b->registered && a->expires_real == b->expires_real;
}

static struct tmppath path_in(const struct tmpdir *t)
{
	return tmpdir_file(t, "state", NULL, 0);
}

Test(conf_state, E14_stored_entries_come_back)
{
	static const unsigned counts[] = {0, 1, 2, 64, STATE_ENTRIES_MAX};
	struct state_entry in[STATE_ENTRIES_MAX], out[STATE_ENTRIES_MAX];
	struct tmpdir t = tmpdir_new();
	struct stat st;
	unsigned n;

	for (unsigned i = 0; i < STATE_ENTRIES_MAX; i++)
		in[i] = entry(i);
	umask(0);
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		cr_assert_eq(state_store(path_in(&t).s, in, counts[i]), 0);
		cr_assert_eq(state_load(path_in(&t).s, out, STATE_ENTRIES_MAX, &n), 0);
		cr_assert_eq(n, counts[i]);
		for (unsigned j = 0; j < n; j++)
			cr_assert(same(&in[j], &out[j]));
	}
	cr_assert_eq(stat(path_in(&t).s, &st), 0);
	cr_assert_eq(st.st_mode & 07777, 0600);
	tmpdir_done(&t);
}

Test(conf_state, missing_file_and_too_many_entries)
{
	struct state_entry e[3] = {entry(0), entry(1), entry(2)}, out[2];
	struct tmpdir t = tmpdir_new();
	unsigned n = 7;

	cr_assert_eq(state_load(path_in(&t).s, out, 2, &n), -ENOENT);
	cr_assert_eq(state_store(path_in(&t).s, e, STATE_ENTRIES_MAX + 1), -E2BIG);
	cr_assert_eq(state_store(path_in(&t).s, e, 3), 0);
	cr_assert_eq(state_load(path_in(&t).s, out, 2, &n), -E2BIG);
	cr_assert_eq(n, 7);
	tmpdir_done(&t);
}

static size_t read_state(const struct tmpdir *t, char *text, size_t size)
{
	FILE *f = fopen(path_in(t).s, "r");
	size_t len;

	cr_assert_not_null(f);
	len = fread(text, 1, size, f);
	fclose(f);
	return len;
}

/* Each octet changed, and each length cut, must be found out, and nothing be loaded. */
Test(conf_state, E14_damage_is_found)
{
	struct state_entry e[2] = {entry(0), entry(1)}, out[2], untouched[2];
	struct tmpdir t = tmpdir_new();
	unsigned n = 7;
	char text[1024];
	size_t len;

	memset(out, 0xaa, sizeof(out));
	memcpy(untouched, out, sizeof(out));
	cr_assert_eq(state_store(path_in(&t).s, e, 2), 0);
	len = read_state(&t, text, sizeof(text));
	for (size_t i = 0; i < len; i++) {
		cr_assert_eq(state_parse(text, i, out, 2, &n), -EBADMSG);
		text[i] ^= 0x04;
		cr_assert_eq(state_parse(text, len, out, 2, &n), -EBADMSG);
		text[i] ^= 0x04;
	}
	memcpy(text + len, "\n", 2);
	cr_assert_eq(state_parse(text, len + 1, out, 2, &n), -EBADMSG);
	cr_assert_eq(n, 7);
	cr_assert_eq(memcmp(out, untouched, sizeof(out)), 0);
	cr_assert_eq(state_parse(text, len, out, 2, &n), 0);
	cr_assert_eq(n, 2);
	tmpdir_done(&t);
}

Test(conf_state, foreign_files)
{
	static const char *const texts[] = {
		"",
		"\n",
		"dmmd-state 2\nchecksum 00000000\n",
		/* Right checksums over wrong content. */
		"dmmd-state 1\nbinding ::1 ::2\nchecksum 6fcd6035\n",
	};
	struct tmpdir t = tmpdir_new();
	struct state_entry out;
	unsigned n;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		tmpdir_file(&t, "state", texts[i], 0600);
		cr_assert_eq(state_load(path_in(&t).s, &out, 1, &n), -EBADMSG, "%s", texts[i]);
	}
	unlink(path_in(&t).s);
	cr_assert_eq(mkdir(path_in(&t).s, 0700), 0);
	cr_assert_eq(state_load(path_in(&t).s, &out, 1, &n), -EBADMSG);
	tmpdir_done(&t);
}

/* Between two files, whatever was in either. */
Test(conf_state, store_again_and_again)
{
	struct state_entry out[3], e[3] = {entry(0), entry(1), entry(2)};
	struct tmpdir t = tmpdir_new();
	unsigned n;

	for (unsigned i = 0; i < 12; i++) {
		e[0].sequence = (uint16_t)i;
		cr_assert_eq(state_store(path_in(&t).s, e, i * 7 % 4), 0);
		cr_assert_eq(state_load(path_in(&t).s, out, 3, &n), 0);
		cr_assert_eq(n, i * 7 % 4);
		cr_assert(n == 0 || out[0].sequence == i);
	}
	tmpdir_done(&t);
}

Test(conf_state, store_writes_into_nobody_elses_file)
{
	struct state_entry e = entry(0), out;
	struct tmpdir t = tmpdir_new();
	struct tmppath left = tmpdir_file(&t, "state.new", NULL, 0);
	struct tmppath victim = tmpdir_file(&t, "victim", "precious", 0644);
	char text[16] = "";
	FILE *f;
	unsigned n;

	cr_assert_eq(symlink(victim.s, left.s), 0);
	cr_assert_eq(state_store(path_in(&t).s, &e, 1), 0);
	cr_assert_eq(link(victim.s, left.s), 0);
	cr_assert_eq(state_store(path_in(&t).s, &e, 1), 0);
	f = fopen(victim.s, "r");
	cr_assert_not_null(fgets(text, sizeof(text), f));
	fclose(f);
	cr_assert_str_eq(text, "precious");

	/* A failure leaves the old file. */
	unlink(left.s);
	cr_assert_eq(mkdir(left.s, 0700), 0);
	cr_assert_eq(state_store(path_in(&t).s, &e, 0), -EEXIST);
	cr_assert_eq(state_load(path_in(&t).s, &out, 1, &n), 0);
	cr_assert_eq(n, 1);
	tmpdir_done(&t);
	cr_assert_eq(state_store(path_in(&t).s, &e, 1), -ENOENT);
}
