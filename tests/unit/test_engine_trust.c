/* SPDX-License-Identifier: GPL-2.0-or-later */
/* E11: nothing unauthenticated changes a binding, an anchor's standing or a path. */
#include <criterion/criterion.h>

#include "engine_world.h"

/* What an attacker must not be able to change. */
struct standing {
	enum binding_state state;
	bool registered;
	struct in6_addr coa, registered_coa;
	usec_t expires, refresh_at, retransmit_at;
	uint16_t sequence;
	unsigned n_outstanding;
	int last_status, anchor_status;
	enum anchor_health health;
	int64_t clock_offset;
	struct path path;
	unsigned sent, paths, accepted, persisted, announced;
};

static struct standing standing_of(const struct world *w)
{
	const struct binding *b = world_binding(w, HOA);
	struct standing s;

	memset(&s, 0, sizeof(s)); /* compared as octets */
	s.state = b->state;
	s.registered = b->registered;
	s.coa = b->coa;
	s.registered_coa = b->registered_coa;
	s.expires = b->expires;
	s.refresh_at = b->refresh_at;
	s.retransmit_at = b->retransmit_at;
	s.sequence = b->sequence;
	s.n_outstanding = b->n_outstanding;
	s.last_status = b->last_status;
	s.anchor_status = b->anchor->last_status;
	s.health = b->anchor->health;
	s.clock_offset = b->anchor->clock_offset;
	memcpy(&s.path, world_path(w, HOA), sizeof(s.path));
	s.sent = world_count(w, OP_SEND);
	s.paths = world_count(w, OP_PATH);
	s.accepted = world_count(w, OP_ACCEPT) + world_count(w, OP_REJECT);
	s.persisted = w->persisted;
	s.announced = world_count(w, OP_ANNOUNCE);
	return s;
}

static void check_unmoved(const struct world *w, const struct standing *before, const char *what)
{
	struct standing now = standing_of(w);

	cr_assert_eq(memcmp(before, &now, sizeof(now)), 0, "%s had an effect", what);
}

static void attempt(struct world *w, const struct agent_ack *ack, const char *what)
{
	struct standing before = standing_of(w);

	world_deliver(w, ack);
	check_unmoved(w, &before, what);
}

/* Every falsification of an acknowledgement that would be believed if it were true. */
static void attempt_all(struct world *w, const struct agent_ack *good)
{
	struct mip_sa other = *good->sa;
	struct agent_ack a;

	a = *good;
	a.sa = NULL;
	attempt(w, &a, "no authentication");
	a = *good;
	other.key[3] ^= 1;
	a.sa = &other;
	attempt(w, &a, "another key");
	a = *good;
	a.spi++;
	attempt(w, &a, "another SPI");
	other = *good->sa;
	other.alg = MIP_AUTH_HMAC_SHA256_128;
	a = *good;
	a.sa = &other;
	attempt(w, &a, "another algorithm");
	a = *good;
	a.coa = world_addr("2001:db8:bad::1");
	attempt(w, &a, "another care-of address");
	a = *good;
	a.src = world_addr("2001:db8:bad::1");
	attempt(w, &a, "another sender");
	a = *good;
	a.src = world_addr(HA2);
	attempt(w, &a, "another home agent");
	a = *good;
	a.dst = world_addr(HOA2);
	attempt(w, &a, "another home address");
	a = *good;
	a.dst = good->coa;
	attempt(w, &a, "sent to the care-of address");
	a = *good;
	a.wrong_checksum = true;
	attempt(w, &a, "wrong checksum");
	a = *good;
	a.replay -= (uint64_t)1 << 32;
	if (good->status != BA_ID_MISMATCH && good->status != BA_SEQUENCE_OUT_OF_WINDOW)
		attempt(w, &a, "an earlier timestamp");
	if (good->status != BA_SEQUENCE_OUT_OF_WINDOW) {
		a = *good;
		a.sequence++;
		attempt(w, &a, "a sequence number to come");
		a.sequence = (uint16_t)(good->sequence - 1);
		attempt(w, &a, "an old sequence number");
		a.sequence = (uint16_t)(good->sequence + 32768);
		attempt(w, &a, "a sequence number from the other side");
	}
	a = *good;
	a.has_rh2 = false;
	attempt(w, &a, "no routing header");
}

