/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/match.h"

#include <arpa/inet.h>
#include <string.h>

#define WORDS 4

void match_add(struct match *m, unsigned at, const struct in6_addr *addr, uint32_t value)
{
	uint32_t word[WORDS];

	if (m->n + MATCH_CODE_EACH >= sizeof(m->code) / sizeof(*m->code))
		return;
	memcpy(word, addr, sizeof(word));
	for (unsigned i = 0; i < WORDS; i++) {
		/* From the network header on, whatever lies before it on this kind of interface. */
		const uint32_t from = (uint32_t)(SKF_NET_OFF + (int)(at + 4 * i));
		const uint8_t rest = (uint8_t)(2 * (WORDS - 1 - i) + 1);

		m->code[m->n++] = (struct sock_filter){.code = BPF_LD | BPF_W | BPF_ABS, .k = from};
		m->code[m->n++] = (struct sock_filter){
			.code = BPF_JMP | BPF_JEQ | BPF_K, .jf = rest, .k = ntohl(word[i])};
	}
	m->code[m->n++] = (struct sock_filter){.code = BPF_RET | BPF_K, .k = value};
}

void match_end(struct match *m, uint32_t value)
{
	m->code[m->n++] = (struct sock_filter){.code = BPF_RET | BPF_K, .k = value};
}
