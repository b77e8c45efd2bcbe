/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>

#include "base/cursor.h"

static const uint8_t octets[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

Test(base_cursor, integers_are_big_endian)
{
	struct reader r = reader_make(octets, sizeof(octets));
	uint8_t buf[16];
	struct writer w = writer_make(buf, sizeof(buf));

	cr_assert_eq(read_u8(&r), 0x01);
	cr_assert_eq(read_u16(&r), 0x0203);
	cr_assert_eq(read_u32(&r), 0x04050607);
	cr_assert_eq(read_u64(&r), 0x08090a0b0c0d0e0f);
	cr_assert_eq(r.left, 1);
	cr_assert_not(r.failed);

	write_u8(&w, 0x01);
	write_u16(&w, 0x0203);
	write_u32(&w, 0x04050607);
	write_u64(&w, 0x08090a0b0c0d0e0f);
	write_bytes(&w, "\x10", 1);
	cr_assert_not(w.failed);
	cr_assert_eq(w.len, sizeof(octets));
	cr_assert_arr_eq(buf, octets, sizeof(octets));
}

Test(base_cursor, a_read_past_the_end_fails_for_good)
{
	struct reader r = reader_make(octets, 3);
	uint8_t copy[4] = {9, 9, 9, 9};

	cr_assert_eq(read_u32(&r), 0x01020000, "the high half was there");
	cr_assert(r.failed);
	cr_assert_eq(read_u8(&r), 0);
	cr_assert_null(read_bytes(&r, 0));
	read_copy(&r, copy, sizeof(copy));
	cr_assert_arr_eq(copy, "\0\0\0\0", 4);
	cr_assert_eq(r.left, 0);
}

Test(base_cursor, reading_nothing_at_the_end_is_fine)
{
	struct reader r = reader_make(octets, 1);

	read_u8(&r);
	cr_assert_not_null(read_bytes(&r, 0));
	cr_assert_not(r.failed);
}

Test(base_cursor, a_sub_cursor_is_bounded_and_consumed)
{
	struct reader r = reader_make(octets, 4), sub = read_sub(&r, 2), past;

	cr_assert_eq(r.left, 2);
	cr_assert_eq(read_u16(&sub), 0x0102);
	read_u8(&sub);
	cr_assert(sub.failed);
	cr_assert_not(r.failed, "the outer cursor goes on");
	cr_assert_eq(read_u8(&r), 3);

	past = read_sub(&r, 2);
	cr_assert(past.failed && r.failed);
	cr_assert_eq(read_u8(&past), 0);
}

Test(base_cursor, a_size_near_the_top_does_not_wrap)
{
	struct reader r = reader_make(octets, 4);
	uint8_t buf[4];
	struct writer w = writer_make(buf, sizeof(buf));
	volatile size_t huge = SIZE_MAX; /* unknown to the compiler */

	cr_assert_null(read_bytes(&r, huge));
	cr_assert(r.failed);
	write_u8(&w, 1);
	cr_assert_null(write_room(&w, huge));
	cr_assert(w.failed);
}

Test(base_cursor, a_write_past_the_end_fails_for_good)
{
	uint8_t buf[4] = {9, 9, 9, 9};
	struct writer w = writer_make(buf, 3);

	write_u16(&w, 0x0102);
	write_u16(&w, 0x0304);
	cr_assert(w.failed);
	cr_assert_eq(w.len, 2);
	write_u8(&w, 5);
	cr_assert_eq(w.len, 2);
	cr_assert_arr_eq(buf, "\1\2\x9\x9", 4);
}

Test(base_cursor, room_is_zeroed)
{
	uint8_t buf[4] = {9, 9, 9, 9};
	struct writer w = writer_make(buf, sizeof(buf));
	uint8_t *room = write_room(&w, 3);

	cr_assert_eq(room, buf);
	cr_assert_arr_eq(buf, "\0\0\0\x9", 4);
}