static void attempt_damaged(struct world *w, const struct agent_ack *good)
{
	struct standing before = standing_of(w);
	struct agent_message m;

	agent_ack_build(good, &m);
	for (size_t i = 0; i < m.len; i++) {
		struct agent_ack a = *good;

		if (i == 4 || i == 5)
			continue; /* the checksum, made right again */
		a.flip = (int)i;
		world_deliver(w, &a);
		check_unmoved(w, &before, "one bit");
	}
	for (size_t len = 0; len < m.len; len++) {
		struct agent_message cut = m;

		cut.len = len;
		world_message(w, &cut);
		check_unmoved(w, &before, "half a message");
		if (len > 6) {
			mh_set_checksum(&cut.src, &cut.dst, cut.mh, cut.len);
			world_message(w, &cut);
			check_unmoved(w, &before, "half a message with a checksum");
		}
	}
}

static const int statuses[] = {0,   1,   100, 128, 129, 130, 131, 132, 133,
			       134, 135, 139, 144, 145, 146, 174, 255};

Test(engine, E11_false_acknowledgements_of_a_first_registration)
{
	for (unsigned i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
		struct world *w = world_new(WORLD_TWO);
		struct agent *ha = world_agent(w, HA);
		struct agent_ack good;

		ha->silent = world_agent(w, HA2)->silent = true;
		world_start(w);
		world_arrive(w, &place_a);
		good = agent_ack_for(ha, &world_nth(w, OP_SEND, 0)->update, (uint8_t)statuses[i]);
		attempt_all(w, &good);
		attempt_damaged(w, &good);
		world_deliver(w, &good);
		cr_assert_eq(world_binding(w, HOA)->anchor->n.ba_accepted +
				     world_binding(w, HOA)->anchor->n.ba_rejected +
				     world_binding(w, HOA)->corrections,
			     1, "the true one with status %d is believed", statuses[i]);
		cr_assert_gt(world_binding(w, HOA)->anchor->n.dropped_auth, 4);
		cr_assert_gt(world_binding(w, HOA)->anchor->n.dropped_malformed, 4);
		world_free(w);
	}
}

/* One event, however many come, until something passes. */
Test(engine, E11_forged_acknowledgements_are_told_of_once_in_a_row)
{
	struct world *w = world_new(WORLD_ONE);
	struct agent *ha = world_agent(w, HA);
	const struct anchor *a;
	struct agent_ack good, forged;
	struct mip_sa other;

	ha->silent = true;
	world_start(w);
	world_arrive(w, &place_a);
	a = world_binding(w, HOA)->anchor;
	good = forged = agent_ack_for(ha, &world_nth(w, OP_SEND, 0)->update, 0);
	other = *good.sa;
	other.key[3] ^= 1;
	forged.sa = &other;
	for (unsigned i = 1; i <= 3; i++) {
		world_deliver(w, &forged);
		cr_assert_eq(w->host.events[EVENT_FORGED], 1);
		cr_assert_eq(a->failed_auth, i);
		cr_assert_not(a->key_proven);
	}
	world_deliver(w, &good);
	cr_assert_eq(a->failed_auth, 0);
	cr_assert(a->key_proven);

	world_leave(w, &place_a);
	world_arrive(w, &place_b);
	forged = agent_ack_for(ha, &world_last(w, OP_SEND)->update, 0);
	forged.sa = &other;
	world_deliver(w, &forged);
	cr_assert_eq(w->host.events[EVENT_FORGED], 2);
	cr_assert_eq(a->failed_auth, 1);
	cr_assert_eq(a->n.dropped_auth, 4);
	world_free(w);
}

