/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which service a session gets whose application does not ask itself (conf/policy.h, RFC 8653 section 3.4). */
#include "conf/policy.h"

#include <fnmatch.h>

#include "mobility/internal.h"

#define PORT_DNS 53
#define PORT_DNS_TLS 853

/* Questions to a resolver are over before a move matters, and what does not leave the link cannot be carried elsewhere. */
bool policy_excludes(const struct session_info *s)
{
	const struct in6_addr *to = &s->destination;

	return s->destination_port == PORT_DNS || s->destination_port == PORT_DNS_TLS ||
	       (!addr_is_any(to) && !addr_is_routable(to));
}

static bool protocol_matches(const struct policy_rule *rule, uint8_t protocol)
{
	unsigned bit = protocol == IPPROTO_TCP   ? POLICY_TCP
		       : protocol == IPPROTO_UDP ? POLICY_UDP
						 : 0;

	return !rule->protocols || (rule->protocols & bit);
}

static bool port_matches(const struct policy_ports *ports, unsigned n, uint16_t port)
{
	for (unsigned i = 0; i < n; i++)
		if (port >= ports[i].from && port <= ports[i].to)
			return true;
	return n == 0;
}

/* A socket that is not connected goes nowhere in particular: only the prefix of everything has it. */
static bool destination_matches(const struct policy_rule *rule, const struct in6_addr *to)
{
	for (unsigned i = 0; i < rule->n_destinations; i++)
		if (prefix_contains(&rule->destination[i], to) &&
		    (!addr_is_any(to) || rule->destination[i].len == 0))
			return true;
	return rule->n_destinations == 0;
}

static bool user_matches(const struct policy_rule *rule, uid_t uid)
{
	for (unsigned i = 0; i < rule->n_users; i++)
		if (rule->user[i] == uid)
			return true;
	return rule->n_users == 0;
}

static bool needs_owner(const struct policy_rule *rule)
{
	return rule->executable[0] || rule->control_group[0];
}

/* A '*' spans slashes: /user.slice/?*.service means at any depth. */
static bool pattern_matches(const char *pattern, const char *path)
{
	return !pattern[0] || (path[0] && fnmatch(pattern, path, 0) == 0);
}

static bool owner_matches(const struct policy_rule *rule, const struct session_owner *owner)
{
	return pattern_matches(rule->executable, owner->executable) &&
	       pattern_matches(rule->control_group, owner->control_group);
}

/* All that can be seen of the session itself. */
static bool session_matches(const struct policy_rule *rule, const struct session_info *s)
{
	return protocol_matches(rule, s->protocol) &&
	       port_matches(rule->port, rule->n_ports, s->destination_port) &&
	       port_matches(rule->local_port, rule->n_local_ports, s->source_port) &&
	       destination_matches(rule, &s->destination) && user_matches(rule, s->uid);
}

const struct policy_rule *policy_match(const struct engine *e, const struct session_info *s,
				       struct session_owner *owner, bool *owner_known)
{
	const struct policy_rule *rule;
	bool asked = *owner_known;

	if (policy_excludes(s))
		return NULL;
	list_for_each(rule, &e->conf->rules, node) {
		if (!session_matches(rule, s))
			continue;
		if (needs_owner(rule)) {
			if (!asked)
				*owner_known = e->ops->session_owner(e->user, s, owner) >= 0;
			asked = true;
			if (!*owner_known || !owner_matches(rule, owner))
				continue;
		}
		return rule;
	}
	return NULL;
}

const struct policy_rule *policy_match_any_owner(const struct engine *e,
						 const struct session_info *s)
{
	const struct policy_rule *rule;

	if (policy_excludes(s))
		return NULL;
	list_for_each(rule, &e->conf->rules, node)
		if (session_matches(rule, s))
			return rule;
	return NULL;
}

enum service_type policy_service(const struct policy_rule *rule)
{
	return rule ? rule->service : SERVICE_NON_PERSISTENT;
}
