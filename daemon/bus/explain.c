/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Explain: which source, prefix, anchor and path a session would get now, and why. */
#include "mobility/explain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bus/internal.h"
#include "net/net.h"

static int parse_protocol(struct bus_call *c, const char *text, uint8_t *ret)
{
	if (strcmp(text, "tcp") == 0 || !*text)
		*ret = IPPROTO_TCP;
	else if (strcmp(text, "udp") == 0)
		*ret = IPPROTO_UDP;
	else
		return call_fail(c, DBUS_ERROR_INVALID_ARGS,
				 "\"%.40s\" is no protocol: tcp, udp or nothing", text);
	return 0;
}

static int parse_type(struct bus_call *c, const char *text, struct explain_request *q)
{
	int type = *text ? service_type_parse(text) : SERVICE_NON_PERSISTENT;

	if (type < 0)
		return call_fail(c, DBUS_ERROR_INVALID_ARGS,
				 "\"%.40s\" is no service type: non-persistent, "
				 "graceful-replacement, session-lasting, fixed or nothing",
				 text);
	q->has_type = *text;
	q->type = (enum service_type)type;
	return 0;
}

static int parse(struct bus_call *c, struct explain_request *q)
{
	const char *destination, *protocol, *type;
	dbus_uint32_t uid;
	int r;

	if (!dbus_message_get_args(c->message, NULL, DBUS_TYPE_STRING, &destination,
				   DBUS_TYPE_UINT16, &q->port, DBUS_TYPE_STRING, &protocol,
				   DBUS_TYPE_STRING, &type, DBUS_TYPE_UINT32, &uid,
				   DBUS_TYPE_INVALID))
		return -ENOMEM;
	q->uid = uid;
	if (addr_parse(destination, &q->destination) < 0)
		return call_fail(c, DBUS_ERROR_INVALID_ARGS, "\"%.60s\" is no IPv6 address",
				 destination);
	r = parse_protocol(c, protocol, &q->protocol);
	return r < 0 ? r : parse_type(c, type, q);
}

static void append_candidate(struct bus_out *list, const struct explain_candidate *k)
{
	struct bus_out dict;

	out_open(list, &dict, DBUS_TYPE_ARRAY, "{sv}");
	out_entry_addr(&dict, "Source", &k->source);
	out_entry_string(&dict, "Prefix", PREFIX_STR(&k->prefix));
	out_entry_string(&dict, "State", prefix_state_str((int)k->state));
	out_entry_string(&dict, "Anchor", k->anchor);
	out_entry_string(&dict, "Link", k->link);
	out_entry_bool(&dict, "Tunnelled", k->tunnelled);
	out_entry_bool(&dict, "Chosen", k->chosen);
	out_entry_string(&dict, "Words", k->words);
	out_close(list, &dict);
}

static void append_candidates(struct bus_out *dict, const struct explain *x)
{
	struct out_entry e;
	struct bus_out list;

	out_entry_open(dict, &e, "Candidates", "aa{sv}");
	out_open(&e.variant, &list, DBUS_TYPE_ARRAY, "a{sv}");
	for (unsigned i = 0; i < x->n; i++)
		append_candidate(&list, &x->candidate[i]);
	out_close(&e.variant, &list);
	out_entry_close(dict, &e);
}

int call_explain(struct bus_call *c)
{
	_cleanup_free_ struct explain *x = (struct explain *)calloc(1, sizeof(*x));
	struct explain_request q = {0};
	struct bus_out dict;
	int r = x ? parse(c, &q) : -ENOMEM;

	if (r < 0)
		return r;
	net_source(&q.destination, &q.kernel);
	engine_explain(c->b->engine, &q, x);
	out_open(&c->out, &dict, DBUS_TYPE_ARRAY, "{sv}");
	out_entry_string(&dict, "Requested", service_type_str((int)x->requested));
	out_entry_string(&dict, "Granted", x->chosen < 0 ? "" : service_type_str((int)x->granted));
	out_entry_string(&dict, "AskedBy", x->asked_by);
	out_entry_string(&dict, "Words", x->words);
	append_candidates(&dict, x);
	out_close(&c->out, &dict);
	return 0;
}
