/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/match.h"

#include <arpa/inet.h>
#include <string.h>

#define WORDS 4
#define MATCH_CODE (sizeof(((struct match *)0)->code) / sizeof(struct sock_filter))

/* A word, counted from the network header on, whatever lies before it on this kind of interface. */
static struct sock_filter load(unsigned at)
{
	return (struct sock_filter){.code = BPF_LD | BPF_W | BPF_ABS,
				    .k = (uint32_t)(SKF_NET_OFF + (int)at)};
}

/* Is the address there?  Else go on behind this, and so many instructions more. */
static void compare(struct match *m, unsigned at, const struct in6_addr *addr, unsigned more)
{
	uint32_t word[WORDS];

	memcpy(word, addr, sizeof(word));
	for (unsigned i = 0; i < WORDS; i++) {
		const uint8_t rest = (uint8_t)(2 * (WORDS - 1 - i) + more);

		m->code[m->n++] = load(at + 4 * i);
		m->code[m->n++] = (struct sock_filter){
			.code = BPF_JMP | BPF_JEQ | BPF_K, .jf = rest, .k = ntohl(word[i])};
	}
}

void match_add(struct match *m, unsigned at, const struct in6_addr *addr, uint32_t value)
{
	if (m->n + MATCH_CODE_EACH >= MATCH_CODE)
		return;
	compare(m, at, addr, 1);
	m->code[m->n++] = (struct sock_filter){.code = BPF_RET | BPF_K, .k = value};
}

void match_add_pair(struct match *m, const struct in6_addr *src, const struct in6_addr *dst,
		    uint32_t value)
{
	if (m->n + 2 * MATCH_CODE_EACH >= MATCH_CODE)
		return;
	compare(m, MATCH_SOURCE, src, 2 * WORDS + 1);
	compare(m, MATCH_DESTINATION, dst, 1);
	m->code[m->n++] = (struct sock_filter){.code = BPF_RET | BPF_K, .k = value};
}

void match_add_on_link(struct match *m, unsigned at, uint32_t value)
{
	const struct sock_filter code[MATCH_CODE_ON_LINK] = {
		load(at),
		{.code = BPF_ALU | BPF_AND | BPF_K, .k = 0xffc00000},
		{.code = BPF_JMP | BPF_JEQ | BPF_K, .k = 0xfe800000, .jt = 2},
		{.code = BPF_ALU | BPF_AND | BPF_K, .k = 0xff000000},
		{.code = BPF_JMP | BPF_JEQ | BPF_K, .k = 0xff000000, .jf = 1},
		{.code = BPF_RET | BPF_K, .k = value},
	};

	if (m->n + MATCH_CODE_ON_LINK >= MATCH_CODE)
		return;
	memcpy(m->code + m->n, code, sizeof(code));
	m->n += MATCH_CODE_ON_LINK;
}

void match_end(struct match *m, uint32_t value)
{
	m->code[m->n++] = (struct sock_filter){.code = BPF_RET | BPF_K, .k = value};
}
