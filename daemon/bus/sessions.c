/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ListSessions: the sessions that the engine keeps an eye on, and those that asked for more than they got; to each user his
 * own.
 */
#include <stdlib.h>

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

static void append_info(struct bus_out *dict, const struct session_info *i)
{
	out_entry_u64(dict, "Cookie", i->cookie);
	out_entry_string(dict, "Protocol", protocol_name(i->protocol));
	out_entry_addr(dict, "Source", &i->source);
	out_entry_u32(dict, "SourcePort", i->source_port);
	out_entry_addr(dict, "Destination", &i->destination);
	out_entry_u32(dict, "DestinationPort", i->destination_port);
	out_entry_bool(dict, "Listening", i->listening);
	out_entry_u32(dict, "UID", i->uid);
}

static void append_detail(struct bus_out *dict, const struct bus_session *d, pid_t pid)
{
	out_entry_u32(dict, "PID", (uint32_t)(d->owner.pid ? d->owner.pid : pid));
	out_entry_string(dict, "Executable", d->owner.executable);
	out_entry_u64(dict, "BytesSent", d->sent);
	out_entry_u64(dict, "BytesReceived", d->received);
}

static void append_types(struct bus_out *dict, enum service_type requested,
			 enum service_type granted, bool in_need)
{
	out_entry_string(dict, "Requested", service_type_str((int)requested));
	out_entry_string(dict, "Granted", service_type_str((int)granted));
	out_entry_bool(dict, "InNeed", in_need);
}

static void get_detail(const struct bus *b, const struct session_info *i, struct bus_session *ret)
{
	*ret = (struct bus_session){.sent = UINT64_MAX, .received = UINT64_MAX};
	if (b->handlers.detail)
		b->handlers.detail(b->handlers.user, i, ret);
}

static void append_session(const struct bus *b, struct bus_out *list, const struct session *s)
{
	struct bus_session d;
	struct bus_out dict;

	get_detail(b, &s->info, &d);
	out_open(list, &dict, DBUS_TYPE_ARRAY, "{sv}");
	append_info(&dict, &s->info);
	append_detail(&dict, &d, s->pid);
	append_types(&dict, d.asked && d.requested > s->requested ? d.requested : s->requested,
		     s->granted, s->in_need);
	append_rule(&dict, s->rule);
	append_binding(&dict, s->binding);
	out_entry_usec(&dict, "SinceUSec", s->since);
	out_close(list, &dict);
}

static const struct prefix *prefix_of(const struct engine *e, const struct in6_addr *source)
{
	const struct prefix *p, *found = NULL;

	list_for_each(p, &e->prefixes, node)
		if (prefix_contains(&p->prefix, source) &&
		    (!found || p->prefix.len > found->prefix.len))
			found = p;
	return found;
}

/* It asked, and started from an address of the place. */
static void append_fallback(const struct bus *b, struct bus_out *list, const struct session_info *i)
{
	const struct prefix *p = prefix_of(b->engine, &i->source);
	struct bus_session d;
	struct bus_out dict;

	get_detail(b, i, &d);
	out_open(list, &dict, DBUS_TYPE_ARRAY, "{sv}");
	append_info(&dict, i);
	append_detail(&dict, &d, 0);
	append_types(&dict, d.requested, SERVICE_NON_PERSISTENT, false);
	append_rule(&dict, NULL);
	out_entry_string(&dict, "HomeAddress", "");
	out_entry_string(&dict, "Prefix", p ? PREFIX_STR(&p->prefix) : "");
	out_entry_string(&dict, "Anchor", "");
	out_entry_string(&dict, "PathMode", path_mode_str(PATH_HOME));
	out_entry_usec(&dict, "SinceUSec", 0);
	out_close(list, &dict);
}

static bool is_listed(const struct engine *e, uint64_t cookie)
{
	const struct session *s;

	list_for_each(s, &e->sessions[cookie % SESSION_BUCKETS], hash_node)
		if (s->info.cookie == cookie)
			return true;
	return false;
}

static void append_fallbacks(struct bus_call *c, struct bus_out *list, bool all)
{
	const struct bus *b = c->b;
	_cleanup_free_ struct session_info *info = NULL;
	size_t n = b->handlers.fallbacks ? b->handlers.fallbacks(b->handlers.user, &info) : 0;

	for (size_t i = 0; i < n; i++)
		if ((all || info[i].uid == c->uid) && !is_listed(b->engine, info[i].cookie))
			append_fallback(b, list, &info[i]);
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
				append_session(c->b, &list, s);
	append_fallbacks(c, &list, all);
	out_close(&c->out, &list);
	return 0;
}
