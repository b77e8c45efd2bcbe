/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Other network managers remove what they do not know.  When something that may be ours goes,
 * everything is put back a moment later, once for a burst of events; what is still there is left as
 * it is.
 */
#include <errno.h>

#include "net/internal.h"

#define SETTLE (50 * USEC_PER_MSEC)
#define REPAIR_DELAY_MAX (5 * USEC_PER_SEC)

static int repair(struct net *n)
{
	struct uplink *u;
	int r = device_ensure(n);

	list_for_each(u, &n->uplinks, node)
		if (r == 0 && u->want_attached)
			r = uplink_attach(n, u);
	for (unsigned i = 0; i < CONF_MAX_HOMES && r == 0; i++)
		r = path_repair(n, &n->home[i]);
	return r < 0 ? r : policy_route_repair(n);
}

static int on_repair(sd_event_source *s, uint64_t usec, void *user)
{
	struct net *n = user;

	(void)s, (void)usec;
	if (n->removing)
		return 0;
	if (repair(n) == 0) {
		n->repair_delay = 0;
		return 0;
	}
	/* Somebody is still at it: again, less and less often. */
	n->repair_delay = n->repair_delay ? 2 * n->repair_delay : SETTLE;
	if (n->repair_delay > REPAIR_DELAY_MAX)
		n->repair_delay = REPAIR_DELAY_MAX;
	loop_timer_set(n->repair, usec_add(loop_now().mono, n->repair_delay));
	return 0;
}

int reconcile_init(struct net *n)
{
	return loop_timer_new(n->ev, on_repair, n, &n->repair);
}

void reconcile_soon(struct net *n)
{
	if (!n->removing)
		loop_timer_set(n->repair, usec_add(loop_now().mono, SETTLE));
}
