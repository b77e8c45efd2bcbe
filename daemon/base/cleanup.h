/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scope-bound release of resources and transfer of ownership. */
#pragma once

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

static inline void cleanup_close(int *fd)
{
	close_fd(*fd);
}

#define _cleanup_free_ _cleanup_(cleanup_free)
#define _cleanup_close_ _cleanup_(cleanup_close)

/* Hand over what a cleanup variable holds; the variable is left empty. */
#define TAKE_PTR(p) \
	({ \
		typeof(p) _t = (p); \
		(p) = NULL; \
		_t; \
	})
#define TAKE_FD(fd) \
	({ \
		int _t = (fd); \
		(fd) = -1; \
		_t; \
	})

#define DEFINE_CLEANUP(type, func) \
	static inline void func##_cleanup(type *p) \
	{ \
		if (*p) \
			func(*p); \
	}
