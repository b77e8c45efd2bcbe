/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Backend preload: an object that the dynamic linker puts between the command and the C library. */
#ifndef DMM_RUN_PRELOAD_H
#define DMM_RUN_PRELOAD_H

#include <limits.h>

#include "run.h"

/*
 * Changes the environment.  *object is where the object should be.  -EINVAL: the dynamic linker cannot be given that path;
 * other errors: the object cannot be read.
 */
int preload_set(const struct run_request *request, char object[PATH_MAX]);

#endif
