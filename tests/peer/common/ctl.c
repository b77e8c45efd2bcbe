/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer-ctl SOCKET WORD...
 *
 * Sends one command to the control socket of a peer and prints the answer.  Leaves 0 when the
 * answer says "ok", 1 when it does not, 2 when there is no answer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int connect_to(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(a.sun_path)) {
		fprintf(stderr, "peer-ctl: %s: path too long\n", path);
		return -1;
	}
	strcpy(a.sun_path, path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
		perror(path);
		return -1;
	}
	return fd;
}

int main(int argc, char **argv)
{
	char *line = NULL;
	size_t size = 0;
	FILE *f;
	int fd;

	if (argc < 3) {
		fprintf(stderr, "usage: peer-ctl SOCKET WORD...\n");
		return 2;
	}
	fd = connect_to(argv[1]);
	if (fd < 0)
		return 2;
	f = fdopen(fd, "r+");
	if (!f)
		return 2;
	for (int i = 2; i < argc; i++)
		fprintf(f, "%s%c", argv[i], i + 1 < argc ? ' ' : '\n');
	fflush(f);
	if (getline(&line, &size, f) <= 0) {
		fprintf(stderr, "peer-ctl: %s: no answer\n", argv[1]);
		return 2;
	}
	fputs(line, stdout);
	return strstr(line, "\"ok\":true") ? 0 : 1;
}
