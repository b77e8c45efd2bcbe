/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What can be observed of the daemon from outside, besides its state on the bus.
 *
 *   events.c     events in the journal (systemd.journal-fields(7)), or in the log
 *   metrics.c    counters as OpenMetrics 1.0 text
 *   selftest.c   the test of everything: runs it, one at a time
 *   findings.c   what the test found, in words
 */
#include "obs/obs.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#define SD_JOURNAL_SUPPRESS_LOCATION /* where this file calls it says nothing */
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "base/log.h"

/* Drawn once; scripts and catalogues rely on them. */
static const char *const message_ids[EVENT_KIND_MAX] = {
	[EVENT_UPLINK] = "3a408b12e390400d97a5d948a6e45511",
	[EVENT_OFFLINE] = "e211602176d249399319e686742f5c93",
	[EVENT_PREFIX_STATE] = "78455601a1184891a88c327ac365f6b9",
	[EVENT_BINDING_STATE] = "634628df3477447690abe16fa89c1c8b",
	[EVENT_BINDING_REFUSED] = "b27a36e58b3f4cd9a7ac0fbad65f8f4a",
	[EVENT_BINDING_REVOKED] = "c5971875c6a54e258f0bbadff3c89af8",
	[EVENT_BINDING_WITHDRAWN] = "b31f4228fea1434eaaa90731b26ab3a9",
	[EVENT_ANCHOR_FOUND] = "511a36dba13540458b9f6a034ffab724",
	[EVENT_ANCHOR_HEALTH] = "0e9650ce4fdd45c6a6f508a20164dc96",
	[EVENT_ANCHOR_SWITCH] = "1ea8d321b83d4036a8f837a134bb95bf",
	[EVENT_PATH_DEAD] = "34858abc911e4bd0918878daa3fdc6aa",
	[EVENT_PATH_ALIVE] = "f6a7aace23b54fe58f65cdb97a6614c3",
	[EVENT_SESSION_LOST] = "8f25edb6a5234534992f504b879cd3c5",
	[EVENT_HANDOVER] = "e30c015d9693467fb306570a2b665631",
	[EVENT_OBSTACLE] = "6ddba96b27584218987c03a50d84fdc5",
	[EVENT_FORGED] = "947ac2fe2c204d428753d0cca7e02dfb",
};

#define MAX_FIELDS 24
#define MAX_RECORD 4096
#define MAX_QUEUED 1024

/* An event as the journal gets it: its fields as strings, one behind the other. */
struct record {
	struct list node;
	int priority;
	unsigned n;
	uint16_t len[MAX_FIELDS];
	char text[];
};

struct events {
	sd_event_source *flush;
	struct list queue;
	unsigned n_queued;
	uint64_t lost;
	bool journal;
};

struct fields {
	unsigned n;
	uint16_t len[MAX_FIELDS];
	size_t size;
	char text[MAX_RECORD];
};

__attribute__((format(printf, 2, 3))) static void add(struct fields *f, const char *fmt, ...)
{
	char *text = f->text + f->size;
	size_t room = sizeof(f->text) - f->size;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, room, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= room || f->n == MAX_FIELDS)
		return;
	/* What came from elsewhere must not break lines of those who read them. */
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
	f->len[f->n++] = (uint16_t)n;
	f->size += (size_t)n;
}

static void add_binding(struct fields *f, const struct binding *b)
{
	add(f, "DMMD_HOME_ADDRESS=%s", ADDR_STR(&b->home));
	add(f, "DMMD_BINDING_STATE=%s", binding_state_str((int)b->state));
	if (!addr_is_any(&b->coa))
		add(f, "DMMD_CARE_OF_ADDRESS=%s", ADDR_STR(&b->coa));
}

static void add_session(struct fields *f, const struct session *s)
{
	add(f, "DMMD_SESSION_COOKIE=%llu", (unsigned long long)s->info.cookie);
	add(f, "DMMD_SESSION_DESTINATION=%s", ADDR_STR(&s->info.destination));
	add(f, "DMMD_SESSION_PORT=%u", s->info.destination_port);
	add(f, "OBJECT_UID=%u", s->info.uid);
	if (s->pid)
		add(f, "OBJECT_PID=%d", (int)s->pid);
}

