/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf/policy_value.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "conf/value.h"

static int add_protocol(struct policy_rule *rule, const char *value)
{
	if (strcmp(value, "tcp") == 0)
		rule->protocols |= POLICY_TCP;
	else if (strcmp(value, "udp") == 0)
		rule->protocols |= POLICY_UDP;
	else
		return -EINVAL;
	return 0;
}

/* Decimal digits only, up to `end`. */
static int parse_digits(const char *s, const char *end, unsigned long max, unsigned long *ret)
{
	unsigned long v = 0;

	if (s == end)
		return -EINVAL;
	for (; s < end; s++) {
		if (*s < '0' || *s > '9')
			return -EINVAL;
		v = v * 10 + (unsigned long)(*s - '0');
		if (v > max)
			return -EINVAL;
	}
	*ret = v;
	return 0;
}

static int add_ports(struct policy_ports *ports, unsigned *n, const char *value)
{
	const char *end = value + strlen(value), *dash = strchr(value, '-');
	unsigned long from, to;

	if (parse_digits(value, dash ? dash : end, UINT16_MAX, &from) < 0 ||
	    parse_digits(dash ? dash + 1 : value, end, UINT16_MAX, &to) < 0 || from < 1 ||
	    to < from)
		return -EINVAL;
	if (*n == POLICY_MAX_VALUES)
		return -E2BIG;
	ports[(*n)++] = (struct policy_ports){(uint16_t)from, (uint16_t)to};
	return 0;
}

static int add_port(struct policy_rule *rule, const char *value)
{
	return add_ports(rule->port, &rule->n_ports, value);
}

static int add_local_port(struct policy_rule *rule, const char *value)
{
	return add_ports(rule->local_port, &rule->n_local_ports, value);
}

static int add_destination(struct policy_rule *rule, const char *value)
{
	struct ip6_prefix p = {.len = 128};

	if ((strchr(value, '/') ? value_parse_prefix(value, &p) : addr_parse(value, &p.addr)) < 0)
		return -EINVAL;
	if (rule->n_destinations == POLICY_MAX_VALUES)
		return -E2BIG;
	rule->destination[rule->n_destinations++] = p;
	return 0;
}

static int add_user(struct policy_rule *rule, const char *value)
{
	const struct passwd *user;
	unsigned long uid;

	if (*value >= '0' && *value <= '9') {
		/* The largest number stands for "no user". */
		if (parse_digits(value, value + strlen(value), UINT32_MAX - 1, &uid) < 0)
			return -EINVAL;
	} else {
		user = getpwnam(value);
		if (!user)
			return -ENOENT;
		uid = user->pw_uid;
	}
	if (rule->n_users == POLICY_MAX_VALUES)
		return -E2BIG;
	rule->user[rule->n_users++] = (uid_t)uid;
	return 0;
}

static int set_pattern(char *field, const char *value)
{
	size_t len = strlen(value);

	if ((*value != '/' && *value != '*') || len >= POLICY_PATTERN_MAX)
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)value[i] < 0x20 || value[i] == 0x7f)
			return -EINVAL;
	memcpy(field, value, len + 1);
	return 0;
}

static int set_executable(struct policy_rule *rule, const char *value)
{
	return set_pattern(rule->executable, value);
}

static int set_control_group(struct policy_rule *rule, const char *value)
{
	return set_pattern(rule->control_group, value);
}

static int set_service(struct policy_rule *rule, const char *value)
{
	int v = service_type_parse(value);

	if (v < 0)
		return -EINVAL;
	rule->service = (enum service_type)v;
	return 0;
}

#define CLEARS(member) \
	.offset = offsetof(struct policy_rule, member), \
	.size = sizeof(((struct policy_rule *)NULL)->member)
#define ACCEPTED_PORTS "numbers from 1 to 65535 and ranges such as 5900-5910, separated by blanks"
#define ACCEPTED_PATTERN "a shell pattern that begins with '/' or '*', 255 octets at most"

const struct policy_key policy_keys[POLICY_N_KEYS] = {
	{"Protocol", add_protocol, CLEARS(protocols), .accepted = "tcp and udp"},
	{"Port", add_port, CLEARS(n_ports), .accepted = ACCEPTED_PORTS},
	{"LocalPort", add_local_port, CLEARS(n_local_ports), .accepted = ACCEPTED_PORTS},
	{"Destination", add_destination, CLEARS(n_destinations),
	 .accepted = "IPv6 addresses, and prefixes such as 2001:db8::/32 with nothing but zeros "
		     "behind their length, separated by blanks"},
	{"User", add_user, CLEARS(n_users),
	 .accepted = "names and numbers of users, separated by blanks"},
	{"Executable", set_executable, CLEARS(executable), .single = true,
	 .accepted = ACCEPTED_PATTERN},
	{"ControlGroup", set_control_group, CLEARS(control_group), .single = true,
	 .accepted = ACCEPTED_PATTERN},
	{"Service", set_service, CLEARS(service), .single = true,
	 .accepted = "non-persistent, graceful-replacement, session-lasting or fixed"},
};
