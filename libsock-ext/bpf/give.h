/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From the type to the address: which one, whether the user may have it, what happens when there is none.
 */
#ifndef DMM_HOOKS_GIVE_H
#define DMM_HOOKS_GIVE_H

#include "policy.h"

/* One connection or datagram. */
struct request {
	struct bpf_sock *sk;
	struct socket_state *state; /* NULL: nothing known of this socket */
	__u64 netns_cookie;
	__u32 type, flags;
	bool asked; /* by the application */
};

/* Destinations to which mobility means nothing: ::, loopback, mapped IPv4, link-local, multicast. */
static __always_inline bool in_scope(struct bpf_sock_addr *ctx)
{
	__u32 first = bpf_ntohl(ctx->user_ip6[0]), third = ctx->user_ip6[2];

	if (!ctx->user_ip6[0] && !ctx->user_ip6[1] && (!third || third == bpf_htonl(0xffff)))
		return false;
	return first >> 24 != 0xff && first >> 22 != 0xfe80 >> 6;
}

static __always_inline bool is_ours(struct bpf_sock_addr *ctx)
{
	return ctx->protocol == IPPROTO_TCP || ctx->protocol == IPPROTO_UDP;
}

/* A type for which there are addresses: false = leave the socket to the kernel. */
static __always_inline bool is_for_us(const struct request *q)
{
	if (q->type == HOOKS_UNSPEC || q->type >= HOOKS_TYPES || q->type == HOOKS_NON_PERSISTENT)
		return false;
	count(q->asked ? HOOKS_ASKED : HOOKS_POLICY);
	return true;
}

static __always_inline bool has_asked(struct request *q)
{
	q->asked = q->state && q->state->type;
	if (q->asked) {
		q->type = q->state->type;
		q->flags = q->state->flags;
	}
	return q->asked;
}

/* Who asks for what. */
static __always_inline bool decide(struct bpf_sock_addr *ctx, const struct hooks_namespace *ns,
				   struct request *q)
{
	if (!has_asked(q))
		q->type = type_by_policy(ctx, ns);
	return is_for_us(q);
}

static __always_inline void want(struct bpf_sock_addr *ctx, struct request *q)
{
	__u32 bit = 1u << (q->type & 31), *to;
	struct hooks_wanted *w;

	if (!q->state)
		q->state = make_state(q->sk);
	if (!q->state || q->state->wanted & bit)
		return;
	w = bpf_ringbuf_reserve(&wanted, sizeof(*w), 0);
	if (!w)
		return;
	q->state->wanted |= bit;
	to = (__u32 *)w->destination;
	to[0] = ctx->user_ip6[0];
	to[1] = ctx->user_ip6[1];
	to[2] = ctx->user_ip6[2];
	to[3] = ctx->user_ip6[3];
	w->netns_cookie = q->netns_cookie;
	w->cookie = bpf_get_socket_cookie(ctx);
	w->type = q->type;
	w->uid = (__u32)bpf_get_current_uid_gid();
	w->flags = q->flags;
	w->reserved = 0;
	bpf_ringbuf_submit(w, 0);
}

/* Without an address: the kernel's choice, unless that is what the application does not want. */
static __always_inline int without(const struct request *q, int error)
{
	return q->flags & HOOKS_F_REQUIRE ? refuse(error) : GO_ON;
}

static __always_inline bool permitted(const struct hooks_address *a, const struct request *q)
{
	struct hooks_user user = {.netns_cookie = q->netns_cookie,
				  .uid = (__u32)bpf_get_current_uid_gid(),
				  .type = q->type};

	return !a->restricted || bpf_map_lookup_elem(&allowed, &user);
}

/*
 * One by one, and each a pointer before it joins the others: of a number that the compiler keeps on the stack verifiers
 * forget the bounds.
 */
static __always_inline const struct hooks_address *address_of(const struct hooks_namespace *ns,
							      __u32 type)
{
	const struct hooks_address *a = NULL;

	switch (type) {
	case HOOKS_FIXED:
		a = &ns->address[HOOKS_FIXED];
		barrier_var(a);
		break;
	case HOOKS_SESSION_LASTING:
		a = &ns->address[HOOKS_SESSION_LASTING];
		barrier_var(a);
		break;
	case HOOKS_GRACEFUL_REPLACEMENT:
		a = &ns->address[HOOKS_GRACEFUL_REPLACEMENT];
		barrier_var(a);
		break;
	default:
		break;
	}
	return a;
}

/* NULL: there is none for this socket, and *verdict, GO_ON before, is what the program answers. */
static __always_inline const struct hooks_address *find_address(struct bpf_sock_addr *ctx,
								const struct hooks_namespace *ns,
								struct request *q, int *verdict)
{
	const struct hooks_address *a = address_of(ns, q->type);

	if (!a)
		return NULL;
	if (!permitted(a, q)) {
		*verdict = without(q, EPERM);
		return NULL;
	}
	if (!is_set((const __u32 *)a->address)) {
		count(HOOKS_MISSING);
		want(ctx, q);
		*verdict = without(q, EADDRNOTAVAIL);
		return NULL;
	}
	/* The application's own choice of a device leaves no other. */
	if (q->sk->bound_dev_if && q->sk->bound_dev_if != a->ifindex) {
		count(HOOKS_MISSING);
		*verdict = without(q, EADDRNOTAVAIL);
		return NULL;
	}
	if (q->flags & HOOKS_F_NEW)
		want(ctx, q);
	return a;
}

static __always_inline void note_given(struct request *q, const struct hooks_address *a)
{
	const __u32 *w = (const __u32 *)a->address;
	struct socket_state *s = q->state;

	count(HOOKS_GIVEN);
	if (!s)
		return;
	s->netns_cookie = q->netns_cookie;
	s->address[0] = w[0];
	s->address[1] = w[1];
	s->address[2] = w[2];
	s->address[3] = w[3];
	s->given = q->type;
	s->ifindex = a->ifindex;
}

#endif
