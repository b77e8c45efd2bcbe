/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The eight octets with which ICMPv6 messages of requests and replies begin: type, code, checksum, identifier, 16 bits. */
#pragma once

#include "proto/wire.h"

static inline void icmp6_transfer(struct wire *w, uint8_t type, uint16_t *identifier,
				  uint16_t *word)
{
	uint8_t have = type, code = 0;

	wire_u8(w, &have);
	wire_u8(w, &code);
	wire_reserved(w, 2); /* checksum */
	wire_u16(w, identifier);
	wire_u16(w, word);
	w->refused |= have != type || code != 0;
}
