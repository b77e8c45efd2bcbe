/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Closing of descriptors that came from a stranger, and of connections whose unread packets may hold some.
 *
 * A stream that lingers makes close(2) wait for as long as its sender likes, and so does the kernel's dropping of one that
 * was not taken.  Such waits end with a signal: one is due soon after each such call began.  What no signal ends, a file
 * on a file system that its sender serves, was taken: a thread that does nothing else waits for it.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sock/internal.h"

#define MAX_THREADS 4
#define STACK (64 * 1024)
#define PATIENCE_NS 100000

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

struct load {
	uid_t uid;
	unsigned n;
	int fd[];
};

static struct {
	pthread_mutex_t mutex;
	uid_t of[MAX_THREADS]; /* who has sent what they close */
	unsigned n;
} threads = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* --- patience --------------------------------------------------------------------------------------- */

static void on_signal(int number)
{
	(void)number;
}

static void handle_signal(void)
{
	const struct sigaction a = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

	sigaction(SIGALRM, &a, NULL);
}

void patience_limit(struct patience *p)
{
	static const struct itimerspec when = {.it_value.tv_nsec = PATIENCE_NS,
					       .it_interval.tv_nsec = PATIENCE_NS};
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct sigevent to = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM};

	pthread_once(&once, handle_signal);
	to.sigev_notify_thread_id = gettid();
	p->limited = timer_create(CLOCK_MONOTONIC, &to, &p->timer) == 0;
	if (p->limited)
		timer_settime(p->timer, 0, &when, NULL);
}

void patience_restore(struct patience *p)
{
	if (p->limited)
		timer_delete(p->timer);
	p->limited = false;
}

void dispose_here(int fd)
{
	struct patience p;

	patience_limit(&p);
	close(fd);
	patience_restore(&p);
}

/* --- threads ---------------------------------------------------------------------------------------- */

static bool begin(uid_t uid)
{
	unsigned own = 0;
	bool room;

	pthread_mutex_lock(&threads.mutex);
	for (unsigned i = 0; i < threads.n; i++)
		own += threads.of[i] == uid;
	room = threads.n < MAX_THREADS && own < MAX_THREADS / USER_SHARE;
	if (room)
		threads.of[threads.n++] = uid;
	pthread_mutex_unlock(&threads.mutex);
	return room;
}

static void end(uid_t uid)
{
	unsigned i = 0;

	pthread_mutex_lock(&threads.mutex);
	while (threads.of[i] != uid)
		i++;
	threads.of[i] = threads.of[--threads.n];
	pthread_mutex_unlock(&threads.mutex);
}

bool dispose_possible(uid_t uid)
{
	if (!begin(uid))
		return false;
	end(uid);
	return true;
}

static void *close_all(void *arg)
{
	struct load *l = arg;

	for (unsigned i = 0; i < l->n; i++)
		dispose_here(l->fd[i]);
	end(l->uid);
	free(l);
	return NULL;
}

static bool start(struct load *l)
{
	pthread_attr_t attr;
	pthread_t thread;
	bool started;

	if (!begin(l->uid))
		return false;
	if (pthread_attr_init(&attr) != 0) {
		end(l->uid);
		return false;
	}
	pthread_attr_setstacksize(&attr, STACK);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	started = pthread_create(&thread, &attr, close_all, l) == 0;
	pthread_attr_destroy(&attr);
	if (!started)
		end(l->uid);
	return started;
}

void dispose(uid_t uid, const int *fds, unsigned n)
{
	struct load *l = n ? malloc(sizeof(*l) + n * sizeof(int)) : NULL;

	if (l) {
		l->uid = uid;
		l->n = n;
		memcpy(l->fd, fds, n * sizeof(int));
		if (start(l))
			return;
	}
	free(l);
	for (unsigned i = 0; i < n; i++)
		dispose_here(fds[i]);
}
