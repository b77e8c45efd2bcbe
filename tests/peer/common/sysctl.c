/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

static int write_value(const char *path, const char *value)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		return -errno;
	return 0;
}

static int read_value(const char *path, char *ret, size_t size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, ret, size - 1);

	if (n < 0)
		return -errno;
	ret[n] = '\0';
	return 0;
}

int sysctl_set(struct sysctl_changes *c, const char *value, const char *fmt, ...)
{
	struct sysctl_change *new = &c->change[c->n];
	char name[96];
	va_list ap;
	int r;

	if (c->n == SYSCTL_MAX_CHANGES)
		return -ENOSPC;
	va_start(ap, fmt);
	vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	snprintf(new->path, sizeof(new->path), "/proc/sys/net/ipv6/%s", name);
	r = read_value(new->path, new->old, sizeof(new->old));
	if (r < 0)
		return r;
	/* Writing forwarding has effects even where the value stays. */
	if (strncmp(new->old, value, strlen(value)) == 0 && new->old[strlen(value)] == '\n')
		return 0;
	r = write_value(new->path, value);
	if (r >= 0)
		c->n++;
	return r;
}

void sysctl_restore(struct sysctl_changes *c)
{
	while (c->n > 0) {
		struct sysctl_change *change = &c->change[--c->n];
		int r = write_value(change->path, change->old);

		if (r < 0)
			log_errno(r, "%s: cannot put back", change->path);
	}
}
