/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The BPF plane: programs and maps that the loader has pinned (bpf/plane.bpf.c). */
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "net/bpf.h"
#include "net/plane_bpf.h"
#include "net/tc.h"

#define ADDR_SIZE sizeof(struct plane_addr)

_Static_assert(PLANE_MAX_HOMES == CONF_MAX_HOMES, "each binding has a slot");

const struct bpf_pin bpf_pins[PIN_MAX] = {
	{"config", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct plane_config)},
	{"binding", BPF_MAP_TYPE_HASH, ADDR_SIZE, sizeof(struct plane_binding)},
	{"accept", BPF_MAP_TYPE_HASH, sizeof(struct plane_accept_key), sizeof(struct plane_accept)},
	{"coa", BPF_MAP_TYPE_HASH, ADDR_SIZE, sizeof(struct plane_coa)},
	{"uplink", BPF_MAP_TYPE_HASH, 4, 4},
	{"sent", BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(struct plane_traffic)},
	{"received", BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(struct plane_traffic)},
	{"owner", BPF_MAP_TYPE_ARRAY, 4, ADDR_SIZE},
	{"watch", BPF_MAP_TYPE_HASH, ADDR_SIZE, sizeof(struct plane_watch)},
	{"activity", BPF_MAP_TYPE_RINGBUF, 0, 0},
	{"dropped", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8},
	{"held", BPF_MAP_TYPE_HASH, sizeof(struct plane_held_key), sizeof(struct plane_held)},
	{"dmm_encap", BPF_PROG_TYPE_SCHED_CLS, 0, 0},
	{"dmm_decap", BPF_PROG_TYPE_SCHED_CLS, 0, 0},
	{"dmm_decap_l3", BPF_PROG_TYPE_SCHED_CLS, 0, 0},
	{"dmm_forward", BPF_PROG_TYPE_SCHED_CLS, 0, 0},
};

static struct plane_accept_key accept_key(const struct in6_addr *home,
					  const struct in6_addr *anchor, const struct in6_addr *coa)
{
	return (struct plane_accept_key){
		.home = to_plane_addr(home),
		.anchor = to_plane_addr(anchor),
		.coa = to_plane_addr(coa),
	};
}

static int bpf_set_device(struct plane *p, int ifindex, int far_end, const uint8_t mac[6])
{
	struct plane_config c = {.version = PLANE_VERSION, .ifindex = (uint32_t)ifindex};
	struct plane_bpf *b = to_bpf(p);
	uint32_t zero = 0;
	bool made;
	int r;

	memcpy(c.mac, mac, 6);
	b->device = ifindex;
	b->far_end = far_end;
	r = bpf_map_put(b->fd[PIN_CONFIG], &zero, &c);
	if (r < 0)
		return r;
	r = tc_attach(far_end, TC_INGRESS, b->fd[PIN_FORWARD], "dmm_forward", &made);
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
	return bpf_put(b, PIN_UPLINK, &key, &known);
}

static void bpf_uplink_gone(struct plane *p, int ifindex)
{
	uint32_t key = (uint32_t)ifindex;

	bpf_map_delete(to_bpf(p)->fd[PIN_UPLINK], &key);
}

static int bpf_attach(struct plane *p, int ifindex, bool has_mac)
{
	struct plane_bpf *b = to_bpf(p);
	bool made;
	int r;

	r = tc_attach(ifindex, TC_INGRESS, b->fd[has_mac ? PIN_DECAP : PIN_DECAP_L3],
		      has_mac ? "dmm_decap" : "dmm_decap_l3", &made);
	if (r == 0) /* if it cannot be remembered, it stays behind at a stop */
		bpf_remember(p, ifindex, made ? PLANE_UPLINK_QUEUE : 0);
	return r;
}

