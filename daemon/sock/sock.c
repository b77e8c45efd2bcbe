/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sock/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sock/internal.h"

#define WANT_INTERVAL (50 * USEC_PER_MSEC) /* the engine remembers what is wanted */
#define NSEC_PER_USEC 1000

/* --- what there is ------------------------------------------------------------------------------- */

int offer_for(const struct sock *s, enum service_type type)
{
	int i = s->offers.best[type];

	if (i < 0 || (unsigned)i >= s->offers.n || s->offers.offer[i].draining ||
	    s->offers.offer[i].valid_until <= loop_now().mono)
		return -1;
	return i;
}

const struct offer *offer_find(const struct sock *s, const struct in6_addr *source)
{
	for (unsigned i = 0; i < s->offers.n; i++)
		if (addr_equal(&s->offers.offer[i].source, source))
			return &s->offers.offer[i];
	return NULL;
}

void sock_want(struct sock *s, enum service_type type)
{
	const struct instant now = loop_now();

	if (!s->started || (s->wanted_at[type] && now.mono - s->wanted_at[type] < WANT_INTERVAL))
		return;
	s->wanted_at[type] = now.mono;
	engine_want(s->engine, now, type);
	sock_changed(s);
}

void sock_want_all(struct sock *s, unsigned types)
{
	for (unsigned i = SERVICE_NON_PERSISTENT + 1; i < SERVICE_TYPE_MAX; i++)
		if (types & (1u << i))
			sock_want(s, (enum service_type)i);
}

/* --- publication --------------------------------------------------------------------------------- */

void sock_publish(struct sock *s)
{
	struct dmm_table_entry entries[OFFERS_MAX];
	struct dmm_table_slot slot;
	int r;

	if (!s->started)
		return;
	engine_offers(s->engine, &s->offers);
	content_make(&s->offers, s->conf, &slot, entries);
	r = table_write(&s->table, &slot, entries);
	if (r < 0 && complaint_due(&s->unwritten, loop_now().mono) >= 0)
		log_errno(r,
			  "%s/" DMM_TABLE_NAME " cannot be written: applications do not see "
			  "the addresses of this place",
			  s->directory_path);
	if (r > 0)
		server_tell(s);
	if (s->hooks)
		hooks_publish(s->hooks);
	policy_publish(s);
	acquire_offers_changed(s);
}

static int on_publish(sd_event_source *source, void *user)
{
	(void)source;
	sock_publish(user);
	return 0;
}

void sock_changed(struct sock *s)
{
	if (s->started)
		sd_event_source_set_enabled(s->publish, SD_EVENT_ONESHOT);
}

/* --- life ---------------------------------------------------------------------------------------- */

static uint64_t read_netns_cookie(void)
{
	_cleanup_close_ int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t cookie;

	return fd >= 0 && netns_cookie_of(fd, &cookie) == 0 ? cookie : 0;
}

/* Readers only trust what nobody else can have put there. */
static int open_directory(const char *path, int *ret)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (mkdir(path, 0755) == 0 && chmod(path, 0755) < 0)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (st.st_uid != geteuid() || (st.st_mode & 022))
		return -EPERM;
	*ret = TAKE_FD(fd);
	return 0;
}

/* Without a socket there can still be a table, unless another daemon is at home here. */
static void open_runtime(struct sock *s)
{
	const char *path = s->directory_path;
	int r = open_directory(path, &s->directory);

	if (r < 0) {
		log_warning(
			"%s: %s; applications cannot ask for addresses%s", path, log_strerror(-r),
			r == -EPERM
				? " (it must belong to the user of the daemon, and nobody else may "
				  "write to it)"
				: "");
		return;
	}
	r = server_open(s, path);
	if (r == -EADDRINUSE) {
		log_warning("%s is in use by another daemon; applications cannot ask this one for "
			    "addresses",
			    path);
		cleanup_close(&s->directory);
		s->directory = -1;
	} else if (r < 0) {
		log_warning("%s/" DMM_SOCKET_NAME ": %s; applications cannot wait for addresses",
			    path, log_strerror(-r));
	}
}

