/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The interfaces of the kernel plane. */
#include <errno.h>
#include <linux/pkt_cls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/netlink.h"
#include "net/plane_kernel.h"
#include "net/tc.h"

#define FILTER_NAME "dmm_let_in"
#define FILTER_OUT_NAME "dmm_let_out"
#define MAX_NUMBER 1000

struct tunnel *tunnel_find(struct plane_kernel *k, const struct in6_addr *anchor,
			   const struct in6_addr *coa)
{
	struct tunnel *t;

	list_for_each(t, &k->tunnels, node)
		if (addr_equal(&t->anchor, anchor) && addr_equal(&t->coa, coa))
			return t;
	return NULL;
}

struct tunnel *tunnel_new(struct plane_kernel *k, const struct in6_addr *anchor,
			  const struct in6_addr *coa)
{
	struct tunnel *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->anchor = *anchor;
	t->coa = *coa;
	t->listener = -1;
	t->stale = true;
	list_append(&k->tunnels, &t->node);
	return t;
}

void tunnel_free(struct tunnel *t)
{
	list_remove(&t->node);
	close_fd(t->listener);
	free(t);
}

static bool is_as_made(const struct tunnel *t, const struct tunnel_info *i)
{
	return addr_equal(&i->spec.remote, &t->anchor) && addr_equal(&i->spec.local, &t->coa) &&
	       i->spec.link == t->link && i->spec.mark == t->mark;
}

static int take_info(const struct nlmsghdr *h, void *user)
{
	tunnel_parse(h, user);
	return MNL_CB_OK;
}

int tunnel_read(const struct tunnel *t, struct tunnel_info *ret)
{
	struct tunnel_info i = {0};
	char buf[TUNNEL_MESSAGE_SIZE];
	int r = t->ifindex ? netlink_talk(tunnel_get(buf, t->ifindex), take_info, &i) : -ENODEV;

	if (r < 0)
		return r;
	if (!is_as_made(t, &i)) /* or the number has been given to somebody else */
		return strcmp(i.name, t->name) == 0 ? -ESTALE : -ENODEV;
	*ret = i;
	return 0;
}

bool kernel_is_changed(struct plane *p, const struct nlmsghdr *link)
{
	struct tunnel_info i;
	struct tunnel *t;

	if (!tunnel_parse(link, &i))
		return false;
	list_for_each(t, &to_kernel(p)->tunnels, node)
		if (t->ifindex == i.ifindex)
			return !is_as_made(t, &i);
	return false;
}

struct net_traffic tunnel_traffic(const struct tunnel *t)
{
	struct tunnel_info i;

	if (tunnel_read(t, &i) < 0)
		return (struct net_traffic){0};
	return (struct net_traffic){
		.sent_packets = i.counters.tx_packets,
		.sent_bytes = i.counters.tx_bytes,
		.received_packets = i.counters.rx_packets,
		.received_bytes = i.counters.rx_bytes,
	};
}

void tunnel_dropped(struct plane_kernel *k, struct tunnel *t, uint64_t sum[static NET_DROP_MAX])
{
	const struct rtnl_link_stats64 *c;
	struct tunnel_info i;

	if (tunnel_read(t, &i) < 0)
		return;
	c = &i.counters;
	sum[NET_DROP_NOT_ACCEPTED] += tc_dropped(t->ifindex) + tunnel_failed(k, t);
	sum[NET_DROP_ECN] += c->rx_frame_errors;
	sum[NET_DROP_MALFORMED] += c->rx_length_errors + c->rx_crc_errors;
	sum[NET_DROP_FAILED] += c->tx_errors + c->tx_dropped;
}

void tunnel_filter(struct plane_kernel *k, const struct tunnel *t, struct match *ret)
{
	struct passage *p;

	ret->n = 0;
	/* Nobody beyond the home agent sends from its own link, or from our address. */
	match_add_on_link(ret, MATCH_SOURCE, TC_ACT_SHOT);
	list_for_each(p, &k->passages, node)
		if (p->tunnel == t)
			match_add(ret, MATCH_SOURCE, &p->home, TC_ACT_SHOT);
	list_for_each(p, &k->passages, node)
		if (p->tunnel == t && (p->accepted || p->old) && !p->barred)
			match_add(ret, MATCH_DESTINATION, &p->home, (uint32_t)TC_ACT_UNSPEC);
	match_end(ret, TC_ACT_SHOT);
}

static bool is_name(const struct plane_kernel *k, const char *name)
{
	size_t len = strlen(k->device);

	return strncmp(name, k->device, len) == 0 && name[len] == 't' &&
	       strspn(name + len + 1, "0123456789") == strlen(name + len + 1) && name[len + 1];
}

static int choose_name(const struct plane_kernel *k, char ret[IFNAMSIZ])
{
	for (unsigned i = 0; i < MAX_NUMBER; i++) {
		if (snprintf(ret, IFNAMSIZ, "%st%u", k->device, i) >= IFNAMSIZ)
			return -ENAMETOOLONG;
		if (!link_index(ret))
			return 0;
	}
	return -ENOSPC;
}

static bool is_way_used(const struct plane_kernel *k, int ifindex)
{
	const struct tunnel *t;

	list_for_each(t, &k->tunnels, node)
		if (t->ifindex && t->link == ifindex)
			return true;
	return false;
}

int way_of(struct plane_kernel *k, int ifindex)
{
	int free = -1;

	for (int i = 0; i < WAYS_MAX; i++) {
		if (k->way[i].ifindex == ifindex)
			return i;
		if (free < 0 && (!k->way[i].ifindex || !is_way_used(k, k->way[i].ifindex)))
			free = i;
	}
	if (free < 0)
		return -ENOSPC;
	k->way[free].ifindex = ifindex;
	return free;
}

