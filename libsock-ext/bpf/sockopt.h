/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The programs for setsockopt(2) and getsockopt(2).  They tax every such call of the control group that they are attached
 * to, so what is not for them leaves at once.
 */
#ifndef DMM_HOOKS_SOCKOPT_H
#define DMM_HOOKS_SOCKOPT_H

#include "maps.h"

/* An IPv6 socket for TCP or UDP in a namespace that dmmd serves; the kernel answers for the others, ENOPROTOOPT. */
static __always_inline bool has_option(struct bpf_sockopt *ctx)
{
	struct bpf_sock *sk = ctx->sk;

	if (!sk || sk->family != AF_INET6)
		return false;
	if (sk->type == SOCK_STREAM ? sk->protocol != IPPROTO_TCP
				    : sk->type != SOCK_DGRAM || sk->protocol != IPPROTO_UDP)
		return false;
	return !kernel_has.option_cookie || namespace_of(bpf_get_netns_cookie(ctx));
}

/* A closed connection has left its state and still its destination. */
static __always_inline bool is_connected(const struct bpf_sock *sk)
{
	return (sk->state != TCP_CLOSE && sk->state != TCP_LISTEN) || sk->dst_port != 0;
}

SEC("cgroup/setsockopt") int dmm_setsockopt(struct bpf_sockopt *ctx)
{
	struct hooks_service *service = ctx->optval;
	struct hooks_word *word = ctx->optval;
	__u32 type, flags = 0, timeout_ms = 0;
	struct socket_state *s;

	if (ctx->level != IPPROTO_IPV6 || ctx->optname != HOOKS_OPTION_SERVICE || !has_option(ctx))
		return GO_ON;
	if (ctx->optlen == sizeof(*word) && (void *)(word + 1) <= ctx->optval_end) {
		type = word->value;
	} else if (ctx->optlen == sizeof(*service) && (void *)(service + 1) <= ctx->optval_end) {
		type = service->type;
		flags = service->flags;
		timeout_ms = service->timeout_ms;
		if (service->reserved)
			return refuse(EINVAL);
	} else {
		return refuse(EINVAL);
	}
	if (type >= HOOKS_TYPES || flags & ~HOOKS_FLAGS)
		return refuse(EINVAL);
	if (is_connected(ctx->sk))
		return refuse(EISCONN);
	s = make_state(ctx->sk);
	if (!s)
		return GO_ON;
	s->type = type;
	s->flags = flags;
	s->timeout_ms = timeout_ms;
	ctx->optlen = -1; /* not on to the kernel, which knows no such option */
	return GO_ON;
}

/* Two stores: the verifier does not know the one that the compiler would make of them. */
static __always_inline int answer(struct bpf_sockopt *ctx, __s32 length)
{
	*(volatile __s32 *)&ctx->optlen = length;
	*(volatile __s32 *)&ctx->retval = 0;
	return GO_ON;
}

static __always_inline int get_service(struct bpf_sockopt *ctx, const struct socket_state *s)
{
	struct hooks_service *service = ctx->optval;
	struct hooks_word *word = ctx->optval;

	if (ctx->optlen >= (int)sizeof(*service) && (void *)(service + 1) <= ctx->optval_end) {
		service->type = s ? s->type : HOOKS_UNSPEC;
		service->flags = s ? s->flags : 0;
		service->timeout_ms = s ? s->timeout_ms : 0;
		service->reserved = 0;
		return answer(ctx, sizeof(*service));
	}
	if (ctx->optlen >= (int)sizeof(*word) && (void *)(word + 1) <= ctx->optval_end) {
		word->value = s ? s->type : HOOKS_UNSPEC;
		return answer(ctx, sizeof(*word));
	}
	return refuse(EINVAL);
}

struct effective {
	__u32 type, ifindex, draining;
};

/* What the socket's address stands for: as it was given, else as it would be given now. */
static __always_inline void find_effective(const struct hooks_namespace *ns,
					   const struct socket_state *s, const __u32 *source,
					   struct effective *e)
{
	if (s && is_same(s->address, source)) {
		e->type = s->given;
		e->ifindex = s->ifindex;
	}
	for (__u32 i = HOOKS_FIXED; ns && i < HOOKS_TYPES; i++) {
		const struct hooks_address *a = &ns->address[i];

		if (e->type == HOOKS_UNSPEC && is_same((const __u32 *)a->address, source)) {
			e->type = i;
			e->ifindex = a->ifindex;
		}
	}
	if (ns && e->type == HOOKS_GRACEFUL_REPLACEMENT) {
		const __u32 *now = (const __u32 *)ns->address[HOOKS_GRACEFUL_REPLACEMENT].address;

		e->draining = is_set(now) && !is_same(now, source);
	}
}

static __always_inline int get_status(struct bpf_sockopt *ctx, const struct socket_state *s)
{
	struct hooks_status *status = ctx->optval;
	struct hooks_namespace *ns = NULL;
	struct bpf_sock *sk = ctx->sk;
	struct effective e = {0};
	__u32 source[4];

	if (ctx->optlen < (int)sizeof(*status) || (void *)(status + 1) > ctx->optval_end || !sk)
		return refuse(EINVAL);
	source[0] = sk->src_ip6[0];
	source[1] = sk->src_ip6[1];
	source[2] = sk->src_ip6[2];
	source[3] = sk->src_ip6[3];
	/* A datagram socket that is bound to nothing: the address of its last datagram. */
	if (s && !is_set(source)) {
		source[0] = s->held_address[0];
		source[1] = s->held_address[1];
		source[2] = s->held_address[2];
		source[3] = s->held_address[3];
	}
	if (kernel_has.option_cookie)
		ns = namespace_of(bpf_get_netns_cookie(ctx));
	else if (s)
		ns = namespace_of(s->netns_cookie);
	if (is_set(source))
		find_effective(ns, s, source, &e);
	status->requested = s ? s->type : HOOKS_UNSPEC;
	status->effective = e.type;
	status->flags = e.draining ? HOOKS_S_DRAINING : 0;
	status->ifindex = e.ifindex;
	status->address[0] = source[0];
	status->address[1] = source[1];
	status->address[2] = source[2];
	status->address[3] = source[3];
	status->generation = ns ? ns->generation : 0;
	return answer(ctx, sizeof(*status));
}

SEC("cgroup/getsockopt") int dmm_getsockopt(struct bpf_sockopt *ctx)
{
	if (ctx->level != IPPROTO_IPV6)
		return GO_ON;
	if (ctx->optname == HOOKS_OPTION_SERVICE && has_option(ctx))
		return get_service(ctx, state_of(ctx->sk));
	if (ctx->optname == HOOKS_OPTION_STATUS && has_option(ctx))
		return get_status(ctx, state_of(ctx->sk));
	return GO_ON;
}

#endif
