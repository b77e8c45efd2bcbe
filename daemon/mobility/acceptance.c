/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may send to us from where: for each home address its anchor, to the care-of addresses in use
 * and, for a grace time, to those just left, since packets are still on their way there.
 */
#include <stdlib.h>

#include "mobility/internal.h"

#define MAX_CARE_OF 4 /* per home address: a flapping link must not fill the data plane */

static void drop(struct engine *e, struct accepted *a)
{
	e->ops->reject(e->user, &a->home, &a->anchor, &a->coa);
	list_remove(&a->node);
	free(a);
}

void accepted_add(struct engine *e, const struct binding *b, const struct in6_addr *coa)
{
	struct accepted *a, *oldest = NULL;
	unsigned n = 0;
	int r;

	list_for_each(a, &e->accepted, node) {
		if (!addr_equal(&a->home, &b->home))
			continue;
		if (addr_equal(&a->anchor, &b->anchor->address) && addr_equal(&a->coa, coa)) {
			a->until = USEC_INFINITY;
			/* Anew, so that the first data of this use can be told. */
			e->ops->accept(e->user, &b->home, &b->anchor->address, coa);
			return;
		}
		n++;
		if (!addr_equal(&a->coa, &b->path.coa) && !addr_equal(&a->coa, &b->coa) &&
		    (!oldest || a->until < oldest->until))
			oldest = a;
	}
	if (n >= MAX_CARE_OF && oldest)
		drop(e, oldest);
	r = e->ops->accept(e->user, &b->home, &b->anchor->address, coa);
	if (r < 0) {
		log_error("%s: cannot let its anchor in: %s", ADDR_STR(&b->home), log_strerror(-r));
		return;
	}
	a = calloc(1, sizeof(*a));
	if (!a)
		return;
	*a = (struct accepted){
		.home = b->home,
		.anchor = b->anchor->address,
		.coa = *coa,
		.until = USEC_INFINITY,
	};
	list_append(&e->accepted, &a->node);
}

void accepted_retire(struct engine *e, const struct binding *b, const struct in6_addr *keep)
{
	struct accepted *a;

	list_for_each(a, &e->accepted, node)
		if (addr_equal(&a->home, &b->home) && a->until == USEC_INFINITY &&
		    !(keep && addr_equal(&a->coa, keep) &&
		      addr_equal(&a->anchor, &b->anchor->address)))
			a->until = usec_add(e->now.mono, ACCEPT_GRACE);
}

usec_t accepted_expire(struct engine *e)
{
	usec_t next = USEC_INFINITY;
	struct accepted *a, *t;

	list_for_each_safe(a, t, &e->accepted, node) {
		if (a->until <= e->now.mono)
			drop(e, a);
		else if (a->until < next)
			next = a->until;
	}
	return next;
}

void accepted_forget(struct engine *e, const struct binding *b)
{
	struct accepted *a, *t;

	list_for_each_safe(a, t, &e->accepted, node)
		if (addr_equal(&a->home, &b->home))
			drop(e, a);
}

bool engine_accepts(const struct engine *e, const struct in6_addr *home,
		    const struct in6_addr *anchor, const struct in6_addr *coa)
{
	const struct accepted *a;

	list_for_each(a, &e->accepted, node)
		if (addr_equal(&a->home, home) && addr_equal(&a->anchor, anchor) &&
		    addr_equal(&a->coa, coa))
			return true;
	return false;
}

void accepted_free(struct engine *e)
{
	struct accepted *a, *t;

	list_for_each_safe(a, t, &e->accepted, node) {
		list_remove(&a->node);
		free(a);
	}
}
