/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules for applications. */
#include "test_conf.h"

#include "base/addr.h"
#include "conf/policy.h"

struct policy_outcome {
	int r;
	struct list rules;
	char *messages;
};

static void run_policy(const char *directory, const char *text, struct policy_outcome *o)
{
	size_t size;
	struct conf_errors errors = {.out = open_memstream(&o->messages, &size)};

	list_init(&o->rules);
	o->r = text ? policy_parse_buffer("p.conf", text, strlen(text), &errors, &o->rules)
		    : policy_load(directory, &errors, &o->rules);
	fclose(errors.out);
	cr_assert_eq(o->r == 0, errors.n == 0);
}

static void policy_done(struct policy_outcome *o)
{
	policy_free(&o->rules);
	cr_assert(list_empty(&o->rules));
	free(o->messages);
}

static void accept_policy(const char *text, struct policy_outcome *o)
{
	run_policy(NULL, text, o);
	cr_assert_eq(o->r, 0, "%s\n%s", text, o->messages);
}

static void refuse_policy(const char *text, const char *messages)
{
	struct policy_outcome o;

	run_policy(NULL, text, &o);
	cr_assert_eq(o.r, -EINVAL, "%s", text);
	cr_assert(list_empty(&o.rules));
	cr_assert_str_eq(o.messages, messages);
	policy_done(&o);
}

static const struct policy_rule *rule_at(const struct policy_outcome *o, unsigned index)
{
	const struct policy_rule *rule;

	list_for_each(rule, &o->rules, node)
		if (index-- == 0)
			return rule;
	cr_assert_fail("too few rules");
	return NULL;
}

Test(conf_policy, every_key)
{
	struct policy_outcome o;
	const struct policy_rule *rule;

	accept_policy("# first\n[Rule chat]\nProtocol=tcp udp\nPort=5222-5223 5269\nPort=443\n"
		      "LocalPort=22\nDestination=2001:db8::/32 2001:db8:1::7\nUser=root 1000\n"
		      "Executable=/usr/bin/*chat*\nControlGroup=/user.slice/*\n"
		      "Service=session-lasting\n",
		      &o);
	rule = rule_at(&o, 0);
	cr_assert_str_eq(rule->name, "chat");
	cr_assert_str_eq(rule->where, "p.conf:2");
	cr_assert_eq(rule->protocols, POLICY_TCP | POLICY_UDP);
	cr_assert_eq(rule->n_ports, 3);
	cr_assert_eq(rule->port[0].from, 5222);
	cr_assert_eq(rule->port[0].to, 5223);
	cr_assert_eq(rule->port[1].from, 5269);
	cr_assert_eq(rule->port[1].to, 5269);
	cr_assert_eq(rule->port[2].to, 443);
	cr_assert_eq(rule->n_local_ports, 1);
	cr_assert_eq(rule->local_port[0].from, 22);
	cr_assert_eq(rule->n_destinations, 2);
	cr_assert_str_eq(PREFIX_STR(&rule->destination[0]), "2001:db8::/32");
	cr_assert_str_eq(PREFIX_STR(&rule->destination[1]), "2001:db8:1::7/128");
	cr_assert_eq(rule->n_users, 2);
	cr_assert_eq(rule->user[0], 0);
	cr_assert_eq(rule->user[1], 1000);
	cr_assert_str_eq(rule->executable, "/usr/bin/*chat*");
	cr_assert_str_eq(rule->control_group, "/user.slice/*");
	cr_assert_eq(rule->service, SERVICE_SESSION_LASTING);
	policy_done(&o);
}

Test(conf_policy, rules_in_their_order_and_what_they_leave_out)
{
	struct policy_outcome o;

	accept_policy("[Rule b]\nService=fixed\n[Rule a]\nService=non-persistent\n", &o);
	cr_assert_str_eq(rule_at(&o, 0)->name, "b");
	cr_assert_eq(rule_at(&o, 0)->service, SERVICE_FIXED);
	cr_assert_str_eq(rule_at(&o, 1)->name, "a");
	cr_assert_eq(rule_at(&o, 1)->n_ports + rule_at(&o, 1)->protocols, 0);
	policy_done(&o);
	accept_policy("", &o);
	cr_assert(list_empty(&o.rules));
	policy_done(&o);
}

