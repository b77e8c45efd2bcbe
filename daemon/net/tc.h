/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs on an interface by clsact and cls_bpf, which every kernel since 4.5 has.  Our filter has
 * a preference and a handle of its own; filters of others are left alone and still run for what
 * ours does not take.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum tc_side {
	TC_INGRESS,
	TC_EGRESS,
};

/* Attach or replace.  *ret_made tells whether the clsact queue was made for it.  0 or -errno. */
int tc_attach(int ifindex, enum tc_side side, int prog_fd, const char *name, bool *ret_made);
/* Take our filter away, and the clsact queue too if told so and nobody else uses it. */
int tc_detach(int ifindex, enum tc_side side, bool remove_queue);
/* Is our filter there, with the program of that number? */
bool tc_attached(int ifindex, enum tc_side side, uint32_t program);

/* The same with a classic program, which needs no bpf(2): it returns a TC_ACT_*. */
struct sock_filter;
int tc_attach_classic(int ifindex, enum tc_side side, const struct sock_filter *code, unsigned n,
		      const char *name);
bool tc_attached_classic(int ifindex, enum tc_side side, const struct sock_filter *code,
			 unsigned n);
/* Packets that filters have refused so far, ours or others'. */
uint64_t tc_dropped(int ifindex);
