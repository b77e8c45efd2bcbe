/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The BPF data plane: IPv6-in-IPv6 (RFC 2473) between home addresses and their anchors.
 *
 *   dmm_encap   egress of our own device: packets from a home address go into the tunnel of its
 *               binding
 *   dmm_decap   ingress of every uplink: packets that the anchor tunnels to one of our care-of
 *               addresses come out on our own device; type 2 routing headers (RFC 6275 section 6.4)
 *               are taken out
 *   dmm_forward ingress of the far end of our own device: signalling, and packets to a next hop that may have to be
 *               resolved, which dmm_encap has let through
 *
 * Whatever is not to one of our care-of addresses passes untouched, on to the filters of others.
 */
#include <linux/bpf.h>
#include <linux/icmpv6.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "plane.h"

#ifndef AF_INET6
#define AF_INET6 10
#endif
#define DECAP_L3_IPV6 (1ULL << 8) /* BPF_F_ADJ_ROOM_DECAP_L3_IPV6, Linux 6.3 */
#define NEXTHDR_MOBILITY 135
#define ICMPV6_PREFIX_ADVERTISEMENT 147 /* RFC 6275 section 6.8 */
#define RING_SIZE 4096                  /* the loader gives it at least a page */
#define OUTER_HOP_LIMIT 64
#define SOURCE_AT 8 /* in the IPv6 header */
#define DESTINATION_AT 24
#define HASH_FACTOR 0x9e3779b1u

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct plane_config);
} config SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PLANE_MAX_HOMES);
	__type(key, struct plane_addr);
	__type(value, struct plane_binding);
} binding SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PLANE_MAX_ACCEPT);
	__type(key, struct plane_accept_key);
	__type(value, struct plane_accept);
} accept SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PLANE_MAX_ACCEPT);
	__type(key, struct plane_addr);
	__type(value, struct plane_coa);
} coa SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PLANE_MAX_UPLINKS);
	__type(key, __u32);
	__type(value, __u32);
} uplink SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PLANE_MAX_HOMES);
	__type(key, __u32);
	__type(value, struct plane_traffic);
} sent SEC(".maps"), received SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PLANE_MAX_HOMES);
	__type(key, __u32);
	__type(value, struct plane_addr);
} owner SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PLANE_MAX_HOMES);
	__type(key, struct plane_addr);
	__type(value, struct plane_watch);
} watch SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING_SIZE);
} activity SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PLANE_DROP_MAX);
	__type(key, __u32);
	__type(value, __u64);
} dropped SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PLANE_MAX_HELD);
	__type(key, struct plane_held_key);
	__type(value, struct plane_held);
} held SEC(".maps");

struct { /* where an entry of it is made: too large for the stack */
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct plane_held);
} holding SEC(".maps");

struct routing_header {
	__u8 next_header, len, type, segments_left;
	__u32 reserved;
	struct plane_addr home;
};

static __always_inline int drop(__u32 reason)
{
	__u64 *n = bpf_map_lookup_elem(&dropped, &reason);

	if (n)
		*n += 1;
	return TC_ACT_SHOT;
}

static __always_inline void count(void *map, __u32 slot, __u32 len)
{
	struct plane_traffic *t = bpf_map_lookup_elem(map, &slot);

	if (t) {
		t->packets++;
		t->bytes += len;
	}
}

static __always_inline struct ipv6hdr *ip6_header(struct __sk_buff *skb, __u32 offset, __u32 room)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	if (data + offset + room > end)
		return 0;
	return data + offset;
}

static __always_inline int send_by(__u32 ifindex, const struct plane_addr *next_hop)
{
	struct bpf_redir_neigh hop = {.nh_family = AF_INET6};

	/* A next hop given spares the route look-up; a link without neighbours has none to give. */
	if (next_hop->w[0] == 0)
		return bpf_redirect_neigh(ifindex, 0, 0, 0);
	__builtin_memcpy(&hop.ipv6_nh, next_hop, sizeof(*next_hop));
	return bpf_redirect_neigh(ifindex, &hop, sizeof(hop), 0);
}

/*
 * Whether the next hop has been resolved.  A packet that waits for that keeps the route that it was sent by, which leads into
 * our own device, and would leave with the link-layer addresses of that: it is lost.  At the far end it has no route any more.
 */
static __always_inline bool resolved(struct plane_binding *b)
{
	struct plane_coa *direct;

	if (!b->doubted)
		return true;
	direct = bpf_map_lookup_elem(&coa, &b->coa);
	if (direct && direct->ifindex && !direct->answered)
		return false;
	b->doubted = 0;
	return true;
}

