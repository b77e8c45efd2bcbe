/* SPDX-License-Identifier: GPL-2.0-or-later */
/* E9, E11: what a home agent tells us to do: switch (RFC 5142), revocation (RFC 5846). */
#include <criterion/criterion.h>
#include <string.h>

#include "engine_world.h"

#define SEC USEC_PER_SEC
#define MSEC USEC_PER_MSEC

enum forgery {
	TRUE_ONE,
	NO_AUTHENTICATION,
	WRONG_KEY,
	OLD,
};

/* A message of that agent to the home address at place_a, now at place_b. */
static void order(struct world *w, const char *agent, struct mh_message *m, enum forgery f)
{
	struct agent *a = world_agent(w, agent);
	struct agent_message out = {
		.src = a->conf->address,
		.dst = world_addr(place_a.coa),
		.has_rh2 = true,
	};
	struct in6_addr coa = world_addr(place_b.coa);
	usec_t sent = f == OLD ? w->now.real - 60 * SEC : w->now.real;
	struct mip_sa sa = a->sa;
	int n;

	m->opt.has_replay = true;
	m->opt.replay = mip_replay_from_usec(sent);
	m->opt.has_auth = f != NO_AUTHENTICATION;
	m->opt.auth_subtype = 1;
	m->opt.auth_spi = sa.spi;
	m->opt.auth_len = (uint8_t)mip_auth_len(sa.alg);
	n = mh_encode(m, out.mh, sizeof(out.mh));
	cr_assert_gt(n, 0);
	out.len = (size_t)n;
	if (f == WRONG_KEY)
		sa.key[0] ^= 1;
	if (m->opt.has_auth)
		cr_assert_eq(mip_auth_sign(&sa, &coa, &out.dst, m, out.mh, out.len), 0);
	mh_set_checksum(&out.src, &out.dst, out.mh, out.len);
	world_message(w, &out);
}

static struct mh_message switch_to(const char *other, uint16_t keep)
{
	struct mh_message m = {.type = MH_HAS};

	if (other) {
		m.has.n = 1;
		m.has.addr[0] = world_addr(other);
	}
	m.opt.has_refresh_advice = keep;
	m.opt.refresh_advice = keep;
	return m;
}

static struct mh_message revocation(uint8_t trigger)
{
	return (struct mh_message){.type = MH_BREV,
				   .brev = {.type = 1, .code = trigger, .sequence = 7}};
}

static const char *anchor_of(const struct world *w)
{
	return world_binding(w, place_a.coa)->anchor->name;
}

Test(engine, E09_a_switch_moves_the_binding_and_keeps_its_sessions)
{
	struct world *w = world_away(WORLD_SPARE, 60 * SEC);
	struct mh_message m = switch_to(ANCHOR_SPARE, 0);

	order(w, ANCHOR_A, &m, TRUE_ONE);
	cr_assert_eq(world_nth(w, OP_SEND, 0)->update.lifetime, 0,
		     "the answer is a de-registration");
	cr_assert_str_eq(ADDR_STR(&world_nth(w, OP_SEND, 0)->anchor), ANCHOR_A);
	world_run(w, SEC);
	cr_assert_eq(world_count(w, OP_SEND), 2);
	cr_assert_str_eq(ADDR_STR(&world_nth(w, OP_SEND, 1)->anchor), ANCHOR_SPARE);
	cr_assert_str_eq(anchor_of(w), "spare");
	cr_assert_eq(world_binding(w, place_a.coa)->state, BINDING_REGISTERED);
	cr_assert_eq(world_binding(w, place_a.coa)->n_in_need, 1);
	cr_assert_eq(w->host.events[EVENT_SESSION_LOST], 0);
	world_free(w);
}

Test(engine, E09_a_switch_without_a_list_leaves_the_choice_to_us)
{
	struct world *w = world_away(WORLD_SPARE, 60 * SEC);
	struct mh_message m = switch_to(NULL, 0);

	order(w, ANCHOR_A, &m, TRUE_ONE);
	world_run(w, SEC);
	cr_assert_str_eq(anchor_of(w), "spare");
	world_free(w);
}

