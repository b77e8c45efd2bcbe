/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the kernel plane share. */
#pragma once

#include "net/bpf/plane.h"
#include "net/esp.h"
#include "net/internal.h"
#include "net/match.h"
#include "net/tunnel.h"

#define WAY_MARK \
	0x646d6d40u /* of the tunnels' own packets and of signalling: the first of WAYS_MAX */
#define WAYS_MAX 8
#define NO_SLOT CONF_MAX_HOMES

/* One interface for each home agent and care-of address: what is under way to an old care-of address still comes in. */
struct tunnel {
	struct list node;
	char name[IFNAMSIZ];
	int ifindex; /* 0: not there (any more) */
	struct in6_addr anchor, coa;
	int link;
	uint32_t mark;
	int listener;                /* packet socket, -1 = closed */
	bool stale;                  /* its filter does not know all of its home addresses */
	const struct conf_esp *keys; /* NULL: it is not to be protected */
	bool is_protected;           /* states and policies are there */
	bool was_protected;          /* ... or have been */
	int protection_fault;        /* why they are not, 0 = they are */
	bool failure_told;
};

/* A home address in a tunnel; gone when none of the three holds. */
struct passage {
	struct list node;
	struct tunnel *tunnel;
	struct in6_addr home;
	unsigned slot;
	bool path;     /* its packets leave here ... */
	bool paused;   /* ... if they are not lost: its link is down, or its agent not told yet */
	bool accepted; /* its packets may come in here */
	bool old;      /* of an earlier run, until settle() */
	bool awaited;  /* ... and the first of them is waited for */
	bool barred;   /* only signalling may: payload cannot be protected there */
	usec_t first;
	struct net_traffic before; /* what the tunnel had carried when this began */
};

/* An uplink that tunnels leave by; one may be given to another that none uses. */
struct way {
	int ifindex; /* 0 = none */
};

struct undo {
	int ifindex;
	uint32_t what;
};

struct plane_kernel {
	struct plane plane;
	const struct conf *conf;
	char device[IFNAMSIZ];
	uint32_t table, priority; /* of what carries our marks; the tables are consecutive */
	struct way way[WAYS_MAX];
	int ifindex; /* of our device */
	struct list tunnels, passages;
	struct in6_addr owner[CONF_MAX_HOMES];   /* of slots */
	struct net_traffic gone[CONF_MAX_HOMES]; /* what passages that are gone have carried */
	uint64_t dropped[NET_DROP_MAX];          /* by tunnels that are gone */
	struct in6_addr watched[CONF_MAX_HOMES];
	unsigned n_watched;
	int epoll;            /* of all listeners */
	int blocked;          /* listens to what is sent into our device, -1 = closed */
	struct esp *esp;      /* NULL: the kernel has no IPsec */
	int protection_fault; /* why payload cannot be protected, 0 = it can */
	int strangers_fd;     /* hears tunnel packets of others, -1 = closed ... */
	uint64_t strangers;   /* ... of which so many have been read */
	struct undo undo[PLANE_MAX_UPLINKS];
	unsigned n_undo;
};

static inline struct plane_kernel *to_kernel(struct plane *p)
{
	return (struct plane_kernel *)(void *)p;
}

static inline uint32_t way_mark(int way)
{
	return WAY_MARK + (uint32_t)way;
}

/* plane_kernel_tunnel.c */
struct tunnel *tunnel_find(struct plane_kernel *k, const struct in6_addr *anchor,
			   const struct in6_addr *coa);
struct tunnel *tunnel_new(struct plane_kernel *k, const struct in6_addr *anchor,
			  const struct in6_addr *coa);
