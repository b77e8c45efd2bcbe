/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel plane: tunnels of ip6_tunnel (RFC 2473) where our own programs cannot be loaded.
 *
 *   dmm0tN   one for each home agent and care-of address, which lets in only what its home agent sends to home addresses that
 *            are accepted there; the route of a home address (path.c) leads into one of them
 *   rule     fwmark MARK lookup TABLE        for each uplink: its tunnels' own packets, and signalling
 *   TABLE    default via ROUTER dev LINK     the way of the care-of address: the main table may still hold the on-link prefix
 *                                            of a link that has been left, and with it the home agent
 *
 * The interfaces stay over a crash, and the next start adopts them.  They count for all their home addresses together: of
 * several that share a home agent and a care-of address each has the sum.
 *
 * With PayloadProtection=esp the tunnels go through IPsec: plane_kernel_protection.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/address.h"
#include "net/netlink.h"
#include "net/plane_kernel.h"

static int add_rule(const struct plane_kernel *k, int way)
{
	char buf[TUNNEL_MESSAGE_SIZE];
	int r = netlink_talk(
		mark_rule(buf, true, k->priority, k->table + (uint32_t)way, way_mark(way)), NULL,
		NULL);

	return r == -EEXIST ? 0 : r;
}

static int kernel_set_device(struct plane *p, int ifindex, int far_end, const uint8_t mac[6])
{
	struct plane_kernel *k = to_kernel(p);
	bool other = k->ifindex != ifindex;
	int r = 0;

	(void)far_end, (void)mac;
	k->ifindex = ifindex;
	if (other) {
		undo_read(k);
		if (k->n_undo)
			undo_write(k);
		listen_update_all(k);
	}
	for (int i = 0; i < WAYS_MAX && r == 0; i++)
		if (k->way[i].ifindex)
			r = add_rule(k, i);
	tunnels_repair(k);
	return r;
}

static int kernel_attach(struct plane *p, int ifindex, bool has_mac)
{
	(void)p, (void)ifindex, (void)has_mac;
	return 0;
}

/* On a link that has just gone down there is no route to be had, and nothing to be sent either. */
static int route(struct plane_kernel *k, int ifindex, const struct in6_addr *next_hop)
{
	char buf[TUNNEL_MESSAGE_SIZE];
	int way = way_of(k, ifindex), r;

	if (way < 0)
		return way;
	if ((r = add_rule(k, way)) < 0)
		return r;
	r = netlink_talk(mark_route(buf, k->table + (uint32_t)way, ifindex, next_hop), NULL, NULL);
	return r == -ENETDOWN || r == -ENODEV ? 0 : r;
}

static void leave_others(struct plane_kernel *k, const struct in6_addr *home,
			 const struct passage *but)
{
	struct passage *p, *next;

	list_for_each_safe(p, next, &k->passages, node) {
		if (p == but || !p->path || !addr_equal(&p->home, home))
			continue;
		p->path = false;
		listen_update(k, p->tunnel);
		passage_end_if_unused(k, p);
	}
}

static int kernel_set_path(struct plane *plane, const struct path *path, bool down)
{
	struct plane_kernel *k = to_kernel(plane);
	struct passage *p;
	struct tunnel *t;
	int r = passages_own_slot(k, path->slot, &path->home);

	if (r < 0)
		return r;
	if (path->mode != PATH_TUNNEL) {
		leave_others(k, &path->home, NULL);
		return 0;
	}
	if ((r = protection_allows(k, &path->home, &path->anchor)) < 0)
		return r;
	t = tunnel_find(k, &path->anchor, &path->coa);
	if (!t)
		t = tunnel_new(k, &path->anchor, &path->coa);
	p = t ? passage_get(k, t, &path->home, path->slot) : NULL;
	if (!p)
		return -ENOMEM;
	p->path = true;
	t->stale = t->stale || p->paused != down;
	p->paused = down;
	if ((r = route(k, path->ifindex, &path->next_hop)) < 0 ||
	    (r = tunnel_ensure(k, t, path->ifindex)) < 0)
		return r;
	leave_others(k, &path->home, p);
	return 0;
}

static void kernel_pause(struct plane *p, const struct path *path)
{
	struct plane_kernel *k = to_kernel(p);
	struct tunnel *t = tunnel_find(k, &path->anchor, &path->coa);
	struct passage *passage = t ? passage_find(k, t, &path->home) : NULL;

	if (!passage || passage->paused)
		return;
	passage->paused = true;
	if (t->ifindex)
		tunnel_filter_out(k, t);
}

static int kernel_device_for(struct plane *p, const struct path *path)
{
	const struct tunnel *t = tunnel_find(to_kernel(p), &path->anchor, &path->coa);

	return t ? t->ifindex : 0;
}

static bool kernel_owns(struct plane *p, int ifindex)
{
	const struct tunnel *t;

	list_for_each(t, &to_kernel(p)->tunnels, node)
		if (t->ifindex == ifindex)
			return true;
	return false;
}

