/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dmmd(8): arguments, start and stop order, and the wires between engine, kernel, applications and bus. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "bus/bus.h"
#include "conf/conf.h"
#include "conf/state.h"
#include "daemon.h"
#include "loop/footprint.h"
#include "loop/loop.h"
#include "mobility/engine.h"
#include "net/net.h"
#include "obs/obs.h"
#include "proto/auth.h"
#include "sock/sock.h"

#define LOG_LEVELS "emerg, alert, crit, err, warning, notice, info or debug"
#define DEFAULT_CONFIG DMMD_SYSCONFDIR "/dmmd/dmmd.conf"
/* Saved numbers are ahead of those used: updates that leave before the next save stay below (three in
 * SAVE_DELAY at most, and the save may fail now and then). */
#define SEQUENCE_RESERVE 64

/* --- state that survives ------------------------------------------------------------------- */

static void save_state(struct daemon *d)
{
	struct state_entry entries[STATE_ENTRIES_MAX];
	unsigned n = engine_save(d->engine, entries, STATE_ENTRIES_MAX);
	int r;

	d->save_pending = false;
	loop_timer_set(d->save_timer, USEC_INFINITY);
	for (unsigned i = 0; i < n; i++)
		entries[i].sequence = (uint16_t)(entries[i].sequence + SEQUENCE_RESERVE);
	r = state_store(d->conf->state_file, entries, n);
	if (r < 0)
		log_warning("cannot save %s, by way of %s.new: %s", d->conf->state_file,
			    d->conf->state_file, log_strerror(-r));
}

static void load_state(struct daemon *d)
{
	struct state_entry entries[STATE_ENTRIES_MAX];
	unsigned n = 0;
	int r = state_load(d->conf->state_file, entries, STATE_ENTRIES_MAX, &n);

	if (r < 0 && r != -ENOENT)
		log_warning("%s is not used: %s", d->conf->state_file,
			    r == -EBADMSG ? "it is damaged, or not ours" : log_strerror(-r));
	for (unsigned i = 0; r == 0 && i < n; i++)
		engine_restore(d->engine, &entries[i]);
}

/* --- events ------------------------------------------------------------------------------- */

static int on_timer(sd_event_source *s, uint64_t usec, void *user)
{
	(void)s, (void)usec;
	engine_timer(((struct daemon *)user)->engine, loop_now());
	return 0;
}

static int on_save(sd_event_source *s, uint64_t usec, void *user)
{
	(void)s, (void)usec;
	save_state(user);
	return 0;
}

/* For systemctl status. */
static void tell_status(const struct daemon *d)
{
	const char *waiting = engine_waiting_for(d->engine);

	sd_notifyf(0, "STATUS=%s%s%s", engine_place(d->engine), waiting ? ", waiting for " : "",
		   waiting ? waiting : "");
}

/*
 * Whoever reads the log, or the status, is not to hold up a handover, nor is the disk.  The last acknowledgement ends what
 * there is to save: no need to wake up for it once more.
 */
static int on_leisure(sd_event_source *s, void *user)
{
	struct daemon *d = user;

	(void)s;
	log_flush();
	if (d->status_due)
		tell_status(d);
	d->status_due = false;
	if (d->save_pending && !engine_waiting_for(d->engine))
		save_state(d);
	return 0;
}

static void log_soon(void *user)
{
	sd_event_source_set_enabled(((struct daemon *)user)->leisure, SD_EVENT_ONESHOT);
}

static int on_stop_check(sd_event_source *s, void *user)
{
	struct daemon *d = user;

	(void)s;
	return engine_stopped(d->engine) ? sd_event_exit(d->ev, 0) : 0;
}

static void on_stop(void *user)
{
	struct daemon *d = user;

	sd_notify(0, "STOPPING=1");
	if (!d->engine || d->stop_check || d->conf->on_stop == CONF_ON_STOP_KEEP) {
		sd_event_exit(d->ev, 0);
		return;
	}
	sock_stop(d->sock, false); /* no session is to begin on what is withdrawn */
	engine_stop(d->engine, loop_now());
	if (engine_stopped(d->engine) ||
	    sd_event_add_post(d->ev, &d->stop_check, on_stop_check, d) < 0)
		sd_event_exit(d->ev, 0);
}

