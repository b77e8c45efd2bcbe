/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was asked for each socket. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libsock-ext/lib/library.h"
#include "libsock-ext/lib/state.h"

TestSuite(dmmsock_state, .timeout = 30);

Test(dmmsock_state, nothing_at_first)
{
	struct state s = {.type = 3};

	cr_assert_not(library_asked());
	cr_assert_not(state_get(1, &s));
	cr_assert_eq(s.type, 0);
	state_put(0, (struct state){.type = 2}); /* no cookie, no state */
	cr_assert_not(library_asked());
}

Test(dmmsock_state, kept_and_changed)
{
	struct state s;

	state_put(7, (struct state){.type = 4, .flags = 7, .timeout_ms = 60000, .held = 0xffffff});
	cr_assert(library_asked());
	cr_assert(state_get(7, &s));
	cr_assert(s.type == 4 && s.flags == 7 && s.timeout_ms == 60000 && s.held == 0xffffff);
	s.bound = 1;
	s.type = 1;
	state_put(7, s);
	cr_assert(state_get(7, &s));
	cr_assert(s.type == 1 && s.bound && s.flags == 7);
	cr_assert_not(state_get(8, &s));
}

/* The newest are known, whatever comes. */
Test(dmmsock_state, full)
{
	struct state s;

	for (uint64_t cookie = 1; cookie < 20 * STATE_PLACES; cookie++) {
		state_put(cookie, (struct state){.type = cookie % 4 + 1});
		cr_assert(state_get(cookie, &s), "%lu", (unsigned long)cookie);
		cr_assert_eq(s.type, cookie % 4 + 1);
	}
	for (uint64_t cookie = 1; cookie < 20 * STATE_PLACES; cookie++)
		if (state_get(cookie, &s))
			cr_assert_eq(s.type, cookie % 4 + 1);
}

/* Sockets that wait outlive many that were connected. */
Test(dmmsock_state, bound_go_first)
{
	struct state s;

	state_put(1, (struct state){.type = 2});
	for (uint64_t cookie = 2; cookie < 20 * STATE_PLACES; cookie++)
		state_put(cookie, (struct state){.type = 1, .bound = 1});
	cr_assert(state_get(1, &s));
	cr_assert_eq(s.type, 2);
}

Test(dmmsock_state, inherited)
{
	struct state s;
	int status;
	pid_t child;

	state_put(5, (struct state){.type = 2});
	child = fork();
	if (child == 0) {
		bool known = state_get(5, &s) && s.type == 2;

		state_put(5, (struct state){.type = 3});
		_exit(known ? 0 : 1);
	}
	cr_assert(waitpid(child, &status, 0) == child && status == 0);
	cr_assert(state_get(5, &s));
	cr_assert_eq(s.type, 2);
}

static void *put_often(void *first)
{
	struct state s;

	for (uint64_t i = 0; i < 20000; i++) {
		uint64_t cookie = *(uint64_t *)first + 4 * i;

		state_put(cookie, (struct state){.type = cookie % 4 + 1});
		if (state_get(cookie, &s) && s.type != cookie % 4 + 1)
			return first;
	}
	return NULL;
}

/* Several threads that take places from each other never see another's. */
Test(dmmsock_state, threads)
{
	static uint64_t first[4] = {1, 2, 3, 4};
	pthread_t thread[4];
	void *wrong;

	for (unsigned i = 0; i < 4; i++)
		cr_assert(pthread_create(&thread[i], NULL, put_often, &first[i]) == 0);
	for (unsigned i = 0; i < 4; i++) {
		pthread_join(thread[i], &wrong);
		cr_assert_null(wrong);
	}
}
