/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policy: which rule a session falls under, and when its owner has to be known for that. */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "conf/policy.h"
#include "mobility/internal.h"

/* An engine of which only rules and the question for the owner exist. */
struct fixture {
	struct engine e;
	struct engine_ops ops;
	struct conf conf;
	struct policy_rule rule[4];
	unsigned n_rules;
	const char *executable, *control_group; /* NULL: nobody is found */
	unsigned asked;
	struct session_owner owner;
	bool owner_known;
};

static int answer_owner(void *user, const struct session_info *s, struct session_owner *ret)
{
	struct fixture *f = user;

	(void)s;
	f->asked++;
	if (!f->executable)
		return -ENOENT;
	*ret = (struct session_owner){.pid = 7};
	snprintf(ret->executable, sizeof(ret->executable), "%s", f->executable);
	snprintf(ret->control_group, sizeof(ret->control_group), "%s", f->control_group);
	return 0;
}

static void fixture_init(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	list_init(&f->conf.rules);
	f->ops.session_owner = answer_owner;
	f->e = (struct engine){.ops = &f->ops, .user = f, .conf = &f->conf};
	f->control_group = "/";
}

static struct policy_rule *add_rule(struct fixture *f, const char *name, enum service_type service)
{
	struct policy_rule *rule = &f->rule[f->n_rules++];

	snprintf(rule->name, sizeof(rule->name), "%s", name);
	rule->service = service;
	list_append(&f->conf.rules, &rule->node);
	return rule;
}

static struct session_info session_to(const char *destination, uint16_t port)
{
	struct session_info s = {
		.cookie = 1,
		.protocol = IPPROTO_TCP,
		.source_port = 40000,
		.destination_port = port,
		.uid = 1000,
	};

	cr_assert_eq(addr_parse("2001:db8:a::5", &s.source), 0);
	cr_assert_eq(addr_parse(destination, &s.destination), 0);
	return s;
}

static const char *match(struct fixture *f, const struct session_info *s)
{
	const struct policy_rule *rule;

	f->owner_known = false;
	f->asked = 0;
	rule = policy_match(&f->e, s, &f->owner, &f->owner_known);
	return rule ? rule->name : "none";
}

static void add_ports(struct policy_rule *rule, uint16_t from, uint16_t to)
{
	rule->port[rule->n_ports++] = (struct policy_ports){from, to};
}

Test(engine_policy, no_rule_is_non_persistent)
{
	struct fixture f;
	struct session_info s = session_to("2001:db8:f::1", 443);

	fixture_init(&f);
	cr_assert_str_eq(match(&f, &s), "none");
	cr_assert_eq(policy_service(NULL), SERVICE_NON_PERSISTENT);
}

Test(engine_policy, the_first_match_counts)
{
	struct fixture f;
	struct session_info s = session_to("2001:db8:f::1", 22);

	fixture_init(&f);
	add_ports(add_rule(&f, "web", SERVICE_NON_PERSISTENT), 80, 80);
	add_ports(add_rule(&f, "shell", SERVICE_SESSION_LASTING), 22, 22);
	add_rule(&f, "rest", SERVICE_FIXED);
	cr_assert_str_eq(match(&f, &s), "shell");
	cr_assert_eq(policy_service(&f.rule[1]), SERVICE_SESSION_LASTING);
	s.destination_port = 23;
	cr_assert_str_eq(match(&f, &s), "rest");
}

Test(engine_policy, ports_are_ranges_and_any_of_them_will_do)
{
	struct fixture f;
	struct session_info s = session_to("2001:db8:f::1", 5222);
	struct policy_rule *rule;

	fixture_init(&f);
	rule = add_rule(&f, "chat", SERVICE_SESSION_LASTING);
	add_ports(rule, 22, 22);
	add_ports(rule, 5222, 5223);
	cr_assert_str_eq(match(&f, &s), "chat");
	s.destination_port = 5223;
	cr_assert_str_eq(match(&f, &s), "chat");
	s.destination_port = 5224;
	cr_assert_str_eq(match(&f, &s), "none");
	rule->n_ports = 0;
	rule->local_port[rule->n_local_ports++] = (struct policy_ports){5000, 5999};
	cr_assert_str_eq(match(&f, &s), "none", "the port of this end is another one");
	s.source_port = 5999;
	cr_assert_str_eq(match(&f, &s), "chat");
}