/* What is in the kernel under these names stays there until the next start: ret is told those that differ. */
static void keep_fixed_options(const struct daemon *d, struct conf *c, char *ret, size_t size)
{
	const struct conf *old = d->conf;
	const struct {
		const char *name;
		bool differs;
	} options[] = {
		{"Plane=", c->plane != old->plane},
		{"Device=", strcmp(c->device, old->device) != 0},
		{"RouteTable=", c->route_table != old->route_table},
		{"RulePriority=", c->rule_priority != old->rule_priority},
		{"PinDirectory=", strcmp(c->pin_directory, old->pin_directory) != 0},
		{"RuntimeDirectory=", strcmp(c->runtime_directory, old->runtime_directory) != 0},
		{"HooksDirectory=", strcmp(c->hooks_directory, old->hooks_directory) != 0},
	};
	size_t len = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		if (options[i].differs && len < size)
			len += (size_t)snprintf(ret + len, size - len, "%s%s", len ? ", " : "",
						options[i].name);
	memcpy(c->device, old->device, sizeof(c->device));
	memcpy(c->pin_directory, old->pin_directory, sizeof(c->pin_directory));
	memcpy(c->runtime_directory, old->runtime_directory, sizeof(c->runtime_directory));
	memcpy(c->hooks_directory, old->hooks_directory, sizeof(c->hooks_directory));
	c->plane = old->plane;
	c->route_table = old->route_table;
	c->rule_priority = old->rule_priority;
}

#define NEEDS_KERNEL \
	"PayloadProtection=esp needs the tunnels of the kernel, and the data plane that runs " \
	"is %s: restart dmmd (systemctl restart dmmd)"

static int reload(void *user, char *why, size_t size)
{
	struct daemon *d = user;
	struct conf_errors errors = {0};
	struct conf *c;
	char later[128];
	int r = conf_load(d->config_path, &errors, &c);

	if (r < 0) {
		log_error("%s: %u error(s), nothing is changed", d->config_path, errors.n);
		snprintf(why, size, "%s", errors.first);
		return r;
	}
	if (conf_protects(c) && !net_can_protect(d->net)) {
		conf_free(c);
		log_error(NEEDS_KERNEL "; nothing is changed", net_plane(d->net));
		snprintf(why, size, NEEDS_KERNEL, net_plane(d->net));
		return -EOPNOTSUPP;
	}
	if (d->old_conf && engine_uses(d->engine, d->old_conf)) {
		conf_free(c);
		log_error("the withdrawals of the last reload are not over yet, try again");
		return -EBUSY;
	}
	keep_fixed_options(d, c, later, sizeof(later));
	conf_free(d->old_conf);
	d->old_conf = d->conf;
	d->conf = c;
	log_set_max_level(c->log_level);
	net_reconfigure(d->net, c);
	r = engine_reconfigure(d->engine, loop_now(), c);
	sock_reconfigure(d->sock, c);
	if (r < 0)
		return log_errno(r, "cannot take over all of %s", d->config_path);
	log_notice("%s is read again", d->config_path);
	snprintf(why, size, "%s", later);
	if (later[0])
		log_warning("at the next start, not before, this takes effect: %s", later);
	return 0;
}

static void on_reload(void *user)
{
	struct daemon *d = user;
	char why[1]; /* it is in the log */

	sd_notify(0, "RELOADING=1");
	reload(d, why, sizeof(why));
	if (d->bus)
		bus_retry(d->bus);
	sd_notify(0, "READY=1");
}

static void on_traffic(void *user, const struct binding *b, uint64_t *ret_received,
		       uint64_t *ret_sent)
{
	struct net_traffic t;

	net_traffic(((struct daemon *)user)->net, b->slot, &t);
	*ret_received = t.received_bytes;
	*ret_sent = t.sent_bytes;
}

static void on_metrics(void *user, FILE *out)
{
	const struct daemon *d = user;

	metrics_write_now(out, d->engine, d->net, d->sock);
}

static int on_test(void *user)
{
	return selftest_start(((struct daemon *)user)->selftest);
}

static void on_tested(void *user, const struct findings *f)
{
	struct bus_finding *list = calloc(f->n + 1, sizeof(*list));

	for (unsigned i = 0; list && i < f->n; i++)
		list[i] = (struct bus_finding){
			.what = f->list[i].what, .ok = f->list[i].ok, .words = f->list[i].words};
	bus_tested(((struct daemon *)user)->bus, list, list ? f->n : 0);
	free(list);
}

static void on_name_taken(void *user)
{
	(void)user;
	log_error("another daemon owns %s on this bus; going on without it", BUS_NAME);
}

/* --- start and stop ---------------------------------------------------------------------- */

/*
 * One daemon in a network namespace: abstract names belong to it, and vanish with their owner.  Anybody may take such a
 * name, so it only counts if its owner could be a daemon.
 */
