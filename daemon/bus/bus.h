/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The D-Bus interface org.dmmd1 (D-Bus specification 0.38; org.dmmd1(5)).
 *
 * It reads the engine, on the loop's thread, and changes nothing in it.  The daemon works without
 * a bus: connecting is tried again, and after the bus went away it is found again.
 */
#pragma once

#include <stdio.h>
#include <systemd/sd-event.h>

#include "mobility/engine.h"

#define BUS_NAME "org.dmmd1"
#define BUS_PATH "/org/dmmd1"

struct bus;

/* One result of a test of everything. */
struct bus_finding {
	const char *what; /* the object, for instance "tunnel of 2001:db8::1" */
	bool ok;
	const char *words; /* what was found, and what to do if it is not as it should be */
};

struct bus_session {
	bool asked; /* and for what */
	enum service_type requested;
	uint64_t sent, received; /* octets; UINT64_MAX: not known */
	struct session_owner owner;
};

/* What the daemon does for the bus; each may be NULL.  Called from the loop, never from bus_new. */
struct bus_handlers {
	/*
	 * Read the configuration again.  0 with the options in why that take effect at the next
	 * start only, -EINVAL with the first error in why, or -errno.
	 */
	int (*reload)(void *user, char *why, size_t size);
	void (*name_taken)(void *user); /* another daemon owns the name on this bus */
	/* Octets that the tunnel of a binding has carried so far. */
	void (*traffic)(void *user, const struct binding *binding, uint64_t *ret_received,
			uint64_t *ret_sent);
	/* "no", "esp", "blocked"; the last with words for what is in the way, else NULL. */
	const char *(*protection)(void *user, const struct binding *binding,
				  const char **ret_words);
	/* The list of sessions is about to be read: bring it up to date. */
	void (*look)(void *user);
	/* After that: what the engine need not know of a session. */
	void (*detail)(void *user, const struct session_info *s, struct bus_session *ret);
	/* Properties are about to be read: bring those up to date that no event tells the engine of. */
	void (*refresh)(void *user);
	/* Sockets that asked for a service and had to start without it; *ret is freed by the caller. */
	size_t (*fallbacks)(void *user, struct session_info **ret);
	/* Programs that are connected to the daemon, and whether the kernel's socket hooks are in use. */
	void (*applications)(void *user, unsigned *ret_clients, bool *ret_hooks);
	/* Counters as OpenMetrics text. */
	void (*metrics)(void *user, FILE *out);
	const char *plane; /* the name of the data plane; NULL = there is none */
	/* Test everything; bus_tested() follows, soon or during the call.  0 or -errno. */
	int (*test)(void *user);
	void *user;
};

/*
 * Connect to the bus at `address` (NULL: the system bus) and ask for the name.  Neither is waited
 * for, and a bus that is not there is no error: -errno is for lack of memory and descriptors.
 * The engine must outlive the bus; address is copied.
 */
int bus_new(sd_event *ev, const struct engine *e, const char *address, struct bus **ret);
void bus_set_handlers(struct bus *b, const struct bus_handlers *handlers);
void bus_free(struct bus *b);

/*
 * For engine_ops.publish: notes what changed and returns.  The signals follow from the loop, a few
 * milliseconds later and at its lowest priority, so that a handover never waits for them.
 */
void bus_published(struct bus *b, enum engine_object kind, enum engine_change change,
		   const void *object);

/* For engine_ops.notify: keeps the event, and tells it as the signals above are told. */
void bus_notified(struct bus *b, const struct event *ev);

/* Answers everybody who asked for the test. */
void bus_tested(struct bus *b, const struct bus_finding *findings, unsigned n);

/* Try now to connect, or to get the name, if that failed earlier (for SIGHUP). */
void bus_retry(struct bus *b);

/* 1 = we own the name, 0 = no bus or no answer yet, -EEXIST = another daemon owns it, -EACCES = the
 * bus policy does not let us have it. */
int bus_name_state(const struct bus *b);

/* The introspection document of one interface with its explanations, as installed under
 * share/dbus-1/interfaces.  -ENOENT if there is no such interface. */
int bus_write_introspection(FILE *out, const char *interface);
