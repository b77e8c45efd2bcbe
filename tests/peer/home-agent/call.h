/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One command of the control socket on its way: what it was given and what it gives. */
#pragma once

#include <jansson.h>

struct agent;
struct binding;

struct call {
	struct agent *a;
	int argc;
	char **argv;
	json_t **ret;
	const char **error;
};

/* -EINVAL, with a text (a string constant) for whoever asked. */
int call_usage(struct call *c, const char *text);
/* The number at argv[i], or `otherwise` where the command is shorter: 0 or -EINVAL. */
int call_number(const struct call *c, int i, unsigned max, unsigned otherwise, unsigned *ret);
/* The binding in use of a home address: 0, -EINVAL or -ENOENT. */
int call_binding(struct call *c, const char *home, struct binding **ret);

/* Commands that send something, see commands_send.c. */
int call_switch(struct call *c);
int call_revoke(struct call *c);
int call_error(struct call *c);
int call_refresh(struct call *c);
int call_advertise(struct call *c);
