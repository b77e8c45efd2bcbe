/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policy in the form of the socket hooks. */
#pragma once

#include "conf/conf.h"
#include "libsock-ext/bpf/hooks.h"

/* The rules of the configuration that matter for connections which this host begins, in their order; returns how many. */
unsigned rules_compile(const struct list *rules, struct hooks_rule ret[static HOOKS_RULES]);
