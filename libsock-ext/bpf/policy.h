/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a socket gets that asks for nothing: by its control group, else by the first rule that matches.
 */
#ifndef DMM_HOOKS_POLICY_H
#define DMM_HOOKS_POLICY_H

#include "maps.h"

#define NO_MATCH (-1)
#define PORT_DNS 53
#define PORT_DNS_TLS 853

static __always_inline bool port_matches(const struct hooks_rule *r, __u16 port)
{
#pragma unroll
	for (int i = 0; i < HOOKS_RULE_VALUES && i < r->n_ports; i++)
		if (port >= r->port[i].from && port <= r->port[i].to)
			return true;
	return r->n_ports == 0;
}

/* The bits of word `i` that a prefix of that length has. */
static __always_inline __u32 mask_of(__u32 length, __u32 i)
{
	__u32 bits = length > i * 32 ? length - i * 32 : 0;

	return bits >= 32 ? ~0u : bits ? bpf_htonl(~0u << (32 - bits)) : 0;
}

static __always_inline bool prefix_matches(const struct hooks_rule *r, const __u32 *address)
{
#pragma unroll
	for (int i = 0; i < HOOKS_RULE_VALUES && i < r->n_prefixes; i++) {
		const struct hooks_prefix *p = &r->prefix[i];
		const __u32 *w = (const __u32 *)p->address;

		if (!(((w[0] ^ address[0]) & mask_of(p->length, 0)) |
		      ((w[1] ^ address[1]) & mask_of(p->length, 1)) |
		      ((w[2] ^ address[2]) & mask_of(p->length, 2)) |
		      ((w[3] ^ address[3]) & mask_of(p->length, 3))))
			return true;
	}
	return r->n_prefixes == 0;
}

static __always_inline bool user_matches(const struct hooks_rule *r, __u32 uid)
{
#pragma unroll
	for (int i = 0; i < HOOKS_RULE_VALUES && i < r->n_users; i++)
		if (uid == r->user[i])
			return true;
	return r->n_users == 0;
}

/* A destination in as many words as a function of its own can take. */
struct destination {
	__u64 high, low; /* the address */
	__u32 port;      /* host order */
	__u32 protocol;
};

/*
 * Verified once, by itself: the search through all rules is then a loop around a call.  Numbers alone, since a pointer to the
 * context takes a kernel that has type information of its own.
 */
__attribute__((noinline)) int dmm_rule(__u32 index, __u64 high, __u64 low, __u32 port,
				       __u32 protocol)
{
	const __u32 to[4] = {(__u32)high, (__u32)(high >> 32), (__u32)low, (__u32)(low >> 32)};
	struct hooks_rule *r = bpf_map_lookup_elem(&rules, &index);

	if (!r || !(protocol == IPPROTO_TCP ? r->tcp : r->udp))
		return NO_MATCH;
	if (!port_matches(r, (__u16)port) || !prefix_matches(r, to) ||
	    !user_matches(r, (__u32)bpf_get_current_uid_gid()))
		return NO_MATCH;
	return r->type;
}

/* Name servers are asked from the place where the host is. */
static __always_inline __u32 type_by_policy(struct bpf_sock_addr *ctx,
					    const struct hooks_namespace *ns)
{
	struct destination to = {
		.high = (__u64)ctx->user_ip6[1] << 32 | ctx->user_ip6[0],
		.low = (__u64)ctx->user_ip6[3] << 32 | ctx->user_ip6[2],
		.port = bpf_ntohs((__u16)ctx->user_port),
		.protocol = ctx->protocol,
	};
	__u64 id = bpf_get_current_cgroup_id();
	__u32 n = ns->n_rules, at = ns->rules_at, *group;

	if (to.port == PORT_DNS || to.port == PORT_DNS_TLS)
		return HOOKS_UNSPEC;
	group = bpf_map_lookup_elem(&groups, &id);
	if (group && (to.protocol == IPPROTO_TCP || *group & HOOKS_GROUP_UDP))
		return *group & 0xff;
	for (__u32 i = 0; i < HOOKS_RULES && i < n; i++) {
		/* Both bounds stay, not the lower of them alone: that one the verifier does not know. */
		barrier_var(n);
		int type = dmm_rule(at + i, to.high, to.low, to.port, to.protocol);

		if (type != NO_MATCH)
			return (__u32)type;
	}
	return HOOKS_UNSPEC;
}

#endif
