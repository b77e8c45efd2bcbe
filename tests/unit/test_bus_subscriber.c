/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events and states are for those who ask, for as long as they are there. */
#include <criterion/criterion.h>

#include "test_bus_fixture.h"

#define MANAGER BUS_NAME ".Manager"

TestSuite(bus_subscriber, .init = bus_setup, .fini = bus_teardown, .timeout = 30);

/* A state, an event and a property change. */
static void happen(void)
{
	struct event ev = {.kind = EVENT_UPLINK, .priority = 6, .text = "an event"};
	struct binding *b = bus_first_binding();

	b->state = b->state == BINDING_REGISTERED ? BINDING_UPDATING : BINDING_REGISTERED;
	bus_published(fx.bus, OBJECT_BINDING, CHANGE_CHANGED, b);
	bus_notified(fx.bus, &ev);
	bus_settle();
}

static void expect(unsigned times)
{
	cr_assert(bus_signal_count("StateChanged") == times);
	cr_assert(bus_signal_count("Event") == times);
}

static void expect_error(const char *method, const char *name)
{
	DBusMessage *m = bus_call(BUS_PATH, MANAGER, method, NULL);

	cr_assert_str_eq(dbus_message_get_error_name(m), name);
	dbus_message_unref(m);
}

Test(bus_subscriber, hears_of_nothing_before_and_after)
{
	bus_subscribe(false);
	happen();
	expect(0);
	cr_assert(bus_signal_count("PropertiesChanged") == 1, "that is for everybody");
	bus_subscribe(true);
	happen();
	expect(1);
	bus_subscribe(false);
	happen();
	expect(1);
	cr_assert(bus_signal_count("PropertiesChanged") == 3);
}

Test(bus_subscriber, subscribes_once_however_often)
{
	bus_subscribe(true);
	cr_assert(fx.bus->n_subscribers == 1);
	bus_subscribe(false);
	cr_assert(fx.bus->n_subscribers == 0);
	expect_error("Unsubscribe", BUS_NAME ".Error.NotFound");
}

Test(bus_subscriber, missed_events_are_still_listed)
{
	DBusMessage *m;

	bus_subscribe(false);
	happen();
	m = bus_call(BUS_PATH, MANAGER, "ListEvents", NULL);
	cr_assert(bus_entries(m, 0) == 1);
	dbus_message_unref(m);
}

static DBusConnection *another(void)
{
	DBusConnection *c = dbus_connection_open_private(fx.address, NULL);
	DBusMessage *m = dbus_message_new_method_call(BUS_NAME, BUS_PATH, MANAGER, "Subscribe");

	cr_assert(c && dbus_bus_register(c, NULL));
	dbus_connection_set_exit_on_disconnect(c, FALSE);
	cr_assert(dbus_connection_send(c, m, NULL));
	dbus_connection_flush(c);
	dbus_message_unref(m);
	return c;
}

static void end(DBusConnection *c)
{
	dbus_connection_close(c);
	dbus_connection_unref(c);
}

Test(bus_subscriber, is_forgotten_with_its_connection)
{
	DBusConnection *c = another();

	bus_wait(fx.bus->n_subscribers == 2);
	end(c);
	bus_wait(fx.bus->n_subscribers == 1);
	happen();
	expect(1);
}

/* The bus tells of no end that was before it was asked to. */
Test(bus_subscriber, is_forgotten_if_gone_before_it_was_heard)
{
	end(another());
	bus_wait(fx.bus->n_subscribers == 2);
	bus_wait(fx.bus->n_subscribers == 1);
}

Test(bus_subscriber, is_forgotten_with_the_bus)
{
	bus_daemon_stop();
	bus_wait(!fx.bus->conn);
	cr_assert(fx.bus->n_subscribers == 0);
}
