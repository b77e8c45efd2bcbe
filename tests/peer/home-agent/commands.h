/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands of the home agent's control socket.  Those that look:
 *
 *   dump                   the binding cache
 *   counters               what was received, sent and refused
 *   revocation             the newest acknowledgement of a revocation
 *
 * that make it misbehave:
 *
 *   status N [COUNT]       answer the next COUNT updates with N; 128 and above bind nothing
 *   silent on|off          hear and forward nothing
 *   crash                  the same, and lose all bindings; nobody defends an address any more
 *   revive                 work again after a crash
 *   data on|off            off: the tunnel carries nothing, signalling lives
 *   drop N                 ignore the next N binding updates
 *   icmp TYPE CODE [COUNT [WORD]]   answer the next COUNT updates with that ICMPv6 error
 *   forget HOA             lose a binding, tell nobody
 *   ba-mutate MODE [MS] [COUNT]     spoil the next COUNT acknowledgements (MS: only "delayed")
 *   agents A[,B...]        the answer to discovery requests from now on
 *   lifetimes VALID PREFERRED       of the home prefixes in mobile prefix advertisements
 *
 * and that make it send:
 *
 *   switch HOA A[,B...]|none [advice S] [HOW...]    home agent switch, until the binding goes
 *   revoke HOA [trigger N] [flags N] [HOW...]       binding revocation, repeated once
 *   error STATUS HOA [COA]                          binding error
 *   refresh HOA                                     binding refresh request
 *   advertise HOA [forged FAULT]                    mobile prefix advertisement, unasked
 *
 * HOW: "via tunnel", "once" (never repeated), "forged FAULT" (spoilt in this way, and no effect is
 * expected: bad-auth, no-auth, wrong-spi, bad-checksum, wrong-hoa, no-rh2, truncated, oversized).
 */
#pragma once

#include <jansson.h>

/* A control_handler; user is the struct agent. */
int commands_run(void *user, int argc, char **argv, json_t **ret, const char **ret_error);
