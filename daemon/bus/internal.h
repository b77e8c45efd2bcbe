/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the bus share: interface tables, the registry of objects, the connection. */
#pragma once

#include <dbus/dbus.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "base/list.h"
#include "bus/bus.h"
#include "bus/out.h"

struct bus_call;

/* --- interface tables: dispatch, introspection and signals all read these --- */

enum bus_emits {
	BUS_EMITS,  /* in PropertiesChanged when it changed */
	BUS_CONST,  /* never changes */
	BUS_SILENT, /* changes without a signal */
};

struct bus_property {
	const char *name, *signature;
	enum bus_emits emits;
	/* `field` is the object plus `offset`. */
	void (*get)(struct bus_out *out, const struct bus *b, const struct bus_property *p,
		    const void *field);
	size_t offset;
	const char *(*str)(int v); /* names of an enumeration */
	/* NULL = read only.  The value is at `value`, of the right type. */
	int (*set)(struct bus_call *c, DBusMessageIter *value);
	const char *doc;
};

struct bus_arg {
	const char *name, *signature;
};

#define BUS_MAX_ARGS 5

enum bus_access {
	BUS_ANYONE,
	BUS_KNOWN, /* anyone; who it is stands in bus_call.uid */
	BUS_ROOT,
};

#define BUS_ANSWERED_LATER 1

struct bus_method {
	const char *name;
	struct bus_arg in[BUS_MAX_ARGS], out[BUS_MAX_ARGS]; /* end at the first without a name */
	/* Append the reply to c->out and return 0, or return -errno (or call_fail()), or
	 * BUS_ANSWERED_LATER. */
	int (*call)(struct bus_call *c);
	enum bus_access access;
	bool informs; /* from then on the caller is told of changes */
	const char *doc;
};

struct bus_signal {
	const char *name;
	struct bus_arg args[BUS_MAX_ARGS];
	const char *doc;
};

/* Each table ends with an entry without a name; NULL = none. */
struct bus_interface {
	const char *name, *doc;
	const struct bus_property *properties;
	const struct bus_method *methods;
	const struct bus_signal *signals;
};

/* --- objects --- */

#define BUS_NAME_LEN 72
#define BUS_UNIQUE_LEN 32     /* of a connection: ":1.42" */
#define BUS_LABEL_LEN 216     /* a name of which every character is escaped */
#define BUS_MAX_PROPERTIES 64 /* bits of a word */

struct bus_kind {
	const char *noun; /* in paths and events */
	const struct bus_interface *interface;
	/* What a user calls it, and the last part of its path. */
	void (*name)(const void *object, char name[static BUS_NAME_LEN]);
	void (*label)(const void *object, char label[static BUS_LABEL_LEN]);
	/* State in one word (a constant string), the same text as its property. */
	const char *(*state)(const struct engine *e, const void *object);
	/* More for the text of an event, or NULL.  latest: nothing happened to it since. */
	void (*describe)(FILE *f, const void *object, bool latest);
};

extern const struct bus_kind bus_kind_manager, bus_kind_link, bus_kind_prefix, bus_kind_anchor,
	bus_kind_binding, bus_kind_handover, bus_kind_log_control;
extern const struct bus_interface bus_properties, bus_introspectable, bus_object_manager, bus_peer;

#define BUS_N_KINDS (OBJECT_HANDOVER + 1)

struct bus_object {
	struct list node;
	const struct bus_kind *kind;
	const void *object; /* in the engine; NULL once removed */
	uint64_t id;        /* of a handover, whose record the engine overwrites in time */
	char *path;
	char name[BUS_NAME_LEN];
	const char *state; /* at the last publication */
	bool seen;         /* by the running scan */
	bool announced;    /* clients know it */
	bool dirty;
	uint64_t hashes[]; /* of each property, as last told to the clients */
};

/* A change of state, or an event of the engine, kept until it is sent. */
struct bus_event {
	struct bus_object *object; /* NULL: an event */
	enum engine_change change;
	const char *old_state, *new_state; /* constant strings; old NULL = none */
	struct instant at;
	uint64_t notice; /* number of the event */
};
#define BUS_MAX_EVENTS 128