Test(engine, E11_false_acknowledgements_of_a_move)
{
	for (unsigned i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
		struct world *w = world_bound(WORLD_TWO, &place_wire);
		struct agent *ha = world_agent(w, HA);
		struct agent_ack good;

		ha->silent = world_agent(w, HA2)->silent = true;
		world_arrive(w, &place_a);
		good = agent_ack_for(ha, &world_nth(w, OP_SEND, 0)->update, (uint8_t)statuses[i]);
		attempt_all(w, &good);
		attempt_damaged(w, &good);
		world_free(w);
	}
}

Test(engine, E11_false_acknowledgements_when_nothing_is_outstanding)
{
	struct world *w = world_bound(WORLD_TWO, &place_a);
	struct agent *ha = world_agent(w, HA);
	struct agent_received last = {
		.dst = world_addr(HA),
		.home = world_addr(HOA),
		.coa = world_addr(place_a.coa),
		.away = true,
		.sequence = world_binding(w, HOA)->sequence,
		.lifetime = 450,
	};

	for (unsigned i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
		struct agent_ack again = agent_ack_for(ha, &last, (uint8_t)statuses[i]);

		attempt(w, &again, "an acknowledgement nobody waits for");
		again.sequence++;
		attempt(w, &again, "an acknowledgement from the future");
	}
	world_free(w);
}

/* An agent's "out of window" from long ago would turn our sequence numbers back. */
Test(engine, E11_a_replayed_resynchronisation)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);
	struct agent_ack old;

	world_agent(w, HA)->silent = true;
	world_run(w, 1500 * USEC_PER_SEC);
	old = agent_ack_for(world_agent(w, HA), &world_last(w, OP_SEND)->update,
			    BA_SEQUENCE_OUT_OF_WINDOW);
	old.sequence = (uint16_t)(old.sequence - 100);
	attempt(w, &old, "a sequence number older than that of the update");
	old.sequence = (uint16_t)(old.sequence + 200);
	old.replay -= (uint64_t)60 << 32;
	attempt(w, &old, "the timestamp of an earlier exchange");
	world_free(w);
}

/* Two copies of one update on the way: the agent accepts one and finds the other stale. */
Test(engine, E11_a_late_resynchronisation)
{
	struct world *w = world_bound(WORLD_ONE, &place_wire);
	struct agent *ha = world_agent(w, HA);
	struct agent_received first;
	struct agent_ack late;

	world_arrive(w, &place_a);
	world_run(w, 1 * USEC_PER_SEC);
	first = world_last(w, OP_SEND)->update;
	world_leave(w, &place_a);
	world_run(w, 1 * USEC_PER_SEC);
	ha->silent = true;
	world_arrive(w, &place_a);
	cr_assert_eq(world_last(w, OP_SEND)->update.sequence, (uint16_t)(first.sequence + 2),
		     "back to the wire, then here again");
	late = agent_ack_for(ha, &first, BA_SEQUENCE_OUT_OF_WINDOW);
	attempt(w, &late, "the answer to the second copy");
	world_free(w);
}

/* RFC 4285 section 6: the low half of the timestamp is ours, else it answers somebody else. */
Test(engine, E11_a_replayed_clock)
{
	struct world *w = world_new(WORLD_ONE);
	struct agent_ack old;

	world_agent(w, HA)->silent = true;
	world_start(w);
	world_arrive(w, &place_a);
	old = agent_ack_for(world_agent(w, HA), &world_nth(w, OP_SEND, 0)->update, BA_ID_MISMATCH);
	old.replay += ((uint64_t)3600 << 32) + 12345;
	attempt(w, &old, "the clock of an earlier exchange");
	world_free(w);
}