/* They may have been loaded since the last time. */
static void open_hooks(struct sock *s)
{
	int r = hooks_new(s, &s->hooks);

	if (r < 0)
		log_debug("the socket hooks are not used: %s", log_strerror(-r));
}

static void init(struct sock *s)
{
	s->directory = -1;
	s->server.listener = s->server.epoll = s->server.reserve = -1;
	list_init(&s->server.clients);
	list_init(&s->server.subscribers);
	users_init(&s->server.users);
	for (unsigned i = 0; i < SERVICE_TYPE_MAX; i++)
		s->offers.best[i] = -1;
}

int sock_new(sd_event *ev, struct engine *e, struct net *n, const struct conf *conf,
	     struct sock **ret)
{
	struct sock *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	init(s);
	s->ev = ev;
	s->engine = e;
	s->net = n;
	s->conf = conf;
	memcpy(s->directory_path, conf->runtime_directory, sizeof(s->directory_path));
	s->netns_cookie = read_netns_cookie();
	if ((r = acquire_init(s)) < 0 || (r = policy_init(s)) < 0 ||
	    (r = sd_event_add_defer(ev, &s->publish, on_publish, s)) < 0 ||
	    (r = sd_event_source_set_priority(s->publish, SD_EVENT_PRIORITY_IDLE)) < 0 ||
	    (r = sd_event_source_set_enabled(s->publish, SD_EVENT_OFF)) < 0) {
		sock_free(s);
		return r;
	}
	open_runtime(s);
	table_init(&s->table, s->directory, loop_now().mono * NSEC_PER_USEC, s->netns_cookie);
	open_hooks(s);
	policy_configure(s);
	*ret = s;
	return 0;
}

void sock_start(struct sock *s)
{
	s->started = true;
	sock_publish(s);
	server_start(s);
}

void sock_reconfigure(struct sock *s, const struct conf *conf)
{
	s->conf = conf;
	if (s->hooks)
		hooks_reconfigure(s->hooks);
	else
		open_hooks(s);
	policy_configure(s);
	sock_changed(s);
}

void sock_stop(struct sock *s, bool keep)
{
	server_close(s);
	policy_stop(s, keep);
	table_close(&s->table, keep);
	hooks_free(s->hooks, keep);
	s->hooks = NULL;
	s->started = false;
}

void sock_free(struct sock *s)
{
	if (!s)
		return;
	sock_stop(s, true);
	s->publish = sd_event_source_disable_unref(s->publish);
	acquire_close(s);
	free(s->holds.hold);
	cleanup_close(&s->directory);
	free(s);
}

/* --- views --------------------------------------------------------------------------------------- */

void sock_info(const struct sock *s, struct sock_info *ret)
{
	const struct acquisition *a = &s->acquisition;

	*ret = (struct sock_info){
		.serving = s->server.listener >= 0,
		.hooks = s->hooks != NULL,
		.clients = s->server.n_clients,
		.subscribers = s->server.n_subscribers,
		.waiting = a->n_waiting,
		.acquired = a->acquired,
		.refused = a->refused,
		.denied = a->denied,
		.hostile = s->server.hostile,
		.n_fallbacks = a->n_asked < ASKED_RING ? (unsigned)a->n_asked : ASKED_RING,
	};
	if (s->hooks)
		hooks_counted(s->hooks, &ret->hooks_given, &ret->hooks_missing);
}

bool sock_asked(const struct sock *s, uint64_t cookie, uid_t uid, enum service_type *ret)
{
	const struct acquisition *a = &s->acquisition;
	uint64_t n = a->n_asked < ASKED_RING ? a->n_asked : ASKED_RING;

	for (uint64_t i = 1; i <= n; i++) {
		const struct asked *asked = &a->asked[(a->n_asked - i) % ASKED_RING];

		if (asked->cookie == cookie && asked->uid == uid) {
			*ret = asked->type;
			return true;
		}
	}
	return false;
}
