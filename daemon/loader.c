/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dmmd-loader: load the BPF data plane and pin it, so that the daemon itself needs no right to load
 * programs.
 *
 *     dmmd-loader [--group NAME] [--keep | --replace | --remove] PINDIRECTORY
 *
 * Pinned already and of the same version: nothing is done (--keep, the default).  The group may use the maps and attach
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

/* Version of what is pinned, 0 = nothing usable. */
static unsigned pinned_version(const char *dir)
{
	struct plane_config c = {0};
	char path[256];
	__u32 zero = 0;
	int fd;

	if (path_of(dir, "config", path, sizeof(path)) < 0)
		return 0;
	fd = bpf_obj_get(path);
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

static int quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	if (level == LIBBPF_WARN)
		vfprintf(stderr, fmt, ap);
	return 0;
}

static int load(const char *dir, gid_t gid, bool replace, bool remove)
{
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
	r = make_directory(dir, gid);
	if (r == 0 && (replace || pinned_version(dir) != PLANE_VERSION)) {
		unpin_all(dir, o);
		r = bpf_object__load(o);
		if (r < 0)
			log_errno(r, "the kernel refuses the programs (CAP_BPF, CAP_PERFMON and "
				     "CAP_NET_ADMIN are needed, and Linux 5.10 or later)");
		else if ((r = set_version(o)) < 0 || (r = pin_all(dir, o, gid)) < 0)
			unpin_all(dir, o);
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
