/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dmmd-loader: load the BPF data plane and pin it, so that the daemon itself needs no right to load
 * programs.
 *
 *     dmmd-loader [--group NAME] [--keep | --replace | --remove] PINDIRECTORY
 *
 * Pinned already, of the same version and shape: nothing is done (--keep, the default).  The group may use the maps and attach
 * the programs.
 */
#include <errno.h>
#include <getopt.h>
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
#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "net/bpf/plane.h"

/* The compiled programs are part of this binary: nothing to find, nothing to mismatch. */
__asm__(".section .rodata\n"
	".balign 8\n"
	"plane_object: .incbin \"" PLANE_OBJECT "\"\n"
	"plane_object_end:\n"
	".previous\n");
extern const char plane_object[], plane_object_end[];

static int path_of(const char *dir, const char *name, char *ret, size_t size)
{
	return snprintf(ret, size, "%s/%s", dir, name) < (int)size ? 0 : -ENAMETOOLONG;
}

static int open_pin(const char *dir, const char *name)
{
	char path[256];
	int r = path_of(dir, name, path, sizeof(path));

	return r < 0 ? r : bpf_obj_get(path);
}

/* Before a value is read or the daemon takes it: what is pinned has the shape that this program would give it. */
static bool same_shape(int fd, const struct bpf_map *m)
{
	struct bpf_map_info info = {0};
	__u32 len = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &len) == 0 && info.type == bpf_map__type(m) &&
	       info.key_size == bpf_map__key_size(m) && info.value_size == bpf_map__value_size(m) &&
	       info.max_entries == bpf_map__max_entries(m);
}

static bool same_program(int fd, const struct bpf_program *p)
{
	struct bpf_prog_info info = {0};
	__u32 len = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &len) == 0 && info.type == bpf_program__type(p) &&
	       strncmp(info.name, bpf_program__name(p), sizeof(info.name) - 1) == 0;
}

static bool all_pinned(const char *dir, struct bpf_object *o)
{
	struct bpf_program *p;
	struct bpf_map *m;
	bool ok;
	int fd;

	bpf_object__for_each_map(m, o)
	{
		if (bpf_map__is_internal(m))
			continue;
		fd = open_pin(dir, bpf_map__name(m));
		ok = fd >= 0 && same_shape(fd, m);
		if (fd >= 0)
			close(fd);
		if (!ok)
			return false;
	}
	bpf_object__for_each_program(p, o)
	{
		fd = open_pin(dir, bpf_program__name(p));
		ok = fd >= 0 && same_program(fd, p);
		if (fd >= 0)
			close(fd);
		if (!ok)
			return false;
	}
	return true;
}

/* Version of what is pinned, 0 = nothing usable. */
static unsigned pinned_version(const char *dir, struct bpf_object *o)
{
	struct plane_config c = {0};
	__u32 zero = 0;
	int fd;

	if (!all_pinned(dir, o))
		return 0;
	fd = open_pin(dir, "config");
	if (fd < 0)
		return 0;
	if (bpf_map_lookup_elem(fd, &zero, &c) < 0)
		c.version = 0;
	close(fd);
	return c.version;
}

static void unpin_all(const char *dir, struct bpf_object *o)
{
	struct bpf_program *p;
	struct bpf_map *m;
	char path[256];

	bpf_object__for_each_map(m, o) if (path_of(dir, bpf_map__name(m), path, sizeof(path)) == 0)
		unlink(path);
	bpf_object__for_each_program(
		p, o) if (path_of(dir, bpf_program__name(p), path, sizeof(path)) == 0) unlink(path);
}

static int give_to_group(const char *path, gid_t gid)
{
	if (gid == (gid_t)-1)
		return 0;
	return chown(path, (uid_t)-1, gid) < 0 || chmod(path, 0660) < 0 ? -errno : 0;
}

static int pin_all(const char *dir, struct bpf_object *o, gid_t gid)
{
	struct bpf_program *p;
	struct bpf_map *m;
	char path[256];
	int r;

	bpf_object__for_each_program(p, o)
	{
		if ((r = path_of(dir, bpf_program__name(p), path, sizeof(path))) < 0 ||
		    (r = bpf_program__pin(p, path)) < 0 || (r = give_to_group(path, gid)) < 0)
			return log_errno(r, "cannot pin %s", path);
	}
	bpf_object__for_each_map(m, o)
	{
		if (bpf_map__is_internal(m))
			continue;
		if ((r = path_of(dir, bpf_map__name(m), path, sizeof(path))) < 0 ||
		    (r = bpf_map__pin(m, path)) < 0 || (r = give_to_group(path, gid)) < 0)
			return log_errno(r, "cannot pin %s", path);
	}
	return 0;
}

