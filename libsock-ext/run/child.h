/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command as a child of the supervisor, which is to be seen by nobody: signals and exit status pass through. */
#ifndef DMM_RUN_CHILD_H
#define DMM_RUN_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

struct child {
	pid_t pid;
	int signals; /* signalfd(2): readable when child_signal() has something to do */
	int status;  /* of wait(2), when it has ended */
};

/*
 * Starts the command under the filter; *listener is the supervisor's end, to be closed by the caller.
 * This process keeps no other descriptor open, except standard error if asked.  A negative errno: the
 * filter could not be put on, nothing runs.
 */
int child_start(struct child *child, char *const *command, bool keep_error, int *listener);

/* Passes a signal on, or takes note of the end of the command: true then. */
bool child_signal(struct child *child);

/* The exit status to return; does not return if the command was ended by a signal. */
int child_status(int status);

#endif
