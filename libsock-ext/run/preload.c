/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "preload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OBJECT "libdmmsock-preload.so"
#define SEPARATORS " :"

/* DMM_PRELOAD, else beside this program (not installed), else in the directory of this installation. */
static int find_object(char path[PATH_MAX])
{
	const char *given = secure_getenv("DMM_PRELOAD");
	ssize_t n;

	path[0] = '\0';
	if (given && given[0]) {
		if (strlen(given) >= PATH_MAX)
			return -ENAMETOOLONG;
		strcpy(path, given);
	} else {
		n = readlink("/proc/self/exe", path, PATH_MAX - sizeof(OBJECT));
		path[n > 0 ? n : 0] = '\0';
		strcpy(strrchr(path, '/') ? strrchr(path, '/') + 1 : path, OBJECT);
		if (path[0] != '/' || access(path, R_OK) < 0)
			strcpy(path, DMM_PRIVATE_DIR "/" OBJECT);
	}
	if (access(path, R_OK) < 0)
		return -errno;
	return strpbrk(path, SEPARATORS) ? -EINVAL : 0;
}

static bool has_word(const char *list, const char *word)
{
	for (size_t n; *list; list += n + (list[n] != '\0')) {
		n = strcspn(list, SEPARATORS);
		if (n == strlen(word) && strncmp(list, word, n) == 0)
			return true;
	}
	return false;
}

/* Behind what is there: an object that redirects connections sees the destination first. */
static int add_object(const char *path)
{
	const char *before = getenv("LD_PRELOAD");
	char *list;
	int r;

	if (!before || !before[0])
		return setenv("LD_PRELOAD", path, 1) < 0 ? -errno : 0;
	if (has_word(before, path))
		return 0;
	if (asprintf(&list, "%s:%s", before, path) < 0)
		return -ENOMEM;
	r = setenv("LD_PRELOAD", list, 1) < 0 ? -errno : 0;
	free(list);
	return r;
}

int preload_set(const struct run_request *request, char object[PATH_MAX])
{
	int r = find_object(object);

	if (r < 0)
		return r;
	if (setenv("DMM_TYPE", run_type_name(request->type), 1) < 0 ||
	    (request->udp && setenv("DMM_UDP", "1", 1) < 0))
		return -errno;
	return add_object(object);
}
