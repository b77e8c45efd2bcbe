/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The BPF plane: programs and maps that the loader has pinned (bpf/plane.bpf.c). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "net/bpf.h"
#include "net/bpf/plane.h"
#include "net/plane.h"
#include "net/tc.h"

enum pinned {
	PIN_CONFIG,
	PIN_BINDING,
	PIN_ACCEPT,
	PIN_COA,
	PIN_UPLINK,
	PIN_SENT,
	PIN_RECEIVED,
	PIN_ENCAP,
	PIN_DECAP,
	PIN_DECAP_L3,
	PIN_MAX,
};

static const char *const pin_names[PIN_MAX] = {
	"config", "binding",  "accept",    "coa",       "uplink",
	"sent",   "received", "dmm_encap", "dmm_decap", "dmm_decap_l3",
};

struct plane_bpf {
	struct plane plane;
	int fd[PIN_MAX];
	unsigned cpus;
	int device;
};

static struct plane_bpf *to_bpf(struct plane *p)
{
	return (struct plane_bpf *)(void *)p;
}

static struct plane_addr to_plane_addr(const struct in6_addr *a)
{
	struct plane_addr r;

	memcpy(&r, a, sizeof(r));
	return r;
}

static bool plane_addr_equal(const struct plane_addr *a, const struct plane_addr *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static struct plane_accept_key accept_key(const struct in6_addr *home,
					  const struct in6_addr *anchor, const struct in6_addr *coa)
{
	return (struct plane_accept_key){
		.home = to_plane_addr(home),
		.anchor = to_plane_addr(anchor),
		.coa = to_plane_addr(coa),
	};
}

static int bpf_set_device(struct plane *p, int ifindex, const uint8_t mac[6])
{
	struct plane_config c = {.version = PLANE_VERSION, .ifindex = (uint32_t)ifindex};
	struct plane_bpf *b = to_bpf(p);
	uint32_t zero = 0;
	bool made;
	int r;

	memcpy(c.mac, mac, 6);
	b->device = ifindex;
	r = bpf_map_put(b->fd[PIN_CONFIG], &zero, &c);
	if (r < 0)
		return r;
	return tc_attach(ifindex, TC_EGRESS, b->fd[PIN_ENCAP], "dmm_encap", &made);
}

static int bpf_remember(struct plane *p, int ifindex, uint32_t undo)
{
	struct plane_bpf *b = to_bpf(p);
	uint32_t key = (uint32_t)ifindex, known = 0;

	bpf_map_get(b->fd[PIN_UPLINK], &key, &known);
	known |= undo;
	return bpf_map_put(b->fd[PIN_UPLINK], &key, &known);
}

static int bpf_attach(struct plane *p, int ifindex, bool has_mac)
{
	struct plane_bpf *b = to_bpf(p);
	bool made;
	int r;

	r = tc_attach(ifindex, TC_INGRESS, b->fd[has_mac ? PIN_DECAP : PIN_DECAP_L3],
		      has_mac ? "dmm_decap" : "dmm_decap_l3", &made);
	return r < 0 ? r : bpf_remember(p, ifindex, made ? PLANE_UPLINK_QUEUE : 0);
}

static int bpf_set_path(struct plane *p, const struct path *path)
{
	struct plane_addr home = to_plane_addr(&path->home);
	struct plane_bpf *b = to_bpf(p);
	struct plane_binding v = {
		.anchor = to_plane_addr(&path->anchor),
		.coa = to_plane_addr(&path->coa),
		.next_hop = to_plane_addr(&path->next_hop),
		.ifindex = (uint32_t)path->ifindex,
		.slot = path->slot,
	};
	int r;

	if (path->mode == PATH_TUNNEL)
		return bpf_map_put(b->fd[PIN_BINDING], &home, &v);
	r = bpf_map_delete(b->fd[PIN_BINDING], &home);
	return r == -ENOENT ? 0 : r;
}

static int bpf_set_source(struct plane *p, const struct in6_addr *coa, int ifindex,
			  const struct in6_addr *next_hop)
{
	struct plane_addr key = to_plane_addr(coa);
	struct plane_coa value = {
		.next_hop = to_plane_addr(next_hop),
		.ifindex = (uint32_t)ifindex,
	};

	return bpf_map_put(to_bpf(p)->fd[PIN_COA], &key, &value);
}

static int bpf_accept(struct plane *p, unsigned slot, const struct in6_addr *home,
		      const struct in6_addr *anchor, const struct in6_addr *coa)
{
	struct plane_accept_key key = accept_key(home, anchor, coa);
	struct plane_accept value = {.slot = slot};
	struct plane_bpf *b = to_bpf(p);
	struct plane_coa no_way = {0};
	int r;

	r = bpf_map_put(b->fd[PIN_ACCEPT], &key, &value);
	if (r < 0)
		return r;
	r = bpf_map_add(b->fd[PIN_COA], &key.coa, &no_way);
	return r == -EEXIST ? 0 : r;
}

/* A care-of address that no entry uses any more is not ours to judge. */
static void drop_unused_coa(struct plane_bpf *b, const struct plane_addr *coa)
{
	struct plane_accept_key key, next;
	int r = bpf_map_next(b->fd[PIN_ACCEPT], NULL, &next);

	for (; r == 0; r = bpf_map_next(b->fd[PIN_ACCEPT], &key, &next)) {
		key = next;
		if (plane_addr_equal(&key.coa, coa))
			return;
	}
	bpf_map_delete(b->fd[PIN_COA], coa);
}

static void bpf_reject(struct plane *p, const struct in6_addr *home, const struct in6_addr *anchor,
		       const struct in6_addr *coa)
{
	struct plane_accept_key key = accept_key(home, anchor, coa);
	struct plane_bpf *b = to_bpf(p);

	bpf_map_delete(b->fd[PIN_ACCEPT], &key);
	drop_unused_coa(b, &key.coa);
}

static bool bpf_is_accepted(struct plane *p, const struct in6_addr *home,
			    const struct in6_addr *anchor, const struct in6_addr *coa)
{
	struct plane_accept_key key = accept_key(home, anchor, coa);
	struct plane_accept value;

	return bpf_map_get(to_bpf(p)->fd[PIN_ACCEPT], &key, &value) == 0;
}

static usec_t bpf_first_data(struct plane *p, const struct in6_addr *home,
			     const struct in6_addr *anchor, const struct in6_addr *coa)
{
	struct plane_accept_key key = accept_key(home, anchor, coa);
	struct plane_accept value;

	if (bpf_map_get(to_bpf(p)->fd[PIN_ACCEPT], &key, &value) < 0)
		return 0;
	return value.first_ns / 1000;
}

static void sum_traffic(const struct plane_bpf *b, int map, uint32_t slot, uint64_t *packets,
			uint64_t *bytes)
{
	struct plane_traffic *t = calloc(b->cpus, sizeof(*t));

	*packets = *bytes = 0;
	if (t && bpf_map_get(map, &slot, t) == 0)
		for (unsigned i = 0; i < b->cpus; i++) {
			*packets += t[i].packets;
			*bytes += t[i].bytes;
		}
	free(t);
}

static void bpf_traffic(struct plane *p, unsigned slot, struct net_traffic *ret)
{
	struct plane_bpf *b = to_bpf(p);

	sum_traffic(b, b->fd[PIN_SENT], slot, &ret->sent_packets, &ret->sent_bytes);
	sum_traffic(b, b->fd[PIN_RECEIVED], slot, &ret->received_packets, &ret->received_bytes);
}

static bool is_home(const struct engine *e, const struct plane_addr *a)
{
	struct binding *b;

	list_for_each(b, &e->bindings, node)
		if (memcmp(&b->home, a, sizeof(*a)) == 0)
			return true;
	return false;
}

/* Delete every key whose home address (the first 16 octets) is not one of ours. */
static void sweep(int map, size_t key_size, const struct engine *e)
{
	struct plane_accept_key key;
	bool again = true;

	while (again) {
		struct plane_accept_key next;
		int r = bpf_map_next(map, NULL, &next);

		for (again = false; r == 0 && !again; r = bpf_map_next(map, &key, &next)) {
			memcpy(&key, &next, key_size);
			if (!e || !is_home(e, &key.home))
				again = bpf_map_delete(map, &key) == 0;
		}
	}
}

static void bpf_forget_others(struct plane *p, const struct engine *e)
{
	struct plane_bpf *b = to_bpf(p);

	sweep(b->fd[PIN_BINDING], sizeof(struct plane_addr), e);
	sweep(b->fd[PIN_ACCEPT], sizeof(struct plane_accept_key), e);
}

static int bpf_undo(struct plane *p, int *ret_ifindex, uint32_t *ret_undo)
{
	struct plane_bpf *b = to_bpf(p);
	uint32_t key;
	int r = bpf_map_next(b->fd[PIN_UPLINK], NULL, &key);

	if (r < 0)
		return r;
	if (bpf_map_get(b->fd[PIN_UPLINK], &key, ret_undo) < 0)
		*ret_undo = 0;
	tc_detach((int)key, TC_INGRESS, *ret_undo & PLANE_UPLINK_QUEUE);
	*ret_ifindex = (int)key;
	return bpf_map_delete(b->fd[PIN_UPLINK], &key);
}

static void bpf_teardown(struct plane *p)
{
	struct plane_config none = {.version = PLANE_VERSION};
	struct plane_bpf *b = to_bpf(p);
	uint32_t zero = 0;

	bpf_map_put(b->fd[PIN_CONFIG], &zero, &none);
	sweep(b->fd[PIN_BINDING], sizeof(struct plane_addr), NULL);
	sweep(b->fd[PIN_ACCEPT], sizeof(struct plane_accept_key), NULL);
	sweep(b->fd[PIN_COA], sizeof(struct plane_addr), NULL);
}

static void bpf_free(struct plane *p)
{
	struct plane_bpf *b = to_bpf(p);

	for (unsigned i = 0; i < PIN_MAX; i++)
		if (b->fd[i] >= 0)
			close(b->fd[i]);
	free(b);
}

static const struct plane_ops bpf_ops = {
	.name = "bpf",
	.set_device = bpf_set_device,
	.attach = bpf_attach,
	.remember = bpf_remember,
	.set_path = bpf_set_path,
	.set_source = bpf_set_source,
	.accept = bpf_accept,
	.reject = bpf_reject,
	.is_accepted = bpf_is_accepted,
	.first_data = bpf_first_data,
	.traffic = bpf_traffic,
	.forget_others = bpf_forget_others,
	.undo = bpf_undo,
	.teardown = bpf_teardown,
	.free = bpf_free,
};

int plane_bpf_open(const struct conf *conf, struct plane **ret)
{
	struct plane_bpf *b = calloc(1, sizeof(*b));
	struct plane_config c;
	uint32_t zero = 0;
	int r = 0;

	if (!b)
		return -ENOMEM;
	b->plane.ops = &bpf_ops;
	b->cpus = bpf_possible_cpus();
	for (unsigned i = 0; i < PIN_MAX; i++)
		b->fd[i] = -1;
	for (unsigned i = 0; i < PIN_MAX && r >= 0; i++)
		r = b->fd[i] = bpf_pin_open(conf->pin_directory, pin_names[i]);
	if (r >= 0)
		r = bpf_map_get(b->fd[PIN_CONFIG], &zero, &c);
	if (r >= 0 && c.version != PLANE_VERSION)
		r = -EPROTONOSUPPORT;
	if (r < 0) {
		bpf_free(&b->plane);
		return r;
	}
	*ret = &b->plane;
	return 0;
}
