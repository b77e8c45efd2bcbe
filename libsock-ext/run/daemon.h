/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The question to dmmd that only dmm-run asks; for addresses it has the library (../lib/client.h). */
#ifndef DMM_RUN_DAEMON_H
#define DMM_RUN_DAEMON_H

#include <stdbool.h>

#include "../include/dmmsock.h"

/* Connects; -ECONNREFUSED or -ENOENT: dmmd does not run.  The caller closes the descriptor. */
int daemon_open(void);

/* The control group that this process is in gets `type`.  -EOPNOTSUPP: the kernel has no hooks. */
int daemon_control_group(int fd, enum dmm_service_type type, bool udp);

#endif
