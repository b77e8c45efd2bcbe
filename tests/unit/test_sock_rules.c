/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policy in the form of the kernel's hooks: never another answer than the daemon would give. */
#include "test_conf.h"

#include "conf/policy.h"
#include "libsock-ext/include/dmmsock.h"
#include "sock/rules.h"

static struct hooks_rule rules[HOOKS_RULES];

static unsigned compile(const char *text)
{
	struct conf_errors errors = {.out = stderr};
	struct list list;
	unsigned n;

	list_init(&list);
	cr_assert_eq(policy_parse_buffer("p.conf", text, strlen(text), &errors, &list), 0);
	memset(rules, 0, sizeof(rules));
	n = rules_compile(&list, rules);
	policy_free(&list);
	return n;
}

Test(sock_rules, what_a_rule_says_is_in_it)
{
	const uint8_t prefix[16] = {0x20, 0x01, 0x0d, 0xb8};

	cr_assert_eq(compile("[Rule a]\nProtocol=tcp udp\nPort=22 5000-5010\nUser=7 8\n"
			     "Destination=2001:db8::/32 ::/0\nService=session-lasting\n"),
		     1);
	cr_assert_eq(rules[0].type, DMM_SC_SESSION_LASTING);
	cr_assert(rules[0].tcp && rules[0].udp);
	cr_assert_eq(rules[0].n_ports, 2);
	cr_assert_eq(rules[0].port[0].from, 22);
	cr_assert_eq(rules[0].port[0].to, 22);
	cr_assert_eq(rules[0].port[1].to, 5010);
	cr_assert_eq(rules[0].n_users, 2);
	cr_assert_eq(rules[0].user[1], 8);
	cr_assert_eq(rules[0].n_prefixes, 2);
	cr_assert_eq(rules[0].prefix[0].length, 32);
	cr_assert_arr_eq(rules[0].prefix[0].address, prefix, 16);
	cr_assert_eq(rules[0].prefix[1].length, 0);
	cr_assert_eq(compile(""), 0);
}

Test(sock_rules, datagrams_only_where_they_are_named)
{
	cr_assert_eq(compile("[Rule a]\nPort=1\nService=fixed\n[Rule b]\nProtocol=udp\n"
			     "Service=graceful-replacement\n[Rule c]\nPort=2\nService=fixed\n"),
		     4);
	cr_assert(rules[0].tcp && !rules[0].udp);
	cr_assert_eq(rules[0].type, DMM_SC_FIXED);
	/* The first rule stands in front of the second for datagrams as well. */
	cr_assert(!rules[1].tcp && rules[1].udp);
	cr_assert_eq(rules[1].type, HOOKS_UNDECIDED);
	cr_assert_eq(rules[1].port[0].from, 1);
	cr_assert(!rules[2].tcp && rules[2].udp);
	cr_assert_eq(rules[2].type, DMM_SC_GRACEFUL_REPLACEMENT);
	cr_assert(rules[3].tcp && !rules[3].udp);
}

Test(sock_rules, what_the_kernel_cannot_see_is_left_undecided)
{
	cr_assert_eq(compile("[Rule a]\nPort=1\nExecutable=/bin/x\nService=fixed\n"
			     "[Rule b]\nControlGroup=/x\nService=fixed\n"
			     "[Rule c]\nLocalPort=80\nService=fixed\n"
			     "[Rule d]\nProtocol=tcp\nService=non-persistent\n"),
		     3);
	cr_assert_eq(rules[0].type, HOOKS_UNDECIDED);
	cr_assert_eq(rules[0].n_ports, 1);
	cr_assert_eq(rules[1].type, HOOKS_UNDECIDED);
	cr_assert_eq(rules[2].type, DMM_SC_NON_PERSISTENT);
}

Test(sock_rules, more_values_than_fit_match_more_and_decide_nothing)
{
	cr_assert_eq(compile("[Rule a]\nPort=1 2 3 4 5 6 7 8 9\nUser=5\nService=fixed\n"), 1);
	cr_assert_eq(rules[0].type, HOOKS_UNDECIDED);
	cr_assert_eq(rules[0].n_ports, 0);
	cr_assert_eq(rules[0].n_users, 1);
	cr_assert_eq(compile("[Rule a]\nPort=1 2 3 4 5 6 7 8\nService=fixed\n"), 1);
	cr_assert_eq(rules[0].type, DMM_SC_FIXED);
	cr_assert_eq(rules[0].n_ports, 8);
}

static unsigned compile_many(unsigned n)
{
	char text[16384];
	size_t at = 0;

	for (unsigned i = 0; i < n; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at,
				       "[Rule r%u]\nProtocol=tcp\nPort=%u\nService=fixed\n", i,
				       i + 1);
	return compile(text);
}

Test(sock_rules, more_rules_than_fit_end_undecided)
{
	cr_assert_eq(compile_many(HOOKS_RULES), HOOKS_RULES);
	cr_assert_eq(rules[HOOKS_RULES - 1].type, DMM_SC_FIXED);
	cr_assert_eq(compile_many(HOOKS_RULES + 1), HOOKS_RULES);
	cr_assert_eq(rules[HOOKS_RULES - 2].type, DMM_SC_FIXED);
	cr_assert_eq(rules[HOOKS_RULES - 1].type, HOOKS_UNDECIDED);
	cr_assert(rules[HOOKS_RULES - 1].tcp && rules[HOOKS_RULES - 1].udp);
	cr_assert_eq(rules[HOOKS_RULES - 1].n_ports, 0);
}
