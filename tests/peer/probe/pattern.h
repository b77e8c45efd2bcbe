/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Octets that tell their place in a stream: two patterns, one for each direction. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The octets from `offset` of the pattern of a seed (0 or 1). */
void pattern_fill(unsigned seed, uint64_t offset, uint8_t *buf, size_t len);
bool pattern_check(unsigned seed, uint64_t offset, const uint8_t *buf, size_t len);
