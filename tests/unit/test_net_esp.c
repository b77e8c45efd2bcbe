/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much of a packet protection takes. */
#include <criterion/criterion.h>
#include <string.h>

#include "net/esp.h"

/* As RFC 4303 section 2 has it, from the inside out. */
static uint32_t size_of(uint32_t inner)
{
	const uint32_t header = 8, vector = 16, check = 16, ip = 40, trailer = 2;
	uint32_t blocks = (inner + trailer + 15) / 16;

	return ip + header + vector + 16 * blocks + check;
}

Test(net_esp, largest_packet_that_fits)
{
	for (uint32_t outer = 1280; outer <= 9000; outer++) {
		uint32_t inner = esp_inner_mtu(outer);

		cr_assert_leq(size_of(inner), outer, "%u", outer);
		cr_assert_gt(size_of(inner + 1), outer, "%u", outer);
	}
}

Test(net_esp, largest_path_for_a_packet)
{
	for (uint32_t inner = 1198; inner <= 9000; inner++) {
		uint32_t outer = esp_outer_mtu(inner);

		cr_assert_leq(esp_inner_mtu(outer), inner, "%u", inner);
		cr_assert_gt(esp_inner_mtu(outer + 16), inner, "%u", inner);
	}
}

Test(net_esp, algorithms_whose_keys_are_hidden)
{
	static const uint8_t wanted[] = {'a', 'e', 's', 16, 1, 2, 3, 4};
	uint8_t got[sizeof(wanted)];
	const size_t key = 4;

	memcpy(got, wanted, sizeof(got));
	cr_assert(esp_is_algorithm(got, wanted, sizeof(got), key));
	got[7] = 5;
	cr_assert_not(esp_is_algorithm(got, wanted, sizeof(got), key), "another key");
	memset(got + key, 0, sizeof(got) - key);
	cr_assert(esp_is_algorithm(got, wanted, sizeof(got), key), "hidden");
	got[7] = 4;
	cr_assert_not(esp_is_algorithm(got, wanted, sizeof(got), key), "zeros in a key");
	got[7] = 0;
	got[3] = 32;
	cr_assert_not(esp_is_algorithm(got, wanted, sizeof(got), key), "another algorithm");
}
