/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test_bus_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "loop/loop.h"

struct fixture fx;

static const char configuration[] = "[Anchor north]\n"
				    "Address=2001:db8:f::1\n"
				    "HomeAddress=2001:db8:a::10/64\n"
				    "HomeAddress=2001:db8:a::11/64\n"
				    "Insecure=yes\n";

static const char bus_configuration[] =
	"<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\"\n"
	" \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
	"<busconfig><listen>%s</listen><auth>EXTERNAL</auth>\n"
	"<policy context=\"default\"><allow user=\"*\"/><allow own=\"*\"/>\n"
	"<allow send_destination=\"*\"/><allow eavesdrop=\"false\"/></policy></busconfig>\n";

static void publish(void *user, enum engine_object kind, enum engine_change change,
		    const void *object)
{
	(void)user;
	bus_published(fx.bus, kind, change, object);
}

static void draw(void *user, void *buf, size_t len)
{
	(void)user;
	memset(buf, 0, len);
}

static void notify(void *user, const struct event *ev)
{
	(void)user;
	bus_notified(fx.bus, ev);
}

static int echo(void *user, int ifindex, const struct in6_addr *src, const struct in6_addr *dst,
		uint16_t identifier, uint16_t sequence, size_t octets)
{
	(void)user, (void)ifindex, (void)src, (void)dst, (void)identifier, (void)sequence;
	(void)octets;
	fx.echoes++;
	return 0;
}

static void traffic(void *user, unsigned slot, uint64_t *sent, uint64_t *received)
{
	(void)user, (void)slot;
	*sent = *received = 0;
}

static void set_timer(void *user, usec_t when)
{
	(void)user, (void)when;
}

/* Nothing happens to this engine but what the tests write into it. */
static const struct engine_ops ops = {
	.publish = publish,
	.random = draw,
	.notify = notify,
	.echo = echo,
	.traffic = traffic,
	.set_timer = set_timer,
};

static int reload(void *user, char *why, size_t size)
{
	struct fixture *f = (struct fixture *)user;

	snprintf(why, size, "dmmd.conf:1: no");
	f->reloads++;
	return f->reload_result;
}

static void metrics(void *user, FILE *out)
{
	(void)user;
	fputs("# EOF\n", out);
}

static int test(void *user)
{
	struct fixture *f = (struct fixture *)user;

	f->tests++;
	return f->test_result;
}

static void name_taken(void *user)
{
	((struct fixture *)user)->names_taken++;
}

usec_t bus_now(void)
{
	return loop_now().mono;
}

void bus_daemon_start(void)
{
	char path[96], ready[8];
	int fds[2];
	FILE *f;

	snprintf(path, sizeof(path), "%s/bus.conf", fx.dir);
	f = fopen(path, "w");
	cr_assert(f);
	fprintf(f, bus_configuration, fx.address);
	fclose(f);
	cr_assert(pipe(fds) == 0);
	fx.daemon = fork();
	cr_assert(fx.daemon >= 0);
	if (fx.daemon == 0) {
		char config[128];

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(fds[1], STDOUT_FILENO);
		/* It says that it may not raise its limit of descriptors. */
		dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
		close(fds[0]);
		close(fds[1]);
		snprintf(config, sizeof(config), "--config-file=%s", path);
		execlp("dbus-daemon", "dbus-daemon", config, "--nofork", "--nosyslog",
		       "--print-address", NULL);
		_exit(127);
	}
	close(fds[1]);
	/* The address is printed when the bus listens. */
	cr_assert(read(fds[0], ready, sizeof(ready)) > 0, "dbus-daemon does not start");
	close(fds[0]);
}

void bus_daemon_stop(void)
{
	char path[96];

	if (fx.daemon <= 0)
		return;
	kill(fx.daemon, SIGKILL);
	waitpid(fx.daemon, NULL, 0);
	fx.daemon = 0;
	snprintf(path, sizeof(path), "%s/bus", fx.dir);
	unlink(path);
}

static DBusHandlerResult on_signal(DBusConnection *conn, DBusMessage *m, void *user)
{
	(void)conn, (void)user;
	if (dbus_message_get_type(m) != DBUS_MESSAGE_TYPE_SIGNAL ||
	    dbus_message_has_interface(m, DBUS_INTERFACE_DBUS) || fx.n_signals == MAX_SIGNALS)
		return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
	fx.signals[fx.n_signals++] = dbus_message_ref(m);
	return DBUS_HANDLER_RESULT_HANDLED;
}

void bus_client_start(void)
{
	fx.client = dbus_connection_open_private(fx.address, NULL);
	cr_assert(fx.client && dbus_bus_register(fx.client, NULL));
	dbus_connection_set_exit_on_disconnect(fx.client, FALSE);
	dbus_bus_add_match(fx.client, "type='signal',sender='" BUS_NAME "'", NULL);
	dbus_connection_add_filter(fx.client, on_signal, NULL, NULL);
}