static int take_lock(struct daemon *d)
{
	const struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "\0dmmd"};
	const socklen_t len = offsetof(struct sockaddr_un, sun_path) + 5;
	struct ucred owner = {0};
	socklen_t owner_len = sizeof(owner);

	d->lock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (d->lock < 0)
		return -errno;
	if (bind(d->lock, (const struct sockaddr *)&name, len) == 0)
		return listen(d->lock, 0) < 0 ? -errno : 0;
	if (errno != EADDRINUSE)
		return -errno;
	if (connect(d->lock, (const struct sockaddr *)&name, len) == 0 &&
	    getsockopt(d->lock, SOL_SOCKET, SO_PEERCRED, &owner, &owner_len) == 0 &&
	    owner.uid != 0 && owner.uid != geteuid()) {
		log_warning("process %d of user %u pretends to be dmmd; going on", owner.pid,
			    owner.uid);
		return 0;
	}
	log_error("dmmd runs already in this network namespace");
	return -EEXIST;
}

static int start(struct daemon *d)
{
	const struct loop_handlers handlers = {.stop = on_stop, .reload = on_reload, .user = d};
	struct bus_handlers bus_handlers = {.reload = reload,
					    .look = view_look,
					    .refresh = view_refresh,
					    .detail = view_detail,
					    .fallbacks = view_fallbacks,
					    .applications = view_applications,
					    .name_taken = on_name_taken,
					    .traffic = on_traffic,
					    .protection = view_protection,
					    .metrics = on_metrics,
					    .test = on_test,
					    .user = d};
	int r;

	if ((r = take_lock(d)) < 0)
		return r;
	if ((r = loop_new(&handlers, &d->ev)) < 0 ||
	    (r = loop_timer_new(d->ev, on_timer, d, &d->timer)) < 0 ||
	    (r = loop_timer_new(d->ev, on_save, d, &d->save_timer)) < 0 ||
	    (r = sd_event_source_set_time_accuracy(d->save_timer, SAVE_SLACK)) < 0 ||
	    (r = sd_event_add_defer(d->ev, &d->leisure, on_leisure, d)) < 0 ||
	    (r = sd_event_source_set_priority(d->leisure, SD_EVENT_PRIORITY_IDLE)) < 0)
		return log_errno(r, "cannot make the event loop");
	d->notifies = getenv("NOTIFY_SOCKET") != NULL;
	if ((r = events_new(d->ev, &d->events)) < 0)
		return log_errno(r, "cannot prepare the journal");
	if ((r = mip_auth_prepare()) < 0) /* not in the middle of the first handover */
		return log_errno(r, "cannot use the cryptography of OpenSSL");
	if ((r = engine_new(d->conf, &daemon_ops, d, &d->engine)) < 0)
		return log_errno(r, "cannot make the engine");
	load_state(d);
	if ((r = net_new(d->ev, d->conf, &d->net)) < 0)
		return r;
	if ((r = sock_new(d->ev, d->engine, d->net, d->conf, &d->sock)) < 0)
		return log_errno(r, "cannot prepare the socket for applications");
	if ((r = selftest_new(d->ev, d->engine, d->net, d->sock, on_tested, d, &d->selftest)) < 0)
		return log_errno(r, "cannot prepare the test");
	if (!d->no_bus) {
		if ((r = bus_new(d->ev, d->engine, d->bus_address, &d->bus)) < 0)
			return log_errno(r, "cannot prepare D-Bus");
		bus_handlers.plane = net_plane(d->net);
		bus_set_handlers(d->bus, &bus_handlers);
	}
	if ((r = net_start(d->net, d->engine)) < 0)
		return log_errno(r, "cannot read the state of the kernel");
	save_state(d); /* before the first update leaves */
	engine_start(d->engine, loop_now());
	sock_start(d->sock);
	sd_notifyf(0, "READY=1\nSTATUS=%s", engine_place(d->engine));
	log_notice("dmmd " DMMD_VERSION " is ready");
	if (!list_empty(&d->conf->anchors) && list_empty(&d->conf->rules))
		log_notice("no policy rules: sessions of programs that do not ask are not kept");
	log_defer(log_soon, d);
	footprint_trim();
	return 0;
}

