/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pattern.h"

#include <string.h>

/* Odd, so that no power-of-two displacement (page, segment, window) goes unnoticed. */
#define PERIOD 65521

static const uint8_t *table(unsigned seed)
{
	static uint8_t octets[2][PERIOD];
	static bool ready;

	if (!ready) {
		uint32_t x = 0x9e3779b9u;

		for (unsigned s = 0; s < 2; s++)
			for (size_t i = 0; i < PERIOD; i++) {
				x = x * 1664525u + 1013904223u;
				octets[s][i] = (uint8_t)(x >> 24);
			}
		ready = true;
	}
	return octets[seed & 1];
}

void pattern_fill(unsigned seed, uint64_t offset, uint8_t *buf, size_t len)
{
	const uint8_t *t = table(seed);

	while (len > 0) {
		size_t at = offset % PERIOD, n = PERIOD - at < len ? PERIOD - at : len;

		memcpy(buf, t + at, n);
		buf += n;
		offset += n;
		len -= n;
	}
}

bool pattern_check(unsigned seed, uint64_t offset, const uint8_t *buf, size_t len)
{
	const uint8_t *t = table(seed);

	while (len > 0) {
		size_t at = offset % PERIOD, n = PERIOD - at < len ? PERIOD - at : len;

		if (memcmp(buf, t + at, n) != 0)
			return false;
		buf += n;
		offset += n;
		len -= n;
	}
	return true;
}