static void unwatch(struct plane_kernel *k, const struct in6_addr *home)
{
	for (unsigned i = 0; i < k->n_watched; i++)
		if (addr_equal(&k->watched[i], home))
			k->watched[i--] = k->watched[--k->n_watched];
}

static void kernel_forget(struct plane *p, const struct in6_addr *home)
{
	struct plane_kernel *k = to_kernel(p);

	unwatch(k, home);
	leave_others(k, home, NULL);
	tunnels_prune(k);
	listen_update_all(k);
}

static void kernel_settle(struct plane *plane, const struct in6_addr *home)
{
	struct plane_kernel *k = to_kernel(plane);
	struct passage *p, *next;

	list_for_each_safe(p, next, &k->passages, node)
		if (p->old && addr_equal(&p->home, home)) {
			p->old = false;
			p->tunnel->stale = true;
			passage_end_if_unused(k, p);
		}
	tunnels_prune(k);
}

static int kernel_set_source(struct plane *p, const struct in6_addr *coa, int ifindex,
			     const struct in6_addr *next_hop, struct plane_way *ret)
{
	struct plane_kernel *k = to_kernel(p);
	int r = route(k, ifindex, next_hop);

	(void)coa;
	if (r == 0)
		*ret = (struct plane_way){.ifindex = ifindex, .mark = way_mark(way_of(k, ifindex))};
	return r;
}

struct search {
	struct in6_addr addr;
	int ifindex;
};

static void compare(const struct address_info *a, void *user)
{
	struct search *s = user;

	if (addr_equal(&a->addr, &s->addr))
		s->ifindex = a->ifindex;
}

/* A tunnel is made for a link: to change it later would cost packets. */
static int link_of(const struct in6_addr *coa)
{
	struct search s = {.addr = *coa};

	return address_each(compare, &s) < 0 ? 0 : s.ifindex;
}

static int kernel_accept(struct plane *plane, unsigned slot, const struct in6_addr *home,
			 const struct in6_addr *anchor, const struct in6_addr *coa)
{
	struct plane_kernel *k = to_kernel(plane);
	int r = passages_own_slot(k, slot, home);
	struct passage *p;
	struct tunnel *t;
	bool fresh;

	if (r < 0)
		return r;
	tunnels_prune(k);
	t = tunnel_find(k, anchor, coa);
	fresh = !t;
	if (fresh)
		t = tunnel_new(k, anchor, coa);
	p = t ? passage_get(k, t, home, slot) : NULL;
	if (!p)
		return -ENOMEM;
	t->stale = t->stale || !(p->accepted || p->old);
	p->accepted = p->awaited = true;
	p->old = false;
	p->first = 0;
	/* Where payload cannot be protected signalling is let in all the same, and the path is what fails. */
	r = p->barred ? 0 : tunnel_ensure(k, t, fresh ? link_of(coa) : 0);
	return t->protection_fault ? 0 : r;
}

static void kernel_reject(struct plane *plane, const struct in6_addr *home,
			  const struct in6_addr *anchor, const struct in6_addr *coa)
{
	struct plane_kernel *k = to_kernel(plane);
	struct tunnel *t = tunnel_find(k, anchor, coa);
	struct passage *p = t ? passage_find(k, t, home) : NULL;

	if (!p)
		return;
	p->accepted = p->awaited = p->old = false;
	t->stale = true;
	passage_end_if_unused(k, p);
	tunnels_prune(k);
	if (tunnel_find(k, anchor, coa))
		tunnel_ensure(k, t, 0);
}

static bool kernel_is_accepted(struct plane *plane, const struct in6_addr *home,
			       const struct in6_addr *anchor, const struct in6_addr *coa)
{
	struct plane_kernel *k = to_kernel(plane);
	const struct tunnel *t = tunnel_find(k, anchor, coa);
	const struct passage *p = t ? passage_find(k, t, home) : NULL;

	return p && (p->accepted || p->old);
}

static usec_t kernel_first_data(struct plane *plane, const struct in6_addr *home,
				const struct in6_addr *anchor, const struct in6_addr *coa)
{
	struct plane_kernel *k = to_kernel(plane);
	const struct tunnel *t = tunnel_find(k, anchor, coa);
	const struct passage *p = t ? passage_find(k, t, home) : NULL;

	return p ? p->first : 0;
}

static int kernel_watch(struct plane *p, const struct in6_addr *home)
{
	struct plane_kernel *k = to_kernel(p);

	unwatch(k, home);
	if (k->n_watched == CONF_MAX_HOMES)
		return -ENOSPC;
	k->watched[k->n_watched++] = *home;
	listen_update_all(k);
	return 0;
}

static int kernel_activity_fd(struct plane *p)
{
	return to_kernel(p)->epoll;
}