Test(engine_policy, every_key_must_match)
{
	struct fixture f;
	struct session_info s = session_to("2001:db8:f::1", 22);
	struct policy_rule *rule;

	fixture_init(&f);
	rule = add_rule(&f, "all", SERVICE_SESSION_LASTING);
	rule->protocols = POLICY_TCP;
	add_ports(rule, 22, 22);
	cr_assert_eq(prefix_parse("2001:db8:f::/48", &rule->destination[rule->n_destinations++]),
		     0);
	rule->user[rule->n_users++] = 1000;
	cr_assert_str_eq(match(&f, &s), "all");
	s.protocol = IPPROTO_UDP;
	cr_assert_str_eq(match(&f, &s), "none");
	s.protocol = IPPROTO_TCP;
	s.uid = 0;
	cr_assert_str_eq(match(&f, &s), "none");
	s.uid = 1000;
	cr_assert_eq(addr_parse("2001:db8:e::1", &s.destination), 0);
	cr_assert_str_eq(match(&f, &s), "none");
}

Test(engine_policy, a_socket_that_is_not_connected_goes_nowhere_in_particular)
{
	struct fixture f;
	struct session_info s = session_to("::", 0);
	struct policy_rule *rule;

	fixture_init(&f);
	rule = add_rule(&f, "somewhere", SERVICE_SESSION_LASTING);
	rule->n_destinations = 1;
	cr_assert_eq(prefix_parse("::/8", &rule->destination[0]), 0);
	cr_assert_str_eq(match(&f, &s), "none");
	cr_assert_eq(prefix_parse("::/0", &rule->destination[0]), 0);
	cr_assert_str_eq(match(&f, &s), "somewhere");
}

Test(engine_policy, some_are_never_in_need)
{
	static const char *const stays[] = {"fe80::1", "ff02::fb", "::1", "::ffff:127.0.0.1"};
	struct fixture f;
	struct session_info s;

	fixture_init(&f);
	add_rule(&f, "everything", SERVICE_FIXED);
	for (unsigned i = 0; i < sizeof(stays) / sizeof(stays[0]); i++) {
		s = session_to(stays[i], 22);
		cr_assert_str_eq(match(&f, &s), "none", "%s", stays[i]);
	}
	s = session_to("2001:db8:f::1", 53);
	cr_assert_str_eq(match(&f, &s), "none");
	s.destination_port = 853;
	cr_assert_str_eq(match(&f, &s), "none");
	s.destination_port = 54;
	cr_assert_str_eq(match(&f, &s), "everything");
}

/* Who owns a socket is expensive to find out: only when a rule gets that far, and once. */
Test(engine_policy, the_owner_is_asked_late_and_once)
{
	struct fixture f;
	struct session_info s = session_to("2001:db8:f::1", 22);
	struct policy_rule *rule;

	fixture_init(&f);
	f.executable = "/usr/bin/ssh";
	add_ports(add_rule(&f, "web", SERVICE_NON_PERSISTENT), 80, 80);
	rule = add_rule(&f, "program", SERVICE_SESSION_LASTING);
	snprintf(rule->executable, sizeof(rule->executable), "/usr/bin/mosh*");
	add_ports(rule, 22, 22);
	rule = add_rule(&f, "group", SERVICE_FIXED);
	snprintf(rule->control_group, sizeof(rule->control_group), "/user.slice/*.service");
	cr_assert_str_eq(match(&f, &s), "none");
	cr_assert_eq(f.asked, 1);
	cr_assert(f.owner_known);
	f.control_group = "/user.slice/user-1000.slice/shell.service";
	cr_assert_str_eq(match(&f, &s), "group");
	f.executable = "/usr/bin/mosh-client";
	cr_assert_str_eq(match(&f, &s), "program");
	cr_assert_eq(f.owner.pid, 7);
	s.destination_port = 80;
	cr_assert_str_eq(match(&f, &s), "web");
	cr_assert_eq(f.asked, 0);
}

Test(engine_policy, an_unknown_owner_matches_no_rule_about_owners)
{
	struct fixture f;
	struct session_info s = session_to("2001:db8:f::1", 22);

	fixture_init(&f);
	snprintf(add_rule(&f, "program", SERVICE_FIXED)->executable, POLICY_PATTERN_MAX, "*");
	snprintf(add_rule(&f, "group", SERVICE_FIXED)->control_group, POLICY_PATTERN_MAX, "*");
	add_rule(&f, "rest", SERVICE_SESSION_LASTING);
	cr_assert_str_eq(match(&f, &s), "rest");
	cr_assert_eq(f.asked, 1, "not found once is not found");
	cr_assert_not(f.owner_known);
}

Test(engine_policy, an_owner_that_is_known_is_not_asked_for)
{
	struct fixture f;
	struct session_info s = session_to("2001:db8:f::1", 22);
	struct session_owner owner = {.pid = 9, .executable = "/usr/bin/ssh"};
	const struct policy_rule *rule;
	bool known = true;

	fixture_init(&f);
	snprintf(add_rule(&f, "program", SERVICE_FIXED)->executable, POLICY_PATTERN_MAX,
		 "/usr/bin/ssh");
	rule = policy_match(&f.e, &s, &owner, &known);
	cr_assert_eq(rule, &f.rule[0]);
	cr_assert_eq(f.asked, 0);
}
