/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Back on the same link (RFC 6059): whoever advertises may take its time with a router solicitation, up to half a second; a
 * neighbour answers at once.  So the routers of the attachment that has just ended are asked, each by its link-layer address, and
 * one that answers is here with all that it had advertised.  Its next advertisement has the last word.
 */
#include <string.h>

#include "mobility/internal.h"

#define MAX_PROBES 3

/* IANA's own: of virtual routers and of access gateways that all look the same (RFC 9542 section 2.1, RFC 5798, RFC 6543). */
static bool is_shared(const uint8_t mac[static 6])
{
	return mac[0] == 0 && mac[1] == 0 && mac[2] == 0x5e;
}

/* Heard in the attachment before this one, and what it said still holds. */
static bool may_be_here(const struct link *l, const struct router *r)
{
	return r->origin == ROUTER_RA && r->epoch + 1 == l->epoch && !r->left &&
	       r->expires > l->engine->now.mono && r->has_mac && !is_shared(r->mac);
}

void link_probe_routers(struct link *l)
{
	struct engine *e = l->engine;
	struct router *r;
	unsigned n = 0;

	if (!e->started || !l->conf->use)
		return;
	list_for_each(r, &l->routers, node)
		if (n < MAX_PROBES && may_be_here(l, r)) {
			e->ops->probe_router(e->user, l->ifindex, &r->addr, r->mac);
			n++;
		}
}

void engine_router_answer(struct engine *e, struct instant now, int ifindex,
			  const struct in6_addr *router, const uint8_t *mac)
{
	struct link *l = engine_find_link(e, ifindex);
	struct router *r = l ? router_find(l, router) : NULL;

	e->now = now;
	if (!r || !l->up || !l->conf->use || !may_be_here(l, r) ||
	    (mac && memcmp(mac, r->mac, sizeof(r->mac)) != 0))
		return;
	log_debug("%s: router %s is here still", l->name, ADDR_STR(&r->addr));
	e->ops->found_router(e->user, l->ifindex, &r->addr, r->mac);
	r->epoch = l->epoch;
	r->unreachable = false;
	r->remembered = true;
	link_confirm_addresses(l);
	link_update_state(l);
	engine_settle(e);
}
