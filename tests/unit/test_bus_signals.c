/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a publication of the engine to signals: coalesced, complete, and no more than changed. */
#include <criterion/criterion.h>

#include "mobility/engine.h"
#include "test_bus_fixture.h"

TestSuite(bus_signals, .init = bus_setup, .fini = bus_teardown, .timeout = 30);

static void publish(enum engine_object kind, const void *object)
{
	bus_published(fx.bus, kind, CHANGE_CHANGED, object);
}

Test(bus_signals, tells_of_objects_that_come_and_go)
{
	struct link *l = bus_add_link(3, "eth0");
	DBusMessage *m;

	bus_settle();
	m = bus_signal_nth("InterfacesAdded", 0);
	cr_assert(m);
	cr_assert_str_eq(bus_arg(m, 0), "/org/dmmd1/link/3");
	cr_assert_str_eq(dbus_message_get_path(m), BUS_PATH);

	bus_remove_link(l);
	bus_settle();
	m = bus_signal_nth("InterfacesRemoved", 0);
	cr_assert(m);
	cr_assert_str_eq(bus_arg(m, 0), "/org/dmmd1/link/3");
}

Test(bus_signals, hides_objects_that_were_gone_before_they_were_told)
{
	bus_remove_link(bus_add_link(3, "eth0"));
	bus_settle();
	cr_assert(bus_signal_count("InterfacesAdded") == 0);
	cr_assert(bus_signal_count("InterfacesRemoved") == 0);
	cr_assert(bus_signal_count("StateChanged") == 2);
}

Test(bus_signals, tells_that_a_path_was_taken_over)
{
	struct link *l = bus_add_link(3, "eth0");

	bus_settle();
	while (fx.n_signals)
		dbus_message_unref(fx.signals[--fx.n_signals]);
	bus_remove_link(l);
	bus_add_link(3, "wlan0");
	bus_settle();
	cr_assert(fx.n_signals >= 2);
	cr_assert(dbus_message_has_member(fx.signals[0], "InterfacesRemoved"));
	cr_assert(dbus_message_has_member(fx.signals[1], "InterfacesAdded"));
	cr_assert_str_eq(bus_get("/org/dmmd1/link/3", "org.dmmd1.Link", "Name"), "wlan0");
}

Test(bus_signals, coalesces_changes_of_properties)
{
	struct binding *b = bus_first_binding();
	DBusMessage *m;

	for (unsigned i = 1; i <= 10; i++) {
		b->retries = i;
		publish(OBJECT_BINDING, b);
	}
	bus_settle();
	cr_assert(bus_signal_count("PropertiesChanged") == 1);
	m = bus_signal_nth("PropertiesChanged", 0);
	cr_assert_str_eq(dbus_message_get_path(m), "/org/dmmd1/binding/0");
	cr_assert_str_eq(bus_arg(m, 0), "org.dmmd1.Binding");
	cr_assert(bus_entries(m, 1) == 1, "only what changed is sent");
	cr_assert_str_eq(bus_entry(m, 1, "Retries"), "10");
}

Test(bus_signals, says_nothing_when_nothing_changed)
{
	struct binding *b = bus_first_binding();

	publish(OBJECT_BINDING, b);
	bus_settle();
	b->sequence++;
	publish(OBJECT_BINDING, b);
	bus_settle();
	cr_assert(fx.n_signals == 0, "a property without signals does not cause one");
}