static void stop(struct daemon *d, bool withdraw)
{
	log_defer(NULL, NULL);
	if (d->sock)
		sock_stop(d->sock, !withdraw);
	if (d->engine && d->net) {
		if (withdraw)
			net_teardown(d->net);
		save_state(d);
	}
	selftest_free(d->selftest);
	bus_free(d->bus);
	d->bus = NULL;
	sock_free(d->sock);
	d->sock = NULL;
	free(d->bytes);
	net_free(d->net);
	engine_free(d->engine);
	events_free(d->events);
	sd_event_source_disable_unref(d->stop_check);
	sd_event_source_disable_unref(d->leisure);
	sd_event_source_disable_unref(d->timer);
	sd_event_source_disable_unref(d->save_timer);
	sd_event_unref(d->ev);
	cleanup_close(&d->lock);
	conf_free(d->old_conf);
	conf_free(d->conf);
}

static void usage(FILE *out)
{
	fputs("dmmd [OPTION...]\n\n"
	      "Mobile IPv6 agent for hosts that move.\n\n"
	      "  --config=FILE       instead of " DEFAULT_CONFIG "\n"
	      "  --check-config      read the configuration, report errors, exit\n"
	      "  --sample-config     write a commented configuration with all defaults, exit\n"
	      "  --bus=ADDRESS|none  D-Bus to appear on (default: the system bus)\n"
	      "  --log-level=LEVEL   " LOG_LEVELS "\n"
	      "  --help, --version\n\n"
	      "See dmmd(8), dmmd.conf(5).\n",
	      out);
}

static int run(struct daemon *d, int log_level)
{
	bool withdraw;
	int r;

	if (log_level >= 0)
		d->conf->log_level = log_level;
	log_set_max_level(d->conf->log_level);
	r = start(d);
	if (r == 0)
		r = sd_event_loop(d->ev);
	withdraw = r == 0 && d->conf->on_stop == CONF_ON_STOP_WITHDRAW;
	stop(d, withdraw);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

enum { OPT_CONFIG = 1, OPT_CHECK, OPT_SAMPLE, OPT_MDOC, OPT_BUS, OPT_LEVEL, OPT_HELP, OPT_VERSION };

static const struct option options[] = {
	{"config", required_argument, NULL, OPT_CONFIG},
	{"check-config", no_argument, NULL, OPT_CHECK},
	{"sample-config", no_argument, NULL, OPT_SAMPLE},
	{"options-mdoc", no_argument, NULL, OPT_MDOC}, /* for the build of the manual */
	{"bus", required_argument, NULL, OPT_BUS},
	{"log-level", required_argument, NULL, OPT_LEVEL},
	{"help", no_argument, NULL, OPT_HELP},
	{"version", no_argument, NULL, OPT_VERSION},
	{0},
};

int main(int argc, char **argv)
{
	static const char default_config[] = DEFAULT_CONFIG;
	static char program[] = "dmmd"; /* not the path, in messages of getopt_long(3) */
	struct daemon d = {.config_path = default_config, .lock = -1};
	struct conf_errors errors = {.out = stderr};
	int o, r, log_level = -1;
	bool check = false;

	log_init("dmmd", LOG_INFO);
	if (argc > 0)
		argv[0] = program;
	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (o) {
		case OPT_CONFIG:
			d.config_path = optarg;
			break;
		case OPT_CHECK:
			check = true;
			break;
		case OPT_SAMPLE:
			conf_write_sample(stdout);
			return EXIT_SUCCESS;
		case OPT_MDOC:
			conf_write_mdoc(stdout);
			return EXIT_SUCCESS;
		case OPT_BUS:
			d.no_bus = strcmp(optarg, "none") == 0;
			d.bus_address = optarg;
			break;
		case OPT_LEVEL:
			log_level = log_level_parse(optarg);
			if (log_level < 0) {
				log_error("--log-level=%s: not one of " LOG_LEVELS, optarg);
				return 2;
			}
			break;
		case OPT_HELP:
			usage(stdout);
			return EXIT_SUCCESS;
		case OPT_VERSION:
			puts("dmmd " DMMD_VERSION);
			return EXIT_SUCCESS;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (optind < argc) {
		usage(stderr);
		return 2;
	}
	if (d.config_path != default_config && access(d.config_path, F_OK) < 0) {
		log_error("%s: %s", d.config_path, log_strerror(errno));
		return EXIT_FAILURE;
	}
	errors.credentials_optional = check;
	r = conf_load(d.config_path, &errors, &d.conf);
	if (r < 0) {
		log_error("%s cannot be used", d.config_path);
		return EXIT_FAILURE;
	}
	if (!check)
		return run(&d, log_level);
	conf_free(d.conf);
	return EXIT_SUCCESS;
}
