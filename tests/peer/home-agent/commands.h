/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands of the home agent's control socket.
 *
 *   dump                               the binding cache
 *   counters                           what was received, sent and refused
 *   status N [COUNT]                   answer the next COUNT updates with N; 128 and above bind
 * nothing silent on|off                      hear and forward nothing drop N ignore the next N
 * binding updates forget HOA                         lose a binding, tell nobody ba-mutate MODE
 * [MS] [COUNT]        spoil the next COUNT acknowledgements (MS: only "delayed") switch HOA
 * A[,B...]|none [advice S] [via tunnel] send a home agent switch error STATUS HOA [COA] send a
 * binding error refresh HOA                        send a binding refresh request agents A[,B...]
 * the answer to discovery requests from now on
 */
#pragma once

#include <jansson.h>

/* A control_handler; user is the struct agent. */
int commands_run(void *user, int argc, char **argv, json_t **ret, const char **ret_error);
