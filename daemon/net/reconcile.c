/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Other network managers remove what they do not know.  When something that may be ours goes,
 * everything is put back a moment later, once for a burst of events; what is still there is left as
 * it is.
 */
#include <errno.h>

#include "net/internal.h"

#define SETTLE (50 * USEC_PER_MSEC)

static int on_repair(sd_event_source *s, uint64_t usec, void *user)
{
	struct net *n = user;
	struct uplink *u;

	(void)s, (void)usec;
	if (n->removing)
		return 0;
	if (device_ensure(n) < 0)
		return 0;
	list_for_each(u, &n->uplinks, node)
		if (u->want_attached)
			uplink_attach(n, u);
	for (unsigned i = 0; i < CONF_MAX_HOMES; i++)
		path_repair(n, &n->home[i]);
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