static int make(struct plane_kernel *k, struct tunnel *t, int link)
{
	struct tunnel_spec s = {
		.name = t->name,
		.local = t->coa,
		.remote = t->anchor,
		.link = link,
	};
	char buf[TUNNEL_MESSAGE_SIZE];
	int r = choose_name(k, t->name), way = link ? way_of(k, link) : -1;

	if (way >= 0)
		s.mark = way_mark(way);
	if (r < 0 || (r = netlink_talk(tunnel_add(buf, &s), NULL, NULL)) < 0)
		return log_errno(r, "cannot make a tunnel from %s to %s", ADDR_STR(&t->coa),
				 ADDR_STR(&t->anchor));
	t->ifindex = link_index(t->name);
	t->link = link;
	t->mark = s.mark;
	t->stale = true;
	strangers_update(k);
	return 0;
}

void tunnel_close(struct plane_kernel *k, struct tunnel *t)
{
	char buf[TUNNEL_MESSAGE_SIZE];
	int ifindex = t->ifindex;

	tunnel_dropped(k, t, k->dropped);
	t->ifindex = 0; /* before anybody is told that it has gone */
	close_fd(t->listener);
	t->listener = -1;
	strangers_update(k);
	if (ifindex)
		netlink_talk(tunnel_delete(buf, ifindex), NULL, NULL);
}

static int bring_up(const struct tunnel *t)
{
	char buf[TUNNEL_MESSAGE_SIZE];
	int r = netlink_talk(tunnel_plain(buf, t->ifindex), NULL, NULL);

	return r < 0 ? r : netlink_talk(tunnel_up(buf, t->ifindex), NULL, NULL);
}

/*
 * Link-local and multicast is not for a tunnel, whoever asks for that; dropped without counting as refused.  Into a link that is
 * down nothing is: there packets would wait for a neighbour that cannot answer, and fill the buffers of their sockets.  Home
 * addresses share a tunnel, and each has an update of its own to wait for.
 */
int tunnel_filter_out(const struct plane_kernel *k, const struct tunnel *t)
{
	const struct passage *p;
	struct match m = {.n = 0};

	list_for_each(p, &k->passages, node)
		if (p->tunnel == t && p->paused)
			match_add(&m, MATCH_SOURCE, &p->home, TC_ACT_STOLEN);
	match_add_on_link(&m, MATCH_DESTINATION, TC_ACT_STOLEN);
	match_end(&m, (uint32_t)TC_ACT_UNSPEC);
	return tc_attach_classic(t->ifindex, TC_EGRESS, m.code, m.n, FILTER_OUT_NAME);
}

int tunnel_ensure(struct plane_kernel *k, struct tunnel *t, int link)
{
	struct tunnel_info i = {0};
	struct match m;
	int r = tunnel_protect(k, t);

	if (r < 0) {
		tunnel_close(k, t);
		return r;
	}
	r = tunnel_read(t, &i);
	if (!link)
		link = t->link;
	if (r == -ESTALE || (r == 0 && t->link != link))
		tunnel_close(k, t);
	else if (r < 0)
		t->ifindex = 0;
	if (!t->ifindex) {
		i.up = false;
		if ((r = make(k, t, link)) < 0)
			return r;
	}
	if (t->stale) {
		tunnel_filter(k, t, &m);
		if ((r = tc_attach_classic(t->ifindex, TC_INGRESS, m.code, m.n, FILTER_NAME)) < 0 ||
		    (r = tunnel_filter_out(k, t)) < 0)
			return log_errno(r, "cannot put a filter on %s", t->name);
		t->stale = false;
	}
	if (!i.up && (r = bring_up(t)) < 0)
		return log_errno(r, "cannot bring up %s", t->name);
	listen_update(k, t);
	return 0;
}

static bool is_used(const struct plane_kernel *k, const struct tunnel *t)
{
	struct passage *p;

	list_for_each(p, &k->passages, node)
		if (p->tunnel == t)
			return true;
	return false;
}

void tunnels_repair(struct plane_kernel *k)
{
	struct tunnel *t;

	list_for_each(t, &k->tunnels, node)
		if (is_used(k, t)) {
			t->stale = true; /* somebody may have changed something */
			tunnel_ensure(k, t, 0);
		}
}

void tunnels_prune(struct plane_kernel *k)
{
	struct tunnel *t, *next;
	bool swept = true;

	list_for_each_safe(t, next, &k->tunnels, node)
		if (!is_used(k, t)) {
			tunnel_close(k, t);
			swept = swept && !t->is_protected;
			tunnel_free(t);
		}
	if (!swept)
		protection_sweep(k);
}

static int adopt(const struct nlmsghdr *h, void *user)
{
	struct plane_kernel *k = user;
	struct tunnel_info i;
	struct tunnel *t;

	if (!tunnel_parse(h, &i) || !is_name(k, i.name))
		return MNL_CB_OK;
	t = tunnel_new(k, &i.spec.remote, &i.spec.local);
	if (!t)
		return MNL_CB_OK;
	memcpy(t->name, i.name, sizeof(t->name));
	t->ifindex = i.ifindex;
	t->link = i.spec.link;
	t->mark = i.spec.mark;
	if (i.spec.mark - WAY_MARK < WAYS_MAX)
		k->way[i.spec.mark - WAY_MARK].ifindex = t->link;
	return MNL_CB_OK;
}

int tunnels_adopt(struct plane_kernel *k)
{
	char buf[TUNNEL_MESSAGE_SIZE];
	int r = netlink_talk(tunnel_get(buf, 0), adopt, k);

	/* What is up is protected as is configured now, before anything else goes through. */
	if (r == 0)
		protection_renew(k);
	return r;
}
