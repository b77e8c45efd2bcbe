/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policy in the form of routing rules: never another answer than the daemon would give. */
#include "test_conf.h"

#include <netinet/in.h>

#include "sock/policy.h"

static struct net_policy policy;
static struct policy_gaps gaps;

static unsigned translate_for(const char *text, bool fixed_for_all)
{
	struct conf_errors errors = {.out = stderr};
	struct list list;

	list_init(&list);
	cr_assert_eq(policy_parse_buffer("p.conf", text, strlen(text), &errors, &list), 0);
	memset(&policy, 0, sizeof(policy));
	policy_translate(&list, fixed_for_all, &policy, &gaps);
	policy_free(&list);
	return policy.n;
}

static unsigned translate(const char *text)
{
	return translate_for(text, true);
}

Test(sock_policy, every_combination_is_a_rule)
{
	unsigned seen = 0;

	cr_assert_eq(translate("[Rule a]\nProtocol=tcp udp\nPort=22 5000-5010\nUser=7 8\n"
			       "Destination=2001:db8::/32 ::/0\nService=session-lasting\n"),
		     16);
	for (unsigned i = 0; i < policy.n; i++) {
		const struct net_policy_rule *r = &policy.rule[i];

		cr_assert_eq(r->service, SERVICE_SESSION_LASTING);
		cr_assert_eq(r->order, 0);
		cr_assert(r->has_user && (r->user == 7 || r->user == 8));
		cr_assert(r->port_from == 22 ? r->port_to == 22
					     : r->port_from == 5000 && r->port_to == 5010);
		cr_assert(r->destination.len == 32 || r->destination.len == 0);
		seen |= 1u << ((r->protocol == IPPROTO_UDP) | (r->user == 8) << 1 |
			       (r->port_from == 22) << 2 | (r->destination.len == 0) << 3);
	}
	cr_assert_eq(seen, 0xffff);
	cr_assert_eq(translate(""), 0);
	cr_assert(!gaps.program[0] && !gaps.fixed[0] && !gaps.rest[0]);
}

Test(sock_policy, datagrams_only_where_they_are_named)
{
	cr_assert_eq(translate("[Rule a]\nService=session-lasting\n"), 1);
	cr_assert_eq(policy.rule[0].protocol, IPPROTO_TCP);
	/* Who is for any protocol stands in front of who names UDP, also for datagrams. */
	cr_assert_eq(translate("[Rule a]\nPort=5\nService=session-lasting\n"
			       "[Rule b]\nProtocol=udp\nService=session-lasting\n"
			       "[Rule c]\nPort=6\nService=session-lasting\n"),
		     4);
	cr_assert_eq(policy.rule[1].protocol, IPPROTO_UDP);
	cr_assert_eq(policy.rule[1].service, SERVICE_NON_PERSISTENT);
	cr_assert_eq(policy.rule[1].port_from, 5);
	cr_assert_eq(policy.rule[2].service, SERVICE_SESSION_LASTING);
	cr_assert_lt(policy.rule[1].order, policy.rule[2].order);
	cr_assert_eq(policy.rule[3].protocol, IPPROTO_TCP);
}

Test(sock_policy, only_another_service_needs_another_order)
{
	cr_assert_eq(translate("[Rule a]\nPort=1\nService=session-lasting\n"
			       "[Rule b]\nPort=2\nService=session-lasting\n"
			       "[Rule c]\nPort=3\nService=non-persistent\n"
			       "[Rule d]\nPort=4\nProtocol=udp\nService=fixed\n"
			       "[Rule e]\nService=session-lasting\n"),
		     8);
	cr_assert_eq(policy.rule[0].order, 0);
	cr_assert_eq(policy.rule[7].port_from, 0);
	for (unsigned i = 1; i < policy.n; i++)
		for (unsigned k = 0; k < i; k++) {
			cr_assert_leq(policy.rule[k].order, policy.rule[i].order);
			if (policy.rule[k].protocol == policy.rule[i].protocol &&
			    policy.rule[k].service != policy.rule[i].service)
				cr_assert_lt(policy.rule[k].order, policy.rule[i].order);
		}
}

Test(sock_policy, what_cannot_be_seen_is_left_alone)
{
	cr_assert_eq(translate("[Rule in]\nLocalPort=22\nService=session-lasting\n"
			       "[Rule a]\nPort=5\nExecutable=/bin/x\nService=session-lasting\n"
			       "[Rule b]\nPort=6\nControlGroup=/x\nService=non-persistent\n"
			       "[Rule c]\nService=session-lasting\n"),
		     3);
	cr_assert_eq(policy.rule[0].service, SERVICE_NON_PERSISTENT);
	cr_assert_eq(policy.rule[0].port_from, 5);
	cr_assert_eq(policy.rule[1].service, SERVICE_NON_PERSISTENT);
	cr_assert_eq(policy.rule[2].service, SERVICE_SESSION_LASTING);
	cr_assert_str_eq(gaps.program, "a");
}

Test(sock_policy, what_not_all_may_have_is_not_given_to_all)
{
	const char *text = "[Rule a]\nPort=5\nService=fixed\n[Rule b]\nService=session-lasting\n";

	cr_assert_eq(translate_for(text, false), 2);
	cr_assert_eq(policy.rule[0].service, SERVICE_NON_PERSISTENT);
	cr_assert_str_eq(gaps.fixed, "a");
	cr_assert_eq(translate_for(text, true), 2);
	cr_assert_eq(policy.rule[0].service, SERVICE_FIXED);
	cr_assert_str_empty(gaps.fixed);
}

Test(sock_policy, too_many_rules_end_it)
{
	char text[NET_POLICY_RULES * 80], *end = text;

	for (unsigned i = 0; i < NET_POLICY_RULES + 2; i++)
		end += sprintf(end, "[Rule r%u]\nPort=%u\nService=session-lasting\n", i, i + 1);
	cr_assert_eq(translate(text), NET_POLICY_RULES);
	cr_assert_eq(policy.rule[NET_POLICY_RULES - 1].port_from, NET_POLICY_RULES);
	cr_assert_str_eq(gaps.rest, "r96");
	/* Whole rules only. */
	cr_assert_eq(translate("[Rule a]\nPort=1 2 3\nService=fixed\n[Rule b]\n"
			       "Port=1 2 3 4 5 6 7 8 9 10\nUser=1 2 3 4 5 6 7 8 9 10\n"
			       "Service=fixed\n[Rule c]\nService=fixed\n"),
		     3);
	cr_assert_str_eq(gaps.rest, "b");
}

Test(sock_policy, too_many_changes_of_service_end_it)
{
	char text[NET_POLICY_RULES * 80], *end = text;

	for (unsigned i = 0; i < NET_POLICY_ORDERS + 2; i++)
		end += sprintf(end, "[Rule r%u]\nPort=%u\nService=%s\n", i, i + 1,
			       i % 2 ? "fixed" : "session-lasting");
	cr_assert_eq(translate(text), NET_POLICY_ORDERS);
	cr_assert_eq(policy.rule[policy.n - 1].order, NET_POLICY_ORDERS - 1);
	cr_assert_str_eq(gaps.rest, "r32");
}
