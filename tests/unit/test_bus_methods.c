/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Methods that only look: sessions, events, explanations, metrics, the test; and what others may see. */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test_bus_fixture.h"

TestSuite(bus_methods, .init = bus_setup, .fini = bus_teardown, .timeout = 30);

#define MANAGER "org.dmmd1.Manager"
#define NOBODY 65534

/* The n-th element of the array that a reply begins with. */
static void element(DBusMessage *reply, unsigned n, DBusMessageIter *ret)
{
	DBusMessageIter it;

	cr_assert(dbus_message_get_type(reply) == DBUS_MESSAGE_TYPE_METHOD_RETURN, "%s",
		  dbus_message_get_error_name(reply));
	cr_assert(dbus_message_iter_init(reply, &it));
	dbus_message_iter_recurse(&it, ret);
	while (n--)
		cr_assert(dbus_message_iter_next(ret));
}

/* Text of an entry of a dictionary, "" if there is none. */
static const char *entry_of(DBusMessageIter dict, const char *key)
{
	static char buf[256];
	DBusMessageIter array, entry, variant;
	const char *name, *text;
	uint64_t number = 0;

	for (dbus_message_iter_recurse(&dict, &array);
	     dbus_message_iter_get_arg_type(&array) == DBUS_TYPE_DICT_ENTRY;
	     dbus_message_iter_next(&array)) {
		dbus_message_iter_recurse(&array, &entry);
		dbus_message_iter_get_basic(&entry, &name);
		if (strcmp(name, key) != 0)
			continue;
		dbus_message_iter_next(&entry);
		dbus_message_iter_recurse(&entry, &variant);
		if (dbus_message_iter_get_arg_type(&variant) == DBUS_TYPE_STRING) {
			dbus_message_iter_get_basic(&variant, &text);
			snprintf(buf, sizeof(buf), "%s", text);
		} else {
			dbus_message_iter_get_basic(&variant, &number);
			snprintf(buf, sizeof(buf), "%llu", (unsigned long long)number);
		}
		return buf;
	}
	return "";
}

static const char *event_part(DBusMessageIter entry, unsigned n)
{
	DBusMessageIter it;
	const char *text;

	dbus_message_iter_recurse(&entry, &it);
	while (n--)
		dbus_message_iter_next(&it);
	dbus_message_iter_get_basic(&it, &text);
	return text;
}

static DBusMessageIter event_details(DBusMessageIter entry)
{
	DBusMessageIter it;

	dbus_message_iter_recurse(&entry, &it);
	for (int i = 0; i < 3; i++)
		dbus_message_iter_next(&it);
	return it;
}

/* How many elements another user gets, or more than 99 if anything fails. */
static int count_as_nobody(const char *method)
{
	DBusMessageIter it;
	DBusConnection *conn;
	DBusMessage *m;
	int status;
	pid_t pid;

	chmod(fx.dir, 0711);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (setgid(NOBODY) < 0 || setuid(NOBODY) < 0)
			_exit(100);
		conn = dbus_connection_open_private(fx.address, NULL);
		if (!conn || !dbus_bus_register(conn, NULL))
			_exit(101);
		m = dbus_message_new_method_call(BUS_NAME, BUS_PATH, MANAGER, method);
		m = dbus_connection_send_with_reply_and_block(conn, m, 2000, NULL);
		if (!m)
			_exit(102);
		dbus_message_iter_init(m, &it);
		_exit(dbus_message_iter_get_element_count(&it));
	}
	bus_wait(waitpid(pid, &status, WNOHANG) == pid);
	cr_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

Test(bus_methods, lists_sessions)
{
	struct session *s = bus_add_session(77, 1000);
	DBusMessageIter one;
	DBusMessage *reply;

	s->pid = 4711;
	reply = bus_call(BUS_PATH, MANAGER, "ListSessions", NULL);
	cr_assert_str_eq(dbus_message_get_signature(reply), "aa{sv}");
	element(reply, 0, &one);
	cr_assert_str_eq(entry_of(one, "Cookie"), "77");
	cr_assert_str_eq(entry_of(one, "Protocol"), "tcp");
	cr_assert_str_eq(entry_of(one, "Destination"), "2001:db8:c::1");
	cr_assert_str_eq(entry_of(one, "DestinationPort"), "22");
	cr_assert_str_eq(entry_of(one, "PID"), "4711");
	cr_assert_str_eq(entry_of(one, "Requested"), "session-lasting");
	cr_assert_str_eq(entry_of(one, "HomeAddress"), "2001:db8:a::10");
	cr_assert_str_eq(entry_of(one, "Anchor"), "north");
	cr_assert_str_eq(entry_of(one, "PathMode"), "blocked");
	dbus_message_unref(reply);
}

