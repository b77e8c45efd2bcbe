/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The socket options of dmmsock.h as the programs for the kernel see them: those can include nothing of the C library.
 * dmmd-hooks is not built when the two differ.
 *
 * A value of an option has no alignment to the verifier, which refuses whole words of it on machines that cannot load
 * them from anywhere: hence packed.
 */
#ifndef DMM_HOOKS_OPTION_H
#define DMM_HOOKS_OPTION_H

#include <linux/types.h>

#define HOOKS_OPTION_SERVICE 0x444D
#define HOOKS_OPTION_STATUS 0x444E

enum hooks_type {
	HOOKS_UNSPEC,
	HOOKS_FIXED,
	HOOKS_SESSION_LASTING,
	HOOKS_NON_PERSISTENT,
	HOOKS_GRACEFUL_REPLACEMENT,
};

#define HOOKS_F_REQUIRE 1u
#define HOOKS_F_NEW 4u
#define HOOKS_FLAGS 7u

#define HOOKS_S_DRAINING 1u

struct hooks_word {
	__u32 value;
} __attribute__((packed));

struct hooks_service {
	__u32 type, flags, timeout_ms, reserved;
} __attribute__((packed));

struct hooks_status {
	__u32 requested, effective, flags, ifindex;
	__u32 address[4];
	__u64 generation;
} __attribute__((packed));

#endif
