/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "group.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SCOPE_WAIT_MS 2000
#define SCOPE_POLL_MS 5

/* mountinfo(5) writes blanks and backslashes as three octal digits. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; to++) {
		if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] >= '0' &&
		    from[2] <= '7' && from[3] >= '0' && from[3] <= '7') {
			*to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

/* The path of this process within the hierarchy of version 2. */
static int own_path(char path[PATH_MAX])
{
	char line[PATH_MAX + 8];
	FILE *f = fopen("/proc/self/cgroup", "re");
	int r = -ENOENT;

	if (!f)
		return -errno;
	while (r < 0 && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "0::/", 4) == 0) {
			strcpy(path, line + 3);
			r = 0;
		}
	}
	fclose(f);
	return r;
}

/*
 * The directory of group `path`, if the mount that this line of mountinfo describes shows it: "id parent device root
 * mount-point options [optional ...] - type source options".
 */
static bool mounted_at(char *line, const char *path, char directory[PATH_MAX])
{
	char *field[5], *state = NULL, *rest = strstr(line, " - ");
	size_t root;
	int length;

	if (!rest || strncmp(rest, " - cgroup2 ", 11) != 0)
		return false;
	*rest = '\0';
	for (int i = 0; i < 5; i++) {
		field[i] = strtok_r(i == 0 ? line : NULL, " ", &state);
		if (!field[i])
			return false;
	}
	unescape(field[3]);
	unescape(field[4]);
	root = strcmp(field[3], "/") == 0 ? 0 : strlen(field[3]);
	if (strncmp(path, field[3], root) != 0 || (path[root] != '/' && path[root] != '\0'))
		return false;
	length = snprintf(directory, PATH_MAX, "%s%s", field[4],
			  strcmp(path + root, "/") == 0 ? "" : path + root);
	return length > 0 && length < PATH_MAX && access(directory, F_OK) == 0;
}

static int own_directory(char directory[PATH_MAX])
{
	char path[PATH_MAX], *line = NULL;
	size_t size = 0;
	FILE *f;
	int r = own_path(path);

	if (r < 0)
		return r;
	f = fopen("/proc/self/mountinfo", "re");
	if (!f)
		return -errno;
	r = -ENOENT;
	while (r < 0 && getline(&line, &size, f) > 0)
		r = mounted_at(line, path, directory) ? 0 : -ENOENT;
	free(line);
	fclose(f);
	return r;
}

/* This process moves. */
static int move_to(const char *directory)
{
	char path[PATH_MAX + 16];
	int fd, r;

	snprintf(path, sizeof(path), "%s/cgroup.procs", directory);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = write(fd, "0", 1) == 1 ? 0 : -errno;
	close(fd);
	return r;
}

static int make(struct control_group *group)
{
	int length, r;

	length = snprintf(group->path, sizeof(group->path), "%s/dmm-run-%d", group->before,
			  getpid());
	if (length < 0 || (size_t)length >= sizeof(group->path))
		return -ENAMETOOLONG;
	/* One that is there was left by a process of this number that is no more. */
	if (mkdir(group->path, 0755) < 0 && errno != EEXIST)
		return -errno;
	group->made = true;
	r = move_to(group->path);
	if (r < 0)
		rmdir(group->path);
	return r;
}

_Noreturn static void call_systemd(pid_t process)
{
	char unit[32], pid[16];
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	snprintf(unit, sizeof(unit), "dmm-run-%d.scope", process);
	snprintf(pid, sizeof(pid), "%d", process);
	/* clang-format off */
	execlp("busctl", "busctl", "--user", "--quiet", "--timeout=2", "call",
	       "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
	       "org.freedesktop.systemd1.Manager", "StartTransientUnit",
	       "ssa(sv)a(sa(sv))", unit, "fail", "3",
	       "PIDs", "au", "1", pid,
	       "Slice", "s", "dmm.slice",
	       "CollectMode", "s", "inactive-or-failed",
	       "0", (char *)NULL);
	/* clang-format on */
	_exit(127);
}

static int ask_systemd(void)
{
	pid_t process = getpid(), child = fork();
	int status;

	if (child < 0)
		return -errno;
	if (child == 0)
		call_systemd(process);
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EPERM;
}

/*
 * The manager moves this very process into the scope, so that nothing depends on its answer: without one the command
 * is started nevertheless.  systemd removes the scope.
 */
static int make_scope(struct control_group *group)
{
	int r = ask_systemd();

	if (r < 0)
		return r;
	for (int waited = 0; waited < SCOPE_WAIT_MS; waited += SCOPE_POLL_MS) {
		const struct timespec pause = {.tv_nsec = SCOPE_POLL_MS * 1000000L};

		r = own_directory(group->path);
		if (r < 0 || strcmp(group->path, group->before) != 0)
			return r;
		nanosleep(&pause, NULL);
	}
	return -ETIMEDOUT;
}

int control_group_enter(struct control_group *group)
{
	int r;

	memset(group, 0, sizeof(*group));
	r = own_directory(group->before);
	if (r < 0)
		return r;
	r = make(group);
	if (r == 0 || geteuid() == 0)
		return r;
	group->made = false;
	return make_scope(group) < 0 ? r : 0;
}

void control_group_leave(const struct control_group *group)
{
	if (group->made && move_to(group->before) == 0)
		rmdir(group->path);
}

static bool populated(int events)
{
	char text[256];
	ssize_t n = pread(events, text, sizeof(text) - 1, 0);

	/* The group may have been removed by somebody else. */
	if (n < 0)
		return false;
	text[n] = '\0';
	return strstr(text, "populated 1") != NULL;
}

_Noreturn static void remover(const struct control_group *group)
{
	char path[PATH_MAX + 16];
	struct pollfd changed = {.events = POLLPRI};

	if (move_to(group->before) < 0)
		_exit(1);
	setsid();
	prctl(PR_SET_NAME, "dmm-run-group");
	/* It must not keep open a pipe or a file system that the command was given. */
	close_range(0, ~0U, 0);
	if (chdir("/") < 0)
		_exit(1);
	snprintf(path, sizeof(path), "%s/cgroup.events", group->path);
	changed.fd = open(path, O_RDONLY | O_CLOEXEC);
	while (changed.fd >= 0 && populated(changed.fd))
		poll(&changed, 1, -1);
	_exit(rmdir(group->path) < 0);
}

int control_group_keep(const struct control_group *group)
{
	pid_t child;

	if (!group->made)
		return 0;
	child = fork();
	if (child < 0)
		return -errno;
	/* The command must not find a child that it does not know: the first one ends, its child goes to init. */
	if (child == 0) {
		pid_t second = fork();

		if (second == 0)
			remover(group);
		_exit(second < 0);
	}
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		continue;
	return 0;
}