/* What may still be let in for the one who had the slot before must not count for the next. */
static void reject_in_slot(struct plane_bpf *b, uint32_t slot, const struct plane_addr *but)
{
	struct plane_accept_key key, next;
	struct plane_accept value;
	int r = bpf_map_next(b->fd[PIN_ACCEPT], NULL, &next);

	while (r == 0) {
		key = next;
		r = bpf_map_next(b->fd[PIN_ACCEPT], &key, &next);
		if (bpf_map_get(b->fd[PIN_ACCEPT], &key, &value) == 0 && value.slot == slot &&
		    !plane_addr_equal(&key.home, but))
			bpf_map_delete(b->fd[PIN_ACCEPT], &key);
	}
}

static int own_slot(struct plane_bpf *b, uint32_t slot, const struct plane_addr *home)
{
	struct plane_traffic *none;
	int r;

	if (slot >= PLANE_MAX_HOMES)
		return -ENOSPC;
	if (plane_addr_equal(&b->owner[slot], home))
		return 0;
	none = calloc(b->cpus, sizeof(*none));
	if (!none)
		return -ENOMEM;
	reject_in_slot(b, slot, home);
	if ((r = bpf_map_put(b->fd[PIN_SENT], &slot, none)) == 0 &&
	    (r = bpf_map_put(b->fd[PIN_RECEIVED], &slot, none)) == 0 &&
	    (r = bpf_map_put(b->fd[PIN_OWNER], &slot, home)) == 0)
		b->owner[slot] = *home;
	free(none);
	return r;
}

static int forget_entry(struct plane_bpf *b, enum pinned map, const struct plane_addr *home)
{
	int r = bpf_map_delete(b->fd[map], home);

	return r == -ENOENT ? 0 : r;
}

struct plane_binding bpf_binding_of(const struct path *path)
{
	return (struct plane_binding){
		.anchor = to_plane_addr(&path->anchor),
		.coa = to_plane_addr(&path->coa),
		.next_hop = to_plane_addr(&path->next_hop),
		.ifindex = (uint32_t)path->ifindex,
		.slot = path->slot,
	};
}

/* Until an answer shows that the next hop has been resolved, packets take the way of signalling. */
static int doubt(struct plane_bpf *b, struct plane_binding *v)
{
	struct plane_coa way = {.next_hop = v->next_hop, .ifindex = v->ifindex}, known;

	v->doubted = 1;
	if (bpf_map_get(b->fd[PIN_COA], &v->coa, &known) == 0 && known.ifindex == way.ifindex &&
	    plane_addr_equal(&known.next_hop, &way.next_hop))
		return 0;
	return bpf_put(b, PIN_COA, &v->coa, &way);
}

static int clear_path(struct plane_bpf *b, const struct path *path, const struct plane_addr *home)
{
	if (path->mode == PATH_HOME)
		bpf_held_discard(b, home);
	return forget_entry(b, PIN_BINDING, home);
}

static int bpf_set_path(struct plane *p, const struct path *path, bool down)
{
	struct plane_addr home = to_plane_addr(&path->home);
	struct plane_binding v = bpf_binding_of(path);
	struct plane_bpf *b = to_bpf(p);
	struct plane_watch w;
	int r = own_slot(b, path->slot, &home);

	if (r < 0)
		return r;
	if (path->mode != PATH_TUNNEL)
		return clear_path(b, path, &home);
	v.watched = bpf_map_get(b->fd[PIN_WATCH], &home, &w) == 0;
	v.paused = down;
	r = doubt(b, &v);
	if (r < 0 || (r = bpf_put(b, PIN_BINDING, &home, &v)) < 0)
		return r;
	if (!down)
		bpf_held_send(b, path, false);
	return 0;
}

static void bpf_confirm_path(struct plane *p, const struct path *path)
{
	if (!bpf_check_path(p, path)) /* it stands, and its link is not down */
		bpf_held_send(to_bpf(p), path, true);
}

/*
 * Into a link that is down, too, packets are sent to the neighbour, and would wait there for its solicitation to fail: seconds,
 * in which they fill the buffers of their sockets.  The newest ones are held for the next path instead.
 */
