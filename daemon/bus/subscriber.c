/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who wants to hear of every event: nothing is put into words for nobody (as org.freedesktop.systemd1 does it, with methods of
 * the same names).
 *
 * The bus tells when a subscriber's connection ends.  It is asked for that first and then whether the name is still there, so
 * that none stays for ever who was gone before.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus/internal.h"

/* More than the connections that the bus gives to one user. */
#define MAX_SUBSCRIBERS 512
#define MAX_RULE 256

struct subscriber {
	struct list node; /* of bus.subscribers */
	struct bus *b;
	DBusPendingCall *question;
	char name[BUS_UNIQUE_LEN];
};

static struct subscriber *find(struct bus *b, const char *name)
{
	struct subscriber *s;

	list_for_each(s, &b->subscribers, node)
		if (strcmp(s->name, name) == 0)
			return s;
	return NULL;
}

/* Without an error to fill in, libdbus waits for no answer. */
static void watch_name(const struct subscriber *s, bool watch)
{
	char rule[MAX_RULE];

	snprintf(rule, sizeof(rule),
		 "type='signal',sender='" DBUS_SERVICE_DBUS "',interface='" DBUS_INTERFACE_DBUS
		 "',member='NameOwnerChanged',arg0='%s'",
		 s->name);
	if (watch)
		dbus_bus_add_match(s->b->conn, rule, NULL);
	else
		dbus_bus_remove_match(s->b->conn, rule, NULL);
}

static void subscriber_free(struct subscriber *s)
{
	question_drop(&s->question);
	s->b->n_subscribers--;
	list_remove(&s->node);
	free(s);
}

static void leave(struct subscriber *s)
{
	watch_name(s, false);
	subscriber_free(s);
}

static void on_answer(DBusPendingCall *pending, void *user)
{
	struct subscriber *s = (struct subscriber *)user;
	_cleanup_message_ DBusMessage *reply = dbus_pending_call_steal_reply(pending);
	dbus_bool_t there;

	dbus_pending_call_unref(TAKE_PTR(s->question));
	if (dbus_message_get_args(reply, NULL, DBUS_TYPE_BOOLEAN, &there, DBUS_TYPE_INVALID) &&
	    !there)
		leave(s);
}

int call_subscribe(struct bus_call *c)
{
	const char *name = dbus_message_get_sender(c->message);
	struct subscriber *s;
	int r;

	if (!name || strlen(name) >= sizeof(s->name))
		return -EACCES;
	if (find(c->b, name))
		return 0;
	if (c->b->n_subscribers == MAX_SUBSCRIBERS)
		return -EBUSY;
	s = (struct subscriber *)calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->b = c->b;
	strcpy(s->name, name);
	list_append(&c->b->subscribers, &s->node);
	c->b->n_subscribers++;
	watch_name(s, true);
	r = ask_about(c->b, "NameHasOwner", s->name, on_answer, s, &s->question);
	if (r < 0)
		leave(s);
	return r;
}

int call_unsubscribe(struct bus_call *c)
{
	const char *name = dbus_message_get_sender(c->message);
	struct subscriber *s = name ? find(c->b, name) : NULL;

	if (!s)
		return call_fail(c, error_name(-ENOENT), "You have not subscribed");
	leave(s);
	return 0;
}

void subscriber_name_changed(struct bus *b, DBusMessage *m)
{
	const char *name, *old, *new;
	struct subscriber *s;

	if (!dbus_message_has_sender(m, DBUS_SERVICE_DBUS) ||
	    !dbus_message_get_args(m, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING, &old,
				   DBUS_TYPE_STRING, &new, DBUS_TYPE_INVALID))
		return;
	s = *new ? NULL : find(b, name);
	if (s)
		leave(s);
}

void subscribers_new(struct bus *b)
{
	list_init(&b->subscribers);
}

void subscribers_free(struct bus *b)
{
	struct subscriber *s, *next;

	list_for_each_safe(s, next, &b->subscribers, node)
		subscriber_free(s);
}