/* An event of the engine as it is remembered: what it was about may be gone. */
struct bus_notice {
	uint64_t number; /* from 1 */
	enum event_kind kind;
	int priority;
	struct instant at;
	char text[sizeof(((struct event *)0)->text)];
	char link[IFNAMSIZ];
	char anchor[sizeof(((struct anchor *)0)->name)];
	struct in6_addr home;     /* :: = none */
	struct ip6_prefix prefix; /* ::/0 = none */
	uint64_t handover;        /* 0 = none */
	bool has_session;
	struct session_info session;
	pid_t pid;
};
#define BUS_MAX_NOTICES 256

#define BUS_MAX_WATCHES 4
#define BUS_MAX_TESTERS 64

struct bus {
	sd_event *ev;
	const struct engine *engine;
	struct bus_handlers handlers;
	char *address;
	usec_t started;

	/* connection.c */
	DBusConnection *conn; /* NULL = not connected */
	bool greeted;         /* the bus gave us a unique name */
	int name_state;       /* see bus_name_state() */
	bool missed;          /* there was none at the last attempt */
	usec_t retry_delay;
	sd_event_source *retry, *drop;

	/* watch.c */
	DBusWatch *watches[BUS_MAX_WATCHES]; /* all on one file descriptor */
	sd_event_source *io, *dispatch;

	/* registry.c: the objects by kind, those removed but not yet told, and log control */
	struct list objects[BUS_N_KINDS];
	struct list removed;
	struct bus_object *log_control;
	bool rescan;

	/* signal.c */
	sd_event_source *flush;
	bool flush_armed, bindings_dirty;
	struct bus_event events[BUS_MAX_EVENTS];
	unsigned n_events;
	uint64_t events_lost;

	/* history.c: a ring, the newest event has the number n_notices */
	struct bus_notice *notices;
	uint64_t n_notices;

	/* caller.c */
	struct list callers;
	unsigned n_callers;
	unsigned n_checks; /* calls that wait */

	/* listener.c */
	struct list listeners;
	unsigned n_listeners, n_subscribers; /* these are among those */
	bool all_listen;                     /* whoever they are */

	/* test.c: calls that wait for the end of the running test */
	struct bus_tester {
		DBusMessage *call;
		uid_t uid;
	} testers[BUS_MAX_TESTERS];
	unsigned n_testers;
};

/* --- registry.c --- */

int registry_new(struct bus *b);
/* Bring the registry in line with the engine if it may not be: while nobody listens it is not kept so. */
void registry_refresh(struct bus *b);
void registry_clear(struct bus *b);
struct bus_object *registry_add(struct bus *b, enum engine_object kind, const void *object);
struct bus_object *registry_find(struct bus *b, enum engine_object kind, const void *object);
struct bus_object *registry_find_path(struct bus *b, const char *path);
/* Leaves the lists of the living for those that are to be told of. */
void registry_remove(struct bus *b, struct bus_object *o);
void registry_free_removed(struct bus *b);
void object_free(struct bus_object *o);
/* What it stands for in the engine, or NULL if that is gone. */
const void *object_resolve(const struct bus *b, const struct bus_object *o);
/* Call cb for each object; stops at the first that returns true, and returns that. */
struct bus_object *registry_each(struct bus *b, bool (*cb)(struct bus_object *o, void *user),
				 void *user);

/* --- path.c --- */

/* One element of an object path as sd_bus_path_encode(3) makes it; cut to fit. */
void path_escape(const char *s, char label[static BUS_LABEL_LEN]);
#define BUS_PATH_LEN (BUS_LABEL_LEN + 32)
struct path_buf {
	char s[BUS_PATH_LEN];
};
/* The path of an object, "/" for NULL. */
const char *path_of(const struct bus_kind *kind, const void *object, struct path_buf *buf);
#define PATH_OF(kind, object) path_of((kind), (object), &(struct path_buf){{0}})

/* --- properties.c --- */

/* The properties that are worth a signal when that is asked (a{sv}); values go to `out`. */
void properties_append(struct bus_out *out, const struct bus *b, const struct bus_object *o);
/* Compare with what the clients know and remember the new values: a bit for each that changed. */
uint64_t properties_refresh(const struct bus *b, struct bus_object *o);
void properties_append_changed(struct bus_out *out, const struct bus *b, const struct bus_object *o,
			       uint64_t changed);
/* a{sa{sv}} with the one interface of the object */
void properties_append_interfaces(struct bus_out *out, const struct bus *b,
				  const struct bus_object *o);

/* --- dispatch.c --- */

