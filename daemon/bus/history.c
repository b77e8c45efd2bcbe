/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The last events of the engine, for those who come later (ListEvents) and for the signal Event.
 *
 * What is said of a session - its other end, its process - is for its user alone.  A signal goes to everybody, so it only
 * names the socket and its user.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "bus/internal.h"

static struct bus_notice *slot(const struct bus *b, uint64_t number)
{
	return &b->notices[(number - 1) % BUS_MAX_NOTICES];
}

const struct bus_notice *history_get(const struct bus *b, uint64_t number)
{
	if (number == 0 || number > b->n_notices || b->n_notices - number >= BUS_MAX_NOTICES)
		return NULL;
	return slot(b, number);
}

static void copy(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from);
}

void bus_notified(struct bus *b, const struct event *ev)
{
	struct bus_notice *n;

	if (!b)
		return;
	n = slot(b, ++b->n_notices);
	*n = (struct bus_notice){.number = b->n_notices,
				 .kind = ev->kind,
				 .priority = ev->priority,
				 .at = b->engine->now};
	copy(n->text, sizeof(n->text), ev->text);
	if (ev->link)
		copy(n->link, sizeof(n->link), ev->link->name);
	if (ev->anchor)
		copy(n->anchor, sizeof(n->anchor), ev->anchor->name);
	if (ev->binding)
		n->home = ev->binding->home;
	if (ev->prefix)
		n->prefix = ev->prefix->prefix;
	else if (ev->binding)
		n->prefix = ev->binding->home_prefix;
	if (ev->handover)
		n->handover = ev->handover->id;
	if (ev->session) {
		n->has_session = true;
		n->session = ev->session->info;
		n->pid = ev->session->pid;
	}
	signals_notice(b, b->n_notices);
}

static void append_session(struct bus_out *dict, const struct bus_notice *n, bool all)
{
	out_entry_u64(dict, "Cookie", n->session.cookie);
	out_entry_u32(dict, "UID", n->session.uid);
	if (!all)
		return;
	out_entry_string(dict, "Protocol", protocol_name(n->session.protocol));
	out_entry_addr(dict, "Source", &n->session.source);
	out_entry_u32(dict, "SourcePort", n->session.source_port);
	out_entry_addr(dict, "Destination", &n->session.destination);
	out_entry_u32(dict, "DestinationPort", n->session.destination_port);
	if (n->pid)
		out_entry_u32(dict, "PID", (uint32_t)n->pid);
}

static const char *text_of(const struct bus_notice *n, bool all, char buf[static 96])
{
	if (!n->has_session || all)
		return n->text;
	snprintf(buf, 96, "%s: a session of user %u", event_kind_str((int)n->kind), n->session.uid);
	return buf;
}

static void append_details(struct bus_out *dict, const struct bus_notice *n, bool all)
{
	out_entry_u64(dict, "Number", n->number);
	out_entry_u64(dict, "TimeUSec", n->at.mono);
	out_entry_u64(dict, "TimeRealUSec", n->at.real);
	if (*n->link)
		out_entry_string(dict, "Link", n->link);
	if (n->prefix.len)
		out_entry_string(dict, "Prefix", PREFIX_STR(&n->prefix));
	if (*n->anchor)
		out_entry_string(dict, "Anchor", n->anchor);
	if (!addr_is_any(&n->home))
		out_entry_addr(dict, "HomeAddress", &n->home);
	if (n->handover)
		out_entry_u64(dict, "Handover", n->handover);
	if (n->has_session)
		append_session(dict, n, all);
}

void history_append(struct bus_out *out, const struct bus_notice *n, bool all)
{
	char buf[96];
	struct bus_out dict;

	out_string(out, event_kind_str((int)n->kind));
	out_string(out, log_level_str(n->priority));
	out_string(out, text_of(n, all, buf));
	out_open(out, &dict, DBUS_TYPE_ARRAY, "{sv}");
	append_details(&dict, n, all);
	out_close(out, &dict);
}

int call_list_events(struct bus_call *c)
{
	const struct bus *b = c->b;
	uint64_t number = b->n_notices > BUS_MAX_NOTICES ? b->n_notices - BUS_MAX_NOTICES + 1 : 1;
	struct bus_out list, entry;

	out_open(&c->out, &list, DBUS_TYPE_ARRAY, "(sssa{sv})");
	for (; number <= b->n_notices; number++) {
		const struct bus_notice *n = history_get(b, number);

		out_open(&list, &entry, DBUS_TYPE_STRUCT, NULL);
		history_append(&entry, n, caller_sees_all(c->uid) || n->session.uid == c->uid);
		out_close(&list, &entry);
	}
	out_close(&c->out, &list);
	return 0;
}