static void bpf_pause(struct plane *p, const struct path *path)
{
	struct plane_addr key = to_plane_addr(&path->home);
	struct plane_bpf *b = to_bpf(p);
	struct plane_binding v;
	struct plane_coa way;

	if (bpf_map_get(b->fd[PIN_BINDING], &key, &v) < 0)
		return;
	/* Its next hop is to be resolved anew. */
	if (bpf_map_get(b->fd[PIN_COA], &v.coa, &way) == 0) {
		way.answered = 0;
		bpf_map_put(b->fd[PIN_COA], &v.coa, &way);
	}
	v.paused = 1;
	bpf_map_put(b->fd[PIN_BINDING], &key, &v);
}

static void bpf_forget(struct plane *p, const struct in6_addr *home)
{
	struct plane_addr key = to_plane_addr(home);

	forget_entry(to_bpf(p), PIN_WATCH, &key);
	forget_entry(to_bpf(p), PIN_BINDING, &key);
	bpf_held_discard(to_bpf(p), &key);
}

/* The mark on the binding spares all other packets the look-up; it comes last, when there is something to find. */
static int bpf_watch(struct plane *p, const struct in6_addr *home)
{
	struct plane_addr key = to_plane_addr(home);
	struct plane_bpf *b = to_bpf(p);
	struct plane_watch value = {0};
	struct plane_binding v;
	int r;

	r = bpf_put(b, PIN_WATCH, &key, &value);
	if (r < 0 || bpf_map_get(b->fd[PIN_BINDING], &key, &v) < 0)
		return r;
	v.watched = 1;
	return bpf_map_put(b->fd[PIN_BINDING], &key, &v);
}

static int bpf_activity_fd(struct plane *p)
{
	return to_bpf(p)->fd[PIN_ACTIVITY];
}

static bool bpf_next_activity(struct plane *p, struct in6_addr *ret_home)
{
	return ring_next(&to_bpf(p)->activity, ret_home, sizeof(*ret_home));
}

static int bpf_set_source(struct plane *p, const struct in6_addr *coa, int ifindex,
			  const struct in6_addr *next_hop, struct plane_way *ret)
{
	struct plane_addr key = to_plane_addr(coa);
	struct plane_coa value = {
		.next_hop = to_plane_addr(next_hop),
		.ifindex = (uint32_t)ifindex,
	};

	*ret = (struct plane_way){.ifindex = to_bpf(p)->device};
	return bpf_put(to_bpf(p), PIN_COA, &key, &value);
}