/*
 * An address at `at` octets behind the start of the IPv6 header.  Where the kernel insists on aligned access, a header without
 * a MAC header in front is not; then the helper copies.
 */
static __always_inline void load_addr(struct __sk_buff *skb, const __u32 offset, const __u32 at,
				      const struct ipv6hdr *ip, struct plane_addr *ret)
{
	if (offset == 0)
		bpf_skb_load_bytes(skb, at, ret, sizeof(*ret));
	else
		__builtin_memcpy(ret, (const void *)ip + at, sizeof(*ret));
}

/* Tell the daemon if it waits for this.  False: it could not be told, the next packet will. */
static __always_inline bool report(const struct plane_addr *home)
{
	struct plane_addr *r;

	if (!bpf_map_lookup_elem(&watch, home))
		return true;
	r = bpf_ringbuf_reserve(&activity, sizeof(*r), 0);
	if (!r)
		return false;
	/* Of several packets at once only one finds the entry. */
	if (bpf_map_delete_elem(&watch, home)) {
		bpf_ringbuf_discard(r, BPF_RB_NO_WAKEUP);
		return true;
	}
	*r = *home;
	bpf_ringbuf_submit(r, 0);
	return true;
}

/* A flow is what stays the same: the kernel's hash changes with each timer of TCP, whose segments would take all places. */
static __always_inline __u32 flow_of(const struct plane_held *h)
{
	const struct ipv6hdr *ip = (const void *)h->packet;
	const __u32 *to = (const void *)&ip->daddr, *ports = (const void *)(ip + 1);
	const struct icmp6hdr *icmp = (const void *)(ip + 1);
	__u32 which = ip->nexthdr == IPPROTO_ICMPV6 ? icmp->icmp6_identifier : *ports;

	return (to[0] ^ to[1] ^ to[2] ^ to[3] ^ which ^ ip->nexthdr) * HASH_FACTOR;
}

/* That of its flow, or else one that is free, or somebody's. */
static __always_inline void choose_place(struct plane_held_key *key, struct plane_held *h)
{
	__u32 spare = h->flow % PLANE_HELD_FLOWS;
	bool is_free = false;

#pragma unroll
	for (__u32 i = 0; i < PLANE_HELD_FLOWS; i++) { /* older verifiers count only in registers */
		const struct plane_held *there;

		key->place = i;
		there = bpf_map_lookup_elem(&held, key);
		if (there && there->flow == h->flow) {
			if (there->at_ns + PLANE_STREAM_NS > h->at_ns)
				h->row = there->row + 1;
			return;
		}
		if (!is_free && (!there || there->at_ns + PLANE_HELD_NS < h->at_ns)) {
			spare = i;
			is_free = true;
		}
	}
	key->place = spare;
}

/*
 * Several segments in one are not worth it: who waits for an answer sends a single one again.  Neither is what nobody can
 * complete the checksum of.  A function of its own, since the verifier has to see that the length checked is the one used.
 */
static __noinline int hold(struct __sk_buff *skb, const struct plane_addr *home,
			   const struct plane_binding *b)
{
	struct plane_held_key key;
	struct plane_held *h;
	__u64 len = skb->len - ETH_HLEN;
	__u32 zero = 0;
	__u8 upper;

	barrier_var(len);
	h = bpf_map_lookup_elem(&holding, &zero);
	if (!h || skb->gso_segs > 1 || len < sizeof(struct ipv6hdr) + sizeof(struct icmp6hdr) ||
	    len > PLANE_HELD_SIZE)
		return 0;
	if (bpf_skb_load_bytes(skb, ETH_HLEN, h->packet, len))
		return 0;
	upper = ((const struct ipv6hdr *)h->packet)->nexthdr;
	if (upper != IPPROTO_TCP && upper != IPPROTO_UDP && upper != IPPROTO_ICMPV6)
		return 0;
	h->len = len;
	h->flow = flow_of(h);
	h->at_ns = h->at_ns_too = bpf_ktime_get_boot_ns();
	h->coa = b->coa;
	h->row = 0;
	key.home = *home;
	choose_place(&key, h);
	bpf_map_update_elem(&held, &key, h, BPF_ANY);
	return 0;
}

/* Link-local or multicast: not for a tunnel, whoever asks for that. */
static __always_inline bool stays_on_link(const struct plane_addr *a)
{
	return (a->w[0] & bpf_htonl(0xffc00000)) == bpf_htonl(0xfe800000) ||
	       (a->w[0] & bpf_htonl(0xff000000)) == bpf_htonl(0xff000000);
}

