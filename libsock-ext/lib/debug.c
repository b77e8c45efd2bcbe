/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "debug.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../include/dmmsock.h"

#define LINE_MAX_OCTETS 256

bool debug_on;
static char file[4096];

void debug_start(void)
{
	const char *where = secure_getenv("DMM_DEBUG"); /* NULL in a privileged program */

	if (!where || !*where || strcmp(where, "0") == 0)
		return;
	if (*where == '/') {
		if (strlen(where) >= sizeof(file))
			return;
		strcpy(file, where);
	}
	debug_on = true;
}

/* The file is opened for each line: a descriptor kept open would be in the application's way. */
void debug_line(const char *format, ...)
{
	int saved = errno, fd = STDERR_FILENO, n;
	char line[LINE_MAX_OCTETS];
	va_list args;

	n = snprintf(line, sizeof(line), "dmmsock[%d]: ", (int)getpid());
	va_start(args, format);
	n += vsnprintf(line + n, sizeof(line) - (size_t)n - 1, format, args);
	va_end(args);
	if (n > (int)sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	line[n++] = '\n';
	if (*file)
		fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
			  0600);
	if (fd >= 0) {
		ssize_t written = write(fd, line, (size_t)n);

		(void)written; /* nobody to tell */
		if (*file)
			close(fd);
	}
	errno = saved;
}

const char *debug_type(unsigned type)
{
	static const char *const names[] = {
		[DMM_SC_UNSPEC] = "unspecified",
		[DMM_SC_FIXED] = "fixed",
		[DMM_SC_SESSION_LASTING] = "session-lasting",
		[DMM_SC_NON_PERSISTENT] = "non-persistent",
		[DMM_SC_GRACEFUL_REPLACEMENT] = "graceful-replacement",
	};

	return type < sizeof(names) / sizeof(names[0]) ? names[type] : "unknown";
}

struct debug_text debug_address(const struct in6_addr *address)
{
	struct debug_text text = {""};

	inet_ntop(AF_INET6, address, text.s, sizeof(text.s));
	return text;
}
