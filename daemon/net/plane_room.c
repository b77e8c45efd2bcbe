/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Room in the maps of the BPF plane.  They have more of it than all our home addresses can need; what fills one up was left
 * by a run before a crash, or by somebody else, and goes when the room is wanted.
 */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>

#include "net/bpf.h"
#include "net/internal.h"
#include "net/plane_bpf.h"

static bool is_home(const struct engine *e, const struct plane_addr *a)
{
	struct binding *b;

	list_for_each(b, &e->bindings, node)
		if (memcmp(&b->home, a, sizeof(*a)) == 0)
			return true;
	return false;
}

/* The keys of a map, at most as many as it has room for. */
static int read_keys(int map, size_t size, uint8_t **ret, unsigned *ret_n)
{
	struct bpf_object_info info;
	int r = bpf_info(map, &info);
	uint8_t *keys;
	unsigned n = 0;

	if (r < 0)
		return r;
	keys = calloc(info.max_entries, size);
	if (!keys)
		return -ENOMEM;
	while (n < info.max_entries &&
	       bpf_map_next(map, n ? keys + (n - 1) * size : NULL, keys + n * size) == 0)
		n++;
	*ret = keys;
	*ret_n = n;
	return 0;
}

void bpf_sweep(const struct plane_bpf *b, enum pinned map, const struct engine *e)
{
	const size_t size = bpf_pins[map].key_size;
	_cleanup_free_ uint8_t *keys = NULL;
	struct plane_addr home;
	unsigned n;

	if (read_keys(b->fd[map], size, &keys, &n) < 0)
		return;
	for (unsigned i = 0; i < n; i++) {
		memcpy(&home, keys + i * size, sizeof(home));
		if (!e || !is_home(e, &home))
			bpf_map_delete(b->fd[map], keys + i * size);
	}
}

static struct in6_addr to_addr(const struct plane_addr *a)
{
	struct in6_addr r;

	memcpy(&r, a, sizeof(r));
	return r;
}

static void sweep_accepted(const struct plane_bpf *b)
{
	_cleanup_free_ uint8_t *keys = NULL;
	struct plane_accept_key key;
	unsigned n;

	if (read_keys(b->fd[PIN_ACCEPT], sizeof(key), &keys, &n) < 0)
		return;
	for (unsigned i = 0; i < n; i++) {
		struct in6_addr home, anchor, coa;

		memcpy(&key, keys + i * sizeof(key), sizeof(key));
		home = to_addr(&key.home);
		anchor = to_addr(&key.anchor);
		coa = to_addr(&key.coa);
		if (!engine_accepts(b->engine, &home, &anchor, &coa))
			bpf_map_delete(b->fd[PIN_ACCEPT], &key);
	}
}

static void sweep_care_of(const struct plane_bpf *b)
{
	_cleanup_free_ uint8_t *accepted = NULL, *care_of = NULL;
	const struct plane_accept_key *key;
	unsigned n, n_care_of, used;

	if (read_keys(b->fd[PIN_ACCEPT], sizeof(*key), &accepted, &n) < 0 ||
	    read_keys(b->fd[PIN_COA], sizeof(key->coa), &care_of, &n_care_of) < 0)
		return;
	for (unsigned i = 0; i < n_care_of; i++) {
		const uint8_t *coa = care_of + i * sizeof(key->coa);

		key = (const struct plane_accept_key *)(const void *)accepted;
		for (used = 0; used < n && memcmp(&key[used].coa, coa, sizeof(key->coa)) != 0;
		     used++)
			;
		if (used == n)
			bpf_map_delete(b->fd[PIN_COA], coa);
	}
}

void bpf_sweep_uplinks(const struct plane_bpf *b)
{
	_cleanup_free_ uint8_t *keys = NULL;
	char name[IFNAMSIZ];
	uint32_t ifindex;
	unsigned n;

	if (read_keys(b->fd[PIN_UPLINK], sizeof(ifindex), &keys, &n) < 0)
		return;
	for (unsigned i = 0; i < n; i++) {
		memcpy(&ifindex, keys + i * sizeof(ifindex), sizeof(ifindex));
		if (!if_indextoname(ifindex, name))
			bpf_map_delete(b->fd[PIN_UPLINK], &ifindex);
	}
}

static void make_room(const struct plane_bpf *b, enum pinned map)
{
	if (map == PIN_UPLINK)
		bpf_sweep_uplinks(b);
	else if (map == PIN_COA)
		sweep_care_of(b);
	else if (b->engine && map == PIN_ACCEPT)
		sweep_accepted(b);
	else if (b->engine)
		bpf_sweep(b, map, b->engine);
}

int bpf_put(const struct plane_bpf *b, enum pinned map, const void *key, const void *value)
{
	int r = bpf_map_put(b->fd[map], key, value);

	if (r != -E2BIG)
		return r;
	make_room(b, map);
	r = bpf_map_put(b->fd[map], key, value);
	if (r == -E2BIG)
		return log_errno(-ENOSPC, "the map %s of the data plane is full",
				 bpf_pins[map].name);
	if (r == 0)
		log_notice("the map %s of the data plane was full of what is not ours: removed",
			   bpf_pins[map].name);
	return r;
}