SEC("tc")
int dmm_encap(struct __sk_buff *skb)
{
	struct plane_binding *b;
	struct plane_coa *direct;
	struct plane_addr home;
	struct ipv6hdr *ip;
	__u32 first_word;
	bool direct_hop;

	if (skb->protocol != bpf_htons(ETH_P_IPV6))
		return TC_ACT_SHOT;
	ip = ip6_header(skb, ETH_HLEN, sizeof(*ip));
	if (!ip || ip->version != 6)
		return drop(PLANE_DROP_MALFORMED);
	__builtin_memcpy(&home, &ip->saddr, sizeof(home));
	if (stays_on_link((const void *)&ip->daddr))
		return drop(PLANE_DROP_NO_BINDING);
	b = bpf_map_lookup_elem(&binding, &home);
	/* A home address that is native again is a care-of address too: signalling from it is not for its own tunnel. */
	if (!b || ip->nexthdr == NEXTHDR_MOBILITY || ip->nexthdr == IPPROTO_DSTOPTS) {
		direct = bpf_map_lookup_elem(&coa, &home);
		if (direct && direct->ifindex)
			return TC_ACT_OK;
	}
	if (!b) {
		report(&home);
		drop(PLANE_DROP_NO_BINDING);
		/* To its sender it is lost on the way, not refused here: TCP tries again with patience. */
		return TC_ACT_STOLEN;
	}

	if (b->watched && report(&home))
		b->watched = 0;
	if (b->paused) {
		hold(skb, &home, b);
		drop(PLANE_DROP_NO_BINDING);
		return TC_ACT_STOLEN;
	}
	direct_hop = resolved(b);

	/* Version, traffic class with ECN, flow label: the outer header has them from the inner
	 * one. */
	first_word = *(__u32 *)ip;
	count(&sent, b->slot, skb->len - ETH_HLEN);
	if (bpf_skb_adjust_room(skb, sizeof(*ip), BPF_ADJ_ROOM_MAC,
				BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_ENCAP_L3_IPV6))
		return drop(PLANE_DROP_FAILED);
	ip = ip6_header(skb, ETH_HLEN, sizeof(*ip));
	if (!ip)
		return drop(PLANE_DROP_MALFORMED);
	*(__u32 *)ip = first_word;
	ip->payload_len = bpf_htons(skb->len - ETH_HLEN - sizeof(*ip));
	ip->nexthdr = IPPROTO_IPV6;
	ip->hop_limit = OUTER_HOP_LIMIT;
	__builtin_memcpy(&ip->saddr, &b->coa, sizeof(b->coa));
	__builtin_memcpy(&ip->daddr, &b->anchor, sizeof(b->anchor));

	if (!direct_hop)
		return TC_ACT_OK;
	return send_by(b->ifindex, &b->next_hop);
}

SEC("tc")
int dmm_forward(struct __sk_buff *skb)
{
	struct plane_coa *direct = 0;
	struct plane_addr source;
	struct ipv6hdr *ip;

	ip = ip6_header(skb, ETH_HLEN, sizeof(*ip));
	if (ip) {
		__builtin_memcpy(&source, &ip->saddr, sizeof(source));
		direct = bpf_map_lookup_elem(&coa, &source);
	}
	if (!direct || !direct->ifindex)
		return drop(PLANE_DROP_NO_BINDING);
	return send_by(direct->ifindex, &direct->next_hop);
}

/* Shrink by n octets behind the MAC or the network header; older kernels do not know the flag. */
static __always_inline bool shrink(struct __sk_buff *skb, int n, __u32 mode, __u64 flag)
{
	return bpf_skb_adjust_room(skb, -n, mode, BPF_F_ADJ_ROOM_FIXED_GSO | flag) == 0 ||
	       (flag && bpf_skb_adjust_room(skb, -n, mode, BPF_F_ADJ_ROOM_FIXED_GSO) == 0);
}

/* The packet goes on as if it had come in on our own device. */
static __always_inline int deliver(struct __sk_buff *skb, const __u32 offset,
				   const struct plane_config *c)
{
	const __be16 proto = bpf_htons(ETH_P_IPV6);

	if (offset == 0) {
		if (bpf_skb_change_head(skb, ETH_HLEN, 0) ||
		    bpf_skb_store_bytes(skb, ETH_HLEN - 2, &proto, sizeof(proto), 0))
			return drop(PLANE_DROP_FAILED);
	}
	/* Without the device's own address the packet counts as somebody else's. */
	if (bpf_skb_store_bytes(skb, 0, c->mac, ETH_ALEN, 0))
		return drop(PLANE_DROP_FAILED);
	return bpf_redirect(c->ifindex, BPF_F_INGRESS);
}

