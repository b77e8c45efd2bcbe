/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Control groups by their number, which is the inode number of their directory in the unified hierarchy (cgroups(7)). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "net/internal.h"

#define MAX_DEPTH 32

struct control_group {
	ino_t id;
	char *path;
};

void control_groups_forget(struct control_groups *g)
{
	for (size_t i = 0; i < g->n; i++)
		free(g->group[i].path);
	free(g->group);
	*g = (struct control_groups){0};
}

static int add(struct control_groups *g, ino_t id, const char *path)
{
	struct control_group *p;
	char *copy;

	if (g->n == g->allocated) {
		size_t want = g->allocated ? 2 * g->allocated : 64;

		p = reallocarray(g->group, want, sizeof(*p));
		if (!p)
			return -ENOMEM;
		g->group = p;
		g->allocated = want;
	}
	copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	g->group[g->n++] = (struct control_group){id, copy};
	return 0;
}

/* Takes over fd.  path is that of the directory, of length len, and is given back as it was. */
static int walk(struct control_groups *g, int fd, char *path, size_t len, unsigned depth)
{
	DIR *dir = fdopendir(fd);
	const struct dirent *e;
	int child, more, r = 0;

	if (!dir) {
		r = -errno;
		close(fd);
		return r;
	}
	while (r == 0 && (e = readdir(dir))) {
		if (e->d_type != DT_DIR || strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0)
			continue;
		more = snprintf(path + len, PATH_MAX - len, "/%s", e->d_name);
		if (more < 0 || (size_t)more >= PATH_MAX - len)
			continue;
		r = add(g, e->d_ino, path);
		child = r == 0 && depth < MAX_DEPTH
				? openat(fd, e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
				: -1;
		if (child >= 0)
			r = walk(g, child, path, len + (size_t)more, depth + 1);
	}
	path[len] = '\0';
	closedir(dir);
	return r;
}

static int open_root(void)
{
	static const char *const places[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
	struct statfs fs;

	for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (statfs(places[i], &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC)
			return open(places[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	return -1;
}

static void read_all(struct control_groups *g)
{
	char path[PATH_MAX] = "/";
	struct stat st;
	int fd = open_root();

	g->known = true;
	if (fd < 0)
		return;
	if (fstat(fd, &st) < 0 || add(g, st.st_ino, path) < 0) {
		close(fd);
		return;
	}
	path[0] = '\0';
	if (walk(g, fd, path, 0, 0) < 0)
		log_debug("not all control groups are known");
}

void control_group_path(struct control_groups *g, uint64_t id, char *ret, size_t cap)
{
	if (id == 0)
		return;
	if (!g->known)
		read_all(g);
	for (size_t i = 0; i < g->n; i++) {
		if (g->group[i].id == (ino_t)id)
			snprintf(ret, cap, "%s", g->group[i].path);
	}
}