struct bus_call {
	struct bus *b;
	DBusMessage *message;
	struct bus_object *object; /* NULL: a path that only leads to objects */
	struct bus_out out;
	uid_t uid;              /* of the caller, if the method asked for it */
	const char *error_name; /* set by call_fail() */
	char error_text[400];
};

/* Handle a method call; it is always answered, now or later. */
void dispatch_call(struct bus *b, DBusMessage *m);
/* The same call, now that its sender is known. */
void dispatch_known(struct bus *b, DBusMessage *m, uid_t uid);
/* The interfaces of an object, NULL-terminated, its own one first. */
#define BUS_MAX_INTERFACES 6
void object_interfaces(const struct bus_object *o,
		       const struct bus_interface *list[static BUS_MAX_INTERFACES]);

/* --- error.c --- */

/* Errno as the name of a D-Bus error, "org.dmmd1.Error.*". */
const char *error_name(int r);
/* Refuse a call by name; returns a negative errno for the handler to return. */
int call_fail(struct bus_call *c, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void send_error(struct bus *b, DBusMessage *call, const char *name, const char *text);
/* Sends and releases; NULL (no memory) is logged. */
void send_message(struct bus *b, DBusMessage *m);

/* --- introspect.c --- */

int introspect_object(struct bus *b, const char *path, const struct bus_object *o, char **ret);

/* --- caller.c --- */

/* Find out who the sender is, then run the call: at once if he called before. */
void caller_identify(struct bus *b, DBusMessage *call);
/* A copy that answers are sent to as to the call itself, to be kept for a while: what was received itself counts against
 * the flow control of our connection.  -EMSGSIZE if it is longer than any call that makes sense. */
int call_keep(DBusMessage *call, DBusMessage **ret);
void callers_new(struct bus *b);
void callers_free(struct bus *b);
/* May he see what belongs to all users? */
bool caller_sees_all(uid_t uid);

/* --- listener.c: who is told of changes, and of events and states; methods of the manager --- */

void listeners_new(struct bus *b);
void listeners_free(struct bus *b);
/* Whether there is anybody to be told of changes. */
bool bus_is_heard(const struct bus *b);
/* Who sent this call has read what may change. */
void listener_add(struct bus *b, DBusMessage *m);
int call_subscribe(struct bus_call *c);
int call_unsubscribe(struct bus_call *c);
/* NameOwnerChanged of the bus: a connection has ended. */
void listener_name_changed(struct bus *b, DBusMessage *m);

/* --- history.c --- */

/* The event with that number, NULL if it is forgotten. */
const struct bus_notice *history_get(const struct bus *b, uint64_t number);
/* The arguments of the signal Event.  all: whoever reads it may see the sessions of all users. */
void history_append(struct bus_out *out, const struct bus_notice *n, bool all);
int call_list_events(struct bus_call *c);

/* --- sessions.c, explain.c, test.c: methods of the manager --- */

int call_list_sessions(struct bus_call *c);
const char *protocol_name(uint8_t protocol); /* "tcp", "udp" */
int call_explain(struct bus_call *c);
int call_test(struct bus_call *c);
void testers_free(struct bus *b);

/* --- signal.c --- */

int signals_new(struct bus *b);
void signals_free(struct bus *b);
/* An event of the engine is to be told. */
void signals_notice(struct bus *b, uint64_t number);
/* The first one begins to listen: he knows everything as it is now. */
void signals_begin(struct bus *b);
/* Nobody listens any more; nothing is pending. */
void signals_end(struct bus *b);

/* --- watch.c --- */

int watch_new(struct bus *b);
void watch_free(struct bus *b);
/* Let the loop serve b->conn, or no more. */
bool watch_attach(struct bus *b);
void watch_detach(struct bus *b);

/* --- connection.c --- */

int connection_new(struct bus *b);
void connection_free(struct bus *b);
/* Ask the bus itself about a connection; the question is the asker's until `done`.  0 or -ENOMEM. */
int ask_about(struct bus *b, const char *method, const char *name,
	      DBusPendingCallNotifyFunction done, void *user, DBusPendingCall **ret);
/* Nobody wants the answer any more; one that was not asked is none. */
void question_drop(DBusPendingCall **question);

static inline void message_unref(DBusMessage **m)
{
	if (*m)
		dbus_message_unref(*m);
}
#define _cleanup_message_ _cleanup_(message_unref)

static inline void text_free(char **s)
{
	dbus_free(*s);
}
#define _cleanup_text_ _cleanup_(text_free) /* strings that libdbus allocated */
