/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Socket hooks: sockets start from the address of the mobility service that they, their control group or a rule asks
 * for (RFC 8653), whatever the program is linked to.  Loaded by dmmd-hooks(8), fed by dmmd through the maps of hooks.h.
 *
 *   dmm_connect6      binds the socket to the address before it is connected
 *   dmm_sendmsg6      sets the source of datagrams of sockets that are bound to nothing, and records them as "held"
 *   dmm_bind6         a socket that asked and binds to :: is bound to the address: servers
 *   dmm_sock_release  takes the record back
 *   dmm_setsockopt, dmm_getsockopt   IPV6_DMM_SERVICE and IPV6_DMM_STATUS (sockopt.h)
 *
 * Files: hooks.h (contract with dmmd), option.h (with applications), maps.h, policy.h (who asks), give.h (which address),
 * sockopt.h (the option).
 *
 * Whatever the application chose itself counts: an address that it has bound, IPV6_PKTINFO, a device.  A namespace that
 * no dmmd serves is left alone.
 */
#include "give.h"

char LICENSE[] SEC("license") = "GPL";

/* The first to be attached: nothing is held that it does not take back. */
SEC("cgroup/sock_release") int dmm_sock_release(struct bpf_sock *sk)
{
	struct socket_state *s;

	if (sk->family != AF_INET6 || sk->type != SOCK_DGRAM)
		return GO_ON;
	s = state_of(sk);
	if (s && is_set(s->held_address))
		bpf_map_delete_elem(&held, &s->cookie);
	return GO_ON;
}

SEC("cgroup/connect6") int dmm_connect6(struct bpf_sock_addr *ctx)
{
	struct request q = {.sk = ctx->sk};
	const struct hooks_address *a;
	struct hooks_namespace *ns;
	struct sockaddr_in6 from = {0};
	int verdict = GO_ON;
	__u32 source[4];

	if (!q.sk || !is_ours(ctx) || !in_scope(ctx))
		return GO_ON;
	q.netns_cookie = bpf_get_netns_cookie(ctx);
	ns = namespace_of(q.netns_cookie);
	if (!ns)
		return GO_ON;
	q.state = state_of(q.sk);
	source[0] = q.sk->src_ip6[0];
	source[1] = q.sk->src_ip6[1];
	source[2] = q.sk->src_ip6[2];
	source[3] = q.sk->src_ip6[3];
	if (is_set(source) && !(q.state && q.state->bound && is_same(source, q.state->address)))
		return GO_ON;
	if (!decide(ctx, ns, &q))
		return GO_ON;
	a = find_address(ctx, ns, &q, &verdict);
	if (!a)
		return verdict;
	if (!is_same(source, (const __u32 *)a->address)) {
		from.sin6_family = AF_INET6;
		__builtin_memcpy(&from.sin6_addr, a->address, sizeof(a->address));
		if (bpf_bind(ctx, (struct sockaddr *)&from, sizeof(from)) != 0) {
			/* It has a port already: one that has such an address from before stays there. */
			if (is_set(source) && q.state && q.state->given == q.type)
				return GO_ON;
			count(HOOKS_FAILED);
			return without(&q, EADDRNOTAVAIL);
		}
	}
	note_given(&q, a);
	if (q.state)
		q.state->bound = 1;
	return GO_ON;
}

/* Once for each socket and address. */
static __always_inline void hold(struct bpf_sock_addr *ctx, struct request *q,
				 const struct hooks_address *a)
{
	struct hooks_held h = {.netns_cookie = q->netns_cookie,
			       .type = q->type,
			       .uid = (__u32)bpf_get_current_uid_gid()};
	const __u32 *w = (const __u32 *)a->address;
	struct socket_state *s = q->state;

	if (!s || is_same(s->held_address, w))
		return;
	s->cookie = bpf_get_socket_cookie(ctx);
	__builtin_memcpy(h.address, a->address, sizeof(h.address));
	if (bpf_map_update_elem(&held, &s->cookie, &h, BPF_ANY) < 0)
		return;
	s->held_address[0] = w[0];
	s->held_address[1] = w[1];
	s->held_address[2] = w[2];
	s->held_address[3] = w[3];
}

SEC("cgroup/sendmsg6") int dmm_sendmsg6(struct bpf_sock_addr *ctx)
{
	struct request q = {.sk = ctx->sk};
	const struct hooks_address *a;
	struct hooks_namespace *ns;
	int verdict = GO_ON;
	const __u32 *from;

	if (!q.sk || !is_ours(ctx) || !in_scope(ctx) || ctx->msg_src_ip6[0] ||
	    ctx->msg_src_ip6[1] || ctx->msg_src_ip6[2] || ctx->msg_src_ip6[3])
		return GO_ON;
	q.netns_cookie = bpf_get_netns_cookie(ctx);
	ns = namespace_of(q.netns_cookie);
	if (!ns)
		return GO_ON;
	q.state = state_of(q.sk);
	if (!decide(ctx, ns, &q))
		return GO_ON;
	a = find_address(ctx, ns, &q, &verdict);
	if (!a)
		return verdict;
	if (!q.state)
		q.state = make_state(q.sk);
	hold(ctx, &q, a);
	note_given(&q, a);
	from = (const __u32 *)a->address;
	ctx->msg_src_ip6[0] = from[0];
	ctx->msg_src_ip6[1] = from[1];
	ctx->msg_src_ip6[2] = from[2];
	ctx->msg_src_ip6[3] = from[3];
	return GO_ON;
}

SEC("cgroup/bind6") int dmm_bind6(struct bpf_sock_addr *ctx)
{
	struct request q = {.sk = ctx->sk};
	const struct hooks_address *a;
	struct hooks_namespace *ns;
	int verdict = GO_ON;
	const __u32 *to;

	if (!q.sk || !is_ours(ctx) || ctx->user_ip6[0] || ctx->user_ip6[1] || ctx->user_ip6[2] ||
	    ctx->user_ip6[3])
		return GO_ON;
	q.state = state_of(q.sk);
	if (!has_asked(&q))
		return GO_ON;
	q.netns_cookie = bpf_get_netns_cookie(ctx);
	ns = namespace_of(q.netns_cookie);
	if (!ns || !is_for_us(&q))
		return GO_ON;
	a = find_address(ctx, ns, &q, &verdict);
	if (!a)
		return verdict;
	note_given(&q, a);
	to = (const __u32 *)a->address;
	ctx->user_ip6[0] = to[0];
	ctx->user_ip6[1] = to[1];
	ctx->user_ip6[2] = to[2];
	ctx->user_ip6[3] = to[3];
	return GO_ON;
}

#include "sockopt.h"
