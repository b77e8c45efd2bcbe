/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state file.  As nothing but the right checksum gets past the first check, each input is also
 * tried with one added.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/state.h"

#define ENTRIES 4
#define TEXT_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parse(const char *text, size_t len)
{
	struct state_entry entries[ENTRIES], untouched[ENTRIES];
	unsigned n = ENTRIES + 1;

	memset(entries, 0x55, sizeof(entries));
	memcpy(untouched, entries, sizeof(entries));
	if (state_parse(text, len, entries, ENTRIES, &n) == 0) {
		if (n > ENTRIES)
			abort();
	} else if (n != ENTRIES + 1 || memcmp(entries, untouched, sizeof(entries)) != 0) {
		abort();
	}
}

/* The checksum is reckoned here once more, on its own. */
static uint32_t crc32(const uint8_t *p, size_t len)
{
	static uint32_t table[256];
	uint32_t crc = 0xffffffff;

	if (!table[1])
		for (uint32_t i = 0; i < 256; i++)
			for (uint32_t bit = (table[i] = i, 0); bit < 8; bit++)
				table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xedb88320 : 0);
	while (len--)
		crc = crc >> 8 ^ table[(crc ^ *p++) & 0xff];
	return ~crc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[TEXT_MAX];

	parse((const char *)data, size);
	if (size + 32 > sizeof(text))
		return 0;
	memcpy(text, data, size);
	size += (size_t)sprintf(text + size, "checksum %08x\n", crc32(data, size));
	parse(text, size);
	return 0;
}