Test(engine, E09_with_nowhere_to_go_the_sessions_are_drained)
{
	struct world *w = world_away(WORLD_NATIVE, 60 * SEC);
	struct mh_message m = switch_to(ANCHOR_B, 25); /* it does not serve this prefix; 100 s */

	order(w, ANCHOR_A, &m, TRUE_ONE);
	world_run(w, 90 * SEC);
	cr_assert(world_tunnels(w, place_a.coa, place_b.coa), "as long as the agent keeps it");
	world_run(w, 20 * SEC);
	cr_assert_eq(w->host.events[EVENT_SESSION_LOST], 1);
	cr_assert_eq(world_last(w, OP_SEND)->update.lifetime, 0);
	world_free(w);
}

Test(engine, E11_a_forged_switch_changes_nothing)
{
	for (enum forgery f = NO_AUTHENTICATION; f <= OLD; f++) {
		struct world *w = world_away(WORLD_SPARE, 60 * SEC);
		struct mh_message m = switch_to(ANCHOR_SPARE, 0);

		order(w, ANCHOR_A, &m, f);
		world_run(w, 10 * SEC);
		cr_assert_eq(world_count(w, OP_SEND), 0, "forgery %d", (int)f);
		cr_assert_str_eq(anchor_of(w), "a");
		cr_assert_eq(w->host.events[EVENT_FORGED], 1);
		world_free(w);
	}
}

Test(engine, E11_a_replayed_switch_changes_nothing)
{
	struct world *w = world_away(WORLD_SPARE, 60 * SEC);
	struct mh_message m = switch_to(ANCHOR_SPARE, 0), again;

	again = m;
	order(w, ANCHOR_A, &m, TRUE_ONE);
	world_run(w, SEC);
	cr_assert_str_eq(anchor_of(w), "spare");
	order(w, ANCHOR_A, &again, OLD);
	world_run(w, 10 * SEC);
	cr_assert_str_eq(anchor_of(w), "spare");
	world_free(w);
}

Test(engine, E08_a_revocation_is_acknowledged_and_another_takes_over)
{
	struct world *w = world_away(WORLD_SPARE, 60 * SEC);
	struct mh_message m = revocation(3);

	order(w, ANCHOR_A, &m, TRUE_ONE);
	cr_assert_eq(w->host.n_other, 1, "the acknowledgement");
	cr_assert_eq(w->host.events[EVENT_BINDING_REVOKED], 1);
	world_run(w, SEC);
	cr_assert_str_eq(anchor_of(w), "spare");
	cr_assert_eq(world_binding(w, place_a.coa)->state, BINDING_REGISTERED);
	world_free(w);
}

Test(engine, E08_an_administrative_revocation_is_obeyed)
{
	struct world *w = world_away(WORLD_SPARE, 60 * SEC);
	struct mh_message m = revocation(1);

	order(w, ANCHOR_A, &m, TRUE_ONE);
	world_run(w, 60 * SEC);
	cr_assert_eq(world_count(w, OP_SEND), 0, "nothing is registered at once");
	cr_assert_eq(world_binding(w, place_a.coa)->state, BINDING_REFUSED);
	cr_assert_eq(w->host.events[EVENT_SESSION_LOST], 1);
	world_free(w);
}

Test(engine, E11_a_forged_revocation_changes_nothing)
{
	for (enum forgery f = NO_AUTHENTICATION; f <= OLD; f++) {
		struct world *w = world_away(WORLD_SPARE, 60 * SEC);
		struct mh_message m = revocation(3);

		order(w, ANCHOR_A, &m, f);
		cr_assert_eq(w->host.n_other, 0);
		cr_assert_eq(world_binding(w, place_a.coa)->state, BINDING_REGISTERED);
		world_free(w);
	}
}
