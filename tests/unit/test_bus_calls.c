/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Methods: refusals by name, privileges, reload and log level. */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "test_bus_fixture.h"

TestSuite(bus_calls, .init = bus_setup, .fini = bus_teardown, .timeout = 30);

static void assert_error(DBusMessage *reply, const char *name)
{
	cr_assert(dbus_message_get_type(reply) == DBUS_MESSAGE_TYPE_ERROR, "expected %s", name);
	cr_assert_str_eq(dbus_message_get_error_name(reply), name);
	cr_assert(*bus_arg(reply, 0), "errors have a text");
	dbus_message_unref(reply);
}

#define PROPERTIES DBUS_INTERFACE_PROPERTIES
#define MANAGER "org.dmmd1.Manager"

Test(bus_calls, refuses_by_name)
{
	assert_error(bus_call("/org/dmmd1/link/77", PROPERTIES, "GetAll", "", NULL),
		     DBUS_ERROR_UNKNOWN_OBJECT);
	assert_error(bus_call("/org/dmmd1/binding", PROPERTIES, "GetAll", "", NULL),
		     DBUS_ERROR_UNKNOWN_INTERFACE);
	assert_error(bus_call(BUS_PATH, "org.dmmd1.Link", "Get", NULL),
		     DBUS_ERROR_UNKNOWN_INTERFACE);
	assert_error(bus_call(BUS_PATH, MANAGER, "Explode", NULL), DBUS_ERROR_UNKNOWN_METHOD);
	assert_error(bus_call(BUS_PATH, PROPERTIES, "Get", MANAGER, "Nothing", NULL),
		     DBUS_ERROR_UNKNOWN_PROPERTY);
	assert_error(bus_call(BUS_PATH, PROPERTIES, "Get", "org.dmmd1.Link", "Name", NULL),
		     DBUS_ERROR_UNKNOWN_INTERFACE);
	assert_error(bus_call(BUS_PATH, PROPERTIES, "Get", MANAGER, NULL), DBUS_ERROR_INVALID_ARGS);
	assert_error(bus_call(BUS_PATH, MANAGER, "Reload", "now", NULL), DBUS_ERROR_INVALID_ARGS);
}

Test(bus_calls, names_errors_of_the_system)
{
	cr_assert_str_eq(error_name(-EBUSY), "org.dmmd1.Error.Busy");
	cr_assert_str_eq(error_name(-EPERM), "org.dmmd1.Error.NotAuthorized");
	cr_assert_str_eq(error_name(-EXDEV), "org.dmmd1.Error.Failed");
}

static DBusMessage *set(const char *path, const char *interface, const char *name, int type,
			const void *value)
{
	DBusMessage *m = dbus_message_new_method_call(BUS_NAME, path, PROPERTIES, "Set");
	const char signature[2] = {(char)type, '\0'};
	DBusMessageIter it, variant;

	dbus_message_append_args(m, DBUS_TYPE_STRING, &interface, DBUS_TYPE_STRING, &name,
				 DBUS_TYPE_INVALID);
	dbus_message_iter_init_append(m, &it);
	dbus_message_iter_open_container(&it, DBUS_TYPE_VARIANT, signature, &variant);
	dbus_message_iter_append_basic(&variant, type, value);
	dbus_message_iter_close_container(&it, &variant);
	return bus_send(m);
}

#define LOG_PATH "/org/freedesktop/LogControl1"
#define LOG "org.freedesktop.LogControl1"

Test(bus_calls, sets_the_log_level)
{
	const char *debug = "debug", *loud = "loud", *journal = "journal";
	dbus_int32_t number = 7;

	if (getuid() != 0)
		cr_skip("needs root");
	dbus_message_unref(set(LOG_PATH, LOG, "LogLevel", DBUS_TYPE_STRING, &debug));
	cr_assert(log_get_max_level() == LOG_DEBUG);
	log_set_max_level(LOG_ERR);
	assert_error(set(LOG_PATH, LOG, "LogLevel", DBUS_TYPE_STRING, &loud),
		     DBUS_ERROR_INVALID_ARGS);
	assert_error(set(LOG_PATH, LOG, "LogLevel", DBUS_TYPE_INT32, &number),
		     DBUS_ERROR_INVALID_ARGS);
	assert_error(set(LOG_PATH, LOG, "SyslogIdentifier", DBUS_TYPE_STRING, &debug),
		     DBUS_ERROR_PROPERTY_READ_ONLY);
	if (!getenv("JOURNAL_STREAM"))
		assert_error(set(LOG_PATH, LOG, "LogTarget", DBUS_TYPE_STRING, &journal),
			     DBUS_ERROR_NOT_SUPPORTED);
}

