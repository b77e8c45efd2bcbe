/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Backend preload: an object that the dynamic linker puts between the command and the C library. */
#ifndef DMM_RUN_PRELOAD_H
#define DMM_RUN_PRELOAD_H

#include "run.h"

/* Changes the environment.  -ENOENT: no object there; -EINVAL: the dynamic linker cannot be given its path. */
int preload_set(const struct run_request *request);

#endif