/* The kernel cannot tell whether there was a routing header: the authenticator decides. */
Test(engine, E11_routing_header_not_visible)
{
	struct world *w = world_new(WORLD_ONE);
	struct agent_ack good;

	world_agent(w, HA)->silent = true;
	world_start(w);
	world_arrive(w, &place_a);
	good = agent_ack_for(world_agent(w, HA), &world_nth(w, OP_SEND, 0)->update, BA_ACCEPTED);
	good.has_rh2 = false;
	good.rh2_unknown = true;
	world_deliver(w, &good);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REGISTERED);
	world_free(w);
}

Test(engine, E11_without_a_key_the_rest_is_still_checked)
{
	struct world *w =
		world_new("[Anchor one]\nAddress=" HA "\nHomeAddress=" HOA "/64\nInsecure=yes\n");
	struct agent *ha = world_agent(w, HA);
	struct agent_ack good, a;

	ha->silent = true;
	world_start(w);
	world_arrive(w, &place_a);
	good = agent_ack_for(ha, &world_nth(w, OP_SEND, 0)->update, BA_ACCEPTED);
	a = good;
	a.sequence++;
	attempt(w, &a, "a sequence number to come");
	a = good;
	a.src = world_addr(HA2);
	attempt(w, &a, "another sender");
	a = good;
	a.has_rh2 = false;
	attempt(w, &a, "no routing header");
	world_deliver(w, &good);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REGISTERED);
	world_free(w);
}

/* --- other messages --------------------------------------------------------------------- */

static void send_plain(struct world *w, struct mh_message *m, const char *src, const char *dst)
{
	struct agent_message out = {.src = world_addr(src), .dst = world_addr(dst)};
	int r = mh_encode(m, out.mh, sizeof(out.mh));

	cr_assert_gt(r, 0);
	out.len = (size_t)r;
	mh_set_checksum(&out.src, &out.dst, out.mh, out.len);
	world_message(w, &out);
}

static void send_error(struct world *w, const char *src, uint8_t status, const char *home)
{
	struct mh_message m = {.type = MH_BE};

	m.be.status = status;
	m.be.home = world_addr(home);
	send_plain(w, &m, src, place_a.coa);
}

Test(engine, E11_a_binding_error_at_most_asks_again)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);
	struct standing before;

	world_run(w, 60 * USEC_PER_SEC);
	before = standing_of(w);
	send_error(w, "2001:db8:bad::1", 1, HOA);
	check_unmoved(w, &before, "an error from somebody");
	send_error(w, HA, 2, HOA);
	check_unmoved(w, &before, "an unknown message type");
	send_error(w, HA, 1, HOA2);
	check_unmoved(w, &before, "an error about a strange home address");
	for (unsigned i = 0; i < 1000; i++) {
		send_error(w, HA, 1, HOA);
		world_run(w, 10 * USEC_PER_MSEC);
		cr_assert(world_binding(w, HOA)->registered);
		cr_assert(world_tunnels(w, HOA, place_a.coa));
	}
	cr_assert_leq(world_count(w, OP_SEND), 3, "ten seconds");
	cr_assert_eq(world_count(w, OP_PATH), 0);
	world_free(w);
}

/* Home agent switch, revocation, update notification, refresh request: none of them carries
 * authentication here. */
Test(engine, E11_unauthenticated_requests_change_nothing)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);
	static const uint8_t types[] = {MH_HAS, MH_BREV, MH_UPN, MH_HOT, MH_COT, MH_BU, MH_HOTI};

	world_run(w, 60 * USEC_PER_SEC);
	for (unsigned i = 0; i < sizeof(types); i++) {
		struct standing before = standing_of(w);
		struct mh_message m = {.type = types[i]};

		if (types[i] == MH_BREV)
			m.brev.type = 1;
		send_plain(w, &m, HA, HOA);
		check_unmoved(w, &before, "an unauthenticated request");
	}
	for (unsigned i = 0; i < 100; i++) {
		struct mh_message m = {.type = MH_BRR};

		send_plain(w, &m, HA, HOA);
	}
	cr_assert_leq(world_count(w, OP_SEND), 1);
	cr_assert(world_tunnels(w, HOA, place_a.coa));
	world_free(w);
}