static __always_inline struct plane_accept *find_accept(struct __sk_buff *skb, const __u32 offset,
							const struct plane_addr *home,
							const struct ipv6hdr *ip)
{
	struct plane_accept_key k;

	k.home = *home;
	load_addr(skb, offset, SOURCE_AT, ip, &k.anchor);
	load_addr(skb, offset, DESTINATION_AT, ip, &k.coa);
	return bpf_map_lookup_elem(&accept, &k);
}

/* Nobody beyond the anchor sends from here, or from its own link. */
static __always_inline bool is_credible(const struct plane_addr *src, const struct plane_addr *home)
{
	return !stays_on_link(src) && (src->w[0] != home->w[0] || src->w[1] != home->w[1] ||
				       src->w[2] != home->w[2] || src->w[3] != home->w[3]);
}

static __always_inline void accepted(struct plane_accept *a, __u32 len)
{
	if (!a->first_ns)
		a->first_ns = bpf_ktime_get_boot_ns();
	count(&received, a->slot, len);
}

enum ecn { NOT_ECT, ECT_1, ECT_0, CE }; /* RFC 3168 section 5 */
#define ECN_AT 1                        /* octet of the IPv6 header ... */
#define ECN_SHIFT 4                     /* ... and where in it */

static __always_inline __u8 ecn_of(const struct ipv6hdr *ip)
{
	return ip->flow_lbl[0] >> ECN_SHIFT & CE;
}

/* What was marked on the way goes on with the inner packet (RFC 6040 section 4.2), which it moves in memory. */
static __always_inline bool carry_mark(struct __sk_buff *skb, const __u32 at, __u8 outer,
				       const struct ipv6hdr *inner)
{
	__u8 octet = inner->flow_lbl[0];

	if (outer == CE)
		octet |= CE << ECN_SHIFT;
	else if (outer == ECT_1 && ecn_of(inner) == ECT_0)
		octet ^= (ECT_0 ^ ECT_1) << ECN_SHIFT;
	if (octet == inner->flow_lbl[0])
		return true;
	return bpf_skb_store_bytes(skb, at + ECN_AT, &octet, 1, BPF_F_RECOMPUTE_CSUM) == 0;
}

static __always_inline void answered(struct plane_coa *own)
{
	if (!own->answered)
		own->answered = 1;
}

static __always_inline int decap_tunnel(struct __sk_buff *skb, const __u32 offset, const int outer,
					const struct plane_config *c, struct plane_coa *own)
{
	struct plane_accept *a;
	struct plane_addr home, src;
	struct ipv6hdr *ip, *inner;

	if (bpf_skb_pull_data(skb, offset + outer + sizeof(*inner)))
		return drop(PLANE_DROP_MALFORMED);
	ip = ip6_header(skb, offset, outer + sizeof(*inner));
	if (!ip)
		return drop(PLANE_DROP_MALFORMED);
	inner = (void *)ip + outer;
	load_addr(skb, offset, outer + DESTINATION_AT, ip, &home);
	load_addr(skb, offset, outer + SOURCE_AT, ip, &src);
	a = find_accept(skb, offset, &home, ip);
	if (!a || inner->version != 6 || !is_credible(&src, &home))
		return drop(PLANE_DROP_NOT_ACCEPTED);
	if (ecn_of(ip) == CE && ecn_of(inner) == NOT_ECT)
		return drop(PLANE_DROP_ECN);
	if (!carry_mark(skb, offset + outer, ecn_of(ip), inner))
		return drop(PLANE_DROP_FAILED);
	accepted(a, skb->len - offset - outer);
	answered(own);
	if (!shrink(skb, outer, BPF_ADJ_ROOM_MAC, DECAP_L3_IPV6))
		return drop(PLANE_DROP_FAILED);
	return deliver(skb, offset, c);
}

/* Does the daemon have to know that a routing header was there?  Behind it: `next`, at `at`. */
static __always_inline bool wants_mark(struct __sk_buff *skb, const __u32 at, __u8 next)
{
	__u8 type;

	if (next != IPPROTO_ICMPV6)
		return next == NEXTHDR_MOBILITY;
	return bpf_skb_load_bytes(skb, at, &type, sizeof(type)) == 0 &&
	       type == ICMPV6_PREFIX_ADVERTISEMENT;
}