static int bpf_accept(struct plane *p, unsigned slot, const struct in6_addr *home,
		      const struct in6_addr *anchor, const struct in6_addr *coa)
{
	struct plane_accept_key key = accept_key(home, anchor, coa);
	struct plane_accept value = {.slot = slot};
	struct plane_bpf *b = to_bpf(p);
	struct plane_coa no_way = {0}, known;
	int r;

	if ((r = own_slot(b, slot, &key.home)) < 0 ||
	    (r = bpf_put(b, PIN_ACCEPT, &key, &value)) < 0)
		return r;
	if (bpf_map_get(b->fd[PIN_COA], &key.coa, &known) == 0)
		return 0;
	return bpf_put(b, PIN_COA, &key.coa, &no_way);
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

_Static_assert((int)NET_DROP_NO_BINDING == PLANE_DROP_NO_BINDING, "as the programs count");
_Static_assert((int)NET_DROP_MAX == PLANE_DROP_MAX, "as the programs count");

static void bpf_dropped(struct plane *p, uint64_t ret[static NET_DROP_MAX])
{
	struct plane_bpf *b = to_bpf(p);
	_cleanup_free_ uint64_t *n = calloc(b->cpus, sizeof(*n));

	for (uint32_t reason = 0; reason < NET_DROP_MAX; reason++) {
		ret[reason] = 0;
		if (n && bpf_map_get(b->fd[PIN_DROPPED], &reason, n) == 0)
			for (unsigned i = 0; i < b->cpus; i++)
				ret[reason] += n[i];
	}
}

static void bpf_forget_others(struct plane *p, const struct engine *e)
{
	struct plane_bpf *b = to_bpf(p);

	b->engine = e;
	bpf_sweep(b, PIN_BINDING, e);
	bpf_sweep(b, PIN_ACCEPT, e);
	bpf_sweep(b, PIN_WATCH, NULL); /* who waited is gone */
	bpf_sweep(b, PIN_HELD, e);
	bpf_sweep_uplinks(b);
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
	bpf_sweep(b, PIN_BINDING, NULL);
	bpf_sweep(b, PIN_ACCEPT, NULL);
	bpf_sweep(b, PIN_COA, NULL);
	bpf_sweep(b, PIN_WATCH, NULL);
	bpf_sweep(b, PIN_HELD, NULL);
}

static void bpf_free(struct plane *p)
{
	struct plane_bpf *b = to_bpf(p);

	ring_close(&b->activity);
	for (unsigned i = 0; i < PIN_MAX; i++)
		close_fd(b->fd[i]);
	close_fd(b->packet_fd);
	close_fd(b->directory_fd);
	free(b);
}

static const struct plane_ops bpf_ops = {
	.name = "bpf",
	.leaves_errors = true,
	.set_device = bpf_set_device,
	.attach = bpf_attach,
	.remember = bpf_remember,
	.uplink_gone = bpf_uplink_gone,
	.set_path = bpf_set_path,
	.confirm_path = bpf_confirm_path,
	.pause = bpf_pause,
	.forget = bpf_forget,
	.set_source = bpf_set_source,
	.accept = bpf_accept,
	.reject = bpf_reject,
	.is_accepted = bpf_is_accepted,
	.first_data = bpf_first_data,
	.traffic = bpf_traffic,
	.dropped = bpf_dropped,
	.watch = bpf_watch,
	.activity_fd = bpf_activity_fd,
	.next_activity = bpf_next_activity,
	.check_attached = bpf_check_attached,
	.check_path = bpf_check_path,
	.audit = bpf_audit,
	.forget_others = bpf_forget_others,
	.undo = bpf_undo,
	.teardown = bpf_teardown,
	.free = bpf_free,
};

/* Of the shape that we know?  Before a value is read: one that is larger would not fit. */
static int open_pin(const char *directory, const struct bpf_pin *pin)
{
	struct bpf_object_info info;
	int fd = bpf_pin_open(directory, pin->name), r;

	if (fd < 0)
		return fd;
	r = bpf_info(fd, &info);
	if (r == 0 &&
	    (info.type != pin->type || (pin->key_size && (info.key_size != pin->key_size ||
							  info.value_size != pin->value_size))))
		r = -EPROTONOSUPPORT;
	if (r == 0)
		return fd;
	close(fd);
	return r;
}

static int open_all(struct plane_bpf *b, const struct conf *conf)
{
	struct plane_config c;
	uint32_t zero = 0;
	int r;

	b->directory_fd = bpf_pin_lock(conf->pin_directory);
	if (b->directory_fd < 0)
		return b->directory_fd;
	for (unsigned i = 0; i < PIN_MAX; i++) {
		r = b->fd[i] = open_pin(conf->pin_directory, &bpf_pins[i]);
		if (r < 0)
			return r;
	}
	r = bpf_map_get(b->fd[PIN_CONFIG], &zero, &c);
	if (r < 0)
		return r;
	if (c.version != PLANE_VERSION)
		return -EPROTONOSUPPORT;
	for (uint32_t slot = 0; slot < PLANE_MAX_HOMES; slot++)
		if ((r = bpf_map_get(b->fd[PIN_OWNER], &slot, &b->owner[slot])) < 0)
			return r;
	return ring_open(b->fd[PIN_ACTIVITY], &b->activity);
}

int plane_bpf_open(const struct conf *conf, struct plane **ret)
{
	struct plane_bpf *b = calloc(1, sizeof(*b));
	int r;

	if (!b)
		return -ENOMEM;
	b->plane.ops = &bpf_ops;
	b->cpus = bpf_possible_cpus();
	b->packet_fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	b->directory_fd = -1;
	for (unsigned i = 0; i < PIN_MAX; i++)
		b->fd[i] = -1;
	r = open_all(b, conf);
	if (r < 0) {
		bpf_free(&b->plane);
		return r;
	}
	*ret = &b->plane;
	return 0;
}
