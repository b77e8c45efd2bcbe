/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The filter of the seccomp backend: connect(2) with room for an IPv6 address is told, all else passes. */
#ifndef DMM_RUN_FILTER_H
#define DMM_RUN_FILTER_H

/*
 * Puts the filter on this process and what it starts, and gives the descriptor on which the supervisor
 * listens.  Where the process may not do so otherwise, it gives up gaining rights by execve(2)
 * (no_new_privs).  -EBUSY: there is a supervisor already; -ENOSYS: not on this architecture or kernel.
 */
int filter_install(void);

#endif
