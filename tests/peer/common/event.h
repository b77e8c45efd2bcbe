/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Event log of a peer: one JSON object a line, {"t_us": CLOCK_MONOTONIC, "event": NAME, ...}. */
#pragma once

#include <jansson.h>
#include <netinet/in.h>

/* Without a path (NULL) events are not written. */
int event_log_open(const char *path);
void event_log_close(void);

/* Further members as in json_pack(): event_log("bound", "{s:s}", "home", text); fmt may be NULL. */
void event_log(const char *name, const char *fmt, ...);

/* An address as a JSON string. */
json_t *json_addr(const struct in6_addr *a);
