/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes are told to those who have read something, events and states to those who ask, for as long as they are there. */
#include <criterion/criterion.h>

#include "mobility/internal.h"
#include "test_bus_fixture.h"

#define MANAGER BUS_NAME ".Manager"

TestSuite(bus_listener, .init = bus_setup, .fini = bus_teardown, .timeout = 30);

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

Test(bus_listener, hears_of_nothing_before_and_after)
{
	bus_subscribe(false);
	happen();
	expect(0);
	cr_assert(bus_signal_count("PropertiesChanged") == 1, "that is for all who listen");
	bus_subscribe(true);
	happen();
	expect(1);
	bus_subscribe(false);
	happen();
	expect(1);
	cr_assert(bus_signal_count("PropertiesChanged") == 3);
}

Test(bus_listener, subscribes_once_however_often)
{
	bus_subscribe(true);
	cr_assert(fx.bus->n_subscribers == 1);
	bus_subscribe(false);
	cr_assert(fx.bus->n_subscribers == 0);
	expect_error("Unsubscribe", BUS_NAME ".Error.NotFound");
}

Test(bus_listener, missed_events_are_still_listed)
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

Test(bus_listener, is_forgotten_with_its_connection)
{
	DBusConnection *c = another();

	bus_wait(fx.bus->n_subscribers == 2);
	end(c);
	bus_wait(fx.bus->n_subscribers == 1);
	happen();
	expect(1);
}

/* The bus tells of no end that was before it was asked to. */
Test(bus_listener, is_forgotten_if_gone_before_it_was_heard)
{
	end(another());
	bus_wait(fx.bus->n_subscribers == 2);
	bus_wait(fx.bus->n_subscribers == 1);
}

Test(bus_listener, is_forgotten_with_the_bus)
{
	bus_daemon_stop();
	bus_wait(!fx.bus->conn);
	cr_assert(fx.bus->n_subscribers == 0 && fx.bus->n_listeners == 0);
}

/* Clients that have not said anything yet. */
TestSuite(bus_passive, .init = bus_setup_passive, .fini = bus_teardown, .timeout = 30);

Test(bus_passive, nothing_is_told_to_nobody)
{
	happen();
	cr_assert(fx.n_signals == 0);
	cr_assert(!fx.bus->flush_armed);
}

static void becomes_a_listener(const char *path, const char *interface, const char *method,
			       const char *of, const char *name)
{
	happen();
	dbus_message_unref(bus_call(path, interface, method, of, name, NULL));
	cr_assert(fx.bus->n_listeners == 1);
	happen();
	cr_assert(fx.n_signals == 1, "what changed since, and nothing of before");
	cr_assert(bus_signal_count("PropertiesChanged") == 1);
}

Test(bus_passive, who_reads_a_property_is_told_of_changes)
{
	becomes_a_listener(BUS_PATH, DBUS_INTERFACE_PROPERTIES, "Get", MANAGER, "Version");
}

Test(bus_passive, who_reads_all_properties_is_told_of_changes)
{
	becomes_a_listener(BUS_PATH, DBUS_INTERFACE_PROPERTIES, "GetAll", MANAGER, NULL);
}

Test(bus_passive, who_reads_the_objects_is_told_of_changes)
{
	becomes_a_listener(BUS_PATH, bus_object_manager.name, "GetManagedObjects", NULL, NULL);
}

Test(bus_passive, a_call_that_reads_nothing_makes_no_listener)
{
	DBusMessage *m = bus_call(BUS_PATH, MANAGER, "ListEvents", NULL);

	dbus_message_unref(m);
	cr_assert(fx.bus->n_listeners == 0);
}

static unsigned managed(void)
{
	DBusMessage *m = bus_call(BUS_PATH, bus_object_manager.name, "GetManagedObjects", NULL);
	unsigned n = bus_entries(m, 0);

	dbus_message_unref(m);
	return n;
}

/* While nobody listens it is not noted what comes and goes. */
Test(bus_passive, objects_that_went_unheard_are_gone)
{
	struct binding *b = bus_first_binding();
	unsigned n;

	bus_subscribe(true);
	n = managed();
	end(fx.client);
	fx.client = NULL;
	bus_wait(fx.bus->n_listeners == 0);
	bus_published(fx.bus, OBJECT_BINDING, CHANGE_REMOVED, b);
	binding_free(b);
	bus_client_start();
	cr_assert_eq(managed(), n - 1);
}

/* In the place of memory of one that went there may be another. */
Test(bus_passive, another_object_in_the_same_place_has_its_own_path)
{
	struct binding *b = bus_first_binding();
	char before[BUS_PATH_LEN];
	DBusMessage *m;

	snprintf(before, sizeof(before), "%s", PATH_OF(&bus_kind_binding, b));
	managed();
	end(fx.client);
	fx.client = NULL;
	bus_wait(fx.bus->n_listeners == 0);
	b->slot += 7;
	bus_published(fx.bus, OBJECT_BINDING, CHANGE_ADDED, b);
	bus_client_start();
	m = bus_call(before, DBUS_INTERFACE_PROPERTIES, "GetAll", "", NULL);
	cr_assert_str_eq(dbus_message_get_error_name(m), DBUS_ERROR_UNKNOWN_OBJECT);
	dbus_message_unref(m);
	cr_assert_str_eq(bus_get(PATH_OF(&bus_kind_binding, b), BUS_NAME ".Binding", "State"),
			 "idle");
}

/* More of them than are remembered: all are told then, whoever they are. */
Test(bus_passive, too_many_listeners_are_all_told)
{
	DBusConnection *one = another();

	bus_wait(fx.bus->n_listeners == 1);
	fx.bus->n_listeners = 320;
	managed();
	fx.bus->n_listeners = 1;
	end(one);
	bus_wait(fx.bus->n_listeners == 0);
	happen();
	cr_assert(bus_signal_count("PropertiesChanged") == 1);
}
