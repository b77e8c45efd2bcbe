/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command line of the router: options after an --interface are that interface's. */
#pragma once

#include "base/list.h"

struct advertiser;

struct router_options {
	struct list advertisers; /* of struct advertiser */
	const char *control_path, *log_path;
};

/* 0, or a negative errno, reported.  Exits on --help. */
int options_parse(int argc, char **argv, struct router_options *ret);

/* "PREFERENCE,LIFETIME", or NULL for the flag alone: the interface's router is a home agent. */
int home_agent_set(struct advertiser *a, const char *text);
