/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The maps of the socket hooks, and what the programs need of headers that no program for the kernel can include.  Names
 * of maps are those of the pins.
 */
#ifndef DMM_HOOKS_MAPS_H
#define DMM_HOOKS_MAPS_H

#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "hooks.h"
#include "option.h"

#define AF_INET6 10
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define EPERM 1
#define EINVAL 22
#define EADDRNOTAVAIL 99
#define EISCONN 106
/* States of a socket, for datagrams too. */
#define TCP_CLOSE 7
#define TCP_LISTEN 10

/* A program answers one of these; an errno goes along with the second. */
#define GO_ON 1
#define REFUSE 0

/* The socket of one that asked, and of datagram sockets that send from an address of ours. */
struct socket_state {
	__u64 netns_cookie, cookie; /* of the last connection or datagram, 0 = none yet */
	__u32 address[4];           /* last given, :: = none */
	__u32 held_address[4];      /* in "held", :: = not there */
	__u32 type, flags, timeout_ms;
	__u32 given, ifindex; /* what the address stands for, and where it is */
	__u32 bound;          /* by connect6, not by the application */
	__u32 wanted;         /* types that a record was sent for, 1 << type */
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct socket_state);
} sockets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, HOOKS_NAMESPACES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, struct hooks_namespace);
} namespaces SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2 * HOOKS_RULES * HOOKS_NAMESPACES);
	__type(key, __u32);
	__type(value, struct hooks_rule);
} rules SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, HOOKS_MAX_ALLOWED);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct hooks_user);
	__type(value, __u32);
} allowed SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, HOOKS_MAX_GROUPS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, __u32);
} groups SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, HOOKS_MAX_HELD);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, struct hooks_held);
} held SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
} wanted SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, HOOKS_COUNTERS);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

/* A section of its own: the loader finds it by its name and fills all of it. */
const volatile struct hooks_kernel kernel_has SEC(".rodata.kernel");

static __always_inline void count(__u32 counter)
{
	__u64 *n = bpf_map_lookup_elem(&counters, &counter);

	if (n)
		*n += 1;
}

static __always_inline struct socket_state *state_of(struct bpf_sock *sk)
{
	return bpf_sk_storage_get(&sockets, sk, 0, 0);
}

static __always_inline struct socket_state *make_state(struct bpf_sock *sk)
{
	return bpf_sk_storage_get(&sockets, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
}

/* The addresses of the socket's network namespace, NULL: no dmmd serves it. */
static __always_inline struct hooks_namespace *namespace_of(__u64 cookie)
{
	struct hooks_namespace *ns = bpf_map_lookup_elem(&namespaces, &cookie);

	return ns && ns->version == HOOKS_VERSION ? ns : NULL;
}

static __always_inline int refuse(int error)
{
	if (kernel_has.set_retval)
		bpf_set_retval(-error);
	return REFUSE;
}

static __always_inline bool is_set(const __u32 *address)
{
	return address[0] | address[1] | address[2] | address[3];
}

static __always_inline bool is_same(const __u32 *a, const __u32 *b)
{
	return !((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3]));
}

#endif
