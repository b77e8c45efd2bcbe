/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ListSessions: the sessions that the engine keeps an eye on, to each user his own. */
#include "bus/internal.h"
#include "conf/policy.h"

const char *protocol_name(uint8_t protocol)
{
	return protocol == IPPROTO_TCP ? "tcp" : protocol == IPPROTO_UDP ? "udp" : "";
}

static void append_rule(struct bus_out *dict, const struct policy_rule *rule)
{
	out_entry_string(dict, "Rule", rule ? rule->name : "");
	out_entry_string(dict, "RuleWhere", rule ? rule->where : "");
}

static void append_binding(struct bus_out *dict, const struct binding *b)
{
	if (!b)
		return;
	out_entry_addr(dict, "HomeAddress", &b->home);
	out_entry_string(dict, "Prefix", PREFIX_STR(&b->home_prefix));
	out_entry_string(dict, "Anchor", b->anchor ? b->anchor->name : "");
	out_entry_string(dict, "PathMode", path_mode_str((int)b->path.mode));
}

static void append_session(struct bus_out *list, const struct session *s)
{
	const struct session_info *i = &s->info;
	struct bus_out dict;

	out_open(list, &dict, DBUS_TYPE_ARRAY, "{sv}");
	out_entry_u64(&dict, "Cookie", i->cookie);
	out_entry_string(&dict, "Protocol", protocol_name(i->protocol));
	out_entry_addr(&dict, "Source", &i->source);
	out_entry_u32(&dict, "SourcePort", i->source_port);
	out_entry_addr(&dict, "Destination", &i->destination);
	out_entry_u32(&dict, "DestinationPort", i->destination_port);
	out_entry_bool(&dict, "Listening", i->listening);
	out_entry_u32(&dict, "UID", i->uid);
	out_entry_u32(&dict, "PID", (uint32_t)s->pid);
	out_entry_string(&dict, "Requested", service_type_str((int)s->requested));
	out_entry_string(&dict, "Granted", service_type_str((int)s->granted));
	out_entry_bool(&dict, "InNeed", s->in_need);
	append_rule(&dict, s->rule);
	append_binding(&dict, s->binding);
	out_entry_usec(&dict, "SinceUSec", s->since);
	out_close(list, &dict);
}

int call_list_sessions(struct bus_call *c)
{
	const struct engine *e = c->b->engine;
	const bool all = caller_sees_all(c->uid);
	const struct session *s;
	struct bus_out list;

	if (c->b->handlers.look) /* who began since, on addresses that were bound already */
		c->b->handlers.look(c->b->handlers.user);
	out_open(&c->out, &list, DBUS_TYPE_ARRAY, "a{sv}");
	for (int i = 0; i < SESSION_BUCKETS; i++)
		list_for_each(s, &e->sessions[i], hash_node)
			if (all || s->info.uid == c->uid)
				append_session(&list, s);
	out_close(&c->out, &list);
	return 0;
}
