/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of dmm-run share.  Functions return 0 or more, or a negative errno. */
#ifndef DMM_RUN_H
#define DMM_RUN_H

#include <stdbool.h>
#include <stddef.h>

#include "../include/dmmsock.h"

/* Exit statuses as env(1) has them. */
#define RUN_FAILED 125
#define RUN_CANNOT_EXECUTE 126
#define RUN_NOT_FOUND 127

enum run_backend {
	RUN_AUTO,
	RUN_BPF,
	RUN_PRELOAD,
	RUN_SECCOMP,
};

struct run_request {
	enum dmm_service_type type;
	enum run_backend backend;
	bool udp; /* datagram sockets as well */
	bool verbose;
	const char *debug; /* NULL: no; "": to standard error; else a file */
	char **command;    /* ends with NULL */
};

/* As option values and in DMM_TYPE; NULL if it is no type for a command. */
const char *run_type_name(enum dmm_service_type type);

/* A line on standard error, "dmm-run: ...". */
__attribute__((format(printf, 1, 2))) void run_say(const char *format, ...);

/* Becomes the command.  Returns an exit status, and has said why, if it cannot. */
int run_execute(char *const *command);

#endif