Test(conf_policy, empty_values_take_back)
{
	struct policy_outcome o;
	const struct policy_rule *rule;

	accept_policy("[Rule a]\nProtocol=tcp\nProtocol=\nPort=1 2\nPort=\nPort=3\nLocalPort=1\n"
		      "LocalPort=\nDestination=::/0\nDestination=\nUser=0\nUser=\nExecutable=/a\n"
		      "Executable=\nControlGroup=/a\nControlGroup=\nService=fixed\nService=\n"
		      "Service=graceful-replacement\n",
		      &o);
	rule = rule_at(&o, 0);
	cr_assert_eq(rule->protocols + rule->n_local_ports + rule->n_destinations + rule->n_users,
		     0);
	cr_assert_eq(rule->n_ports, 1);
	cr_assert_eq(rule->port[0].from, 3);
	cr_assert_str_eq(rule->executable, "");
	cr_assert_str_eq(rule->control_group, "");
	cr_assert_eq(rule->service, SERVICE_GRACEFUL_REPLACEMENT);
	policy_done(&o);
	refuse_policy("[Rule a]\nService=fixed\nService=\n",
		      "p.conf:1: [Rule a] needs Service=; accepted: non-persistent, "
		      "graceful-replacement, session-lasting or fixed\n");
}

#define ACCEPTED_PORTS \
	"accepted: numbers from 1 to 65535 and ranges such as 5900-5910, separated by blanks\n"
#define ACCEPTED_PATTERN \
	"accepted: a shell pattern that begins with '/' or '*', 255 octets at most\n"

Test(conf_policy, wrong_values)
{
	refuse_policy(
		"[Rule a]\nService=fixed\nProtocol=tcp sctp\nDestination=192.0.2.1\n"
		"Executable=bin\nControlGroup=a\n",
		"p.conf:3: Protocol= does not accept \"sctp\"; accepted: tcp and udp\n"
		"p.conf:4: Destination= does not accept \"192.0.2.1\"; accepted: IPv6 addresses, "
		"and prefixes such as 2001:db8::/32 with nothing but zeros behind their length, "
		"separated by blanks\n"
		"p.conf:5: Executable= does not accept \"bin\"; " ACCEPTED_PATTERN
		"p.conf:6: ControlGroup= does not accept \"a\"; " ACCEPTED_PATTERN);
	refuse_policy("[Rule a]\nService=lasting\n",
		      "p.conf:2: Service= does not accept \"lasting\"; accepted: non-persistent, "
		      "graceful-replacement, session-lasting or fixed\n");
	refuse_policy("[Rule a]\nService=fixed\nPort=22 # ssh\n",
		      "p.conf:3: Port= does not accept \"#\" (a comment needs a line of its "
		      "own); " ACCEPTED_PORTS
		      "p.conf:3: Port= does not accept \"ssh\"; " ACCEPTED_PORTS);
	refuse_policy("[Rule a]\nService=fixed\nUser=no:such 7\n",
		      "p.conf:3: User=: this host has no user \"no:such\"; accepted: names and "
		      "numbers of users, separated by blanks\n");
}

Test(conf_policy, ports_and_users_out_of_range)
{
	static const char *const ports[] = {"0",   "65536", "-1",    "1-",
					    "-",   "2-1",   "1-2-3", "0x16",
					    "ssh", "+1",    "1,2",   "18446744073709551617"};
	char text[128], messages[256];

	for (size_t i = 0; i < sizeof(ports) / sizeof(*ports); i++) {
		snprintf(text, sizeof(text), "[Rule a]\nService=fixed\nLocalPort=%s\n", ports[i]);
		snprintf(messages, sizeof(messages),
			 "p.conf:3: LocalPort= does not accept \"%s\"; " ACCEPTED_PORTS, ports[i]);
		refuse_policy(text, messages);
	}
	refuse_policy("[Rule a]\nService=fixed\nUser=4294967295 10x\n",
		      "p.conf:3: User= does not accept \"4294967295\"; accepted: names and numbers "
		      "of users, separated by blanks\n"
		      "p.conf:3: User= does not accept \"10x\"; accepted: names and numbers of "
		      "users, separated by blanks\n");
}