Test(bus_methods, shows_each_user_his_own_sessions)
{
	if (getuid() != 0)
		cr_skip("needs root");
	bus_add_session(1, NOBODY);
	bus_add_session(2, 1000);
	bus_add_session(3, 0);
	cr_assert(count_as_nobody("ListSessions") == 1);
}

Test(bus_methods, keeps_the_last_events)
{
	struct event ev = {.kind = EVENT_UPLINK, .priority = 6, .link = bus_add_link(3, "eth0")};
	DBusMessageIter one;
	DBusMessage *reply;

	for (int i = 1; i <= 300; i++) {
		snprintf(ev.text, sizeof(ev.text), "event %d", i);
		bus_notified(fx.bus, &ev);
	}
	reply = bus_call(BUS_PATH, MANAGER, "ListEvents", NULL);
	cr_assert_str_eq(dbus_message_get_signature(reply), "a(sssa{sv})");
	cr_assert(bus_entries(reply, 0) == 256);
	element(reply, 0, &one);
	cr_assert_str_eq(event_part(one, 0), "uplink");
	cr_assert_str_eq(event_part(one, 1), "info");
	cr_assert_str_eq(event_part(one, 2), "event 45");
	cr_assert_str_eq(entry_of(event_details(one), "Number"), "45");
	cr_assert_str_eq(entry_of(event_details(one), "Link"), "eth0");
	element(reply, 255, &one);
	cr_assert_str_eq(event_part(one, 2), "event 300");
	dbus_message_unref(reply);
}

static void lose_session(uid_t uid)
{
	struct event ev = {.kind = EVENT_SESSION_LOST,
			   .priority = 4,
			   .binding = bus_first_binding(),
			   .session = bus_add_session(9, uid),
			   .text = "the session with 2001:db8:c::1 is lost"};

	ev.anchor = ev.binding->anchor;
	bus_notified(fx.bus, &ev);
}

Test(bus_methods, tells_events_without_what_is_private)
{
	DBusMessageIter one;
	DBusMessage *m;

	lose_session(1000);
	bus_settle();
	m = bus_signal_nth("Event", 0);
	cr_assert(m);
	cr_assert_str_eq(bus_arg(m, 0), "session-lost");
	cr_assert_str_eq(bus_arg(m, 1), "warning");
	cr_assert(!strstr(bus_arg(m, 2), "2001:db8:c::1"));
	cr_assert_str_eq(bus_entry(m, 3, "UID"), "1000");
	cr_assert_str_eq(bus_entry(m, 3, "Cookie"), "9");
	cr_assert_str_eq(bus_entry(m, 3, "HomeAddress"), "2001:db8:a::10");
	cr_assert_str_eq(bus_entry(m, 3, "Anchor"), "north");
	cr_assert_str_eq(bus_entry(m, 3, "Destination"), "");

	/* Who asks is known, and may know more. */
	m = bus_call(BUS_PATH, MANAGER, "ListEvents", NULL);
	element(m, 0, &one);
	cr_assert_str_eq(event_part(one, 2), "the session with 2001:db8:c::1 is lost");
	cr_assert_str_eq(entry_of(event_details(one), "Destination"), "2001:db8:c::1");
	dbus_message_unref(m);
}

Test(bus_methods, keeps_events_and_states_in_order)
{
	struct event ev = {.kind = EVENT_UPLINK, .priority = 6, .text = "in between"};
	struct binding *b = bus_first_binding();

	b->state = BINDING_REGISTERING;
	bus_published(fx.bus, OBJECT_BINDING, CHANGE_CHANGED, b);
	bus_notified(fx.bus, &ev);
	b->state = BINDING_REGISTERED;
	bus_published(fx.bus, OBJECT_BINDING, CHANGE_CHANGED, b);
	bus_settle();
	cr_assert(fx.n_signals >= 3);
	cr_assert(dbus_message_has_member(fx.signals[0], "StateChanged"));
	cr_assert(dbus_message_has_member(fx.signals[1], "Event"));
	cr_assert(dbus_message_has_member(fx.signals[2], "StateChanged"));
}

