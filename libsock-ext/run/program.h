/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What kind of program a command starts: who can reach its sockets. */
#ifndef DMM_RUN_PROGRAM_H
#define DMM_RUN_PROGRAM_H

#include <limits.h>
#include <stdbool.h>

#define PROGRAM_MAX_INTERPRETERS 4 /* as the kernel: scripts of scripts */

enum program_kind {
	PROGRAM_DYNAMIC, /* the dynamic linker runs first; also what cannot be read or is of no known kind */
	PROGRAM_STATIC,
	PROGRAM_FOREIGN, /* for another architecture, or for this one's 32 bits */
};

struct program {
	char path[PATH_MAX]; /* what is executed in the end: the interpreter of a script */
	enum program_kind kind;
	bool privileged; /* gains rights when executed: the dynamic linker ignores LD_PRELOAD */
};

/* Finds `name` as execvp(3) does and looks at it.  -ENOENT, -EACCES: there is no such program. */
int program_examine(const char *name, struct program *program);

#endif