/* Nothing is made or removed anywhere else. */
static int check_file_system(const char *dir)
{
	_cleanup_free_ char *copy = strdup(dir);
	struct statfs fs;

	if (!copy)
		return -ENOMEM;
	if (statfs(dirname(copy), &fs) == 0 && fs.f_type == BPF_FS_MAGIC)
		return 0;
	log_error("%s is not in a bpf file system: mount one (mount -t bpf bpf /sys/fs/bpf) or set "
		  "PinDirectory=",
		  dir);
	return -EINVAL;
}

static int make_directory(const char *dir, gid_t gid)
{
	if (mkdir(dir, 0750) < 0 && errno != EEXIST)
		return log_errno(-errno, "cannot make %s", dir);
	/* Whatever the umask: the group must be able to reach the objects. */
	if (gid != (gid_t)-1 && (chown(dir, (uid_t)-1, gid) < 0 || chmod(dir, 0750) < 0))
		return log_errno(-errno, "cannot give %s to the group", dir);
	return 0;
}

static int set_version(struct bpf_object *o)
{
	struct plane_config c = {.version = PLANE_VERSION};
	struct bpf_map *m = bpf_object__find_map_by_name(o, "config");
	__u32 zero = 0;

	return bpf_map_update_elem(bpf_map__fd(m), &zero, &c, BPF_ANY) < 0 ? -errno : 0;
}

/* The kernel gives a ring buffer whole pages, and their size differs. */
static int size_ring(struct bpf_object *o)
{
	struct bpf_map *m = bpf_object__find_map_by_name(o, "activity");
	long page = sysconf(_SC_PAGESIZE);

	if (page <= bpf_map__max_entries(m))
		return 0;
	return bpf_map__set_max_entries(m, (__u32)page);
}

/* What is to be undone on the interfaces at a stop outlives a plane of another version. */
static void keep_undo(int old, struct bpf_object *o)
{
	struct bpf_map *m = bpf_object__find_map_by_name(o, "uplink");
	__u32 key, value;
	void *last = NULL;

	if (!same_shape(old, m))
		return;
	while (bpf_map_get_next_key(old, last, &key) == 0) {
		if (bpf_map_lookup_elem(old, &key, &value) == 0)
			bpf_map_update_elem(bpf_map__fd(m), &key, &value, BPF_ANY);
		last = &key;
	}
}

static int quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	if (level == LIBBPF_WARN)
		vfprintf(stderr, fmt, ap);
	return 0;
}

static int load(const char *dir, gid_t gid, bool replace, bool remove)
{
	_cleanup_close_ int undo = -1;
	struct bpf_object *o;
	int r;

	r = check_file_system(dir);
	if (r < 0)
		return r;
	libbpf_set_print(quiet);
	o = bpf_object__open_mem(plane_object, (size_t)(plane_object_end - plane_object), NULL);
	if (!o)
		return log_errno(-errno, "cannot read the built-in programs");
	if (remove) {
		unpin_all(dir, o);
		rmdir(dir);
		bpf_object__close(o);
		return 0;
	}
	r = size_ring(o);
	if (r == 0)
		r = make_directory(dir, gid);
	if (r == 0 && (replace || pinned_version(dir, o) != PLANE_VERSION)) {
		undo = open_pin(dir, "uplink");
		unpin_all(dir, o);
		r = bpf_object__load(o);
		if (r < 0)
			log_errno(r, "the kernel refuses the programs (CAP_BPF, CAP_PERFMON and "
				     "CAP_NET_ADMIN are needed, and Linux 5.10 or later)");
		else if ((r = set_version(o)) < 0 || (r = pin_all(dir, o, gid)) < 0)
			unpin_all(dir, o);
		else if (undo >= 0)
			keep_undo(undo, o);
	}
	bpf_object__close(o);
	if (r < 0)
		rmdir(dir); /* only if it is empty */
	return r;
}

static void usage(FILE *out)
{
	fputs("dmmd-loader [--group NAME] [--keep | --replace | --remove] PINDIRECTORY\n", out);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"group", required_argument, NULL, 'g'},
		{"replace", no_argument, NULL, 'r'},
		{"remove", no_argument, NULL, 'd'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{"keep", no_argument, NULL, 'k'},
		{0},
	};
	bool replace = false, remove = false;
	gid_t gid = (gid_t)-1;
	struct group *g;
	int o;

	log_init("dmmd-loader", LOG_INFO);
	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (o) {
		case 'g':
			g = getgrnam(optarg);
			if (!g) {
				log_error("no group %s", optarg);
				return 1;
			}
			gid = g->gr_gid;
			break;
		case 'k':
			replace = remove = false;
			break;
		case 'r':
			replace = true;
			break;
		case 'd':
			remove = true;
			break;
		case 'h':
			usage(stdout);
			return 0;
		case 'V':
			puts("dmmd-loader " DMMD_VERSION);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (argc - optind != 1) {
		usage(stderr);
		return 2;
	}
	return load(argv[optind], gid, replace, remove) < 0 ? 1 : 0;
}