Test(conf_policy, structure_errors)
{
	static const char needs[] =
		" needs Service=; accepted: non-persistent, graceful-replacement, "
		"session-lasting or fixed\n";
	static const char name[] =
		": a name is 1 to 63 letters, digits, '.', '-' and '_', beginning "
		"with a letter or digit\n";
	char messages[1024];

	snprintf(
		messages, sizeof(messages),
		"p.conf:1: stands in front of the first section; sections: [Rule NAME]\n"
		"p.conf:3: unknown section \"Policy\"; accepted: [Rule NAME]\n"
		"p.conf:5: [Rule \"\"]%s"
		"p.conf:6: [Rule \"a b\"]%s"
		"p.conf:8: unknown option \"Ports\" in [Rule NAME], did you mean Port=?; accepted: "
		"Protocol=, Port=, LocalPort=, Destination=, User=, Executable=, ControlGroup=, "
		"Service=\n"
		"p.conf:7: [Rule a]%s"
		"p.conf:9: [Rule a] is already given at p.conf:7\n"
		"p.conf:10: [Rule b]%s"
		"p.conf:11: a section is written [Name], with nothing behind it\n"
		"p.conf:12: neither [Section] nor Key=Value nor a comment\n",
		name, name, needs, needs);
	refuse_policy("Port=1\nPort=2\n[Policy x]\nPort=x\n[Rule]\n[Rule a b]\n[Rule a]\nPorts=1\n"
		      "[Rule a]\n[Rule b]\n[Rule c\nx\n",
		      messages);
}

/* `n` values, or rules. */
static char *repeat(const char *head, const char *fmt, unsigned n)
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	fputs(head, f);
	for (unsigned i = 1; i <= n; i++)
		fprintf(f, fmt, i);
	fclose(f);
	return text;
}

