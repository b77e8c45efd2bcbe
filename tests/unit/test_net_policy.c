/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routing rules of the policy: what goes into the kernel, and that it is known again. */
#include <criterion/criterion.h>

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include "net/policy_rule.h"

#define BASE 5300
#define TABLE 25703

static struct policy_route rules[POLICY_RULES_MAX];

static const struct policy_route *find(unsigned n, uint32_t priority, uint8_t protocol,
				       uint16_t port)
{
	for (unsigned i = 0; i < n; i++)
		if (rules[i].priority == BASE + priority && rules[i].protocol == protocol &&
		    rules[i].port_from == port)
			return &rules[i];
	return NULL;
}

Test(net_policy, an_address_leads_to_its_table_and_the_rest_to_the_end)
{
	const uint32_t table[SERVICE_TYPE_MAX] = {[SERVICE_SESSION_LASTING] = TABLE};
	struct net_policy p = {
		.n = 4,
		.rule = {{.protocol = IPPROTO_TCP, .port_from = 1, .port_to = 9},
			 {.order = 1,
			  .service = SERVICE_SESSION_LASTING,
			  .protocol = IPPROTO_TCP,
			  .has_user = true,
			  .user = 7},
			 {.order = 2, .service = SERVICE_FIXED, .protocol = IPPROTO_TCP},
			 {.order = 3, .protocol = IPPROTO_UDP}},
	};
	unsigned n = policy_routes_make(&p, table, BASE, rules);
	const struct policy_route *r;

	cr_assert_eq(rules[0].priority, BASE + POLICY_END);
	cr_assert_eq(rules[0].action, FR_ACT_NOP);
	r = find(n, POLICY_FIRST, IPPROTO_TCP, 1);
	cr_assert(r && r->action == FR_ACT_GOTO && r->target == BASE + POLICY_END &&
		  r->port_to == 9);
	r = find(n, POLICY_FIRST + 1, IPPROTO_TCP, 0);
	cr_assert(r && r->action == FR_ACT_TO_TBL && r->target == TABLE && r->has_user &&
		  r->user == 7);
	/* Nobody gets an address behind it. */
	cr_assert_null(find(n, POLICY_FIRST + 2, IPPROTO_TCP, 0));
	cr_assert_not_null(find(n, POLICY_GUARD, IPPROTO_TCP, 53));
	cr_assert_not_null(find(n, POLICY_GUARD, IPPROTO_TCP, 853));
	for (unsigned i = 1; i < n; i++)
		if (rules[i].priority == BASE + POLICY_GUARD)
			cr_assert_eq(rules[i].target, BASE + POLICY_END);
}

Test(net_policy, without_an_address_there_is_nothing)
{
	const uint32_t table[SERVICE_TYPE_MAX] = {[SERVICE_FIXED] = TABLE};
	struct net_policy p = {
		.n = 1,
		.rule = {{.service = SERVICE_SESSION_LASTING, .protocol = IPPROTO_TCP}},
	};

	cr_assert_eq(policy_routes_make(&p, table, BASE, rules), 0);
	p.n = 0;
	cr_assert_eq(policy_routes_make(&p, table, BASE, rules), 0);
}

Test(net_policy, there_is_room_for_all)
{
	const uint32_t table[SERVICE_TYPE_MAX] = {[SERVICE_FIXED] = TABLE};
	static struct net_policy p = {.n = NET_POLICY_RULES};
	unsigned n, guards = 0;

	for (unsigned i = 0; i < p.n; i++)
		p.rule[i] = (struct net_policy_rule){
			.order = i < NET_POLICY_ORDERS ? i : NET_POLICY_ORDERS - 1,
			.service = SERVICE_FIXED,
			.protocol = i % 2 ? IPPROTO_TCP : IPPROTO_UDP,
		};
	n = policy_routes_make(&p, table, BASE, rules);
	cr_assert_eq(n, POLICY_RULES_MAX);
	for (unsigned i = 1; i < n; i++) {
		guards += rules[i].priority == BASE + POLICY_GUARD;
		cr_assert_lt(rules[i].priority, BASE + POLICY_END);
	}
	cr_assert_eq(guards, POLICY_GUARDS);
}

static struct policy_route through_netlink(const struct policy_route *r)
{
	char buf[POLICY_ROUTE_MESSAGE];
	struct nlmsghdr *h = policy_route_message(buf, r, true);
	struct policy_route back;

	cr_assert_leq(h->nlmsg_len, sizeof(buf));
	cr_assert_eq(h->nlmsg_type, RTM_NEWRULE);
	cr_assert(policy_route_parse(h, BASE, &back));
	return back;
}

Test(net_policy, a_rule_is_known_again)
{
	struct policy_route full = {
		.priority = BASE + POLICY_FIRST,
		.action = FR_ACT_TO_TBL,
		.target = TABLE,
		.protocol = IPPROTO_UDP,
		.port_from = 5000,
		.port_to = 5010,
		.source = {.addr.s6_addr = {0x80}, .len = 1},
		.destination = {.addr.s6_addr = {0x20, 1, 0x0d, 0xb8}, .len = 32},
		.has_user = true,
		.user = 70000,
	};
	struct policy_route back = through_netlink(&full), hold = policy_route_hold(BASE), other;

	cr_assert(policy_route_equal(&full, &back));
	back = through_netlink(&hold);
	cr_assert(policy_route_equal(&hold, &back));
	other = full;
	other.user = 70001;
	cr_assert(!policy_route_equal(&full, &other));
	other = full;
	other.destination.len = 33;
	cr_assert(!policy_route_equal(&full, &other));
	other = full;
	other.port_to = 5011;
	cr_assert(!policy_route_equal(&full, &other));
}

Test(net_policy, rules_of_others_are_not_ours)
{
	struct policy_route r = policy_route_hold(BASE), back;
	char buf[POLICY_ROUTE_MESSAGE];
	struct nlmsghdr *h = policy_route_message(buf, &r, true);

	cr_assert(!policy_route_parse(h, BASE + 100, &back));
	cr_assert(!policy_route_parse(h, BASE - 100, &back));
	cr_assert(policy_route_parse(h, BASE, &back));
	cr_assert_eq(policy_route_message(buf, &r, false)->nlmsg_type, RTM_DELRULE);
	cr_assert(!policy_route_parse((struct nlmsghdr *)buf, BASE, &back));
	h = policy_route_message(buf, &r, true);
	((struct fib_rule_hdr *)mnl_nlmsg_get_payload(h))->family = AF_INET;
	cr_assert(!policy_route_parse(h, BASE, &back));
	/* Cut off behind the header: no mark of ours. */
	h = policy_route_message(buf, &r, true);
	h->nlmsg_len = MNL_NLMSG_HDRLEN + sizeof(struct fib_rule_hdr);
	cr_assert(!policy_route_parse(h, BASE, &back));
	h->nlmsg_len--;
	cr_assert(!policy_route_parse(h, BASE, &back));
}
