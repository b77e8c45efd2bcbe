/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Test: answered to all who wait when the daemon is through with it; meanwhile there is one test for everybody. */
#include <errno.h>

#include "bus/internal.h"

/* More would only get the same answer.  There is always room for root. */
#define TESTS_PER_USER 8
#define KEPT_FOR_ROOT 8

static bool has_room(const struct bus *b, uid_t uid)
{
	unsigned n = 0;

	for (unsigned i = 0; i < b->n_testers; i++)
		n += b->testers[i].uid == uid;
	return n < TESTS_PER_USER &&
	       b->n_testers + (uid == 0 ? 0 : KEPT_FOR_ROOT) < BUS_MAX_TESTERS;
}

int call_test(struct bus_call *c)
{
	const struct bus_handlers *h = &c->b->handlers;
	struct bus *b = c->b;
	int r;

	if (!h->test)
		return -EOPNOTSUPP;
	if (!has_room(b, c->uid))
		return -EBUSY;
	r = call_keep(c->message, &b->testers[b->n_testers].call);
	if (r < 0)
		return r;
	b->testers[b->n_testers++].uid = c->uid;
	if (b->n_testers > 1)
		return BUS_ANSWERED_LATER;
	r = h->test(h->user);
	if (r < 0) {
		testers_free(b);
		return r;
	}
	return BUS_ANSWERED_LATER;
}

static void append_finding(struct bus_out *list, const struct bus_finding *f)
{
	struct bus_out entry;

	out_open(list, &entry, DBUS_TYPE_STRUCT, NULL);
	out_string(&entry, f->what);
	out_bool(&entry, f->ok);
	out_string(&entry, f->words);
	out_close(list, &entry);
}

static void answer(struct bus *b, DBusMessage *call, const struct bus_finding *findings, unsigned n)
{
	DBusMessage *reply = dbus_message_new_method_return(call);
	struct bus_out out, list;

	if (reply && dbus_message_get_no_reply(call)) {
		dbus_message_unref(reply);
		return;
	}
	if (reply) {
		out_to_message(&out, reply);
		out_open(&out, &list, DBUS_TYPE_ARRAY, "(sbs)");
		for (unsigned i = 0; i < n; i++)
			append_finding(&list, &findings[i]);
		out_close(&out, &list);
		if (out.failed) {
			dbus_message_unref(reply);
			reply = NULL;
		}
	}
	if (reply)
		send_message(b, reply);
	else
		send_error(b, call, error_name(-ENOMEM), "No memory for the answer");
}

void bus_tested(struct bus *b, const struct bus_finding *findings, unsigned n)
{
	if (!b)
		return;
	for (unsigned i = 0; i < b->n_testers; i++)
		answer(b, b->testers[i].call, findings, n);
	testers_free(b);
}

void testers_free(struct bus *b)
{
	while (b->n_testers)
		dbus_message_unref(b->testers[--b->n_testers].call);
}
