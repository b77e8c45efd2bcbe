/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fault.h"

#include <string.h>

/* Fixed part of a binding acknowledgement: where its options start (RFC 6275 section 6.1.8). */
#define ACK_FIXED_LEN 12
#define MH_CHECKSUM_OFFSET 4
#define UNASSIGNED_OPTION 200
#define UNASSIGNED_OPTION_LEN 248 /* with type and length; a multiple of 8 keeps alignments */
#define UNASSIGNED_OPTIONS 4
#define TRAILER_LEN 600

DEFINE_STRTAB(message_fault, "none", "truncated", "oversized", "bad-auth", "no-auth",
	      "bad-checksum", "wrong-sequence", "wrong-hoa", "no-rh2", "replayed", "wrong-spi",
	      "delayed", "duplicate", "unknown-option");

bool fault_is_general(enum message_fault fault)
{
	switch (fault) {
	case MESSAGE_FAULT_NONE:
	case MESSAGE_FAULT_TRUNCATED:
	case MESSAGE_FAULT_OVERSIZED:
	case MESSAGE_FAULT_BAD_AUTH:
	case MESSAGE_FAULT_NO_AUTH:
	case MESSAGE_FAULT_BAD_CHECKSUM:
	case MESSAGE_FAULT_WRONG_HOA:
	case MESSAGE_FAULT_NO_RH2:
	case MESSAGE_FAULT_WRONG_SPI:
		return true;
	case MESSAGE_FAULT_WRONG_SEQUENCE:
	case MESSAGE_FAULT_REPLAYED:
	case MESSAGE_FAULT_DELAYED:
	case MESSAGE_FAULT_DUPLICATE:
	case MESSAGE_FAULT_UNKNOWN_OPTION:
	case MESSAGE_FAULT_MAX:
		break;
	}
	return false;
}

enum message_fault faults_next_ack(struct faults *f)
{
	if (f->mutate_count == 0)
		return MESSAGE_FAULT_NONE;
	f->mutate_count--;
	return f->mutate;
}

void fault_message(enum message_fault fault, struct mh_message *m)
{
	if (fault == MESSAGE_FAULT_WRONG_SEQUENCE)
		m->ba.sequence = (uint16_t)(m->ba.sequence + 1000);
	if (fault == MESSAGE_FAULT_NO_AUTH)
		m->opt.has_auth = false;
}

void fault_spi(enum message_fault fault, uint32_t *spi)
{
	if (fault == MESSAGE_FAULT_WRONG_SPI)
		(*spi)++;
}

void fault_encoded(enum message_fault fault, struct mh_message *m, uint8_t *buf, size_t *len,
		   size_t cap)
{
	size_t extra = UNASSIGNED_OPTIONS * UNASSIGNED_OPTION_LEN;
	uint8_t *p = buf + ACK_FIXED_LEN;

	if (fault != MESSAGE_FAULT_UNKNOWN_OPTION || *len + extra > cap)
		return;
	memmove(p + extra, p, *len - ACK_FIXED_LEN);
	for (unsigned i = 0; i < UNASSIGNED_OPTIONS; i++, p += UNASSIGNED_OPTION_LEN) {
		memset(p, 0xa5, UNASSIGNED_OPTION_LEN);
		p[0] = UNASSIGNED_OPTION;
		p[1] = UNASSIGNED_OPTION_LEN - 2;
	}
	*len += extra;
	buf[1] = (uint8_t)(*len / 8 - 1);
	if (m->auth_offset)
		m->auth_offset = (uint16_t)(m->auth_offset + extra);
}

void fault_signed(enum message_fault fault, const struct mh_message *m, uint8_t *buf)
{
	if (fault == MESSAGE_FAULT_BAD_AUTH && m->auth_offset)
		buf[m->auth_offset] ^= 0x01;
}

void fault_addresses(enum message_fault fault, struct ip6_packet *p)
{
	if (fault == MESSAGE_FAULT_WRONG_HOA && p->has_rh2)
		p->home.s6_addr[15] ^= 0x80;
	if (fault == MESSAGE_FAULT_NO_RH2)
		p->has_rh2 = false;
}

void fault_sized(enum message_fault fault, uint8_t *buf, size_t *len, size_t cap)
{
	if (fault == MESSAGE_FAULT_TRUNCATED && *len > 8)
		*len -= 8;
	if (fault == MESSAGE_FAULT_OVERSIZED && *len + TRAILER_LEN <= cap) {
		memset(buf + *len, 0xa5, TRAILER_LEN);
		*len += TRAILER_LEN;
	}
}

void fault_summed(enum message_fault fault, uint8_t *buf)
{
	if (fault == MESSAGE_FAULT_BAD_CHECKSUM)
		buf[MH_CHECKSUM_OFFSET] ^= 0x01;
}
