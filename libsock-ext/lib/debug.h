/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* DMM_DEBUG=1 or DMM_DEBUG=/FILE: one line for each decision, on standard error or at the end of the file. */
#ifndef DMM_DEBUG_H
#define DMM_DEBUG_H

#include <netinet/in.h>
#include <stdbool.h>

extern bool debug_on;

void debug_start(void);
void debug_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
const char *debug_type(unsigned type);

/* Text of an address that lives to the end of the statement. */
struct debug_text {
	char s[INET6_ADDRSTRLEN];
};
struct debug_text debug_address(const struct in6_addr *address);

#define DEBUG(...) \
	do { \
		if (__builtin_expect(debug_on, 0)) \
			debug_line(__VA_ARGS__); \
	} while (0)

#endif
