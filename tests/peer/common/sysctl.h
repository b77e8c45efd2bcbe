/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings under /proc/sys that a peer changes for its time and puts back. */
#pragma once

#define SYSCTL_MAX_CHANGES 8

struct sysctl_change {
	char path[128];
	char old[32];
};

struct sysctl_changes {
	unsigned n;
	struct sysctl_change change[SYSCTL_MAX_CHANGES];
};

/* Write value below /proc/sys/net/ipv6 and note the old one: 0 or -errno. */
int sysctl_set(struct sysctl_changes *c, const char *value, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Put everything back, last change first. */
void sysctl_restore(struct sysctl_changes *c);