/* What an earlier run has left under our names. */
int tunnels_adopt(struct plane_kernel *k);
/* It is there, leaves by that link (0: by whichever), lets in what it should, and is up. */
int tunnel_ensure(struct plane_kernel *k, struct tunnel *t, int link);
/* Lose what its paused home addresses send. */
int tunnel_filter_out(const struct plane_kernel *k, const struct tunnel *t);
/* Its interface goes. */
void tunnel_close(struct plane_kernel *k, struct tunnel *t);
/* Remove those that carry nothing. */
void tunnels_prune(struct plane_kernel *k);
/* The number of the way by an uplink; -ENOSPC. */
int way_of(struct plane_kernel *k, int ifindex);
/* -ESTALE: somebody has made another one of it. */
int tunnel_read(const struct tunnel *t, struct tunnel_info *ret);
/* All that carry something are as they should be, those too that nothing leaves by. */
void tunnels_repair(struct plane_kernel *k);
bool kernel_is_changed(struct plane *p, const struct nlmsghdr *link);
struct net_traffic tunnel_traffic(const struct tunnel *t);
void tunnel_filter(struct plane_kernel *k, const struct tunnel *t, struct match *ret);
void tunnel_dropped(struct plane_kernel *k, struct tunnel *t, uint64_t sum[static NET_DROP_MAX]);
void tunnel_free(struct tunnel *t);

/* plane_kernel_passage.c */
struct passage *passage_find(struct plane_kernel *k, const struct tunnel *t,
			     const struct in6_addr *home);
/* The one there is, or a new one that neither leads nor lets in anything yet; NULL: no memory. */
struct passage *passage_get(struct plane_kernel *k, struct tunnel *t, const struct in6_addr *home,
			    unsigned slot);
void passage_end_if_unused(struct plane_kernel *k, struct passage *p);
/* Counters of a slot begin anew with another home address. */
int passages_own_slot(struct plane_kernel *k, unsigned slot, const struct in6_addr *home);
void passages_forget(struct plane_kernel *k);
void kernel_traffic(struct plane *p, unsigned slot, struct net_traffic *ret);

/* plane_kernel_protection.c */
void protection_open(struct plane_kernel *k);
/* May what this home address exchanges go by that home agent?  0 or -ENOKEY. */
int protection_allows(struct plane_kernel *k, const struct in6_addr *home,
		      const struct in6_addr *anchor);
/* Its states and policies are there, if it has keys.  Before it is up. */
int tunnel_protect(struct plane_kernel *k, struct tunnel *t);
/* See that all of it is there. */
void protection_renew(struct plane_kernel *k);
void protection_changed(struct plane_kernel *k);
/* Remove what no tunnel has. */
void protection_sweep(struct plane_kernel *k);
/* Packets that came in with its SPI and not with its keys; told in the log. */
uint64_t tunnel_failed(struct plane_kernel *k, struct tunnel *t);
void kernel_reconfigure(struct plane *p, const struct conf *conf);
enum net_protection kernel_protection(struct plane *p, const struct path *path);
const char *kernel_protection_fault(struct plane *p, const struct path *path);
const char *tunnel_protection_fault(const struct tunnel *t);

/* plane_kernel_undo.c */
void undo_read(struct plane_kernel *k);
void undo_write(const struct plane_kernel *k);
int kernel_remember(struct plane *p, int ifindex, uint32_t what);
void kernel_uplink_gone(struct plane *p, int ifindex);
int kernel_undo(struct plane *p, int *ret_ifindex, uint32_t *ret_undo);

/* plane_kernel_listen.c: packets that somebody waits for. */
int listen_open(struct plane_kernel *k);
void listen_close(struct plane_kernel *k);
/* After changes of what a tunnel carries, or of who waits. */
void listen_update(struct plane_kernel *k, struct tunnel *t);
void listen_update_all(struct plane_kernel *k);
bool kernel_next_activity(struct plane *p, struct in6_addr *ret_home);

/* plane_kernel_stranger.c: tunnel packets that no tunnel takes in. */
void strangers_open(struct plane_kernel *k);
void strangers_close(struct plane_kernel *k);
/* After changes of the tunnels. */
void strangers_update(struct plane_kernel *k);
uint64_t strangers_refused(struct plane_kernel *k);

/* plane_kernel_probe.c: words for what the kernel lacks; "" when it lacks nothing. */
void kernel_probe(const struct plane_kernel *k, char *why, size_t size);

/* plane_kernel_audit.c */
const char *kernel_check_path(struct plane *p, const struct path *path);
void kernel_audit(struct plane *p, const struct conf *conf, struct audit *a);
