/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bpf(2) on objects that the loader has pinned.  All return 0 (or a descriptor) or -errno. */
#pragma once

#include <stdint.h>

/* As long as this stays open nobody else gets it; -EBUSY: somebody else has. */
int bpf_pin_lock(const char *directory);
int bpf_pin_open(const char *directory, const char *name);
int bpf_map_put(int map, const void *key, const void *value);
int bpf_map_get(int map, const void *key, void *ret_value);
int bpf_map_delete(int map, const void *key);
/* The key after `key` (NULL: the first); -ENOENT at the end. */
int bpf_map_next(int map, const void *key, void *ret_key);
/* Of a map or program.  The sizes are those of maps. */
struct bpf_object_info {
	uint32_t type; /* BPF_MAP_TYPE_* or BPF_PROG_TYPE_* */
	uint32_t id, key_size, value_size, max_entries;
};
int bpf_info(int fd, struct bpf_object_info *ret);
/* How many CPUs a per-CPU value covers. */
unsigned bpf_possible_cpus(void);
