/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The interfaces of the kernel plane. */
#include <errno.h>
#include <linux/pkt_cls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/netlink.h"
#include "net/plane_kernel.h"
#include "net/tc.h"

#define FILTER_NAME "dmm_let_in"
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
	if (t->listener >= 0)
		close(t->listener);
	free(t);
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
	if (!addr_equal(&i.spec.remote, &t->anchor) || !addr_equal(&i.spec.local, &t->coa))
		return -ENODEV; /* the number has been given to somebody else */
	*ret = i;
	return 0;
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

void tunnel_dropped(const struct tunnel *t, uint64_t sum[static NET_DROP_MAX])
{
	const struct rtnl_link_stats64 *c;
	struct tunnel_info i;

	if (tunnel_read(t, &i) < 0)
		return;
	c = &i.counters;
	sum[NET_DROP_NOT_ACCEPTED] += tc_dropped(t->ifindex);
	sum[NET_DROP_ECN] += c->rx_frame_errors;
	sum[NET_DROP_MALFORMED] += c->rx_length_errors + c->rx_crc_errors;
	sum[NET_DROP_FAILED] += c->tx_errors + c->tx_dropped;
}

void tunnel_filter(struct plane_kernel *k, const struct tunnel *t, struct match *ret)
{
	struct passage *p;

	ret->n = 0;
	list_for_each(p, &k->passages, node)
		if (p->tunnel == t && (p->accepted || p->old))
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
		if (!if_nametoindex(ret))
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
	t->ifindex = (int)if_nametoindex(t->name);
	t->link = link;
	t->stale = true;
	return 0;
}

static void destroy(struct plane_kernel *k, struct tunnel *t)
{
	char buf[TUNNEL_MESSAGE_SIZE];
	int ifindex = t->ifindex;

	tunnel_dropped(t, k->dropped);
	t->ifindex = 0; /* before anybody is told that it has gone */
	if (ifindex)
		netlink_talk(tunnel_delete(buf, ifindex), NULL, NULL);
}

static int bring_up(const struct tunnel *t)
{
	char buf[TUNNEL_MESSAGE_SIZE];
	int r = netlink_talk(tunnel_plain(buf, t->ifindex), NULL, NULL);

	return r < 0 ? r : netlink_talk(tunnel_up(buf, t->ifindex), NULL, NULL);
}

int tunnel_ensure(struct plane_kernel *k, struct tunnel *t, int link)
{
	struct tunnel_info i = {0};
	struct match m;
	int r;

	if (tunnel_read(t, &i) < 0)
		t->ifindex = 0;
	if (t->ifindex && link && t->link != link)
		destroy(k, t);
	if (!t->ifindex) {
		i.up = false;
		if ((r = make(k, t, link)) < 0)
			return r;
	}
	if (t->stale) {
		tunnel_filter(k, t, &m);
		if ((r = tc_attach_classic(t->ifindex, m.code, m.n, FILTER_NAME)) < 0)
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

void tunnels_prune(struct plane_kernel *k)
{
	struct tunnel *t, *next;

	list_for_each_safe(t, next, &k->tunnels, node)
		if (!is_used(k, t)) {
			destroy(k, t);
			tunnel_free(t);
		}
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
	if (i.spec.mark - WAY_MARK < WAYS_MAX)
		k->way[i.spec.mark - WAY_MARK].ifindex = t->link;
	return MNL_CB_OK;
}

int tunnels_adopt(struct plane_kernel *k)
{
	char buf[TUNNEL_MESSAGE_SIZE];

	return netlink_talk(tunnel_get(buf, 0), adopt, k);
}
