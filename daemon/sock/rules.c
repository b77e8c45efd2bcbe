/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules of the policy (conf/policy.h) for the kernel's hooks.
 *
 * The kernel gives an address when a socket connects; the daemon decides when an address is left.  Both have to come to the
 * same end: where a rule says more than the hooks can see, whatever it might match is left undecided.
 */
#include "sock/rules.h"

#include <string.h>

#include "conf/policy.h"
#include "sock/internal.h"

_Static_assert(HOOKS_TYPES == DMM_TABLE_TYPES, "the same types");

static const struct hooks_rule everything = {.type = HOOKS_UNDECIDED, .tcp = 1, .udp = 1};

static void add_ports(struct hooks_rule *h, const struct policy_rule *rule)
{
	h->n_ports = (uint8_t)rule->n_ports;
	for (unsigned i = 0; i < rule->n_ports; i++)
		h->port[i] = (struct hooks_ports){rule->port[i].from, rule->port[i].to};
}

static void add_destinations(struct hooks_rule *h, const struct policy_rule *rule)
{
	h->n_prefixes = (uint8_t)rule->n_destinations;
	for (unsigned i = 0; i < rule->n_destinations; i++) {
		memcpy(h->prefix[i].address, &rule->destination[i].addr, 16);
		h->prefix[i].length = rule->destination[i].len;
	}
}

static void add_users(struct hooks_rule *h, const struct policy_rule *rule)
{
	h->n_users = (uint8_t)rule->n_users;
	for (unsigned i = 0; i < rule->n_users; i++)
		h->user[i] = rule->user[i];
}

/* What does not fit is left out: it matches more than it should, so it decides nothing. */
static struct hooks_rule compile(const struct policy_rule *rule)
{
	struct hooks_rule h = {
		.type = (uint8_t)type_to_library(rule->service),
		.tcp = !rule->protocols || (rule->protocols & POLICY_TCP),
		.udp = (rule->protocols & POLICY_UDP) != 0,
	};

	if (rule->executable[0] || rule->control_group[0])
		h.type = HOOKS_UNDECIDED;
	if (rule->n_ports > HOOKS_RULE_VALUES || rule->n_destinations > HOOKS_RULE_VALUES ||
	    rule->n_users > HOOKS_RULE_VALUES)
		h.type = HOOKS_UNDECIDED;
	if (rule->n_ports <= HOOKS_RULE_VALUES)
		add_ports(&h, rule);
	if (rule->n_destinations <= HOOKS_RULE_VALUES)
		add_destinations(&h, rule);
	if (rule->n_users <= HOOKS_RULE_VALUES)
		add_users(&h, rule);
	return h;
}

/* Does a later rule name UDP?  Then those before it that are for any protocol stand in front of it. */
static bool names_udp_behind(const struct list *rules, const struct policy_rule *rule)
{
	for (const struct list *l = rule->node.next; l != rules; l = l->next)
		if (list_entry(l, struct policy_rule, node)->protocols & POLICY_UDP)
			return true;
	return false;
}

unsigned rules_compile(const struct list *rules, struct hooks_rule ret[static HOOKS_RULES])
{
	const struct policy_rule *rule;
	unsigned n = 0;

	list_for_each(rule, rules, node) {
		struct hooks_rule one[2];
		unsigned n_one = 0;

		if (rule->n_local_ports)
			continue; /* for those that listen */
		one[n_one++] = compile(rule);
		if (!rule->protocols && names_udp_behind(rules, rule)) {
			one[n_one] = one[0];
			one[n_one].type = HOOKS_UNDECIDED;
			one[n_one].tcp = 0;
			one[n_one++].udp = 1;
		}
		if (n + n_one > HOOKS_RULES) {
			ret[n < HOOKS_RULES ? n : HOOKS_RULES - 1] = everything;
			return n < HOOKS_RULES ? n + 1 : HOOKS_RULES;
		}
		memcpy(&ret[n], one, n_one * sizeof(*one));
		n += n_one;
	}
	return n;
}
