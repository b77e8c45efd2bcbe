/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A private bus daemon, an engine on it with one anchor and two home addresses, and a client.
 *
 * Service and client share one thread: bus_call() runs both until the answer is there.
 */
#pragma once

#include <dbus/dbus.h>
#include <sys/types.h>

#include "bus/bus.h"
#include "bus/internal.h"

#define MAX_SIGNALS 256

struct fixture {
	char dir[64];
	char address[128];
	pid_t daemon;
	sd_event *ev;
	struct conf *conf;
	struct engine *engine;
	struct bus *bus;
	DBusConnection *client;
	DBusMessage *signals[MAX_SIGNALS]; /* received, oldest first */
	unsigned n_signals;
	unsigned reloads, names_taken, tests, echoes;
	int reload_result, test_result;
};

extern struct fixture fx;

/* Criterion's init and fini: with everything running, with a client that has not said anything yet, or with nothing but the
 * engine. */
void bus_setup(void);
void bus_setup_passive(void);
void bus_setup_offline(void);
void bus_teardown(void);

void bus_daemon_start(void);
void bus_daemon_stop(void);
void bus_client_start(void);

/* Run service and client until cond holds; fails the test after two seconds. */
#define bus_wait(cond) \
	do { \
		usec_t _end = bus_now() + 2 * USEC_PER_SEC; \
		bool _met; \
		while (!(_met = (cond)) && bus_now() < _end) \
			bus_run(); \
		cr_assert(_met, "waited in vain for " #cond); \
	} while (0)
void bus_run(void);
usec_t bus_now(void);
/* Everything published so far has reached the client. */
void bus_settle(void);

/* Call a method of the service; string arguments, NULL-terminated.  The reply or error. */
DBusMessage *bus_call(const char *path, const char *interface, const char *method, ...);
DBusMessage *bus_send(DBusMessage *call);
/* The client wants to hear of events and states, as it does at first, or no more. */
void bus_subscribe(bool subscribe);
/* A property as text (strings, paths, numbers, booleans), static. */
const char *bus_get(const char *path, const char *interface, const char *name);
/* The n-th signal received with that name, or NULL. */
DBusMessage *bus_signal_nth(const char *member, unsigned n);
unsigned bus_signal_count(const char *member);
/* The string argument of a message with that index. */
const char *bus_arg(DBusMessage *m, unsigned index);
/* Text of an a{sv} entry at the argument with that index, "" if there is none, static. */
const char *bus_entry(DBusMessage *m, unsigned index, const char *key);
unsigned bus_entries(DBusMessage *m, unsigned index);

struct link *bus_add_link(int ifindex, const char *name);
void bus_remove_link(struct link *l);
struct binding *bus_first_binding(void);
/* Of the first binding, in need; the engine frees it. */
struct session *bus_add_session(uint64_t cookie, uid_t uid);
struct handover *bus_add_handover(void);