Test(bus_signals, reports_every_state_even_if_short)
{
	static const char *const texts[] = {"idle -> registering", "registering -> registered"};
	struct binding *b = bus_first_binding();
	DBusMessage *m;

	fx.engine->now = (struct instant){.mono = 5000000, .real = 7000000};
	b->state = BINDING_REGISTERING;
	publish(OBJECT_BINDING, b);
	b->state = BINDING_REGISTERED;
	publish(OBJECT_BINDING, b);
	bus_settle();
	cr_assert(bus_signal_count("StateChanged") == 2);
	for (unsigned i = 0; i < 2; i++) {
		m = bus_signal_nth("StateChanged", i);
		cr_assert_str_eq(bus_arg(m, 0), "binding");
		cr_assert(strstr(bus_arg(m, 1), texts[i]), "%s", bus_arg(m, 1));
		cr_assert_str_eq(bus_entry(m, 2, "TimeUSec"), "5000000");
		cr_assert_str_eq(bus_entry(m, 2, "TimeRealUSec"), "7000000");
		cr_assert_str_eq(bus_entry(m, 2, "Object"), "2001:db8:a::10");
		cr_assert_str_eq(bus_entry(m, 2, "Path"), "/org/dmmd1/binding/0");
	}
	m = bus_signal_nth("StateChanged", 1);
	cr_assert_str_eq(bus_entry(m, 2, "OldState"), "registering");
	cr_assert_str_eq(bus_entry(m, 2, "NewState"), "registered");
}

Test(bus_signals, follows_the_place_from_whatever_changed)
{
	const char *before = engine_place(fx.engine);
	DBusMessage *m = NULL;

	fx.engine->started = true;
	cr_assert_str_neq(before, engine_place(fx.engine));
	publish(OBJECT_BINDING, bus_first_binding());
	bus_settle();
	for (unsigned i = 0; i < bus_signal_count("StateChanged"); i++)
		if (strcmp(bus_arg(bus_signal_nth("StateChanged", i), 0), "place") == 0)
			m = bus_signal_nth("StateChanged", i);
	cr_assert(m);
	cr_assert_str_eq(bus_entry(m, 2, "OldState"), before);
	cr_assert_str_eq(bus_entry(m, 2, "NewState"), engine_place(fx.engine));
}

Test(bus_signals, counts_events_it_could_not_keep)
{
	struct binding *b = bus_first_binding();
	DBusMessage *last;

	for (unsigned i = 0; i < BUS_MAX_EVENTS + 5; i++) {
		b->state = i % 2 ? BINDING_REGISTERED : BINDING_UPDATING;
		publish(OBJECT_BINDING, b);
	}
	bus_settle();
	cr_assert(bus_signal_count("StateChanged") == BUS_MAX_EVENTS + 1);
	last = bus_signal_nth("StateChanged", BUS_MAX_EVENTS);
	cr_assert_str_eq(bus_arg(last, 0), "lost");
	cr_assert_str_eq(bus_entry(last, 2, "Events"), "5");
}

Test(bus_signals, drops_overwritten_handovers)
{
	for (int i = 0; i < HANDOVER_RING; i++)
		bus_add_handover();
	bus_settle();
	cr_assert_str_eq(bus_get("/org/dmmd1/handover/1", "org.dmmd1.Handover", "Id"), "1");
	while (fx.n_signals)
		dbus_message_unref(fx.signals[--fx.n_signals]);

	bus_add_handover();
	bus_settle();
	cr_assert_str_eq(bus_arg(bus_signal_nth("InterfacesAdded", 0), 0),
			 "/org/dmmd1/handover/33");
	cr_assert_str_eq(bus_arg(bus_signal_nth("InterfacesRemoved", 0), 0),
			 "/org/dmmd1/handover/1");
	cr_assert_str_eq(bus_get(BUS_PATH, "org.dmmd1.Manager", "LastHandover"),
			 "/org/dmmd1/handover/33");
}

Test(bus_signals, does_no_bus_work_in_the_engine)
{
	struct binding *b = bus_first_binding();
	usec_t begin = bus_now();

	for (unsigned i = 0; i < 1000; i++) {
		b->retries = i;
		publish(OBJECT_BINDING, b);
	}
	cr_assert(bus_now() - begin < 100 * USEC_PER_MSEC);
	cr_assert(!dbus_connection_has_messages_to_send(fx.bus->conn));
}