static void add_objects(struct fields *f, const struct event *ev)
{
	if (ev->link)
		add(f, "DMMD_LINK=%s", ev->link->name);
	if (ev->prefix) {
		add(f, "DMMD_PREFIX=%s", PREFIX_STR(&ev->prefix->prefix));
		add(f, "DMMD_PREFIX_STATE=%s", prefix_state_str((int)ev->prefix->state));
	}
	if (ev->anchor) {
		add(f, "DMMD_ANCHOR=%s", ev->anchor->name);
		add(f, "DMMD_ANCHOR_ADDRESS=%s", ADDR_STR(&ev->anchor->address));
		add(f, "DMMD_ANCHOR_HEALTH=%s", anchor_health_str((int)ev->anchor->health));
	}
	if (ev->binding)
		add_binding(f, ev->binding);
	if (ev->session)
		add_session(f, ev->session);
	if (ev->handover) {
		add(f, "DMMD_HANDOVER=%llu", (unsigned long long)ev->handover->id);
		add(f, "DMMD_HANDOVER_MODE=%s", handover_mode_str((int)ev->handover->mode));
		add(f, "DMMD_HANDOVER_RESULT=%s", handover_result_str((int)ev->handover->result));
	}
}

const char *event_message_id(enum event_kind kind)
{
	return message_ids[kind];
}

/* Whoever started us may have had the journal as standard error, and not given it to us (systemd.exec(5)). */
bool events_under_journal(const char *stream, int fd)
{
	unsigned long long device, inode;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && fstat(fd, &st) == 0 &&
	       st.st_dev == device && st.st_ino == inode;
}

static void describe(struct fields *f, const struct event *ev)
{
	add(f, "MESSAGE=%s", ev->text);
	add(f, "MESSAGE_ID=%s", message_ids[ev->kind]);
	add(f, "PRIORITY=%d", ev->priority);
	add(f, "SYSLOG_IDENTIFIER=dmmd");
	add(f, "SYSLOG_FACILITY=%d", LOG_DAEMON >> 3);
	add(f, "DMMD_EVENT=%s", event_kind_str((int)ev->kind));
	add_objects(f, ev);
}

static bool send_record(const struct record *r)
{
	struct iovec v[MAX_FIELDS];
	const char *text = r->text;

	for (unsigned i = 0; i < r->n; i++) {
		v[i].iov_base = (void *)text;
		v[i].iov_len = r->len[i];
		text += r->len[i];
	}
	return sd_journal_sendv(v, (int)r->n) >= 0;
}

static int on_flush(sd_event_source *s, void *user)
{
	struct events *e = (struct events *)user;
	struct record *r, *next;

	(void)s;
	list_for_each_safe(r, next, &e->queue, node) {
		list_remove(&r->node);
		if (!send_record(r)) /* no field but the first is for people */
			log_line(r->priority, "%.*s", (int)(r->len[0] - strlen("MESSAGE=")),
				 r->text + strlen("MESSAGE="));
		free(r);
	}
	e->n_queued = 0;
	if (e->lost)
		log_warning("%llu events were too many at once", (unsigned long long)e->lost);
	e->lost = 0;
	return 0;
}

static void queue(struct events *e, const struct event *ev)
{
	struct fields f = {0};
	struct record *r = NULL;

	describe(&f, ev);
	if (e->n_queued < MAX_QUEUED)
		r = (struct record *)malloc(sizeof(*r) + f.size);
	if (!r) {
		e->lost++;
		return;
	}
	r->n = f.n;
	r->priority = ev->priority;
	memcpy(r->len, f.len, sizeof(r->len));
	memcpy(r->text, f.text, f.size);
	list_append(&e->queue, &r->node);
	e->n_queued++;
	sd_event_source_set_enabled(e->flush, SD_EVENT_ONESHOT);
}

void events_record(struct events *e, const struct event *ev)
{
	if (ev->priority > log_get_max_level())
		return;
	if (e && e->journal)
		queue(e, ev);
	else
		log_line(ev->priority, "%s", ev->text);
}

int events_new(sd_event *ev, struct events **ret)
{
	struct events *e = (struct events *)calloc(1, sizeof(*e));
	int r;

	if (!e)
		return -ENOMEM;
	list_init(&e->queue);
	e->journal = events_under_journal(getenv("JOURNAL_STREAM"), STDERR_FILENO);
	r = sd_event_add_defer(ev, &e->flush, on_flush, e);
	if (r >= 0)
		r = sd_event_source_set_enabled(e->flush, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_source_set_priority(e->flush, SD_EVENT_PRIORITY_IDLE);
	if (r < 0) {
		events_free(e);
		return r;
	}
	*ret = e;
	return 0;
}

void events_free(struct events *e)
{
	if (!e)
		return;
	on_flush(NULL, e);
	sd_event_source_disable_unref(e->flush);
	free(e);
}
