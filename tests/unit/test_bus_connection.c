/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Life with and without a bus, and the ownership of the name. */
#include <criterion/criterion.h>
#include <errno.h>

#include "test_bus_fixture.h"

TestSuite(bus_connection, .timeout = 30);

Test(bus_connection, works_without_a_bus, .init = bus_setup_offline, .fini = bus_teardown)
{
	cr_assert(bus_name_state(fx.bus) == 0);
	bus_remove_link(bus_add_link(2, "eth0"));
	bus_run();
	cr_assert(bus_name_state(fx.bus) == 0);
}

Test(bus_connection, finds_a_bus_that_comes_later, .init = bus_setup_offline, .fini = bus_teardown)
{
	bus_run();
	cr_assert(fx.bus->missed, "told once");
	bus_daemon_start();
	bus_retry(fx.bus);
	bus_wait(bus_name_state(fx.bus) == 1);
	cr_assert_not(fx.bus->missed);
	bus_retry(fx.bus);
	bus_run();
	cr_assert(bus_name_state(fx.bus) == 1);
}

Test(bus_connection, tries_again_ever_more_slowly, .init = bus_setup_offline, .fini = bus_teardown)
{
	usec_t first, second;

	cr_assert(sd_event_source_get_time(fx.bus->retry, &first) >= 0);
	cr_assert(first > bus_now() && first < bus_now() + 2 * USEC_PER_SEC);
	bus_retry(fx.bus);
	cr_assert(sd_event_source_get_time(fx.bus->retry, &second) >= 0);
	cr_assert(second > first && second < bus_now() + 3 * USEC_PER_SEC);
	for (int i = 0; i < 14; i++)
		bus_retry(fx.bus);
	cr_assert(sd_event_source_get_time(fx.bus->retry, &second) >= 0);
	cr_assert(second > bus_now() + 500 * USEC_PER_SEC);
	cr_assert(second < bus_now() + 601 * USEC_PER_SEC);
}

Test(bus_connection, survives_the_bus_and_returns, .init = bus_setup, .fini = bus_teardown)
{
	struct link *l;

	bus_daemon_stop();
	bus_wait(bus_name_state(fx.bus) == 0);
	l = bus_add_link(7, "wlan0");
	bus_run();

	bus_daemon_start();
	dbus_connection_close(fx.client);
	dbus_connection_unref(fx.client);
	bus_client_start();
	bus_retry(fx.bus);
	bus_wait(bus_name_state(fx.bus) == 1);
	cr_assert_str_eq(bus_get("/org/dmmd1/link/7", "org.dmmd1.Link", "Name"), "wlan0");
	bus_remove_link(l);
}

Test(bus_connection, refuses_a_second_daemon, .init = bus_setup, .fini = bus_teardown)
{
	struct bus *first = fx.bus, *second;
	struct bus_handlers handlers = first->handlers;

	cr_assert(bus_new(fx.ev, fx.engine, fx.address, &second) == 0);
	bus_set_handlers(second, &handlers);
	bus_wait(bus_name_state(second) == -EEXIST);
	cr_assert(fx.names_taken == 1);
	cr_assert(bus_name_state(first) == 1);

	/* When the bus has noticed that the first is gone, the second gets the name. */
	bus_free(first);
	fx.bus = second;
	bus_wait((bus_retry(second), bus_name_state(second) == 1));
}

Test(bus_connection, can_be_freed_amid_a_call, .init = bus_setup, .fini = bus_teardown)
{
	DBusMessage *m =
		dbus_message_new_method_call(BUS_NAME, BUS_PATH, "org.dmmd1.Manager", "Reload");

	cr_assert(dbus_connection_send(fx.client, m, NULL));
	dbus_message_unref(m);
	bus_wait(fx.bus->n_checks == 1 || fx.reloads);
	bus_free(fx.bus);
	fx.bus = NULL;
}
