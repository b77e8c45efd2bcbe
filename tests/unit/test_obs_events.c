/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events on their way to the journal. */
#include <criterion/criterion.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/log.h"
#include "obs/obs.h"
#include "test_bus_fixture.h"

TestSuite(obs_events, .init = bus_setup_offline, .fini = bus_teardown, .timeout = 30);

static char sent[4][4096]; /* fields of each, separated by line feeds */
static unsigned n_sent;

/* Stands in for the journal. */
int sd_journal_sendv(const struct iovec *iov, int n);
int sd_journal_sendv(const struct iovec *iov, int n)
{
	size_t at = 0;

	cr_assert(n_sent < 4);
	for (int i = 0; i < n; i++)
		at += (size_t)snprintf(sent[n_sent] + at, sizeof(sent[0]) - at, "%.*s\n",
				       (int)iov[i].iov_len, (const char *)iov[i].iov_base);
	n_sent++;
	return 0;
}

static bool has_field(unsigned i, const char *field)
{
	char line[400];

	snprintf(line, sizeof(line), "\n%s\n", field);
	return strstr(sent[i], line);
}

/* Standard error is what JOURNAL_STREAM says. */
static void pretend_journal(void)
{
	char stream[64];
	struct stat st;

	cr_assert(fstat(STDERR_FILENO, &st) == 0);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_set_max_level(LOG_INFO);
	n_sent = 0;
}

Test(obs_events, have_ids_of_their_own)
{
	for (int i = 0; i < EVENT_KIND_MAX; i++) {
		const char *id = event_message_id((enum event_kind)i);

		cr_assert(id && strlen(id) == 32, "%s", event_kind_str(i));
		for (const char *p = id; *p; p++)
			cr_assert(isdigit((unsigned char)*p) || (*p >= 'a' && *p <= 'f'));
		for (int j = 0; j < i; j++)
			cr_assert_str_neq(id, event_message_id((enum event_kind)j));
	}
}

Test(obs_events, stand_in_the_manual)
{
	char line[200], wanted[80];

	for (int i = 0; i < EVENT_KIND_MAX; i++) {
		FILE *f = fopen("man/dmmd-events.7", "r");
		bool named = false, identified = false;

		cr_assert(f);
		while (fgets(line, sizeof(line), f)) {
			snprintf(wanted, sizeof(wanted), ".It Li %s\n", event_kind_str(i));
			named = named || strcmp(line, wanted) == 0;
			snprintf(wanted, sizeof(wanted), ".Li %s\n",
				 event_message_id((enum event_kind)i));
			identified = identified || (named && strcmp(line, wanted) == 0);
		}
		fclose(f);
		cr_assert(identified, "%s", event_kind_str(i));
	}
}

Test(obs_events, go_to_the_journal_with_fields)
{
	struct event ev = {.kind = EVENT_SESSION_LOST,
			   .priority = LOG_WARNING,
			   .text = "gone\nMESSAGE=forged"};
	struct events *e;
	char id[64];

	pretend_journal();
	ev.link = bus_add_link(3, "eth0");
	ev.binding = bus_first_binding();
	ev.anchor = ev.binding->anchor;
	ev.session = bus_add_session(5, 1000);
	ev.handover = bus_add_handover();
	cr_assert(events_new(fx.ev, &e) == 0);
	events_record(e, &ev);
	cr_assert(n_sent == 0, "not amid a handover");
	bus_wait(n_sent == 1);
	snprintf(id, sizeof(id), "MESSAGE_ID=%s", event_message_id(EVENT_SESSION_LOST));
	cr_assert(strncmp(sent[0], "MESSAGE=gone MESSAGE=forged\n", 28) == 0, "one line");
	cr_assert(has_field(0, id) && has_field(0, "PRIORITY=4"));
	cr_assert(has_field(0, "SYSLOG_IDENTIFIER=dmmd"));
	cr_assert(has_field(0, "DMMD_EVENT=session-lost") && has_field(0, "DMMD_LINK=eth0"));
	cr_assert(has_field(0, "DMMD_HOME_ADDRESS=2001:db8:a::10"));
	cr_assert(has_field(0, "DMMD_ANCHOR=north") && has_field(0, "DMMD_HANDOVER=1"));
	cr_assert(has_field(0, "DMMD_SESSION_DESTINATION=2001:db8:c::1"));
	cr_assert(has_field(0, "OBJECT_UID=1000"));

	ev.priority = LOG_DEBUG;
	events_record(e, &ev);
	events_free(e);
	cr_assert(n_sent == 1, "below the log level");
}

Test(obs_events, reach_the_journal_before_the_end)
{
	struct event ev = {.kind = EVENT_OFFLINE, .priority = LOG_ERR, .text = "last words"};
	struct events *e;

	pretend_journal();
	cr_assert(events_new(fx.ev, &e) == 0);
	events_record(e, &ev);
	events_free(e);
	cr_assert(n_sent == 1);
}

Test(obs_events, know_whether_the_journal_listens)
{
	char stream[64];
	struct stat st;

	cr_assert(fstat(STDERR_FILENO, &st) == 0);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino);
	cr_assert(events_under_journal(stream, STDERR_FILENO));
	cr_assert(!events_under_journal("1:2", STDERR_FILENO));
	cr_assert(!events_under_journal("nonsense", STDERR_FILENO));
	cr_assert(!events_under_journal(NULL, STDERR_FILENO));
}
