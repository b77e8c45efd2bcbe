/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parser of policy files. */
#include "conf/policy.h"

#include <stdio.h>
#include <stdlib.h>

#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void check_ports(const struct policy_ports *ports, unsigned n)
{
	require(n <= POLICY_MAX_VALUES);
	for (unsigned i = 0; i < n; i++)
		require(ports[i].from >= 1 && ports[i].from <= ports[i].to);
}

/* What the matching of sessions relies on. */
static void check(const struct policy_rule *rule)
{
	require(rule->name[0] && rule->where[0] && rule->service < SERVICE_TYPE_MAX);
	require(rule->protocols <= (POLICY_TCP | POLICY_UDP));
	check_ports(rule->port, rule->n_ports);
	check_ports(rule->local_port, rule->n_local_ports);
	require(rule->n_destinations <= POLICY_MAX_VALUES && rule->n_users <= POLICY_MAX_VALUES);
	for (unsigned i = 0; i < rule->n_destinations; i++)
		require(prefix_contains(&rule->destination[i], &rule->destination[i].addr));
	for (unsigned i = 0; i < rule->n_users; i++)
		require(rule->user[i] != (uid_t)-1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *nowhere;
	const struct policy_rule *rule;
	struct conf_errors errors;
	struct list rules;
	unsigned n = 0;
	int r;

	if (!nowhere)
		nowhere = fopen("/dev/null", "w");
	errors = (struct conf_errors){.out = nowhere};
	list_init(&rules);
	r = policy_parse_buffer("fuzz", (const char *)data, size, &errors, &rules);
	require((r == 0) == (errors.n == 0));
	list_for_each(rule, &rules, node) {
		check(rule);
		n++;
	}
	require(n <= POLICY_MAX_RULES && (r == 0 || n == 0));
	policy_free(&rules);
	return 0;
}
