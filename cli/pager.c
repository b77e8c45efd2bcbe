/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl.h"

static pid_t pager;

static const char *program(void)
{
	const char *p = getenv("DMMCTL_PAGER");

	if (!p)
		p = getenv("PAGER");
	return p ? p : "less";
}

void pager_open(const struct ctl *c)
{
	const char *command = program();
	int fds[2];

	if (c->no_pager || !output_terminal() || !*command || strcmp(command, "cat") == 0 ||
	    pipe(fds) < 0)
		return;
	fflush(stdout);
	pager = fork();
	if (pager == 0) {
		dup2(fds[0], STDIN_FILENO);
		close(fds[0]);
		close(fds[1]);
		/* Leave at once if it fits, keep colours; no shell for whoever runs us by sudo. */
		setenv("LESS", "FRSX", 0);
		setenv("LESSSECURE", "1", 1);
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(127);
	}
	if (pager > 0)
		dup2(fds[1], STDOUT_FILENO);
	close(fds[0]);
	close(fds[1]);
}

void pager_close(void)
{
	if (pager <= 0)
		return;
	/* The pager sees the end when the last writer is gone. */
	fflush(stdout);
	close(STDOUT_FILENO);
	while (waitpid(pager, NULL, 0) < 0 && errno == EINTR)
		;
	pager = 0;
}
