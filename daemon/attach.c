/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "attach.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <linux/magic.h>

#include <bpf/bpf.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "pin.h"

#define PREFIX "link_"
#define NAME_SIZE 64

int attach_find_root(char **ret)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	const struct mntent *m;
	char *path = NULL;

	if (!mounts)
		return log_errno(-errno, "cannot read /proc/self/mounts");
	while (!path && (m = getmntent(mounts)))
		if (strcmp(m->mnt_type, "cgroup2") == 0)
			path = strdup(m->mnt_dir);
	endmntent(mounts);
	if (!path) {
		log_error("no control groups (version 2) are mounted: name one with --cgroup");
		return -ENOENT;
	}
	*ret = path;
	return 0;
}

int attach_open(const char *path, struct attach_group *ret)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || fstatfs(fd, &fs) < 0)
		return log_errno(-errno, "cannot open the control group %s", path);
	if (fs.f_type != CGROUP2_SUPER_MAGIC) {
		log_error("%s is not a control group of version 2", path);
		return -EINVAL;
	}
	*ret = (struct attach_group){.path = path, .fd = TAKE_FD(fd), .id = st.st_ino};
	return 0;
}

int attach_name(const char *program, const struct attach_group *group, char *ret, size_t size)
{
	int n = snprintf(ret, size, PREFIX "%s_%" PRIx64, program, group->id);

	return n < (int)size ? 0 : -ENAMETOOLONG;
}

static int explain(int r, const char *program, const struct attach_group *group)
{
	if (r == -EPERM)
		log_error("cannot attach %s to %s: another program is attached exclusively there "
			  "or to "
			  "a group above; attach to a group that is not below it (--cgroup)",
			  program, group->path);
	else if (r == -EINVAL)
		log_error("cannot attach %s to %s: the kernel lacks this hook, or links to control "
			  "groups (Linux 5.9 and CONFIG_CGROUP_BPF are needed)",
			  program, group->path);
	else
		log_errno(r, "cannot attach %s to %s", program, group->path);
	return r;
}

static int attach_new(const char *dir, const char *name, const struct bpf_program *p,
		      const struct attach_group *group)
{
	enum bpf_attach_type type = bpf_program__expected_attach_type(p);
	_cleanup_close_ int link = bpf_link_create(bpf_program__fd(p), group->fd, type, NULL);
	char path[256];
	int r;

	if (link < 0)
		return explain(-errno, bpf_program__name(p), group);
	r = pin_path(dir, name, path, sizeof(path));
	if (r == 0 && bpf_obj_pin(link, path) < 0)
		r = -errno;
	return r < 0 ? log_errno(r, "cannot pin %s/%s", dir, name) : 0;
}

int attach_program(const char *dir, const struct bpf_program *p, const struct attach_group *group)
{
	_cleanup_close_ int link = -1;
	char name[NAME_SIZE];
	int r = attach_name(bpf_program__name(p), group, name, sizeof(name));

	if (r < 0)
		return r;
	link = pin_open(dir, name);
	if (link >= 0 && bpf_link_update(link, bpf_program__fd(p), NULL) == 0)
		return 0;
	/* Its group is gone, or it is no such link. */
	pin_unlink(dir, name);
	return attach_new(dir, name, p, group);
}

void attach_detach(const char *dir, bool (*keep)(const char *, const void *), const void *data)
{
	DIR *d = opendir(dir);
	const struct dirent *e;

	if (!d)
		return;
	while ((e = readdir(d)))
		if (strncmp(e->d_name, PREFIX, strlen(PREFIX)) == 0 &&
		    !(keep && keep(e->d_name, data)))
			unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
}

bool attach_any(const char *dir)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	bool any = false;

	if (!d)
		return false;
	while (!any && (e = readdir(d)))
		any = strncmp(e->d_name, PREFIX, strlen(PREFIX)) == 0;
	closedir(d);
	return any;
}
