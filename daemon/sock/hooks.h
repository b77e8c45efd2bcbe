/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What hooks.c and groups.c share: the maps that dmmd-hooks(8) has pinned (libsock-ext/bpf/hooks.h). */
#pragma once

#include "libsock-ext/bpf/hooks.h"
#include "net/plane_ring.h"
#include "sock/internal.h"

enum hooks_map {
	MAP_NAMESPACES,
	MAP_RULES,
	MAP_ALLOWED,
	MAP_GROUPS,
	MAP_HELD,
	MAP_WANTED,
	MAP_COUNTERS,
	MAP_MAX,
};

/* A control group that was asked for. */
struct group {
	uint64_t id;
	uid_t uid; /* who asked; an earlier run's: nobody */
};

struct hooks {
	struct sock *sock;
	int map[MAP_MAX];
	struct ring ring;
	sd_event_source *wanted, *hourly;
	unsigned cpus;
	uint32_t first;             /* of our part of "rules", two halves */
	struct hooks_namespace now; /* as written */
	bool written, rules_written;
	struct complaint unwritten;
	struct hooks_rule rules[HOOKS_RULES];
	unsigned n_rules;
	uid_t acquirers[4 * CONF_MAX_PERMITTED];
	unsigned n_acquirers;
	struct group *group;
	unsigned n_groups, groups_allocated;
	usec_t prepared_at;
};

/* What an earlier run has left. */
int groups_load(struct hooks *h);
/* Forget those that are gone. */
void groups_prune(struct hooks *h);
/* Bits 1 << enum service_type of what they ask for. */
unsigned groups_types(const struct hooks *h);
