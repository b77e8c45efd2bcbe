/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Backend bpf: the kernel's hooks decide for everything in the control group. */
#ifndef DMM_RUN_HOOKS_H
#define DMM_RUN_HOOKS_H

#include "run.h"

/*
 * This process, and all that it becomes and starts, is decided for by the hooks.  On failure nothing has
 * changed; *reason is what to tell the user.
 */
int hooks_enter(const struct run_request *request, const char **reason);

#endif
