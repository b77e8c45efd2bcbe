/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is calling?  The bus daemon tells the user of a connection; the answer is remembered for as long as that connection's
 * name may come again, which no other ever gets.
 *
 * Nobody can keep others from being asked for: a connection has few calls that wait, and there is room for more connections
 * than the bus gives to one user.  A call waits as a copy, since what is received and not yet released counts against the
 * flow control of our connection, by which the answer is to come.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "bus/internal.h"

#define MAX_CALLERS 512
#define MAX_WAITING 8
#define MAX_CALL_SIZE 2048

struct caller {
	struct list node; /* of bus.callers, the latest last */
	struct bus *b;
	char name[BUS_UNIQUE_LEN];
	bool known;
	uid_t uid;
	DBusPendingCall *question;
	DBusMessage *waiting[MAX_WAITING];
	unsigned n_waiting;
};

static void caller_free(struct caller *c)
{
	question_drop(&c->question);
	for (unsigned i = 0; i < c->n_waiting; i++)
		dbus_message_unref(c->waiting[i]);
	c->b->n_checks -= c->n_waiting;
	c->b->n_callers--;
	list_remove(&c->node);
	free(c);
}

/* Room for another: at the cost of the one that was known and silent for the longest. */
static bool make_room(struct bus *b)
{
	struct caller *c;

	if (b->n_callers < MAX_CALLERS)
		return true;
	list_for_each(c, &b->callers, node)
		if (!c->question) {
			caller_free(c);
			return true;
		}
	return false;
}

static struct caller *caller_get(struct bus *b, const char *name)
{
	struct caller *c;

	list_for_each(c, &b->callers, node)
		if (strcmp(c->name, name) == 0) {
			list_remove(&c->node);
			list_append(&b->callers, &c->node);
			return c;
		}
	if (strlen(name) >= BUS_UNIQUE_LEN || !make_room(b))
		return NULL;
	c = (struct caller *)calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->b = b;
	strcpy(c->name, name);
	list_append(&b->callers, &c->node);
	b->n_callers++;
	return c;
}

static void on_uid(DBusPendingCall *pending, void *user)
{
	struct caller *c = (struct caller *)user;
	_cleanup_message_ DBusMessage *reply = dbus_pending_call_steal_reply(pending);
	dbus_uint32_t uid = (dbus_uint32_t)-1;

	/* The sender may be gone by now; then nobody waits for the answers. */
	c->known = dbus_message_get_args(reply, NULL, DBUS_TYPE_UINT32, &uid, DBUS_TYPE_INVALID);
	c->uid = uid;
	dbus_pending_call_unref(TAKE_PTR(c->question));
	for (unsigned i = 0; i < c->n_waiting; i++) {
		if (c->known)
			dispatch_known(c->b, c->waiting[i], c->uid);
		else
			send_error(c->b, c->waiting[i], error_name(-EACCES),
				   "The bus does not tell who is calling");
		dbus_message_unref(c->waiting[i]);
	}
	c->b->n_checks -= c->n_waiting;
	c->n_waiting = 0;
	if (!c->known)
		caller_free(c);
}

int call_keep(DBusMessage *call, DBusMessage **ret)
{
	DBusMessage *copy;
	char *bytes;
	int n;

	if (!dbus_message_marshal(call, &bytes, &n))
		return -ENOMEM;
	dbus_free(bytes);
	if (n > MAX_CALL_SIZE)
		return -EMSGSIZE;
	copy = dbus_message_copy(call);
	if (!copy)
		return -ENOMEM;
	dbus_message_set_serial(copy, dbus_message_get_serial(call));
	*ret = copy;
	return 0;
}

static int wait_for_answer(struct bus *b, DBusMessage *call, struct caller *c)
{
	int r;

	if (c->n_waiting == MAX_WAITING)
		return -EBUSY;
	r = call_keep(call, &c->waiting[c->n_waiting]);
	if (r < 0)
		return r;
	c->n_waiting++;
	b->n_checks++;
	if (c->question)
		return 0;
	return ask_about(b, "GetConnectionUnixUser", c->name, on_uid, c, &c->question);
}

void caller_identify(struct bus *b, DBusMessage *call)
{
	const char *sender = dbus_message_get_sender(call);
	struct caller *c = sender ? caller_get(b, sender) : NULL;
	int r;

	if (!sender)
		r = -EACCES;
	else if (!c)
		r = -EBUSY;
	else if (c->known)
		return dispatch_known(b, call, c->uid);
	else
		r = wait_for_answer(b, call, c);
	if (r < 0)
		send_error(b, call, error_name(r), log_strerror(-r));
	if (c && !c->question)
		caller_free(c);
}

bool caller_sees_all(uid_t uid)
{
	return uid == 0 || uid == geteuid();
}

void callers_new(struct bus *b)
{
	list_init(&b->callers);
}

void callers_free(struct bus *b)
{
	struct caller *c, *next;

	list_for_each_safe(c, next, &b->callers, node)
		caller_free(c);
}
