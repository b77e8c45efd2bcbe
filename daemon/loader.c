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
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "net/bpf/plane.h"
#include "pin.h"

/* The compiled programs are part of this binary: nothing to find, nothing to mismatch. */
PIN_EMBED(plane_object, PLANE_OBJECT);

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
		fd = pin_open(dir, bpf_map__name(m));
		ok = fd >= 0 && pin_same_shape(fd, m);
		if (fd >= 0)
			close(fd);
		if (!ok)
			return false;
	}
	bpf_object__for_each_program(p, o)
	{
		fd = pin_open(dir, bpf_program__name(p));
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
	fd = pin_open(dir, "config");
	if (fd < 0)
		return 0;
	if (bpf_map_lookup_elem(fd, &zero, &c) < 0)
		c.version = 0;
	close(fd);
	return c.version;
}

static int pin_all(const char *dir, struct bpf_object *o, gid_t gid)
{
	struct bpf_program *p;
	struct bpf_map *m;
	int r;

	bpf_object__for_each_program(p, o)
	{
		r = pin_program(dir, p, gid);
		if (r < 0)
			return r;
	}
	bpf_object__for_each_map(m, o)
	{
		if (bpf_map__is_internal(m))
			continue;
		r = pin_map(dir, m, gid);
		if (r < 0)
			return r;
	}
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

	if (!pin_same_shape(old, m))
		return;
	while (bpf_map_get_next_key(old, last, &key) == 0) {
		if (bpf_map_lookup_elem(old, &key, &value) == 0)
			bpf_map_update_elem(bpf_map__fd(m), &key, &value, BPF_ANY);
		last = &key;
	}
}

static int load(const char *dir, gid_t gid, bool replace, bool remove)
{
	_cleanup_close_ int undo = -1;
	struct bpf_object *o;
	int r;

	r = pin_check_directory(dir);
	if (r < 0)
		return r;
	libbpf_set_print(pin_print_warnings);
	o = bpf_object__open_mem(plane_object, (size_t)(plane_object_end - plane_object), NULL);
	if (!o)
		return log_errno(-errno, "cannot read the built-in programs");
	if (remove) {
		pin_unlink_all(dir, o);
		rmdir(dir);
		bpf_object__close(o);
		return 0;
	}
	r = size_ring(o);
	if (r == 0)
		r = pin_make_directory(dir, gid);
	if (r == 0 && (replace || pinned_version(dir, o) != PLANE_VERSION)) {
		undo = pin_open(dir, "uplink");
		pin_unlink_all(dir, o);
		r = bpf_object__load(o);
		if (r < 0)
			log_errno(r, "the kernel refuses the programs (CAP_BPF, CAP_PERFMON and "
				     "CAP_NET_ADMIN are needed, and Linux 5.10 or later)");
		else if ((r = set_version(o)) < 0 || (r = pin_all(dir, o, gid)) < 0)
			pin_unlink_all(dir, o);
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
	gid_t gid = PIN_NO_GROUP;
	int o;

	log_init("dmmd-loader", LOG_INFO);
	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (o) {
		case 'g':
			if (pin_group(optarg, &gid) < 0)
				return 1;
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