Test(bus_calls, reloads_for_root)
{
	DBusMessage *reply;

	if (getuid() != 0)
		cr_skip("needs root");
	reply = bus_call(BUS_PATH, MANAGER, "Reload", NULL);
	cr_assert(dbus_message_get_type(reply) == DBUS_MESSAGE_TYPE_METHOD_RETURN);
	cr_assert_str_eq(bus_arg(reply, 0), "dmmd.conf:1: no");
	dbus_message_unref(reply);
	cr_assert(fx.reloads == 1);

	fx.reload_result = -EINVAL;
	assert_error(bus_call(BUS_PATH, MANAGER, "Reload", NULL),
		     "org.dmmd1.Error.InvalidConfiguration");
	fx.reload_result = -EBUSY;
	assert_error(bus_call(BUS_PATH, MANAGER, "Reload", NULL), "org.dmmd1.Error.Busy");
	cr_assert(fx.reloads == 3);
	cr_assert(fx.bus->n_checks == 0);

	fx.reload_result = -EOPNOTSUPP;
	reply = bus_call(BUS_PATH, MANAGER, "Reload", NULL);
	cr_assert_str_eq(dbus_message_get_error_name(reply), "org.dmmd1.Error.NotSupported");
	cr_assert_str_eq(bus_arg(reply, 0), "The old configuration is kept: dmmd.conf:1: no");
	dbus_message_unref(reply);
}

/* What one connection asks for at once does not keep another from being heard. */
Test(bus_calls, hears_everybody)
{
	DBusConnection *other = dbus_connection_open_private(fx.address, NULL);
	DBusMessage *m;

	if (getuid() != 0)
		cr_skip("needs root");
	cr_assert(other && dbus_bus_register(other, NULL));
	for (unsigned i = 0; i < 100; i++) {
		m = dbus_message_new_method_call(BUS_NAME, BUS_PATH, MANAGER, "Reload");
		cr_assert(dbus_connection_send(other, m, NULL));
		dbus_message_unref(m);
	}
	dbus_connection_flush(other);
	m = bus_call(BUS_PATH, MANAGER, "Reload", NULL);
	cr_assert(dbus_message_get_type(m) == DBUS_MESSAGE_TYPE_METHOD_RETURN);
	dbus_message_unref(m);
	bus_wait(fx.bus->n_checks == 0);
	dbus_connection_close(other);
	dbus_connection_unref(other);
}

/* What waits for the bus to say who is calling takes no room that its answer needs. */
Test(bus_calls, is_not_stopped_by_long_calls)
{
	DBusConnection *other = dbus_connection_open_private(fx.address, NULL);
	const char *interface = LOG, *name = "LogLevel";
	char *text = (char *)malloc(20001);
	DBusMessage *m;

	memset(text, 'x', 20000);
	text[20000] = '\0';
	cr_assert(other && dbus_bus_register(other, NULL));
	for (unsigned i = 0; i < 40; i++) {
		DBusMessageIter it, variant;

		m = dbus_message_new_method_call(BUS_NAME, LOG_PATH, PROPERTIES, "Set");
		dbus_message_append_args(m, DBUS_TYPE_STRING, &interface, DBUS_TYPE_STRING, &name,
					 DBUS_TYPE_INVALID);
		dbus_message_iter_init_append(m, &it);
		dbus_message_iter_open_container(&it, DBUS_TYPE_VARIANT, "s", &variant);
		dbus_message_iter_append_basic(&variant, DBUS_TYPE_STRING, &text);
		dbus_message_iter_close_container(&it, &variant);
		cr_assert(dbus_connection_send(other, m, NULL));
		dbus_message_unref(m);
	}
	free(text);
	dbus_connection_flush(other);
	dbus_message_unref(bus_call(BUS_PATH, MANAGER, "ListSessions", NULL));
	bus_wait(fx.bus->n_checks == 0);
	dbus_connection_close(other);
	dbus_connection_unref(other);
}

Test(bus_calls, forgets_callers_when_there_are_too_many)
{
	for (unsigned i = 0; i < 20; i++) {
		DBusConnection *other = dbus_connection_open_private(fx.address, NULL);
		DBusMessage *m =
			dbus_message_new_method_call(BUS_NAME, BUS_PATH, MANAGER, "ListEvents");

		cr_assert(other && dbus_bus_register(other, NULL));
		cr_assert(dbus_connection_send(other, m, NULL));
		dbus_message_unref(m);
		dbus_connection_flush(other);
		dbus_connection_close(other);
		dbus_connection_unref(other);
	}
	dbus_message_unref(bus_call(BUS_PATH, MANAGER, "ListEvents", NULL));
	bus_wait(fx.bus->n_checks == 0);
	cr_assert(fx.bus->n_callers <= 21);
}

/* Exit code of a process of another user: 0 if Reload was refused for lack of privilege. */
static int reload_as_nobody(void)
{
	DBusConnection *conn;
	DBusError error = DBUS_ERROR_INIT;
	DBusMessage *m;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
		return 10;
	conn = dbus_connection_open_private(fx.address, NULL);
	if (!conn || !dbus_bus_register(conn, NULL))
		return 11;
	m = dbus_message_new_method_call(BUS_NAME, BUS_PATH, MANAGER, "Reload");
	if (dbus_connection_send_with_reply_and_block(conn, m, 2000, &error))
		return 12;
	return strcmp(error.name, "org.dmmd1.Error.NotAuthorized") == 0 ? 0 : 13;
}

Test(bus_calls, refuses_reload_to_others)
{
	int status;
	pid_t pid;

	chmod(fx.dir, 0711);
	pid = fork();
	if (pid == 0)
		_exit(reload_as_nobody());
	cr_assert(pid > 0);
	bus_wait(waitpid(pid, &status, WNOHANG) == pid);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%d", WEXITSTATUS(status));
	cr_assert(fx.reloads == 0);
}