static __always_inline int decap_routing(struct __sk_buff *skb, const __u32 offset,
					 const struct plane_config *c, struct plane_coa *own)
{
	struct routing_header *rh;
	struct plane_accept *a;
	struct plane_addr home;
	struct ipv6hdr *ip;
	__u16 payload;
	__be16 len;
	bool mark;
	__u8 next;

	if (bpf_skb_pull_data(skb, offset + sizeof(*ip) + sizeof(*rh)))
		return TC_ACT_UNSPEC;
	ip = ip6_header(skb, offset, sizeof(*ip) + sizeof(*rh));
	if (!ip)
		return TC_ACT_UNSPEC;
	rh = (void *)(ip + 1);
	if (rh->type != 2)
		return TC_ACT_UNSPEC;
	payload = bpf_ntohs(ip->payload_len);
	if (rh->len != 2 || rh->segments_left != 1 || payload < sizeof(*rh))
		return drop(PLANE_DROP_MALFORMED);
	load_addr(skb, offset, sizeof(*ip) + 8, ip, &home);
	next = rh->next_header;
	len = bpf_htons(payload - sizeof(*rh));
	a = find_accept(skb, offset, &home, ip);
	if (!a)
		return drop(PLANE_DROP_NOT_ACCEPTED);
	answered(own);
	mark = payload > sizeof(*rh) && wants_mark(skb, offset + sizeof(*ip) + sizeof(*rh), next);
	if (!mark) /* signalling says nothing about the tunnel */
		accepted(a, skb->len - offset);
	if (!shrink(skb, sizeof(*rh), BPF_ADJ_ROOM_NET, 0))
		return drop(PLANE_DROP_FAILED);
	/* RECOMPUTE_CSUM keeps a checksum that the hardware has summed over the packet right. */
	if (bpf_skb_store_bytes(skb, offset + 4, &len, 2, BPF_F_RECOMPUTE_CSUM) ||
	    bpf_skb_store_bytes(skb, offset + 6, &next, 1, BPF_F_RECOMPUTE_CSUM) ||
	    bpf_skb_store_bytes(skb, offset + 24, &home, sizeof(home), BPF_F_RECOMPUTE_CSUM))
		return drop(PLANE_DROP_FAILED);
	if (mark)
		skb->mark = PLANE_MARK_RH2;
	return deliver(skb, offset, c);
}

static __always_inline int decap(struct __sk_buff *skb, const __u32 offset)
{
	struct plane_addr dst;
	struct plane_config *c;
	struct plane_coa *own;
	struct ipv6hdr *ip;
	__u32 zero = 0;
	__u8 *limit;

	if (skb->protocol != bpf_htons(ETH_P_IPV6))
		return TC_ACT_UNSPEC;
	ip = ip6_header(skb, offset, sizeof(*ip));
	if (!ip)
		return TC_ACT_UNSPEC;
	if (ip->nexthdr != IPPROTO_IPV6 && ip->nexthdr != IPPROTO_ROUTING &&
	    ip->nexthdr != IPPROTO_DSTOPTS)
		return TC_ACT_UNSPEC;
	load_addr(skb, offset, DESTINATION_AT, ip, &dst);
	c = bpf_map_lookup_elem(&config, &zero);
	own = bpf_map_lookup_elem(&coa, &dst);
	if (!c || !c->ifindex || !own)
		return TC_ACT_UNSPEC;
	if (ip->nexthdr == IPPROTO_IPV6)
		return decap_tunnel(skb, offset, sizeof(*ip), c, own);
	if (ip->nexthdr == IPPROTO_ROUTING)
		return decap_routing(skb, offset, c, own);

	/* The tunnel encapsulation limit option (RFC 2473 section 4.1.1) fills one header of 8
	 * octets. */
	if (bpf_skb_pull_data(skb, offset + sizeof(*ip) + 8))
		return TC_ACT_UNSPEC;
	ip = ip6_header(skb, offset, sizeof(*ip) + 8);
	if (!ip)
		return TC_ACT_UNSPEC;
	limit = (void *)(ip + 1);
	if (limit[0] != IPPROTO_IPV6 || limit[1] != 0)
		return TC_ACT_UNSPEC;
	return decap_tunnel(skb, offset, sizeof(*ip) + 8, c, own);
}

SEC("tc")
int dmm_decap(struct __sk_buff *skb)
{
	return decap(skb, ETH_HLEN);
}

/* For links without a MAC header: point-to-point modems, tun devices. */
SEC("tc")
int dmm_decap_l3(struct __sk_buff *skb)
{
	return decap(skb, 0);
}
