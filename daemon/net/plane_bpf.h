/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the BPF plane share. */
#pragma once

#include <string.h>

#include "net/bpf/plane.h"
#include "net/plane.h"
#include "net/plane_ring.h"

enum pinned {
	PIN_CONFIG,
	PIN_BINDING,
	PIN_ACCEPT,
	PIN_COA,
	PIN_UPLINK,
	PIN_SENT,
	PIN_RECEIVED,
	PIN_OWNER,
	PIN_WATCH,
	PIN_ACTIVITY,
	PIN_DROPPED,
	PIN_HELD,
	PIN_ENCAP,
	PIN_DECAP,
	PIN_DECAP_L3,
	PIN_FORWARD,
	PIN_MAX,
};

struct bpf_pin {
	const char *name;
	uint32_t type, key_size, value_size; /* sizes 0: not a map with values */
};
extern const struct bpf_pin bpf_pins[PIN_MAX];

struct plane_bpf {
	struct plane plane;
	int fd[PIN_MAX];
	unsigned cpus;
	int device, far_end;
	const struct engine *engine; /* whose home addresses these are, NULL: not known yet */
	struct ring activity;
	int directory_fd;                         /* locked */
	int packet_fd;                            /* plane_held.c */
	struct plane_addr owner[PLANE_MAX_HOMES]; /* as in the map */
};

static inline struct plane_bpf *to_bpf(struct plane *p)
{
	return (struct plane_bpf *)(void *)p;
}

static inline struct plane_addr to_plane_addr(const struct in6_addr *a)
{
	struct plane_addr r;

	memcpy(&r, a, sizeof(r));
	return r;
}

static inline bool plane_addr_equal(const struct plane_addr *a, const struct plane_addr *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* The entry of a path in the map "binding". */
struct plane_binding bpf_binding_of(const struct path *path);

/* plane_held.c */
/*
 * Send what is held of a home address by its path, which is in place.  As long as nobody knows that it is good only what may come
 * twice is sent, and stays held, and what belongs to a stream; then all goes, for the last time.
 */
void bpf_held_send(const struct plane_bpf *b, const struct path *path, bool good);
void bpf_held_discard(const struct plane_bpf *b, const struct plane_addr *home);

/* plane_room.c */
/* As bpf_map_put(); a map that is full loses what is not ours, or it is said: -ENOSPC. */
int bpf_put(const struct plane_bpf *b, enum pinned map, const void *key, const void *value);
/* Delete what is not of home addresses of ours (NULL: everything); all keys begin with one. */
void bpf_sweep(const struct plane_bpf *b, enum pinned map, const struct engine *e);
/* Delete what was to be undone on interfaces that are gone. */
void bpf_sweep_uplinks(const struct plane_bpf *b);

/* plane_audit.c */
bool bpf_check_attached(struct plane *p, int ifindex, bool has_mac);
const char *bpf_check_path(struct plane *p, const struct path *path);
void bpf_audit(struct plane *p, const struct conf *conf, struct audit *a);
