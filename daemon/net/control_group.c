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

static int read_all(struct control_groups *g)
{
	char path[PATH_MAX] = "/";
	struct stat st;
	int fd = open_root(), r;

	g->known = true;
	if (fd < 0)
		return -ENOENT;
	r = fstat(fd, &st) < 0 ? -errno : add(g, st.st_ino, path);
	if (r < 0) {
		close(fd);
		return r;
	}
	path[0] = '\0';
	return walk(g, fd, path, 0, 0);
}

void control_group_path(struct control_groups *g, uint64_t id, char *ret, size_t cap)
{
	if (id == 0)
		return;
	if (!g->known && read_all(g) < 0)
		log_debug("not all control groups are known");
	for (size_t i = 0; i < g->n; i++) {
		if (g->group[i].id == (ino_t)id)
			snprintf(ret, cap, "%s", g->group[i].path);
	}
}

int net_list_control_groups(uint64_t **ret, size_t *ret_n)
{
	struct control_groups g = {0};
	uint64_t *ids;
	int r = read_all(&g);

	ids = r < 0 ? NULL : calloc(g.n + 1, sizeof(*ids));
	if (r == 0 && !ids)
		r = -ENOMEM;
	if (r == 0) {
		for (size_t i = 0; i < g.n; i++)
			ids[i] = g.group[i].id;
		*ret = ids;
		*ret_n = g.n;
	}
	control_groups_forget(&g);
	return r;
}

/* --- of a process ---------------------------------------------------------------------------------- */

static bool belongs_to(const struct stat *st, uid_t uid)
{
	return uid == 0 || st->st_uid == uid;
}

/* Below the root; a process of another cgroup namespace may be above what we see. */
static int check_path(int root, const char *path, uid_t uid, uint64_t *ret)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (!path[1])
		return -EPERM;
	if (strstr(path, "/.."))
		return -ENOENT;
	fd = openat(root, path + 1, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!belongs_to(&st, uid))
		return -EPERM;
	*ret = st.st_ino;
	return 0;
}

static bool has_process(int root, const char *path, pid_t pid)
{
	char name[PATH_MAX];
	int fd, found, n;
	FILE *f;

	n = snprintf(name, sizeof(name), "%s/cgroup.procs", path + 1);
	fd = n < 0 || n >= (int)sizeof(name) ? -1 : openat(root, name, O_RDONLY | O_CLOEXEC);
	f = fd < 0 ? NULL : fdopen(fd, "r");
	if (!f) {
		cleanup_close(&fd);
		return false;
	}
	while ((n = fscanf(f, "%d", &found)) == 1 && found != pid)
		;
	fclose(f);
	return n == 1;
}

/* Where the processes of others are hidden, their groups are not: among those of that user. */
static int search(int root, pid_t pid, uid_t uid, uint64_t *ret)
{
	struct control_groups g = {0};
	int r = read_all(&g);

	for (size_t i = 1; r >= 0 && i < g.n; i++) {
		uint64_t id;

		if (check_path(root, g.group[i].path, uid, &id) == 0 &&
		    has_process(root, g.group[i].path, pid)) {
			*ret = id;
			control_groups_forget(&g);
			return 0;
		}
	}
	control_groups_forget(&g);
	return r < 0 ? r : -EPERM;
}

int net_control_group_of(pid_t pid, uid_t uid, uint64_t *ret)
{
	_cleanup_close_ int root = open_root();
	char path[PATH_MAX] = "";

	if (root < 0)
		return -EOPNOTSUPP;
	read_control_group(pid, path, sizeof(path));
	return path[0] ? check_path(root, path, uid, ret) : search(root, pid, uid, ret);
}
