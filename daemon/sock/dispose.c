/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Closing of descriptors that came from a stranger.
 *
 * A file on a file system that its sender serves, or a stream that lingers, can make close(2) wait for as long as the sender
 * likes.  A thread that does nothing else waits instead.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sock/internal.h"

#define MAX_THREADS 4
#define STACK (64 * 1024)

struct load {
	unsigned n;
	int fd[];
};

static atomic_uint threads;

static void *close_all(void *arg)
{
	struct load *l = arg;

	for (unsigned i = 0; i < l->n; i++)
		close(l->fd[i]);
	free(l);
	atomic_fetch_sub(&threads, 1);
	return NULL;
}

bool dispose_possible(void)
{
	return atomic_load(&threads) < MAX_THREADS;
}

void dispose(const int *fds, unsigned n)
{
	struct load *l = n ? malloc(sizeof(*l) + n * sizeof(int)) : NULL;
	pthread_attr_t attr;
	pthread_t thread;
	int r = -1;

	if (l && pthread_attr_init(&attr) == 0) {
		l->n = n;
		memcpy(l->fd, fds, n * sizeof(int));
		pthread_attr_setstacksize(&attr, STACK);
		pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
		atomic_fetch_add(&threads, 1);
		r = pthread_create(&thread, &attr, close_all, l);
		pthread_attr_destroy(&attr);
		if (r != 0)
			atomic_fetch_sub(&threads, 1);
	}
	if (r == 0)
		return;
	free(l);
	for (unsigned i = 0; i < n; i++)
		close(fds[i]);
}
