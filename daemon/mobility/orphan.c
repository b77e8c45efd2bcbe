/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sessions on addresses that were left for good (KillOrphans=): nobody will ever deliver their packets.  Ended at once, the
 * application starts again from where the host is, rather than to wait for a timeout.
 */
#include "mobility/internal.h"

#define ORPHANS_MAX 64

/* Routers of the new place have had their time to advertise: what they do not confirm is not here. */
#define ORPHAN_AFTER (1 * USEC_PER_SEC)

struct orphans {
	struct in6_addr at[ORPHANS_MAX];
	unsigned n;
};

static bool is_lost(const struct engine *e, const struct link *l, const struct link_address *a)
{
	return addr_is_routable(&a->addr) && a->left_at &&
	       usec_add(a->left_at, ORPHAN_AFTER) <= e->now.mono && !link_supports(l, a) &&
	       !engine_find_home(e, &a->addr);
}

/* An address has gone away altogether, with its place. */
void orphan_gone(struct engine *e, const struct in6_addr *address)
{
	if (!e->conf->kill_orphans || !addr_is_routable(address) ||
	    e->n_gone == sizeof(e->gone) / sizeof(*e->gone) || engine_find_home(e, address))
		return;
	e->gone[e->n_gone++] = *address;
}

static bool is_here(const struct engine *e, const struct in6_addr *address)
{
	struct link *l;

	list_for_each(l, &e->links, node)
		if (link_find_address(l, address))
			return true;
	return engine_find_home(e, address) != NULL;
}

static void end_these(struct engine *e, struct orphans *o)
{
	if (o->n)
		e->ops->destroy_sessions(e->user, o->at, o->n);
	o->n = 0;
}

static void add(struct engine *e, struct orphans *o, const struct in6_addr *address)
{
	o->at[o->n++] = *address;
	if (o->n == ORPHANS_MAX)
		end_these(e, o);
}

void orphans_end(struct engine *e)
{
	struct orphans o = {.n = 0};
	struct link_address *a;
	struct link *l;

	if (!e->conf->kill_orphans || !e->uplink)
		return;
	list_for_each(l, &e->links, node) {
		if (!l->conf->use)
			continue;
		list_for_each(a, &l->addresses, node) {
			if (a->orphaned || !is_lost(e, l, a))
				continue;
			a->orphaned = true;
			add(e, &o, &a->addr);
		}
	}
	for (unsigned i = 0; i < e->n_gone; i++)
		if (!is_here(e, &e->gone[i]))
			add(e, &o, &e->gone[i]);
	e->n_gone = 0;
	end_these(e, &o);
}
