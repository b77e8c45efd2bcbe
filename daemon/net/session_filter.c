/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A set of source prefixes as a program for the kernel's socket dump (struct inet_diag_bc_op).
 *
 * The kernel takes a socket when the program's position comes to its end, and leaves it out four octets behind that.  A
 * comparison goes on by `yes`, its own length, or by `no`; a jump always by `no`, the only one of the two that is wide enough
 * for the way to the end.  All go forward.
 *
 * The program is a binary tree, since it runs for every socket of the host: each comparison halves what can still match.
 */
#include <errno.h>
#include <linux/inet_diag.h>
#include <string.h>

#include "net/internal.h"

#define MAX_SOURCES 1024 /* `no` has 16 bits */
#define LEAVE_OUT 4

struct compare {
	struct inet_diag_bc_op op;
	uint8_t family, prefix_len; /* from here on as struct inet_diag_hostcond */
	int32_t port;
	struct in6_addr addr;
};

struct program {
	uint8_t *code;
	size_t at, end;
};

/* A comparison between each two neighbours; for each prefix another, and the jump to the end. */
static size_t program_size(size_t n)
{
	return (2 * n - 1) * sizeof(struct compare) + n * sizeof(struct inet_diag_bc_op);
}

static void put(struct program *p, const void *instruction, size_t len)
{
	memcpy(p->code + p->at, instruction, len);
	p->at += len;
}

static void put_compare(struct program *p, const struct ip6_prefix *with, size_t no)
{
	const struct compare c = {
		.op = {.code = INET_DIAG_BC_S_COND, .yes = sizeof(c), .no = (uint16_t)no},
		.family = AF_INET6,
		.prefix_len = with->len,
		.port = -1, /* any */
		.addr = with->addr,
	};

	put(p, &c, sizeof(c));
}

static bool bit(const struct in6_addr *a, unsigned i)
{
	return a->s6_addr[i / 8] >> (7 - i % 8) & 1;
}

/* Sorted, none within another. */
static void put_tree(struct program *p, const struct ip6_prefix *source, size_t n)
{
	struct inet_diag_bc_op jump = {.code = INET_DIAG_BC_JMP, .yes = sizeof(jump)};
	struct ip6_prefix low;
	unsigned common = 0;
	size_t split = 1;

	if (n == 1) {
		put_compare(p, source, p->end - p->at + LEAVE_OUT);
		jump.no = (uint16_t)(p->end - p->at);
		put(p, &jump, sizeof(jump));
		return;
	}
	while (bit(&source[0].addr, common) == bit(&source[n - 1].addr, common))
		common++;
	while (!bit(&source[split].addr, common))
		split++;
	low = prefix_make(&source[0].addr, common + 1);
	put_compare(p, &low, sizeof(struct compare) + program_size(split));
	put_tree(p, source, split);
	put_tree(p, source + split, n - split);
}

static int compare_prefixes(const void *a, const void *b)
{
	const struct ip6_prefix *x = a, *y = b;
	int r = memcmp(&x->addr, &y->addr, sizeof(x->addr));

	return r ? r : x->len - y->len;
}

int session_filter_new(const struct ip6_prefix *sources, unsigned n, void **ret, size_t *ret_len)
{
	_cleanup_free_ struct ip6_prefix *sorted = NULL;
	struct program p = {0};
	size_t kept = 0;

	if (n == 0 || n > MAX_SOURCES)
		return n == 0 ? -EINVAL : -E2BIG;
	sorted = calloc(n, sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	for (unsigned i = 0; i < n; i++)
		sorted[i] = prefix_make(&sources[i].addr, sources[i].len);
	qsort(sorted, n, sizeof(*sorted), compare_prefixes);
	for (unsigned i = 0; i < n; i++) {
		if (kept == 0 || !prefix_contains(&sorted[kept - 1], &sorted[i].addr))
			sorted[kept++] = sorted[i];
	}
	p.end = program_size(kept);
	p.code = malloc(p.end);
	if (!p.code)
		return -ENOMEM;
	put_tree(&p, sorted, kept);
	*ret = p.code;
	*ret_len = p.end;
	return 0;
}
