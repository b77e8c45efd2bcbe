/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "library.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../include/dmmsock.h"
#include "../table.h"
#include "debug.h"
#include "reader.h"

struct library library = {.directory = DMM_DIRECTORY};
_Atomic unsigned library_active = LIBRARY_UNREADY;

static const struct {
	const char *name;
	unsigned type;
} type_names[] = {
	{"fixed", DMM_SC_FIXED},
	{"session", DMM_SC_SESSION_LASTING},
	{"graceful", DMM_SC_GRACEFUL_REPLACEMENT},
	{"local", DMM_SC_NON_PERSISTENT},
	/* As RFC 8653 has them. */
	{"session-lasting", DMM_SC_SESSION_LASTING},
	{"graceful-replacement", DMM_SC_GRACEFUL_REPLACEMENT},
	{"non-persistent", DMM_SC_NON_PERSISTENT},
};

unsigned library_type(const char *name)
{
	for (unsigned i = 0; i < sizeof(type_names) / sizeof(type_names[0]); i++)
		if (strcmp(name, type_names[i].name) == 0)
			return type_names[i].type;
	return DMM_SC_UNSPEC;
}

void library_read_policy(void)
{
	const char *name = secure_getenv("DMM_TYPE");
	const char *udp = secure_getenv("DMM_UDP");

	if (!name || !*name)
		return;
	library.policy_type = library_type(name);
	if (library.policy_type == DMM_SC_UNSPEC) {
		DEBUG("DMM_TYPE=%s is not known", name);
		return;
	}
	library.policy_udp = udp && strcmp(udp, "1") == 0;
	/* What is left to the kernel needs no work. */
	if (library.policy_type != DMM_SC_NON_PERSISTENT)
		atomic_fetch_or(&library_active, LIBRARY_POLICY);
}

void library_start(void)
{
	static atomic_flag begun = ATOMIC_FLAG_INIT;
	int saved = errno;
	const char *directory;

	if (atomic_flag_test_and_set(&begun))
		return;
	debug_start();
	real_load();
	directory = secure_getenv("DMM_DIRECTORY");
	if (directory && *directory && strlen(directory) < sizeof(library.directory))
		strcpy(library.directory, directory);
	reader_refresh(true);
	atomic_fetch_and(&library_active, ~LIBRARY_UNREADY);
	errno = saved;
}

uint64_t library_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}