void bus_setup_offline(void)
{
	struct bus_handlers handlers = {.reload = reload,
					.name_taken = name_taken,
					.metrics = metrics,
					.test = test,
					.user = &fx};
	struct conf_errors errors = {0};

	log_init("test", LOG_ERR);
	fx = (struct fixture){.dir = "/tmp/dmmd-test-XXXXXX"};
	cr_assert(mkdtemp(fx.dir));
	snprintf(fx.address, sizeof(fx.address), "unix:path=%s/bus", fx.dir);
	cr_assert(sd_event_new(&fx.ev) >= 0);
	cr_assert(conf_parse_buffer("test", configuration, strlen(configuration), &errors,
				    &fx.conf) == 0);
	cr_assert(engine_new(fx.conf, &ops, NULL, &fx.engine) == 0);
	fx.engine->now = loop_now();
	cr_assert(bus_new(fx.ev, fx.engine, fx.address, &fx.bus) == 0);
	bus_set_handlers(fx.bus, &handlers);
}

void bus_setup_passive(void)
{
	bus_setup_offline();
	bus_daemon_start();
	bus_client_start();
	bus_retry(fx.bus);
	bus_wait(bus_name_state(fx.bus) == 1);
}

void bus_setup(void)
{
	bus_setup_passive();
	bus_subscribe(true);
}

void bus_subscribe(bool subscribe)
{
	DBusMessage *m = bus_call(BUS_PATH, BUS_NAME ".Manager",
				  subscribe ? "Subscribe" : "Unsubscribe", NULL);

	cr_assert(dbus_message_get_type(m) == DBUS_MESSAGE_TYPE_METHOD_RETURN);
	dbus_message_unref(m);
}

void bus_teardown(void)
{
	char path[96];

	for (unsigned i = 0; i < fx.n_signals; i++)
		dbus_message_unref(fx.signals[i]);
	if (fx.client) {
		dbus_connection_close(fx.client);
		dbus_connection_unref(fx.client);
	}
	bus_free(fx.bus);
	bus_daemon_stop();
	engine_free(fx.engine);
	conf_free(fx.conf);
	sd_event_unref(fx.ev);
	snprintf(path, sizeof(path), "%s/bus.conf", fx.dir);
	unlink(path);
	rmdir(fx.dir);
	dbus_shutdown();
}

void bus_run(void)
{
	sd_event_run(fx.ev, 2 * USEC_PER_MSEC);
	if (fx.client) {
		dbus_connection_read_write(fx.client, 0);
		while (dbus_connection_dispatch(fx.client) == DBUS_DISPATCH_DATA_REMAINS)
			;
	}
}

void bus_settle(void)
{
	bus_wait(!fx.bus->flush_armed);
	/* Answers come behind what was sent before them. */
	dbus_message_unref(bus_call(BUS_PATH, DBUS_INTERFACE_PEER, "Ping", NULL));
}

static void on_reply(DBusPendingCall *pending, void *user)
{
	*(DBusMessage **)user = dbus_pending_call_steal_reply(pending);
}

DBusMessage *bus_send(DBusMessage *call)
{
	DBusPendingCall *pending;
	DBusMessage *reply = NULL;

	cr_assert(dbus_connection_send_with_reply(fx.client, call, &pending, 2000));
	cr_assert(dbus_pending_call_set_notify(pending, on_reply, &reply, NULL));
	bus_wait(reply);
	dbus_pending_call_unref(pending);
	dbus_message_unref(call);
	return reply;
}

DBusMessage *bus_call(const char *path, const char *interface, const char *method, ...)
{
	DBusMessage *m = dbus_message_new_method_call(BUS_NAME, path, interface, method);
	const char *arg;
	va_list ap;

	va_start(ap, method);
	while ((arg = va_arg(ap, const char *)))
		dbus_message_append_args(m, DBUS_TYPE_STRING, &arg, DBUS_TYPE_INVALID);
	va_end(ap);
	return bus_send(m);
}

static const char *value_text(DBusMessageIter *it, char *buf, size_t size)
{
	DBusBasicValue v;

	*buf = '\0';
	if (!dbus_type_is_basic(dbus_message_iter_get_arg_type(it)))
		return buf;
	dbus_message_iter_get_basic(it, &v);
	switch (dbus_message_iter_get_arg_type(it)) {
	case DBUS_TYPE_STRING:
	case DBUS_TYPE_OBJECT_PATH:
		snprintf(buf, size, "%s", v.str);
		break;
	case DBUS_TYPE_BOOLEAN:
		snprintf(buf, size, "%s", v.bool_val ? "true" : "false");
		break;
	case DBUS_TYPE_INT32:
		snprintf(buf, size, "%d", v.i32);
		break;
	case DBUS_TYPE_UINT32:
		snprintf(buf, size, "%u", v.u32);
		break;
	case DBUS_TYPE_INT64:
		snprintf(buf, size, "%lld", (long long)v.i64);
		break;
	case DBUS_TYPE_UINT64:
		snprintf(buf, size, "%llu", (unsigned long long)v.u64);
		break;
	}
	return buf;
}

