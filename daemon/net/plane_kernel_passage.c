/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which home addresses the tunnels carry, and how much. */
#include <errno.h>
#include <stdlib.h>

#include "net/plane_kernel.h"

struct passage *passage_find(struct plane_kernel *k, const struct tunnel *t,
			     const struct in6_addr *home)
{
	struct passage *p;

	list_for_each(p, &k->passages, node)
		if (p->tunnel == t && addr_equal(&p->home, home))
			return p;
	return NULL;
}

struct passage *passage_get(struct plane_kernel *k, struct tunnel *t, const struct in6_addr *home,
			    unsigned slot)
{
	struct passage *p = passage_find(k, t, home);

	if (!p) {
		p = calloc(1, sizeof(*p));
		if (!p)
			return NULL;
		p->tunnel = t;
		p->home = *home;
		p->before = tunnel_traffic(t);
		list_append(&k->passages, &p->node);
	}
	p->slot = slot;
	p->barred = protection_allows(k, home, &t->anchor) < 0;
	return p;
}

static void add_traffic(struct net_traffic *sum, const struct net_traffic *t,
			const struct net_traffic *before)
{
	sum->sent_packets += t->sent_packets - before->sent_packets;
	sum->sent_bytes += t->sent_bytes - before->sent_bytes;
	sum->received_packets += t->received_packets - before->received_packets;
	sum->received_bytes += t->received_bytes - before->received_bytes;
}

/* An interface that was made anew begins to count anew. */
static void count(const struct passage *p, struct net_traffic *sum)
{
	static const struct net_traffic nothing;
	struct net_traffic t = tunnel_traffic(p->tunnel);
	bool anew = t.sent_packets < p->before.sent_packets ||
		    t.received_packets < p->before.received_packets;

	add_traffic(sum, &t, anew ? &nothing : &p->before);
}

void passage_end_if_unused(struct plane_kernel *k, struct passage *p)
{
	if (p->path || p->accepted || p->old)
		return;
	if (p->slot != NO_SLOT)
		count(p, &k->gone[p->slot]);
	p->tunnel->stale = p->tunnel->stale || p->paused;
	list_remove(&p->node);
	free(p);
}

int passages_own_slot(struct plane_kernel *k, unsigned slot, const struct in6_addr *home)
{
	struct passage *p;

	if (slot >= CONF_MAX_HOMES)
		return -ENOSPC;
	if (addr_equal(&k->owner[slot], home))
		return 0;
	k->owner[slot] = *home;
	k->gone[slot] = (struct net_traffic){0};
	list_for_each(p, &k->passages, node)
		if (p->slot == slot && !addr_equal(&p->home, home))
			p->slot = NO_SLOT;
	return 0;
}

void kernel_traffic(struct plane *plane, unsigned slot, struct net_traffic *ret)
{
	struct plane_kernel *k = to_kernel(plane);
	const struct passage *p;

	*ret = (struct net_traffic){0};
	if (slot >= CONF_MAX_HOMES)
		return;
	*ret = k->gone[slot];
	list_for_each(p, &k->passages, node)
		if (p->slot == slot) {
			count(p, ret);
			tunnel_failed(k, p->tunnel); /* looked at while sessions depend on it */
		}
}

void passages_forget(struct plane_kernel *k)
{
	struct passage *p, *next;

	list_for_each_safe(p, next, &k->passages, node) {
		list_remove(&p->node);
		free(p);
	}
}
