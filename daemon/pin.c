/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pin.h"

#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <linux/magic.h>

#include <bpf/bpf.h>

#include "base/cleanup.h"
#include "base/log.h"

#define PATH_SIZE 256

int pin_path(const char *dir, const char *name, char *ret, size_t size)
{
	return snprintf(ret, size, "%s/%s", dir, name) < (int)size ? 0 : -ENAMETOOLONG;
}

int pin_open(const char *dir, const char *name)
{
	char path[PATH_SIZE];
	int r = pin_path(dir, name, path, sizeof(path));

	if (r < 0)
		return r;
	r = bpf_obj_get(path);
	return r < 0 ? -errno : r;
}

int pin_unlink(const char *dir, const char *name)
{
	char path[PATH_SIZE];
	int r = pin_path(dir, name, path, sizeof(path));

	return r < 0 ? r : unlink(path) < 0 ? -errno : 0;
}

int pin_give(const char *path, gid_t gid)
{
	if (gid == PIN_NO_GROUP)
		return 0;
	return chown(path, (uid_t)-1, gid) < 0 || chmod(path, 0660) < 0 ? -errno : 0;
}

int pin_map(const char *dir, struct bpf_map *map, gid_t gid)
{
	char path[PATH_SIZE];
	int r;

	if ((r = pin_path(dir, bpf_map__name(map), path, sizeof(path))) < 0 ||
	    (r = bpf_map__pin(map, path)) < 0 || (r = pin_give(path, gid)) < 0)
		return log_errno(r, "cannot pin %s", path);
	return 0;
}

int pin_program(const char *dir, struct bpf_program *program, gid_t gid)
{
	char path[PATH_SIZE];
	int r;

	if ((r = pin_path(dir, bpf_program__name(program), path, sizeof(path))) < 0 ||
	    (r = bpf_program__pin(program, path)) < 0 || (r = pin_give(path, gid)) < 0)
		return log_errno(r, "cannot pin %s", path);
	return 0;
}

void pin_unlink_all(const char *dir, struct bpf_object *object)
{
	struct bpf_program *p;
	struct bpf_map *m;

	bpf_object__for_each_map(m, object) pin_unlink(dir, bpf_map__name(m));
	bpf_object__for_each_program(p, object) pin_unlink(dir, bpf_program__name(p));
}

bool pin_same_shape(int fd, const struct bpf_map *map)
{
	struct bpf_map_info info = {0};
	__u32 len = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &len) == 0 && info.type == bpf_map__type(map) &&
	       info.key_size == bpf_map__key_size(map) &&
	       info.value_size == bpf_map__value_size(map) &&
	       info.max_entries == bpf_map__max_entries(map);
}

int pin_check_directory(const char *dir)
{
	_cleanup_free_ char *copy = strdup(dir);
	const char *parent;
	struct statfs fs;

	if (!copy)
		return -ENOMEM;
	parent = dirname(copy);
	if (statfs(parent, &fs) < 0)
		return log_errno(-errno, "no directory can be made in %s", parent);
	if (fs.f_type == BPF_FS_MAGIC)
		return 0;
	log_error(
		"%s is not in a bpf file system: mount one (mount -t bpf bpf /sys/fs/bpf) or name "
		"another directory",
		dir);
	return -EINVAL;
}

int pin_make_directory(const char *dir, gid_t gid)
{
	if (mkdir(dir, 0750) < 0 && errno != EEXIST)
		return log_errno(-errno, "cannot make %s", dir);
	/* Whatever the umask: the group must be able to reach the objects. */
	if (gid != PIN_NO_GROUP && (chown(dir, (uid_t)-1, gid) < 0 || chmod(dir, 0750) < 0))
		return log_errno(-errno, "cannot give %s to the group", dir);
	return 0;
}

int pin_group(const char *name, gid_t *ret)
{
	const struct group *g = getgrnam(name);

	if (!g) {
		log_error("no group %s", name);
		return -ENOENT;
	}
	*ret = g->gr_gid;
	return 0;
}

int pin_print_warnings(enum libbpf_print_level level, const char *format, va_list arguments)
{
	if (level == LIBBPF_WARN)
		vfprintf(stderr, format, arguments);
	return 0;
}
