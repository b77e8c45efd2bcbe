/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Control socket of a peer: a Unix stream socket that takes one command a line, words separated by
 * spaces, and answers each with one line of JSON: {"ok": true, ...} or
 * {"ok": false, "error": "..."}.
 */
#pragma once

#include <jansson.h>
#include <systemd/sd-event.h>

#define CONTROL_MAX_WORDS 16

struct control;

/*
 * Answers one command.  0 with members to merge into the answer in *ret (may stay NULL), or a
 * negative errno; a text in *ret_error (a string constant) replaces the errno's own.
 */
typedef int (*control_handler)(void *user, int argc, char **argv, json_t **ret,
			       const char **ret_error);

/* A stale socket file at path is replaced. */
int control_open(sd_event *event, const char *path, control_handler handler, void *user,
		 struct control **ret);
/* Closes every connection and removes the file.  NULL is fine. */
void control_close(struct control *c);