static DBusMessage *explain(const char *destination, const char *protocol, const char *type)
{
	DBusMessage *m = dbus_message_new_method_call(BUS_NAME, BUS_PATH, MANAGER, "Explain");
	dbus_uint16_t port = 22;
	dbus_uint32_t uid = 1000;

	dbus_message_append_args(m, DBUS_TYPE_STRING, &destination, DBUS_TYPE_UINT16, &port,
				 DBUS_TYPE_STRING, &protocol, DBUS_TYPE_STRING, &type,
				 DBUS_TYPE_UINT32, &uid, DBUS_TYPE_INVALID);
	return bus_send(m);
}

Test(bus_methods, refuses_to_explain_nonsense)
{
	static const char *const calls[][3] = {{"north", "", ""},
					       {"192.0.2.1", "tcp", ""},
					       {"2001:db8::1", "icmp", ""},
					       {"2001:db8::1", "udp", "eternal"}};

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		DBusMessage *reply = explain(calls[i][0], calls[i][1], calls[i][2]);

		cr_assert_str_eq(dbus_message_get_error_name(reply), DBUS_ERROR_INVALID_ARGS);
		dbus_message_unref(reply);
	}
}

Test(bus_methods, explains)
{
	DBusMessage *reply = explain("2001:db8::1", "udp", "fixed");

	cr_assert_str_eq(dbus_message_get_signature(reply), "a{sv}");
	cr_assert_str_eq(bus_entry(reply, 0, "Requested"), "fixed");
	cr_assert(*bus_entry(reply, 0, "Words"));
	dbus_message_unref(reply);
}

Test(bus_methods, hands_out_metrics)
{
	DBusMessage *reply = bus_call(BUS_PATH, MANAGER, "Metrics", NULL);

	cr_assert_str_eq(bus_arg(reply, 0), "# EOF\n");
	dbus_message_unref(reply);
}

static void on_answer(DBusPendingCall *pending, void *user)
{
	*(DBusMessage **)user = dbus_pending_call_steal_reply(pending);
	dbus_pending_call_unref(pending);
}

static void ask_for_test(DBusMessage **answer)
{
	DBusMessage *m = dbus_message_new_method_call(BUS_NAME, BUS_PATH, MANAGER, "Test");
	DBusPendingCall *pending;

	cr_assert(dbus_connection_send_with_reply(fx.client, m, &pending, 2000));
	cr_assert(dbus_pending_call_set_notify(pending, on_answer, answer, NULL));
	dbus_message_unref(m);
}

Test(bus_methods, tests_once_for_all_who_ask)
{
	static const struct bus_finding findings[] = {{"network", true, "there"},
						      {"path of ::1", false, "no answer"}};
	DBusMessage *answers[12] = {0};
	DBusMessageIter one, it;
	dbus_bool_t ok;
	unsigned n = 0;

	dbus_message_unref(bus_call(BUS_PATH, MANAGER, "ListEvents", NULL));
	for (int i = 0; i < 12; i++)
		ask_for_test(&answers[i]);
	/* Some are too many of one user, and answered at once. */
	bus_wait(answers[11]);
	cr_assert(fx.bus->n_testers > 0 && fx.tests == 1);
	cr_assert_str_eq(dbus_message_get_error_name(answers[11]), "org.dmmd1.Error.Busy");
	bus_tested(fx.bus, findings, 2);
	bus_wait(answers[0]);
	cr_assert_str_eq(dbus_message_get_signature(answers[0]), "a(sbs)");
	element(answers[0], 1, &one);
	dbus_message_iter_recurse(&one, &it);
	dbus_message_iter_next(&it);
	dbus_message_iter_get_basic(&it, &ok);
	cr_assert(!ok);
	for (int i = 0; i < 12; i++)
		if (answers[i]) {
			n += dbus_message_get_type(answers[i]) == DBUS_MESSAGE_TYPE_METHOD_RETURN;
			dbus_message_unref(answers[i]);
		}
	cr_assert(n > 0 && fx.bus->n_testers == 0);

	fx.test_result = -ENOMEM;
	answers[0] = bus_call(BUS_PATH, MANAGER, "Test", NULL);
	cr_assert_str_eq(dbus_message_get_error_name(answers[0]), "org.dmmd1.Error.NoMemory");
	dbus_message_unref(answers[0]);
}