const char *bus_get(const char *path, const char *interface, const char *name)
{
	static char buf[512];
	DBusMessage *reply =
		bus_call(path, DBUS_INTERFACE_PROPERTIES, "Get", interface, name, NULL);
	DBusMessageIter it, variant;

	cr_assert(dbus_message_get_type(reply) == DBUS_MESSAGE_TYPE_METHOD_RETURN, "%s %s: %s",
		  path, name, dbus_message_get_error_name(reply));
	dbus_message_iter_init(reply, &it);
	dbus_message_iter_recurse(&it, &variant);
	value_text(&variant, buf, sizeof(buf));
	dbus_message_unref(reply);
	return buf;
}

DBusMessage *bus_signal_nth(const char *member, unsigned n)
{
	for (unsigned i = 0; i < fx.n_signals; i++)
		if (dbus_message_has_member(fx.signals[i], member) && n-- == 0)
			return fx.signals[i];
	return NULL;
}

unsigned bus_signal_count(const char *member)
{
	unsigned n = 0;

	while (bus_signal_nth(member, n))
		n++;
	return n;
}

static void iter_at(DBusMessage *m, unsigned index, DBusMessageIter *it)
{
	cr_assert(dbus_message_iter_init(m, it));
	while (index--)
		cr_assert(dbus_message_iter_next(it));
}

const char *bus_arg(DBusMessage *m, unsigned index)
{
	DBusMessageIter it;
	const char *s;

	iter_at(m, index, &it);
	dbus_message_iter_get_basic(&it, &s);
	return s;
}

const char *bus_entry(DBusMessage *m, unsigned index, const char *key)
{
	static char buf[512];
	DBusMessageIter it, array, entry, variant;

	iter_at(m, index, &it);
	dbus_message_iter_recurse(&it, &array);
	for (; dbus_message_iter_get_arg_type(&array) != DBUS_TYPE_INVALID;
	     dbus_message_iter_next(&array)) {
		const char *name;

		dbus_message_iter_recurse(&array, &entry);
		dbus_message_iter_get_basic(&entry, &name);
		if (strcmp(name, key) != 0)
			continue;
		dbus_message_iter_next(&entry);
		dbus_message_iter_recurse(&entry, &variant);
		return value_text(&variant, buf, sizeof(buf));
	}
	return "";
}

unsigned bus_entries(DBusMessage *m, unsigned index)
{
	DBusMessageIter it;

	iter_at(m, index, &it);
	return (unsigned)dbus_message_iter_get_element_count(&it);
}

struct link *bus_add_link(int ifindex, const char *name)
{
	struct link *l = (struct link *)calloc(1, sizeof(*l));

	l->ifindex = ifindex;
	snprintf(l->name, sizeof(l->name), "%s", name);
	l->engine = fx.engine;
	l->conf = conf_link_find(fx.conf, name);
	list_init(&l->addresses);
	list_init(&l->routers);
	list_append(&fx.engine->links, &l->node);
	publish(NULL, OBJECT_LINK, CHANGE_ADDED, l);
	return l;
}

void bus_remove_link(struct link *l)
{
	publish(NULL, OBJECT_LINK, CHANGE_REMOVED, l);
	list_remove(&l->node);
	free(l);
}

struct session *bus_add_session(uint64_t cookie, uid_t uid)
{
	struct session *s = (struct session *)calloc(1, sizeof(*s));

	s->binding = bus_first_binding();
	s->info = (struct session_info){.cookie = cookie,
					.protocol = IPPROTO_TCP,
					.source = s->binding->home,
					.source_port = 40000,
					.destination_port = 22,
					.uid = uid};
	cr_assert(addr_parse("2001:db8:c::1", &s->info.destination) == 0);
	s->requested = s->granted = SERVICE_SESSION_LASTING;
	s->in_need = true;
	s->since = 1;
	list_append(&s->binding->sessions, &s->node);
	list_append(&fx.engine->sessions[cookie % SESSION_BUCKETS], &s->hash_node);
	fx.engine->n_sessions++;
	s->binding->n_in_need++;
	return s;
}

struct binding *bus_first_binding(void)
{
	return list_entry(fx.engine->bindings.next, struct binding, node);
}

struct handover *bus_add_handover(void)
{
	struct engine *e = fx.engine;
	struct handover *h = &e->handovers[e->n_handovers++ % HANDOVER_RING];

	*h = (struct handover){.id = e->n_handovers, .start = e->now, .to_link = "eth0"};
	for (int i = 0; i < PHASE_MAX; i++)
		h->phase[i] = HANDOVER_NOT_REACHED;
	publish(NULL, OBJECT_HANDOVER, CHANGE_ADDED, h);
	return h;
}
