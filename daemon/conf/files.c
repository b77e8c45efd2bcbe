/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"

int file_read(const char *path, size_t max, char **ret, size_t *ret_len)
{
	/* Not to block on a FIFO that lies there by mistake. */
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	_cleanup_free_ char *text = NULL;
	struct stat st;
	size_t len = 0;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EBADFD;
	text = malloc(max + 1);
	if (!text)
		return -ENOMEM;
	while (len <= max && (n = read(fd, text + len, max + 1 - len)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		len += (size_t)n;
	}
	if (len > max)
		return -EFBIG;
	text[len] = '\0';
	*ret = TAKE_PTR(text);
	*ret_len = len;
	return 0;
}

static int is_dropin(const struct dirent *e)
{
	size_t len = strlen(e->d_name);

	return e->d_name[0] != '.' && len > 5 && strcmp(e->d_name + len - 5, ".conf") == 0;
}

/* Octet by octet: the order must not depend on the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

int dropins_list(const char *directory, char ***ret)
{
	struct dirent **entries;
	int n = scandir(directory, &entries, is_dropin, by_name), done = 0;
	char **paths;

	if (n < 0 && errno != ENOENT)
		return -errno;
	if (n <= 0) {
		if (n == 0)
			free(entries);
		*ret = NULL;
		return 0;
	}
	paths = calloc((size_t)n, sizeof(*paths));
	for (int i = 0; i < n; i++) {
		if (paths && asprintf(&paths[i], "%s/%s", directory, entries[i]->d_name) >= 0)
			done++;
		else if (paths)
			paths[i] = NULL;
		free(entries[i]);
	}
	free(entries);
	if (done < n) {
		dropins_free(paths, paths ? n : 0);
		return -ENOMEM;
	}
	*ret = paths;
	return n;
}

void dropins_free(char **paths, int n)
{
	for (int i = 0; i < n; i++)
		free(paths[i]);
	free(paths);
}
