/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose a socket is (proc(5)).
 *
 * The kernel has no way from a socket to its processes, only /proc/PID/fd from each process to its sockets.  Those are read
 * once for all questions that follow one listing of sessions.  The descriptors of another user's process are closed to
 * whoever has not CAP_SYS_PTRACE; the control group is then found by the number that came with the socket.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "net/internal.h"

#define OWNERS_LIFE USEC_PER_SEC /* descriptors are handed on, processes end */
#define DELETED " (deleted)"

struct owner {
	uint32_t inode;
	pid_t pid;
};

void owners_forget(struct owners *o)
{
	free(o->owner);
	control_groups_forget(&o->groups);
	*o = (struct owners){0};
}

static int owners_add(struct owners *o, uint32_t inode, pid_t pid)
{
	if (o->n == o->allocated) {
		size_t want = o->allocated ? 2 * o->allocated : 256;
		struct owner *p = reallocarray(o->owner, want, sizeof(*p));

		if (!p)
			return -ENOMEM;
		o->owner = p;
		o->allocated = want;
	}
	o->owner[o->n++] = (struct owner){inode, pid};
	return 0;
}

static int read_descriptors(struct owners *o, int proc, pid_t pid)
{
	char path[32], target[64];
	const struct dirent *e;
	unsigned inode;
	int fd, r = 0;
	ssize_t len;
	DIR *dir;

	snprintf(path, sizeof(path), "%d/fd", pid);
	fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		o->denied |= errno == EACCES || errno == EPERM;
		cleanup_close(&fd);
		return 0; /* of this process nothing is known; it may be gone */
	}
	while (r == 0 && (e = readdir(dir))) {
		len = readlinkat(dirfd(dir), e->d_name, target, sizeof(target) - 1);
		if (len < 0) {
			o->denied |= errno == EACCES;
			continue;
		}
		target[len] = '\0';
		if (sscanf(target, "socket:[%u]", &inode) == 1)
			r = owners_add(o, inode, pid);
	}
	closedir(dir);
	return r;
}

static int compare(const void *a, const void *b)
{
	const struct owner *x = a, *y = b;

	if (x->inode != y->inode)
		return x->inode < y->inode ? -1 : 1;
	return (x->pid > y->pid) - (x->pid < y->pid);
}

/* The processes of a user, or with a NULL uid those of everybody. */
static int owners_read(struct owners *o, const uid_t *uid)
{
	DIR *dir = opendir("/proc");
	const struct dirent *e;
	struct stat st;
	int r = 0;

	if (!dir)
		return -errno;
	o->n = 0;
	o->all = !uid;
	o->uid = uid ? *uid : 0;
	/* Where the processes of others are hidden, the first one is. */
	o->denied = fstatat(dirfd(dir), "1", &st, 0) < 0;
	while (r == 0 && (e = readdir(dir))) {
		int pid = atoi(e->d_name);

		if (pid <= 0 ||
		    (uid && (fstatat(dirfd(dir), e->d_name, &st, 0) < 0 || st.st_uid != *uid)))
			continue;
		r = read_descriptors(o, dirfd(dir), pid);
	}
	closedir(dir);
	if (o->n > 0)
		qsort(o->owner, o->n, sizeof(*o->owner), compare);
	o->read_at = loop_now().mono;
	return r;
}

/* The oldest by number: whoever made the socket rather than those it was handed to. */
static pid_t owners_find(const struct owners *o, uint32_t inode)
{
	size_t low = 0, high = o->n;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (o->owner[mid].inode < inode)
			low = mid + 1;
		else
			high = mid;
	}
	return low < o->n && o->owner[low].inode == inode ? o->owner[low].pid : 0;
}

/*
 * First among the processes of the socket's user, which are mostly a few; then among all, since a process may have changed
 * its user after it made the socket.
 */
static int find_process(struct owners *o, const struct session_info *s, pid_t *ret)
{
	bool fresh = o->read_at != 0;
	pid_t pid;
	int r;

	if (s->inode == 0)
		return -ENOENT; /* not accepted yet, or closed and still sending */
	if (!fresh || (!o->all && o->uid != s->uid)) {
		r = owners_read(o, fresh ? NULL : &s->uid);
		if (r < 0)
			return r;
	}
	pid = owners_find(o, s->inode);
	if (pid == 0 && !o->all) {
		r = owners_read(o, NULL);
		if (r < 0)
			return r;
		pid = owners_find(o, s->inode);
	}
	if (pid == 0)
		return o->denied ? -EACCES : -ENOENT;
	*ret = pid;
	return 0;
}

static void read_executable(pid_t pid, char *ret, size_t cap)
{
	const size_t suffix = strlen(DELETED);
	char path[32];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	len = readlink(path, ret, cap - 1);
	ret[len < 0 ? 0 : len] = '\0';
	/* Replaced by an update while it runs, it is still the same program. */
	if (len > (ssize_t)suffix && strcmp(ret + len - suffix, DELETED) == 0)
		ret[len - (ssize_t)suffix] = '\0';
}

void read_control_group(pid_t pid, char *ret, size_t cap)
{
	char path[32], line[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	f = fopen(path, "re");
	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, "0::/", 4) != 0)
			continue;
		line[strcspn(line, "\n")] = '\0';
		snprintf(ret, cap, "%s", line + 3);
	}
	fclose(f);
}

int net_session_owner(struct net *n, const struct session_info *s, struct session_owner *ret)
{
	struct session_owner o = {0};
	int r;

	if (n->owners.read_at != 0 && loop_now().mono - n->owners.read_at > OWNERS_LIFE)
		owners_forget(&n->owners);
	r = find_process(&n->owners, s, &o.pid);
	if (r == -EACCES && !n->owner_denied) {
		n->owner_denied = true;
		log_warning("cannot see which programs own the sessions of other users "
			    "(CAP_SYS_PTRACE is needed): rules by executable do not match them");
	}
	if (r == 0) {
		read_executable(o.pid, o.executable, sizeof(o.executable));
		read_control_group(o.pid, o.control_group, sizeof(o.control_group));
	}
	if (!o.control_group[0])
		control_group_path(&n->owners.groups, s->cgroup_id, o.control_group,
				   sizeof(o.control_group));
	if (o.pid == 0 && !o.control_group[0])
		return r;
	*ret = o;
	return 0;
}
