/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Observability: events in the journal, metrics, and the test of everything.  Nothing here changes the engine. */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <systemd/sd-event.h>

#include "mobility/engine.h"
#include "net/net.h"
#include "sock/sock.h"

/* --- events.c --- */

struct events;

int events_new(sd_event *ev, struct events **ret);
void events_free(struct events *e);
/*
 * For engine_ops.notify: to the journal with MESSAGE_ID= and fields DMMD_*= if that is where our log goes, else (or with e
 * NULL) a line in the log.  Below the log level it is dropped.  The journal is written to from the loop, at its lowest
 * priority: a handover does not wait for it.
 */
void events_record(struct events *e, const struct event *ev);
/* 32 hexadecimal digits, always the same for a kind. */
const char *event_message_id(enum event_kind kind);
/* Is the descriptor the stream to the journal that JOURNAL_STREAM= describes? */
bool events_under_journal(const char *stream, int fd);

/* --- metrics.c --- */

/* What the data plane has counted; NULL members and zeros where there is none. */
struct metrics_plane {
	struct net_traffic traffic; /* of all bindings, also of those that are gone */
	uint64_t dropped[NET_DROP_MAX];
};
/* OpenMetrics 1.0 with "# EOF". */
void metrics_write(FILE *out, const struct engine *e, const struct metrics_plane *p,
		   const struct sock_info *s);
/* The same with what plane and socket say now. */
void metrics_write_now(FILE *out, const struct engine *e, struct net *n, const struct sock *s);

/* --- findings.c --- */

struct finding {
	char what[96];
	bool ok;
	char words[320];
};

struct findings {
	struct finding *list;
	unsigned n, room;
	bool incomplete; /* no memory for some */
};

void findings_add(struct findings *f, bool ok, const char *what, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void findings_free(struct findings *f);
void findings_of_audit(struct findings *f, const struct audit_result *results, unsigned n);
/* Paths, keys and anchors, after probes that were sent at `since`; n: NULL = no data plane to ask. */
void findings_of_engine(struct findings *f, const struct engine *e, struct net *n, usec_t since);

/* --- selftest.c --- */

struct selftest;

/* done is called from the loop, once for each test. */
int selftest_new(sd_event *ev, struct engine *e, struct net *n, const struct sock *s,
		 void (*done)(void *user, const struct findings *f), void *user,
		 struct selftest **ret);
/* Begin, soon: at most one test a second.  0 also when one is running. */
int selftest_start(struct selftest *t);
void selftest_free(struct selftest *t);
