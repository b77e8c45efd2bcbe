/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands of the router's control socket.  IF narrows a command to one interface.
 *
 *   advertise [IF]             send to all nodes now
 *   vanish [IF]                say nothing and answer nothing from now on
 *   return [IF]                the opposite, and advertise
 *   lifetime SECONDS [IF]      router lifetime, and advertise
 *   deprecate PREFIX           preferred lifetime 0, and advertise
 *   prefix PREFIX VALID PREFERRED   change lifetimes, and advertise
 *   options IF [HEX...]        other options than until now behind the usual ones, and advertise
 *   home-agent IF off|on|PREFERENCE,LIFETIME   H flag and home agent information, and advertise
 *   counters                   solicitations heard, advertisements sent
 */
#pragma once

#include <jansson.h>

/* A control_handler; user is the struct router_options. */
int commands_run(void *user, int argc, char **argv, json_t **ret, const char **ret_error);