/* --- router advertisements -------------------------------------------------------------- */

Test(engine, E11_advertisements_of_other_routers)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);
	struct standing before = standing_of(w);
	struct nd_router_advert ra = world_advert_of("2001:db8:bad::/64", 9000);
	struct in6_addr router = world_addr("fe80::bad");

	world_advert(w, place_a.ifindex, "fe80::bad", place_a.prefix, 0);
	check_unmoved(w, &before, "a router that is none");
	ra.home_agent = ra.has_home_agent_info = true;
	ra.ha_preference = 65535;
	ra.ha_lifetime = 9000;
	engine_router_advert(w->e, w->now, place_a.ifindex, &router, &ra);
	check_unmoved(w, &before, "a router that calls itself a home agent");
	cr_assert_eq(w->e->anchors.next, w->e->anchors.prev, "one anchor, the configured one");
	world_free(w);
}

Test(engine, E11_a_router_says_goodbye)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);
	struct standing before = standing_of(w);

	world_advert(w, place_a.ifindex, place_a.router, place_a.prefix, 0);
	check_unmoved(w, &before, "an advertisement with lifetime 0");
	world_run(w, 10 * USEC_PER_SEC);
	world_advert(w, place_a.ifindex, place_a.router, place_a.prefix, 1800);
	world_run(w, 10 * USEC_PER_SEC);
	check_unmoved(w, &before, "a router that is back");
	world_free(w);
}

/* kernel: it believes them too, and makes a route of each. */
static void flood(struct world *w, int ifindex, enum nd_preference preference, bool kernel)
{
	for (unsigned i = 0; i < 1000; i++) {
		struct nd_router_advert ra = world_advert_of(NULL, 9000);
		struct in6_addr router = world_addr("fe80::bad:0");

		ra.preference = preference;
		router.s6_addr[14] = (uint8_t)(i >> 8);
		router.s6_addr[15] = (uint8_t)i;
		for (unsigned p = 0; p < ND_MAX_PREFIXES; p++) {
			ra.prefix[p] = world_advert_of("2001:db8:bad::/64", 1).prefix[0];
			ra.prefix[p].prefix.addr.s6_addr[6] = (uint8_t)i;
			ra.prefix[p].prefix.addr.s6_addr[7] = (uint8_t)p;
		}
		ra.n_prefixes = ND_MAX_PREFIXES;
		engine_router_advert(w->e, w->now, ifindex, &router, &ra);
		if (kernel)
			world_route(w, ifindex, ADDR_STR(&router), 1024, true);
	}
}

static void check_flood(bool kernel)
{
	struct world *w = world_bound(WORLD_ONE, &place_a);
	struct standing before = standing_of(w);
	const struct link *l = engine_find_link(w->e, place_a.ifindex);
	const struct list *n;
	unsigned routers = 0, prefixes = 0;

	flood(w, place_a.ifindex, ND_PREF_MEDIUM, kernel);
	check_unmoved(w, &before, "a flood of advertisements");
	for (n = l->routers.next; n != &l->routers; n = n->next)
		routers++;
	for (n = w->e->prefixes.next; n != &w->e->prefixes; n = n->next)
		prefixes++;
	cr_assert_leq(routers, 64, "bounded");
	cr_assert_leq(prefixes, 64 * ND_MAX_PREFIXES, "bounded");
	cr_assert_leq(world_count(w, OP_SOLICIT), 3, "nor do we flood in answer");
	world_free(w);
}

Test(engine, E11_a_flood_of_advertisements)
{
	check_flood(false);
}

Test(engine, E11_a_flood_of_advertisements_that_the_kernel_believes)
{
	check_flood(true);
}

/* As many prefixes as a router can have, which nobody can use. */
static struct nd_router_advert useless_prefixes(void)
{
	struct nd_router_advert ra = world_advert_of("2001:db8:bad::/64", 1800);

