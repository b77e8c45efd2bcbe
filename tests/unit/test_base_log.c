/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines that may wait: in order, whole, and not lost however the program ends. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

static unsigned asked;
static int out;
static char text[20000];

static void soon(void *user)
{
	(void)user;
	asked++;
}

/* Standard error is a pipe, nothing of which is lost. */
static void setup(void)
{
	int fds[2];

	unsetenv("JOURNAL_STREAM");
	cr_assert(pipe2(fds, O_NONBLOCK | O_CLOEXEC) == 0);
	cr_assert(dup2(fds[1], STDERR_FILENO) >= 0);
	out = fds[0];
	log_init("test", LOG_INFO);
	asked = 0;
}

TestSuite(base_log, .init = setup, .timeout = 20);

static const char *written(void)
{
	ssize_t n = read(out, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

Test(base_log, lines_are_written_at_once)
{
	log_info("one");
	cr_assert_str_eq(written(), "test: one\n");
	log_debug("not wanted");
	cr_assert_str_eq(written(), "");
}

Test(base_log, deferred_lines_wait)
{
	log_defer(soon, NULL);
	log_info("one");
	log_info("two");
	cr_assert(asked == 1, "once for all that wait");
	cr_assert_str_eq(written(), "");
	log_flush();
	cr_assert_str_eq(written(), "test: one\ntest: two\n");
	log_info("three");
	cr_assert(asked == 2);
	log_defer(NULL, NULL);
	log_info("four");
	cr_assert_str_eq(written(), "test: three\ntest: four\n");
}

Test(base_log, warnings_do_not_wait)
{
	log_defer(soon, NULL);
	log_info("one");
	log_warning("two");
	cr_assert_str_eq(written(), "test: one\ntest: warning: two\n");
}

Test(base_log, long_lines_are_cut_and_many_come_through)
{
	char word[2000], line[1100];
	unsigned n = 0;

	memset(word, 'x', sizeof(word));
	word[sizeof(word) - 1] = '\0';
	log_defer(soon, NULL);
	for (unsigned i = 0; i < 10; i++)
		log_info("%s", word);
	log_flush();
	written();
	for (char *at = text; *at; at += strlen(line), n++) {
		cr_assert(sscanf(at, "%1099[^\n]", line) == 1);
		strcat(line, "\n");
		cr_assert(strlen(line) > 1000 && strncmp(line, "test: xxx", 9) == 0);
	}
	cr_assert(n == 10);
}

static void end(int number)
{
	int status;
	pid_t pid = fork();

	cr_assert(pid >= 0);
	if (pid == 0) {
		signal(number, SIG_DFL); /* not the sanitizer's, which would report it */
		log_defer(soon, NULL);
		log_info("last words");
		if (number == SIGABRT)
			abort();
		raise(number);
		_exit(0);
	}
	cr_assert(waitpid(pid, &status, 0) == pid);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == number, "it ends as without us");
	cr_assert(strstr(written(), "test: last words\n"), "%s", text);
}

Test(base_log, what_waits_is_not_lost_with_the_program)
{
	end(SIGABRT);
	end(SIGBUS);
	end(SIGSEGV);
}
