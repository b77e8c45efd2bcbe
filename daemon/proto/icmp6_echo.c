/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Echo requests and replies without data: RFC 4443 sections 4.1 and 4.2. */
#include <errno.h>

#include "proto/icmp6.h"
#include "proto/nd.h"

int icmp6_echo_build(uint16_t identifier, uint16_t sequence, uint8_t *buf, size_t cap)
{
	struct wire w = {.encoding = true, .w = writer_make(buf, cap)};

	icmp6_transfer(&w, ICMP6_ECHO, &identifier, &sequence);
	return wire_ok(&w) ? (int)w.w.len : -ENOBUFS;
}

int icmp6_echo_reply_parse(const uint8_t *buf, size_t len, uint16_t *ret_identifier,
			   uint16_t *ret_sequence)
{
	struct wire w = {.r = reader_make(buf, len)};
	uint16_t identifier, sequence;

	icmp6_transfer(&w, ICMP6_ECHO_REPLY_TYPE, &identifier, &sequence);
	if (!wire_ok(&w))
		return -EBADMSG;
	*ret_identifier = identifier;
	*ret_sequence = sequence;
	return 0;
}