static void kernel_dropped(struct plane *p, uint64_t ret[static NET_DROP_MAX])
{
	struct plane_kernel *k = to_kernel(p);
	struct tunnel *t;

	memcpy(ret, k->dropped, sizeof(k->dropped));
	ret[NET_DROP_NO_BINDING] += link_sent_packets(k->ifindex);
	ret[NET_DROP_NOT_ACCEPTED] += strangers_refused(k);
	list_for_each(t, &k->tunnels, node)
		tunnel_dropped(k, t, ret);
}

/* What an earlier run has made for our home addresses still carries their packets. */
static void adopt(struct plane_kernel *k, struct tunnel *t, const struct engine *e)
{
	const struct binding *b;
	struct passage *p;

	list_for_each(b, &e->bindings, node) {
		if (!addr_equal(&b->anchor->address, &t->anchor))
			continue;
		passages_own_slot(k, b->slot, &b->home);
		p = passage_get(k, t, &b->home, b->slot);
		if (!p)
			return;
		p->old = true;
		p->before = (struct net_traffic){0};
	}
}

static void kernel_forget_others(struct plane *p, const struct engine *e)
{
	struct plane_kernel *k = to_kernel(p);
	struct tunnel *t;

	list_for_each(t, &k->tunnels, node)
		adopt(k, t, e);
	tunnels_prune(k);
}

static void kernel_teardown(struct plane *p)
{
	struct plane_kernel *k = to_kernel(p);
	char buf[TUNNEL_MESSAGE_SIZE];

	passages_forget(k);
	tunnels_prune(k);
	protection_sweep(k);
	for (int i = 0; i < WAYS_MAX; i++) {
		const uint32_t table = k->table + (uint32_t)i;

		netlink_talk(mark_rule(buf, false, k->priority, table, way_mark(i)), NULL, NULL);
		netlink_talk(unmark_route(buf, table), NULL, NULL);
	}
}

static void kernel_free(struct plane *p)
{
	struct plane_kernel *k = to_kernel(p);
	struct tunnel *t, *next;

	passages_forget(k);
	list_for_each_safe(t, next, &k->tunnels, node)
		tunnel_free(t);
	listen_close(k);
	strangers_close(k);
	esp_close(k->esp);
	free(k);
}

static const struct plane_ops kernel_ops = {
	.name = "kernel",
	.leaves_routing_headers = true,
	.set_device = kernel_set_device,
	.device_for = kernel_device_for,
	.owns = kernel_owns,
	.is_changed = kernel_is_changed,
	.attach = kernel_attach,
	.remember = kernel_remember,
	.uplink_gone = kernel_uplink_gone,
	.set_path = kernel_set_path,
	.pause = kernel_pause,
	.forget = kernel_forget,
	.settle = kernel_settle,
	.set_source = kernel_set_source,
	.accept = kernel_accept,
	.reject = kernel_reject,
	.is_accepted = kernel_is_accepted,
	.first_data = kernel_first_data,
	.traffic = kernel_traffic,
	.watch = kernel_watch,
	.activity_fd = kernel_activity_fd,
	.next_activity = kernel_next_activity,
	.dropped = kernel_dropped,
	.forget_others = kernel_forget_others,
	.undo = kernel_undo,
	.check_path = kernel_check_path,
	.protection = kernel_protection,
	.protection_fault = kernel_protection_fault,
	.reconfigure = kernel_reconfigure,
	.audit = kernel_audit,
	.teardown = kernel_teardown,
	.free = kernel_free,
};

static int make(const struct conf *conf, struct plane_kernel **ret)
{
	struct plane_kernel *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return -ENOMEM;
	k->plane.ops = &kernel_ops;
	k->strangers_fd = -1;
	k->conf = conf;
	snprintf(k->device, sizeof(k->device), "%s", conf->device);
	k->table = conf->route_table + DEVICE_SLOT + 1;
	k->priority = conf->rule_priority + DEVICE_SLOT;
	list_init(&k->tunnels);
	list_init(&k->passages);
	r = listen_open(k);
	if (r == 0) {
		protection_open(k);
		r = tunnels_adopt(k);
	}
	if (r < 0) {
		kernel_free(&k->plane);
		return r;
	}
	*ret = k;
	return 0;
}

int plane_kernel_open(const struct conf *conf, struct plane **ret, char *why, size_t size)
{
	struct plane_kernel *k;
	int r = make(conf, &k);

	if (r < 0) {
		snprintf(why, size, "%s", log_strerror(-r));
		return r;
	}
	kernel_probe(k, why, size);
	if (why[0]) {
		kernel_free(&k->plane);
		return -EPROTONOSUPPORT;
	}
	strangers_open(k);
	*ret = &k->plane;
	return 0;
}

void plane_kernel_remove(const struct conf *conf)
{
	struct plane_kernel *k;

	if (make(conf, &k) < 0)
		return;
	kernel_teardown(&k->plane);
	kernel_free(&k->plane);
}
