/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the engine share with each other and with nobody else. */
#pragma once

#include "base/log.h"
#include "mobility/engine.h"

#define BINDING_INITIAL_TIMEOUT (1 * USEC_PER_SEC) /* INITIAL_BINDACK_TIMEOUT */
#define BINDING_MAX_TIMEOUT (32 * USEC_PER_SEC)    /* MAX_BINDACK_TIMEOUT */
#define BINDING_SLOW_RETRY (600 * USEC_PER_SEC)    /* an agent that is not ours may be mended */
/* To be at home takes no care-of address, but one may be about to come, and then all moves at once. */
#define HOME_PATIENCE (300 * USEC_PER_MSEC)
#define ACCEPT_GRACE (10 * USEC_PER_SEC) /* packets on their way to an old care-of address */

struct accepted {
	struct list node;
	struct in6_addr home, anchor, coa;
	usec_t until; /* USEC_INFINITY while in use */
};

/* How long routers have to prove they are here: MIN_DELAY_BETWEEN_RAS and MAX_RA_DELAY_TIME, RFC 4861. */
#define ROUTER_PROBE_TIME (3500 * USEC_PER_MSEC)

/* engine.c */
/* After any event: draw the consequences, then wait for the next deadline. */
void engine_settle(struct engine *e);
void engine_publish(struct engine *e, enum engine_object kind, enum engine_change change,
		    const void *object);

/* reconfigure.c */
int anchor_new(struct engine *e, const struct conf_anchor *conf, struct anchor **ret);
void anchor_free(struct anchor *a);
/* Let go of removed bindings whose withdrawal is over, and of anchors without bindings. */
void engine_reap(struct engine *e);

/* link.c */
void links_free(struct engine *e);
void link_update_state(struct link *l);
void link_confirm_addresses(struct link *l);
void link_leave_earlier(struct link *l);
usec_t link_next_timer(const struct link *l);
void link_timer(struct link *l);
void link_solicit(struct link *l);

/* router.c */
bool router_usable(const struct link *l, const struct router *r);
/* The router that advertised the prefix of addr, otherwise the best one; NULL if there is none. */
struct router *link_best_router(const struct link *l, const struct in6_addr *addr);
/* By advertisement, by configuration, or (at start) by being in use already. */
bool router_confirms(const struct router *r, const struct link_address *a);
/* Prefixes that the router did not repeat when it was asked. */
void router_forget_prefixes(struct router *r, usec_t asked);
/* The attachment has shown the address's prefix, and a router for it is still there. */
bool link_supports(const struct link *l, const struct link_address *a);
/* Forget routers whose lifetime has ended. */
void routers_expire(struct link *l);
usec_t routers_next_expiry(const struct link *l);
/* The link is up again: routes that somebody configured hold as before. */
void routers_reattach(struct link *l);
void router_free(struct router *r);

/* prefix.c: bring the table up to date with links and bindings, publishing what changed. */
void prefixes_update(struct engine *e);
void prefixes_free(struct engine *e);

/* selection.c */
struct candidate {
	struct link *link;
	struct link_address *address;
	struct router *router;
};
bool link_candidate(const struct link *l, struct candidate *ret);
/* The link on which the home prefix is on-link, or NULL. */
struct link *find_home_link(const struct engine *e, const struct binding *b);
/* Choose the care-of address and let every binding follow. */
void selection_run(struct engine *e);
/* Can packets still leave and arrive by the path the binding uses? */
bool path_alive(const struct engine *e, const struct path *p);

/* binding.c */
/* Takes the lowest slot that is free; -ENOSPC if none is. */
int binding_new(struct engine *e, struct anchor *a, const struct conf_home *home);
void binding_free(struct binding *b);
void binding_set_state(struct binding *b, enum binding_state s);
void binding_set_path(struct binding *b, const struct path *p);
void binding_path_tunnel(struct binding *b);
void binding_path_home(struct binding *b, struct link *home, bool dad);
void binding_path_blocked(struct binding *b);
/* Follow the selection: register, return home, or stay. */
void binding_evaluate(struct binding *b);
usec_t binding_next_timer(const struct binding *b);
void binding_timer(struct binding *b);
/* An address has become ours on a link. */
void binding_claimed(struct engine *e, const struct link *l, const struct in6_addr *addr);
/* The link goes away: no binding may point at it. */
void binding_forget_link(struct engine *e, const struct link *l);
/* Another attachment: what this link claims is believed again until shown false. */
void binding_trust_link(const struct link *l);

/* registration.c */
void binding_register(struct binding *b);
void binding_return_home(struct binding *b, struct link *home);
void binding_withdraw(struct binding *b);
void binding_refresh(struct binding *b);
void binding_retransmit(struct binding *b);
void binding_stop_exchange(struct binding *b);

/* acceptance.c: who may send to us from where */
void accepted_add(struct engine *e, const struct binding *b, const struct in6_addr *coa);
/* All other care-of addresses of the home address stop being let in after the grace time. */
void accepted_retire(struct engine *e, const struct binding *b, const struct in6_addr *keep);
usec_t accepted_expire(struct engine *e);
void accepted_forget(struct engine *e, const struct binding *b);
void accepted_free(struct engine *e);

/*
 * handover.c: a record opens when the care-of address changes, the bindings that move join it, and
 * it is closed to others; it is done when each of them has been accepted or refused.
 */
void handover_begin(struct engine *e, const struct in6_addr *from_coa, bool old_alive);
void handover_join(struct binding *b);
void handover_close(struct engine *e);
void handover_leave(struct binding *b, bool accepted);
void handover_bu_sent(struct engine *e);
void handover_ba_received(struct engine *e);
void handover_ba_accepted(struct engine *e);
void handover_check_data(struct engine *e);
