/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command line of the home agent. */
#pragma once

#include <netinet/in.h>

struct agent_config;

/* Fill in the configuration: 0, or a negative errno, reported.  Exits on --help. */
int options_parse(int argc, char **argv, struct agent_config *ret);
void options_free(struct agent_config *c);

/* "A,B,C": 0, -EINVAL or -E2BIG; outputs are left alone on failure. */
int addr_list_parse(const char *text, struct in6_addr *ret, unsigned max, unsigned *ret_n);