	for (unsigned i = 0; i < ND_MAX_PREFIXES; i++) {
		ra.prefix[i] = ra.prefix[0];
		ra.prefix[i].prefix.addr.s6_addr[7] = (uint8_t)i;
		ra.prefix[i].autonomous = false;
	}
	ra.n_prefixes = ND_MAX_PREFIXES;
	return ra;
}

Test(engine, E11_prefixes_in_the_name_of_a_router_leave_room_for_its_own)
{
	struct nd_router_advert ra = useless_prefixes();
	struct world *w = world_new(WORLD_ONE);
	struct in6_addr router = world_addr(place_a.router);

	world_start(w);
	world_link(w, place_a.ifindex, place_a.link, true);
	engine_router_advert(w->e, w->now, place_a.ifindex, &router, &ra);
	world_run(w, USEC_PER_SEC);
	world_advert(w, place_a.ifindex, place_a.router, place_a.prefix, 1800);
	world_address(w, place_a.ifindex, place_a.coa);
	cr_assert_str_eq(engine_place(w->e), "away");
	world_free(w);
}

Test(engine, E11_a_flood_does_not_push_out_a_configured_router)
{
	struct world *w = world_new(WORLD_ONE);
	struct address_event fixed = world_address_of(place_wire.ifindex, place_wire.coa);
	struct standing before;

	fixed.is_static = true;
	fixed.is_slaac = false;
	world_link(w, place_wire.ifindex, place_wire.link, true);
	world_route(w, place_wire.ifindex, place_wire.router, 100, false);
	engine_address(w->e, w->now, &fixed);
	world_start(w);
	world_run(w, 2 * USEC_PER_SEC);
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_REGISTERED);
	before = standing_of(w);
	flood(w, place_wire.ifindex, ND_PREF_MEDIUM, false);
	check_unmoved(w, &before, "a flood of advertisements");
	world_free(w);
}

/* Who has configured the route decides on it; the router's advertisements do not. */
Test(engine, E11_advertisements_do_not_end_a_configured_route)
{
	struct world *w = world_new(WORLD_ONE);
	struct address_event fixed = world_address_of(place_wire.ifindex, place_wire.coa);

	fixed.is_static = true;
	fixed.is_slaac = false;
	world_link(w, place_wire.ifindex, place_wire.link, true);
	world_route(w, place_wire.ifindex, place_wire.router, 100, false);
	engine_address(w->e, w->now, &fixed);
	world_start(w);
	world_run(w, 2 * USEC_PER_SEC);
	world_advert(w, place_wire.ifindex, place_wire.router, NULL, 30);
	world_run(w, 1 * USEC_PER_SEC);
	world_advert(w, place_wire.ifindex, place_wire.router, NULL, 0);
	world_run(w, 1 * USEC_PER_SEC);
	cr_assert_str_eq(engine_place(w->e), "away");
	world_advert(w, place_wire.ifindex, place_wire.router, NULL, 30);
	world_run(w, 60 * USEC_PER_SEC);
	cr_assert_str_eq(engine_place(w->e), "away");
	world_free(w);
}

/* At home, an advertisement from our router's address that leaves its prefix out: RFC 4861 section
 * 6.2.3 lets routers spread their options, and prefixes end by their own lifetimes. */
Test(engine, E11_an_advertisement_without_prefixes_takes_none_away)
{
	struct world *w = world_new(WORLD_ONE);

	world_start(w);
	world_arrive(w, &place_home);
	world_run(w, 10 * USEC_PER_SEC);
	world_advert(w, place_home.ifindex, place_home.router, NULL, 1800);
	world_run(w, 10 * USEC_PER_SEC);
	cr_assert_eq(world_count(w, OP_SEND), 0, "we have not left home");
	cr_assert_eq(world_binding(w, HOA)->state, BINDING_HOME);
	world_free(w);
}
