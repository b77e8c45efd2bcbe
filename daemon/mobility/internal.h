/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the engine share with each other and with nobody else. */
#pragma once

#include "base/log.h"
#include "conf/policy.h"
#include "mobility/discovery.h"
#include "mobility/domain.h"
#include "mobility/engine.h"

#define BINDING_INITIAL_TIMEOUT (1 * USEC_PER_SEC) /* INITIAL_BINDACK_TIMEOUT */
#define BINDING_MAX_TIMEOUT (32 * USEC_PER_SEC)    /* MAX_BINDACK_TIMEOUT */
#define SILENT_AFTER 3                             /* unanswered updates in a row */
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

/* event.c: count and tell; the sentence goes into ev. */
void engine_notify(struct engine *e, struct event *ev, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* anchor.c */
int anchor_new(struct engine *e, const struct conf_anchor *conf, struct anchor **ret);
void anchor_free(struct anchor *a);
/* Nobody uses it: it goes, and nothing points at it any more. */
void anchor_remove(struct engine *e, struct anchor *a);
void anchor_configure(struct anchor *a, const struct conf_anchor *conf);
/* A home agent that was heard of; prefix: the one it serves, NULL = those of its section.  NULL: no room. */
struct anchor *anchor_found(struct engine *e, const struct conf_anchor *conf,
			    const struct in6_addr *address, enum anchor_origin origin,
			    int preference, const struct ip6_prefix *prefix);
struct anchor *anchor_find(const struct engine *e, const struct conf_anchor *conf,
			   const struct in6_addr *address);
bool anchor_in_use(const struct engine *e, const struct anchor *a);
void anchor_set_health(struct engine *e, struct anchor *a, enum anchor_health health);
bool anchor_serves(const struct engine *e, const struct anchor *a, const struct ip6_prefix *prefix);
/* The best one that serves the prefix, NULL = none; without one that is not wanted. */
struct anchor *anchor_best(const struct engine *e, const struct ip6_prefix *prefix);
struct anchor *anchor_best_but(const struct engine *e, const struct ip6_prefix *prefix,
			       const struct anchor *but);
bool anchor_is_out(const struct engine *e, const struct anchor *a);
void anchors_moved(struct engine *e);
void anchors_measure(struct engine *e);
/* We have moved: what was measured is of another place. */
void anchors_left(struct engine *e);
void anchor_echo_reply(struct engine *e, const struct in6_addr *from, uint16_t sequence);
void anchor_measured(struct anchor *a, usec_t rtt);

/* discovery.c */
int discovery_configure(struct engine *e);
void discovery_free(struct engine *e);
void discovery_advert(struct engine *e, const struct nd_router_advert *ra);
void discovery_dhaad_reply(struct engine *e, const struct icmp_event *ev);
/* The binding of a former run, NULL = nothing is known of it. */
struct binding *discovery_restore(struct engine *e, const struct state_entry *saved);
void discovery_wanted(struct engine *e, const struct conf_anchor *c);
void discovery_moved(struct engine *e);
void discovery_homes(struct engine *e);
void discovery_timer(struct engine *e);
usec_t discovery_next_timer(const struct engine *e);

/* session.c: the table of sessions */
void sessions_init(struct engine *e);
struct session *session_find(struct engine *e, uint64_t cookie);
struct session *session_new(struct binding *b, const struct session_info *info);
void session_free(struct session *s);
void sessions_forget(struct binding *b);
/* Tell the owners of those in need. */
void sessions_lost(struct binding *b, const char *why);

/* need.c: who still counts on which home address */
bool binding_needed(const struct binding *b);
/* Find out for addresses that have been left, and bind them where somebody does. */
void need_update(struct engine *e);
/* Its sessions are given up: they are not found again before the next move. */
void need_ignore(const struct binding *b);
/* It goes: who started from its address just before is found when the host looks again. */
void need_unbound(const struct binding *b);
void need_moved(struct engine *e);
/* Other rules may see other sessions in need. */
void need_reconsider(struct engine *e);
void need_recheck(struct engine *e);
void need_settle(struct engine *e);
/* An address goes away with its place. */
void need_address_gone(struct engine *e, const struct link *l, const struct link_address *a);
/* Nothing depends on the binding any more: the address is native again. */
void need_end(struct binding *b);
/* Close the home address to new sessions.  False: somebody has come, it stays open. */
bool need_close(struct binding *b);
usec_t need_next_timer(const struct binding *b);
void need_timer(struct binding *b);

/* liveness.c */
void liveness_begin(struct binding *b);
void liveness_end(struct binding *b);
void liveness_wake(struct binding *b);
void liveness_timer(struct binding *b);
/* The anchor has accepted an update. */
void liveness_acknowledged(struct binding *b);
void liveness_echo_reply(struct engine *e, const struct in6_addr *from, const struct in6_addr *to,
			 uint16_t sequence);

/* An anchor that can be reached acknowledges updates, and its tunnel answers nothing. */
void liveness_blocked(struct binding *b);

/* obstacle.c: what is in the way */
/* Another path: what was in the way of the last one says nothing about it. */
void obstacle_reset(struct binding *b);
/* Its anchor does not acknowledge. */
void obstacle_inquire(struct binding *b);
/* Probes through its tunnel are not answered; one is. */
void obstacle_tunnel_silent(struct binding *b);
void obstacle_tunnel_answers(struct binding *b);
/* The anchor acknowledges.  True: and yet its tunnel is blocked. */
bool obstacle_acknowledged(struct binding *b);
/* Since the last look packets have come through the tunnel; or some have left by one that answers probes, and none has come. */
void obstacle_two_ways(struct binding *b);
void obstacle_one_way(struct binding *b);
void obstacle_echo_reply(struct engine *e, const struct in6_addr *from, const struct in6_addr *to,
			 uint16_t identifier, uint16_t sequence);
usec_t obstacle_next_timer(const struct binding *b);
void obstacle_timer(struct binding *b);

/* change.c: another anchor */
void binding_change_anchor(struct binding *b, struct anchor *to, const char *why);
/* False: there is no other that could. */
bool binding_fail_over(struct binding *b, const char *why);
/* An ICMPv6 error quotes this update. */
void binding_unreachable(struct binding *b, uint16_t sequence);
/* The withdrawal is over: the successor gets the binding, if there is one. */
bool binding_succeed(struct binding *b);
void switch_received(struct engine *e, struct binding *heard, const struct mh_message *m);
usec_t change_next_timer(const struct binding *b);
void change_timer(struct binding *b);

/* revocation.c */
void revocation_received(struct engine *e, struct binding *b, const struct mh_message *m);

/* prefix_discovery.c */
void prefix_discovery_begin(struct binding *b);
void prefix_discovery_advert(struct engine *e, const struct icmp_event *ev);
usec_t prefix_discovery_next_timer(const struct binding *b);
void prefix_discovery_timer(struct binding *b);

/* reconfigure.c */
/* Let go of bindings that are over, and of anchors without bindings.  True: there were some. */
bool engine_reap(struct engine *e);

/* link.c */
void links_free(struct engine *e);
void link_update_state(struct link *l);
void link_confirm_addresses(struct link *l);
void link_leave_earlier(struct link *l);
usec_t link_next_timer(const struct link *l);
void link_timer(struct link *l);
void link_solicit(struct link *l);
void link_probe_routers(struct link *l);
/* A router says that somebody has to log in first (RFC 8910). */
bool link_is_captive(const struct link *l);

/* router.c */
/* NULL: none of that address is known there. */
struct router *router_find(const struct link *l, const struct in6_addr *addr);
bool router_usable(const struct link *l, const struct router *r);
/* The router that advertised the prefix of addr, otherwise the best one; NULL if there is none. */
struct router *link_best_router(const struct link *l, const struct in6_addr *addr);
/* A router that is here advertises its prefix with a preferred lifetime. */
bool link_prefers(const struct link *l, const struct in6_addr *addr);
/* Known by advertisements alone, ours or the kernel's: gone if it does not answer. */
bool router_is_hearsay(const struct router *r);
/* By advertisement, by configuration, or (at start) by being in use already. */
bool router_confirms(const struct router *r, const struct link_address *a);
/* Prefixes that the router did not repeat when it was asked. */
void router_forget_prefixes(struct router *r, usec_t asked);
/* The attachment has shown the address's prefix, and a router for it is still there. */
bool link_supports(const struct link *l, const struct link_address *a);
/* Forget routers whose lifetime has ended. */
void routers_expire(struct link *l);
usec_t routers_next_expiry(const struct link *l);
/* Routers have said, or had their time to say, which prefixes are here. */
bool link_knows_prefixes(const struct link *l);
/* The link is up again: routes that somebody configured hold as before. */
void routers_reattach(struct link *l);
void router_free(struct router *r);

/* request.c: addresses for applications that ask */
void requests_update(struct engine *e);
/* Duplicate address detection has found another host with the address. */
void request_collided(struct engine *e, const struct in6_addr *address);

/* orphan.c */
void orphan_gone(struct engine *e, const struct in6_addr *address);
void orphans_end(struct engine *e);

/* prefix.c: bring the table up to date with links and bindings, publishing what changed. */
void prefixes_update(struct engine *e);
struct prefix *prefix_find(const struct engine *e, const struct ip6_prefix *prefix);
/* What addresses of the prefix are for once it has been left: non-persistent unless it is anchored. */
enum service_type prefix_service(const struct engine *e, const struct ip6_prefix *prefix);
void prefixes_free(struct engine *e);
/* With an interface identifier that nobody can guess (RFC 8981 section 3.3.1). */
void prefix_random_address(struct engine *e, const struct ip6_prefix *prefix, struct in6_addr *ret);

/* selection.c */
/* The link itself has the home address: nothing need be claimed on it.  And it can be used there now. */
bool link_has_address(const struct link *l, const struct binding *b);
bool link_has_native(const struct link *l, const struct binding *b);
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
int binding_new(struct engine *e, struct anchor *a, const struct conf_home *home,
		struct binding **ret);
void binding_free(struct binding *b);
/* In two steps, where something hurries in between: gives the state of before, which is what to tell then. */
enum binding_state binding_change_state(struct binding *b, enum binding_state s);
void binding_tell_state(struct binding *b, enum binding_state was);
void binding_set_state(struct binding *b, enum binding_state s);
void binding_set_path(struct binding *b, const struct path *p);
/* One that could not be set up is tried again.  While there is none, silence is nobody's fault but the host's. */
bool binding_has_path(struct binding *b);
void binding_path_tunnel(struct binding *b);
/* When it has turned out to be good. */
void binding_confirm_path(struct binding *b);
void binding_path_home(struct binding *b, struct link *home, bool dad);
void binding_path_blocked(struct binding *b);
/* Follow the selection: register, return home, or stay. */
void binding_evaluate(struct binding *b);
usec_t binding_next_timer(const struct binding *b);
void binding_timer(struct binding *b);
/* An address has become ours on a link. */
void binding_claimed(struct engine *e, const struct link *l, const struct in6_addr *addr);
/* The link goes away: no binding may point at it. */
/*
 * Nobody needs it, and its agent cannot be told now: nothing of it stays in the kernel, but it is not forgotten.  Back on its
 * link the agent would go on sending its packets elsewhere.
 */
void binding_park(struct binding *b);
/* The agent holds no binding any more, or none that we care for. */
void binding_withdrawn(struct binding *b);
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
/*
 * Sign what will have to be signed, and throw it away: while routers are asked there is nothing else to do, and then neither
 * the code nor the key come from far.
 */
void registration_rehearse(const struct engine *e);
/* Sign and send a message that is no binding update. */
int binding_send_message(struct binding *b, struct mh_message *m);

/* sequence.c: numbers that must go on rising after their binding is gone */
bool sequence_recall(struct binding *b);
void sequence_remember(struct engine *e, const struct in6_addr *home, const struct in6_addr *agent,
		       uint16_t sequence);
/* The binding goes: its number, and how often its agent has been written to of late. */
void sequence_retire(const struct binding *b);
unsigned sequences_save(const struct engine *e, struct state_entry *saved, unsigned max);
void sequences_free(struct engine *e);

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

/* policy.c: which service a session gets whose application did not ask */
/*
 * The first rule of the configuration that matches, or NULL.  Who owns the session is asked at most once, and only when a rule
 * needs it: into *owner, unless *owner_known says that it is there already.  Without an owner such a rule does not match.
 */
const struct policy_rule *policy_match(const struct engine *e, const struct session_info *s,
				       struct session_owner *owner, bool *owner_known);
/* The same for a session whose owner would match any rule. */
const struct policy_rule *policy_match_any_owner(const struct engine *e,
						 const struct session_info *s);
enum service_type policy_service(const struct policy_rule *rule); /* NULL: non-persistent */
/* Non-persistent whatever the rules say. */
bool policy_excludes(const struct session_info *s);

/* domain.c: provisioning domains (RFC 8801) */
/* A router names a domain.  NULL if it does not, or there is no room for another one. */
struct domain *domain_heard(struct engine *e, const struct link *l, const struct nd_domain *d);
/* What the domain says of the i-th prefix of a router; NULL unless all prefixes of the router in that domain are its own. */
const struct pvd_info *domain_info(const struct engine *e, const struct router *r, unsigned i);
usec_t domain_next_timer(const struct engine *e);
void domain_timer(struct engine *e);
void domains_free(struct engine *e);

/* properties.c: what is known of a prefix, by who said so */
/* Resolve p->properties, p->source and what follows from them: anchoring, service, anchor of a native prefix. */
void properties_resolve(const struct engine *e, struct prefix *p);
/* What an address of it that has been left is for; known: what was learnt while the prefix was here, or NULL. */
enum service_type properties_service(const struct engine *e, const struct ip6_prefix *prefix,
				     const struct prefix *known);
/* Remember which routers had a prefix of the link, to tell a network that keeps it in place from a link that only flapped. */
void properties_attached(struct link *l, const struct router *r, const struct ip6_prefix *prefix);
