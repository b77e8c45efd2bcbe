/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Event log of a peer: one JSON object a line, {"t_us": CLOCK_MONOTONIC, "event": NAME, ...}. */
#pragma once

#include <jansson.h>
#include <netinet/in.h>
#include <stdbool.h>

/* Without a path (NULL) events are not written. */
int event_log_open(const char *path);
void event_log_close(void);

/*
 * Further members as in json_pack(): event_log("bound", "{s:s}", "home", text); fmt may be NULL.  When nobody reads, nothing
 * is made.
 */
#define event_log(...) (event_log_is_open() ? event_log_write(__VA_ARGS__) : (void)0)
bool event_log_is_open(void);
void event_log_write(const char *name, const char *fmt, ...);

/* An address as a JSON string. */
json_t *json_addr(const struct in6_addr *a);
