/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/peer/common - what the test peers share.
 *
 *   peer.h     event loop with clean stop, clock, numbers from the command line
 *   control.h  control socket: line commands in, one JSON line out
 *   event.h    event log: one JSON line per event
 *   netlink.h  addresses, routes, proxy neighbours and links, by rtnetlink
 *   sysctl.h   kernel settings, put back at the end
 *   ctl.c      the program that speaks to a control socket from a shell
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/usec.h"

/* CLOCK_MONOTONIC: the time of every log and summary of the peers. */
usec_t peer_now(void);
/* Microseconds since 1970. */
usec_t peer_now_real(void);

/* A loop that ends with code 0 on SIGTERM or SIGINT. */
int peer_loop_new(sd_event **ret);
/* The same, but a signal calls stop() and the loop goes on until sd_event_exit(). */
int peer_loop_new_stoppable(int (*stop)(void *user), void *user, sd_event **ret);

/* (Re)arm a one-shot CLOCK_MONOTONIC timer; *timer may be NULL and is then made. */
int peer_timer_set(sd_event *event, sd_event_source **timer, usec_t when, sd_event_time_handler_t f,
		   void *user);
void peer_timer_stop(sd_event_source *timer);

/* A decimal number in min..max: 0 or -EINVAL. */
int peer_parse_number(const char *s, uint64_t min, uint64_t max, uint64_t *ret);
int peer_parse_unsigned(const char *s, unsigned min, unsigned max, unsigned *ret);

/* Largest packet any peer reads or writes. */
#define PEER_PACKET_MAX 65536
/* Room in socket buffers: bursts of a busy machine must not look like losses of the network. */
#define PEER_SOCKET_BUFFER (8 << 20)
void peer_socket_buffers(int fd);