Test(conf_policy, limits)
{
	static const struct {
		const char *head, *fmt;
		unsigned max;
		const char *message;
	} rows[] = {
		{"[Rule a]\nService=fixed\n", "Port=%u\n", POLICY_MAX_VALUES,
		 "p.conf:35: Port=33 is one too many: at most 32\n"},
		{"[Rule a]\nService=fixed\n", "LocalPort=%u\n", POLICY_MAX_VALUES,
		 "p.conf:35: LocalPort=33 is one too many: at most 32\n"},
		{"[Rule a]\nService=fixed\n", "Destination=::%x\n", POLICY_MAX_VALUES,
		 "p.conf:35: Destination=::21 is one too many: at most 32\n"},
		{"[Rule a]\nService=fixed\n", "User=%u\n", POLICY_MAX_VALUES,
		 "p.conf:35: User=33 is one too many: at most 32\n"},
		{"", "[Rule r%u]\nService=fixed\n", POLICY_MAX_RULES,
		 "p.conf:2049: [Rule r1025] is one too many: at most 1024 rules\n"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *right = repeat(rows[i].head, rows[i].fmt, rows[i].max);
		char *wrong = repeat(rows[i].head, rows[i].fmt, rows[i].max + 1);
		struct policy_outcome o;

		accept_policy(right, &o);
		policy_done(&o);
		refuse_policy(wrong, rows[i].message);
		free(right);
		free(wrong);
	}
}

Test(conf_policy, files_in_the_order_of_their_names)
{
	struct tmpdir t = tmpdir_new();
	struct policy_outcome o;
	char where[160];

	tmpdir_file(&t, "20.conf", "[Rule a]\nService=fixed\n", 0644);
	tmpdir_file(&t, "10.conf", "\n[Rule a]\nService=non-persistent\n", 0644);
	tmpdir_file(&t, "00.conf.dpkg-new", "x", 0644);
	run_policy(t.path, NULL, &o);
	cr_assert_eq(o.r, 0, "%s", o.messages);
	snprintf(where, sizeof(where), "%s/10.conf:2", t.path);
	cr_assert_str_eq(rule_at(&o, 0)->where, where);
	cr_assert_eq(rule_at(&o, 1)->service, SERVICE_FIXED);
	policy_done(&o);
	run_policy("/nonexistent/dmmd", NULL, &o);
	cr_assert_eq(o.r, 0);
	policy_done(&o);
	tmpdir_file(&t, "30.conf", "[Rule c]\n", 0644);
	run_policy(t.path, NULL, &o);
	cr_assert_eq(o.r, -EINVAL);
	cr_assert(list_empty(&o.rules));
	policy_done(&o);
	tmpdir_done(&t);
}

/* With the configuration: its rules, and its errors. */
Test(conf_policy, is_loaded_with_the_configuration)
{
	struct tmpdir t = tmpdir_new();
	char text[256], message[512];
	struct tmppath main_file;
	struct outcome o;

	snprintf(text, sizeof(text), "[Daemon]\nPolicyDirectory=%s/p\n", t.path);
	main_file = tmpdir_file(&t, "t.conf", text, 0644);
	mkdir(tmpdir_file(&t, "p", NULL, 0).s, 0755);
	tmpdir_file(&t, "p/a.conf", "[Rule ssh]\nPort=22\nService=session-lasting\n", 0644);
	o = run_conf(main_file.s, NULL, 0);
	cr_assert_eq(o.r, 0, "%s", o.messages);
	cr_assert_str_eq(list_entry(o.conf->rules.next, struct policy_rule, node)->name, "ssh");
	outcome_done(&o);
	tmpdir_file(&t, "p/b.conf", "[Rule x]\nPort=y\n", 0644);
	o = run_conf(main_file.s, NULL, 0);
	snprintf(message, sizeof(message), "%s/p/b.conf:2: Port= does not accept \"y\"; ", t.path);
	cr_assert_eq(o.r, -EINVAL);
	cr_assert_eq(strncmp(o.messages, message, strlen(message)), 0, "%s", o.messages);
	outcome_done(&o);
	tmpdir_file(&t, "q", "", 0644);
	snprintf(text, sizeof(text), "[Daemon]\nPolicyDirectory=%s/q\n", t.path);
	tmpdir_file(&t, "t.conf", text, 0644);
	o = run_conf(main_file.s, NULL, 0);
	snprintf(message, sizeof(message), "%s/q: cannot be read: Not a directory\n", t.path);
	cr_assert_str_eq(o.messages, message);
	outcome_done(&o);
	snprintf(text, sizeof(text), "[Daemon]\n\nPolicyDirectory=%s/none\n", t.path);
	tmpdir_file(&t, "t.conf", text, 0644);
	o = run_conf(main_file.s, NULL, 0);
	snprintf(message, sizeof(message), "%s:3: PolicyDirectory=%s/none does not exist\n",
		 main_file.s, t.path);
	cr_assert_eq(o.r, -EINVAL);
	cr_assert_str_eq(o.messages, message);
	outcome_done(&o);
	tmpdir_done(&t);
}

/* A session of that protocol to, or at, that port. */
static enum service_type judge(const struct list *rules, unsigned protocol, uint16_t port,
			       bool local)
{
	const struct policy_rule *rule;

	list_for_each(rule, rules, node) {
		const struct policy_ports *ports = local ? rule->local_port : rule->port;
		unsigned n = local ? rule->n_local_ports : rule->n_ports;

		if (!(rule->protocols & protocol))
			continue;
		for (unsigned i = 0; i < n; i++)
			if (port >= ports[i].from && port <= ports[i].to)
				return rule->service;
	}
	return SERVICE_NON_PERSISTENT;
}

/* The file that is installed keeps what is known to live long, and nothing else. */
Test(conf_policy, as_installed)
{
	static const uint16_t tcp[] = {22,   143,  993,  5222, 5223, 5269, 5060, 5061, 1883,
				       8883, 3389, 5900, 5910, 2049, 5432, 6667, 6697};
	static const uint16_t others[] = {1, 21, 53, 80, 110, 443, 853, 5911, 8080, 65535};
	struct policy_outcome o;

	if (access("systemd/policy/90-default.conf", R_OK) < 0)
		cr_skip("not run from the top directory");
	run_policy("systemd/policy", NULL, &o);
	cr_assert_eq(o.r, 0, "%s", o.messages);
	for (size_t i = 0; i < sizeof(tcp) / sizeof(*tcp); i++)
		cr_assert_eq(judge(&o.rules, POLICY_TCP, tcp[i], false), SERVICE_SESSION_LASTING,
			     "%u", tcp[i]);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		for (unsigned protocol = POLICY_TCP; protocol <= POLICY_UDP; protocol++)
			cr_assert_eq(judge(&o.rules, protocol, others[i], false),
				     SERVICE_NON_PERSISTENT, "%u", others[i]);
	cr_assert_eq(judge(&o.rules, POLICY_UDP, 5060, false), SERVICE_SESSION_LASTING);
	cr_assert_eq(judge(&o.rules, POLICY_TCP, 22, true), SERVICE_SESSION_LASTING);
	cr_assert_eq(judge(&o.rules, POLICY_TCP, 80, true), SERVICE_NON_PERSISTENT);
	policy_done(&o);
}
