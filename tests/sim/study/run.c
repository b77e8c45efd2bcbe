/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The nodes of a run, each worker every so-manieth of them; what they add up to does not depend on the number of workers. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "study.h"

const char *const mode_names[MODE_MAX] = {"distributed", "centralised", "none"};
const char *const movement_names[MOVEMENT_MAX] = {"waypoint", "streets"};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void work(const struct setup *s, unsigned first, unsigned step, struct tally *t)
{
	for (unsigned i = first; i < s->nodes; i += step)
		node_live(s, i, t);
}

static pid_t start_worker(const struct setup *s, unsigned number, unsigned workers, struct tally *t)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid)
		return pid;
	work(s, number, workers, t);
	_exit(0);
}

static void add(struct tally *sum, const struct tally *t)
{
	uint64_t *to = (uint64_t *)sum;
	const uint64_t *from = (const uint64_t *)t;

	for (size_t i = 0; i < offsetof(struct tally, most_bindings) / sizeof(*to); i++)
		to[i] += from[i];
	if (t->most_bindings > sum->most_bindings)
		sum->most_bindings = t->most_bindings;
	for (unsigned k = 0; k < MAX_SAMPLES; k++)
		for (unsigned a = 0; a < ANCHORS; a++)
			sum->at[k][a] += t->at[k][a];
}

void run(const struct setup *s, unsigned workers, struct tally *ret)
{
	size_t size = workers * sizeof(struct tally);
	struct tally *t =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid[MAX_WORKERS];
	int status;

	if (t == MAP_FAILED)
		die("mmap");
	fflush(NULL);
	for (unsigned i = 0; i < workers; i++)
		pid[i] = start_worker(s, i, workers, &t[i]);
	memset(ret, 0, sizeof(*ret));
	for (unsigned i = 0; i < workers; i++) {
		if (waitpid(pid[i], &status, 0) < 0)
			die("waitpid");
		if (!WIFEXITED(status) || WEXITSTATUS(status)) {
			fprintf(stderr, "study: worker %u of %s, %s has failed\n", i,
				mode_names[s->mode], movement_names[s->movement]);
			exit(1);
		}
		add(ret, &t[i]);
	}
	munmap(t, size);
}

unsigned samples_of(const struct setup *s)
{
	usec_t n = s->duration / SAMPLE_INTERVAL;

	return n < MAX_SAMPLES ? (unsigned)n : MAX_SAMPLES;
}
