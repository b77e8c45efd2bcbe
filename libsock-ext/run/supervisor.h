/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Backend seccomp: a parent that the kernel asks before each connect(2) of the command. */
#ifndef DMM_RUN_SUPERVISOR_H
#define DMM_RUN_SUPERVISOR_H

#include "run.h"

/*
 * Starts the command and stays until it ends: its exit status, or it ends this process by the signal that ended the
 * command.  Processes that the command leaves behind are supervised by another process from then on.  A negative errno:
 * nothing was started.
 */
int supervisor_run(const struct run_request *request);

#endif
