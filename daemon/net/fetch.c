/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Additional information of provisioning domains (RFC 8801 section 4).  A program of its own, dmmd-fetch, speaks HTTPS;
 * this one starts it, waits for it without blocking, and reads what it wrote.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "net/internal.h"

#define PROGRAM "dmmd-fetch"
#define MAX_FETCHES 4
#define DEADLINE (15 * USEC_PER_SEC)

struct fetch {
	struct list node;
	struct net *net;
	int ifindex;
	char domain[PVD_MAX_NAME + 1];
	sd_event_source *child, *output, *timer;
	int fd;
	size_t len;
	char text[PVD_MAX_JSON + 1]; /* one more than may come */
};

/* The child source owns the process: it is killed, and its end waited for, if it is still there. */
static void fetch_free(struct fetch *f)
{
	sd_event_source_disable_unref(f->output);
	sd_event_source_disable_unref(f->timer);
	sd_event_source_disable_unref(f->child);
	cleanup_close(&f->fd);
	list_remove(&f->node);
	free(f);
}

/* f is no more when the engine hears of it, which may ask again. */
static void finish(struct fetch *f, const struct pvd_info *info)
{
	struct net *n = f->net;
	int ifindex = f->ifindex;
	char domain[sizeof(f->domain)];

	strcpy(domain, f->domain);
	fetch_free(f);
	engine_domain(n->engine, loop_now(), ifindex, domain, info);
}

/* 1: more may come, 0: that was all, or -errno. */
static int read_output(struct fetch *f)
{
	ssize_t got = 1;

	while (got > 0 && f->len < sizeof(f->text)) {
		got = read(f->fd, f->text + f->len, sizeof(f->text) - f->len);
		if (got > 0)
			f->len += (size_t)got;
	}
	if (f->len > PVD_MAX_JSON)
		return -EFBIG;
	if (got == 0)
		return 0;
	return errno == EAGAIN || errno == EINTR ? 1 : -errno;
}

static int on_output(sd_event_source *s, int fd, uint32_t revents, void *user)
{
	struct fetch *f = user;
	int r = read_output(f);

	(void)fd, (void)revents;
	if (r == 0)
		sd_event_source_set_enabled(s, SD_EVENT_OFF);
	if (r < 0) {
		log_debug("%s: cannot read its additional information: %s", f->domain,
			  log_strerror(-r));
		finish(f, NULL);
	}
	return 0;
}

/* All that the program wrote is in the pipe now. */
static int on_exit_of_child(sd_event_source *s, const siginfo_t *si, void *user)
{
	struct fetch *f = user;
	struct pvd_info info;
	int r = -ECHILD; /* it has said why, on standard error */

	(void)s;
	if (si->si_code == CLD_EXITED && si->si_status == 0) {
		r = read_output(f);
		if (r >= 0)
			r = pvd_info_parse(f->text, f->len, &info);
		if (r < 0)
			log_info("%s: its additional information is %s", f->domain,
				 r == -EBADMSG ? "not valid" : "more than there is room for");
	}
	finish(f, r < 0 ? NULL : &info);
	return 0;
}

static int on_deadline(sd_event_source *s, uint64_t usec, void *user)
{
	struct fetch *f = user;

	(void)s, (void)usec;
	log_debug("%s: no additional information in time", f->domain);
	finish(f, NULL);
	return 0;
}

/* Its own signals as they are by default, whatever ours; no input, our standard error. */
static int spawn(const char *path, char *const argv[], char *const env[], int output, pid_t *ret)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int r;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	if ((r = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY,
						  0)) == 0 &&
	    (r = posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO)) == 0 &&
	    (r = posix_spawnattr_setsigmask(&attr, &none)) == 0 &&
	    (r = posix_spawnattr_setsigdefault(&attr, &all)) == 0 &&
	    (r = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF)) ==
		    0)
		r = posix_spawn(ret, path, &files, &attr, argv, env);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	return -r;
}

/* What the program may know: how its standard error is read, and whom an administrator trusts instead of the system's
 * authorities. */
static void set_environment(char *env[3])
{
	static const char *const names[] = {"JOURNAL_STREAM", "SSL_CERT_FILE"};
	unsigned n = 0;

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *value = getenv(names[i]);

		if (value && asprintf(&env[n], "%s=%s", names[i], value) >= 0)
			n++;
	}
	env[n] = NULL;
}

static int run_program(struct fetch *f, int output, pid_t *ret)
{
	char ifname[IF_NAMESIZE], interface[IF_NAMESIZE + sizeof("--interface=")], buf[4096];
	const char *path = program_path(PROGRAM, "DMMD_FETCH", buf, sizeof(buf));
	char *argv[] = {(char *)PROGRAM, interface, (char *)"--", f->domain, NULL};
	char *env[3] = {NULL};
	int r;

	if (!if_indextoname((unsigned)f->ifindex, ifname))
		return -ENODEV;
	snprintf(interface, sizeof(interface), "--interface=%s", ifname);
	set_environment(env);
	r = spawn(path, argv, env, output, ret);
	for (unsigned i = 0; env[i]; i++)
		free(env[i]);
	if (r < 0)
		log_warning("cannot run %s: %s", path, log_strerror(-r));
	return r;
}

/* From here on the event loop looks after the process. */
static int adopt(struct fetch *f, pid_t pid)
{
	int r = sd_event_add_child(f->net->ev, &f->child, pid, WEXITED, on_exit_of_child, f);

	if (r < 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return r;
	}
	return sd_event_source_set_child_process_own(f->child, true);
}

static int start(struct fetch *f)
{
	_cleanup_close_ int output = -1;
	sigset_t child;
	int fds[2], r;
	pid_t pid;

	/* As sd_event_add_child(3) demands. */
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &child, NULL) < 0 || pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	f->fd = fds[0];
	output = fds[1];
	if (fcntl(f->fd, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	if ((r = sd_event_add_io(f->net->ev, &f->output, f->fd, EPOLLIN, on_output, f)) < 0 ||
	    (r = loop_timer_new(f->net->ev, on_deadline, f, &f->timer)) < 0)
		return r;
	loop_timer_set(f->timer, usec_add(loop_now().mono, DEADLINE));
	r = run_program(f, output, &pid);
	return r < 0 ? r : adopt(f, pid);
}

int net_fetch_domain(struct net *n, int ifindex, const char *domain)
{
	struct fetch *f;
	unsigned running = 0;
	int r;

	if (strlen(domain) > PVD_MAX_NAME)
		return -EINVAL;
	list_for_each(f, &n->fetches, node) {
		if (f->ifindex == ifindex && strcmp(f->domain, domain) == 0)
			return 0;
		running++;
	}
	if (running == MAX_FETCHES)
		return -EBUSY;
	f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->net = n;
	f->ifindex = ifindex;
	f->fd = -1;
	strcpy(f->domain, domain);
	list_append(&n->fetches, &f->node);
	r = start(f);
	if (r < 0)
		fetch_free(f);
	return r < 0 ? r : 0;
}

void fetch_close(struct net *n)
{
	struct fetch *f, *next;

	list_for_each_safe(f, next, &n->fetches, node)
		fetch_free(f);
}
