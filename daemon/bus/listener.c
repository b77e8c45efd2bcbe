/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is told of what.  Changes of objects and properties: those who have read some since their connection began, as everybody
 * has who keeps a copy.  Events and states: those who have subscribed (as with org.freedesktop.systemd1, by methods of the same
 * names).  For nobody nothing is compared and put into words.
 *
 * The bus tells when a connection ends.  It is asked for that first and then whether the name is still there, so that none
 * stays for ever who was gone before.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus/internal.h"

/*
 * Both more than the 256 connections that the bus gives to one user, and below the 512 rules that it gives to one connection;
 * who only reads takes no room from those who subscribe.
 */
#define MAX_LISTENERS 448
#define MAX_READERS 320
#define MAX_RULE 256

struct listener {
	struct list node; /* of bus.listeners */
	struct bus *b;
	bool subscribed;
	DBusPendingCall *question;
	char name[BUS_UNIQUE_LEN];
};

bool bus_is_heard(const struct bus *b)
{
	return b->n_listeners || b->all_listen;
}

static struct listener *find(struct bus *b, const char *name)
{
	struct listener *s;

	list_for_each(s, &b->listeners, node)
		if (strcmp(s->name, name) == 0)
			return s;
	return NULL;
}

/* Without an error to fill in, libdbus waits for no answer. */
static void watch_name(const struct listener *s, bool watch)
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

static void set_subscribed(struct listener *s, bool subscribed)
{
	s->b->n_subscribers += (unsigned)subscribed - (unsigned)s->subscribed;
	s->subscribed = subscribed;
}

static void listener_free(struct listener *s)
{
	set_subscribed(s, false);
	question_drop(&s->question);
	s->b->n_listeners--;
	list_remove(&s->node);
	if (!bus_is_heard(s->b))
		signals_end(s->b);
	free(s);
}

static void leave(struct listener *s)
{
	watch_name(s, false);
	listener_free(s);
}

static void on_answer(DBusPendingCall *pending, void *user)
{
	struct listener *s = (struct listener *)user;
	_cleanup_message_ DBusMessage *reply = dbus_pending_call_steal_reply(pending);
	dbus_bool_t there;

	dbus_pending_call_unref(TAKE_PTR(s->question));
	if (dbus_message_get_args(reply, NULL, DBUS_TYPE_BOOLEAN, &there, DBUS_TYPE_INVALID) &&
	    !there)
		leave(s);
}

static int listener_new(struct bus *b, const char *name, unsigned most, struct listener **ret)
{
	struct listener *s;
	int r;

	if (b->n_listeners >= most)
		return -EBUSY;
	s = (struct listener *)calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	if (!bus_is_heard(b))
		signals_begin(b);
	s->b = b;
	strcpy(s->name, name);
	list_append(&b->listeners, &s->node);
	b->n_listeners++;
	watch_name(s, true);
	r = ask_about(b, "NameHasOwner", s->name, on_answer, s, &s->question);
	if (r < 0)
		leave(s);
	else
		*ret = s;
	return r;
}

static int listener_get(struct bus *b, DBusMessage *m, unsigned most, struct listener **ret)
{
	const char *name = dbus_message_get_sender(m);

	if (!name || strlen(name) >= sizeof((*ret)->name))
		return -EACCES;
	*ret = find(b, name);
	return *ret ? 0 : listener_new(b, name, most, ret);
}

void listener_add(struct bus *b, DBusMessage *m)
{
	struct listener *s;
	int r = listener_get(b, m, MAX_READERS, &s);

	if (r >= 0 || r == -EACCES || b->all_listen)
		return;
	if (!bus_is_heard(b))
		signals_begin(b);
	b->all_listen = true; /* as who it was cannot be remembered */
}

int call_subscribe(struct bus_call *c)
{
	struct listener *s;
	int r = listener_get(c->b, c->message, MAX_LISTENERS, &s);

	if (r < 0)
		return r;
	set_subscribed(s, true);
	return 0;
}

int call_unsubscribe(struct bus_call *c)
{
	const char *name = dbus_message_get_sender(c->message);
	struct listener *s = name ? find(c->b, name) : NULL;

	if (!s || !s->subscribed)
		return call_fail(c, error_name(-ENOENT), "You have not subscribed");
	set_subscribed(s, false);
	return 0;
}

void listener_name_changed(struct bus *b, DBusMessage *m)
{
	const char *name, *old, *new;
	struct listener *s;

	if (!dbus_message_has_sender(m, DBUS_SERVICE_DBUS) ||
	    !dbus_message_get_args(m, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING, &old,
				   DBUS_TYPE_STRING, &new, DBUS_TYPE_INVALID))
		return;
	s = *new ? NULL : find(b, name);
	if (s)
		leave(s);
}

void listeners_new(struct bus *b)
{
	list_init(&b->listeners);
}

void listeners_free(struct bus *b)
{
	struct listener *s, *next;

	list_for_each_safe(s, next, &b->listeners, node)
		listener_free(s);
	b->all_listen = false;
}
