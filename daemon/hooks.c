/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dmmd-hooks: load the socket hooks (libsock-ext/bpf), attach them to control groups and pin everything, so that the daemon
 * itself needs no right to load programs and hooks outlive it.
 *
 *     dmmd-hooks [--group NAME] [--cgroup CGROUP] [--sockopt-cgroup CGROUP]... [--sockopt-everywhere] PINDIRECTORY
 *     dmmd-hooks --remove PINDIRECTORY
 *
 * What is there already is renewed in place: maps of the same shape stay with all that they hold, that of the sockets
 * among them, and links take the new programs.  pin.c has what it shares with dmmd-loader, attach.c the links.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "attach.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "libsock-ext/bpf/hooks.h"
#include "libsock-ext/bpf/option.h"
#include "libsock-ext/include/dmmsock.h"
#include "pin.h"

#define MAX_GROUPS 32
#define KERNEL_SECTION ".rodata.kernel"

/* The compiled programs are part of this binary: nothing to find, nothing to mismatch. */
PIN_EMBED(hooks_object, HOOKS_OBJECT);

/* One option for both, in the programs' words and in the library's. */
#define SAME(a, b) _Static_assert((int)(a) == (int)(b), #a)
SAME(HOOKS_OPTION_SERVICE, IPV6_DMM_SERVICE);
SAME(HOOKS_OPTION_STATUS, IPV6_DMM_STATUS);
SAME(sizeof(struct hooks_service), sizeof(struct dmm_service));
SAME(sizeof(struct hooks_status), sizeof(struct dmm_status));
SAME(offsetof(struct hooks_status, generation), offsetof(struct dmm_status, generation));
SAME(HOOKS_FIXED, DMM_SC_FIXED);
SAME(HOOKS_SESSION_LASTING, DMM_SC_SESSION_LASTING);
SAME(HOOKS_NON_PERSISTENT, DMM_SC_NON_PERSISTENT);
SAME(HOOKS_GRACEFUL_REPLACEMENT, DMM_SC_GRACEFUL_REPLACEMENT);
SAME(HOOKS_F_REQUIRE, DMM_F_REQUIRE);
SAME(HOOKS_F_NEW, DMM_F_NEW);
SAME(HOOKS_FLAGS, DMM_F_REQUIRE | DMM_F_NOWAIT | DMM_F_NEW);
SAME(HOOKS_S_DRAINING, DMM_S_DRAINING);

struct settings {
	const char *dir, *cgroup;
	const char *sockopt[MAX_GROUPS];
	unsigned n_sockopt;
	bool everywhere, remove;
	gid_t gid;
};

/* The first one is for all hooks but those of options, unless `everywhere`. */
struct groups {
	struct attach_group group[1 + MAX_GROUPS];
	unsigned n;
	bool everywhere;
	struct bpf_object *object;
};

static void close_groups(struct groups *g)
{
	for (unsigned i = 0; i < g->n; i++)
		close(g->group[i].fd);
}

static int open_groups(const struct settings *s, const char *root, struct groups *g)
{
	int r = attach_open(root, &g->group[0]);

	g->everywhere = s->everywhere;
	g->n = r == 0;
	for (unsigned i = 0; r == 0 && i < s->n_sockopt; i++) {
		if (access(s->sockopt[i], F_OK) < 0 && errno == ENOENT) {
			log_warning("there is no control group %s: left out", s->sockopt[i]);
			continue;
		}
		r = attach_open(s->sockopt[i], &g->group[g->n]);
		g->n += r == 0;
	}
	return r;
}

static bool is_for_options(const struct bpf_program *p)
{
	return bpf_program__type(p) == BPF_PROG_TYPE_CGROUP_SOCKOPT;
}

/* Both hooks of options are for group `i`?  Twice the same group is once. */
static bool belongs(const struct groups *g, const struct bpf_program *p, unsigned i)
{
	if (!is_for_options(p))
		return i == 0;
	if (i == 0)
		return g->everywhere;
	for (unsigned j = g->everywhere ? 0 : 1; j < i; j++)
		if (g->group[j].id == g->group[i].id)
			return false;
	return true;
}

static bool is_wanted(const char *name, const void *data)
{
	const struct groups *g = data;
	struct bpf_program *p;
	char wanted[64];

	bpf_object__for_each_program(p, g->object)
	{
		for (unsigned i = 0; i < g->n; i++)
			if (belongs(g, p, i) &&
			    attach_name(bpf_program__name(p), &g->group[i], wanted,
					sizeof(wanted)) == 0 &&
			    strcmp(name, wanted) == 0)
				return true;
	}
	return false;
}

static int attach_all(const char *dir, const struct groups *g)
{
	struct bpf_program *p;
	int r;

	bpf_object__for_each_program(p, g->object)
	{
		for (unsigned i = 0; i < g->n; i++) {
			r = belongs(g, p, i) ? attach_program(dir, p, &g->group[i]) : 0;
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* The verifier then sees no call that this kernel lacks. */
static int describe_kernel(struct bpf_object *o)
{
	struct hooks_kernel has = {
		.set_retval = libbpf_probe_bpf_helper(BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
						      BPF_FUNC_set_retval, NULL) == 1,
		.option_cookie = libbpf_probe_bpf_helper(BPF_PROG_TYPE_CGROUP_SOCKOPT,
							 BPF_FUNC_get_netns_cookie, NULL) == 1,
	};
	struct bpf_map *m;

	if (!has.set_retval)
		log_notice("Linux before 5.18: what cannot be had fails with EPERM instead of "
			   "EADDRNOTAVAIL, EINVAL and EISCONN");
	bpf_object__for_each_map(m, o) if (strcmp(bpf_map__name(m), KERNEL_SECTION) ==
					   0) return bpf_map__set_initial_value(m, &has,
										sizeof(has));
	return -ENOENT;
}

/* Maps of an earlier run that fit are taken over. */
static int reuse_maps(const char *dir, struct bpf_object *o)
{
	struct bpf_map *m;
	int r = 0;

	bpf_object__for_each_map(m, o)
	{
		_cleanup_close_ int fd = -1;

		if (bpf_map__is_internal(m) || r < 0)
			continue;
		fd = pin_open(dir, bpf_map__name(m));
		if (fd < 0 || !pin_same_shape(fd, m))
			continue;
		r = bpf_map__reuse_fd(m, fd);
	}
	return r < 0 ? log_errno(r, "cannot use the maps in %s", dir) : 0;
}

/* A map that was taken over is the one that is pinned. */
static bool is_pinned(const char *dir, const struct bpf_map *m)
{
	_cleanup_close_ int fd = pin_open(dir, bpf_map__name(m));
	struct bpf_map_info ours = {0}, there = {0};
	__u32 len = sizeof(ours);

	return fd >= 0 && bpf_obj_get_info_by_fd(bpf_map__fd(m), &ours, &len) == 0 &&
	       bpf_obj_get_info_by_fd(fd, &there, &len) == 0 && ours.id == there.id;
}

static int give_map(const char *dir, const char *name, gid_t gid)
{
	char path[256];
	int r = pin_path(dir, name, path, sizeof(path));

	if (r == 0)
		r = pin_give(path, gid);
	return r < 0 ? log_errno(r, "cannot give %s to the group", path) : 0;
}

/* Programs stay root's: the daemon attaches none. */
static int pin_all(const struct settings *s, struct bpf_object *o)
{
	struct bpf_program *p;
	struct bpf_map *m;
	int r = 0;

	bpf_object__for_each_map(m, o)
	{
		if (bpf_map__is_internal(m) || r < 0)
			continue;
		if (is_pinned(s->dir, m)) {
			r = give_map(s->dir, bpf_map__name(m), s->gid);
			continue;
		}
		pin_unlink(s->dir, bpf_map__name(m));
		r = pin_map(s->dir, m, s->gid);
	}
	bpf_object__for_each_program(p, o)
	{
		if (r < 0)
			break;
		pin_unlink(s->dir, bpf_program__name(p));
		r = pin_program(s->dir, p, PIN_NO_GROUP);
	}
	return r;
}

static void explain(int r)
{
	if (r == -EPERM)
		log_error("loading needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON");
	else if (libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, NULL) != 1 ||
		 libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_CGROUP_SOCKOPT, NULL) != 1)
		log_error("the kernel has no programs for sockets of control groups "
			  "(CONFIG_CGROUP_BPF)");
	else if (libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, NULL) != 1 ||
		 libbpf_probe_bpf_helper(BPF_PROG_TYPE_CGROUP_SOCK, BPF_FUNC_sk_storage_get,
					 NULL) != 1)
		log_error("the kernel is too old: Linux 5.9 or later is needed");
	else
		log_errno(r, "the kernel refuses the programs");
}

static int load_object(const struct settings *s, struct bpf_object *o)
{
	int r = describe_kernel(o);

	if (r == 0)
		r = reuse_maps(s->dir, o);
	if (r < 0)
		return r;
	r = bpf_object__load(o);
	if (r < 0)
		explain(r);
	return r;
}

/* Two at a time would each attach programs of its own. */
static int lock_directory(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || flock(fd, LOCK_EX) < 0) {
		int r = log_errno(-errno, "cannot lock %s", dir);

		if (fd >= 0)
			close(fd);
		return r;
	}
	return fd;
}

static void uninstall(const char *dir, struct bpf_object *o)
{
	attach_detach(dir, NULL, NULL);
	pin_unlink_all(dir, o);
	rmdir(dir);
}

static int renew(const struct settings *s, struct groups *g)
{
	bool fresh = !attach_any(s->dir);
	int r = load_object(s, g->object);

	if (r == 0)
		r = pin_all(s, g->object);
	if (r == 0)
		r = attach_all(s->dir, g);
	if (r == 0)
		attach_detach(s->dir, is_wanted, g);
	else if (fresh)
		uninstall(s->dir, g->object);
	return r;
}

static int install(const struct settings *s, struct bpf_object *o)
{
	_cleanup_free_ char *root = NULL;
	struct groups g = {.object = o};
	int r = 0, lock;

	if (!s->cgroup)
		r = attach_find_root(&root);
	if (r == 0)
		r = open_groups(s, s->cgroup ? s->cgroup : root, &g);
	if (r == 0)
		r = pin_make_directory(s->dir, s->gid);
	if (r == 0) {
		lock = lock_directory(s->dir);
		r = lock < 0 ? lock : renew(s, &g);
		if (lock >= 0)
			close(lock);
	}
	close_groups(&g);
	return r;
}

static int run(const struct settings *s)
{
	struct bpf_object *o;
	int r = pin_check_directory(s->dir);

	if (r < 0)
		return r;
	libbpf_set_print(pin_print_warnings);
	o = bpf_object__open_mem(hooks_object, (size_t)(hooks_object_end - hooks_object), NULL);
	if (!o)
		return log_errno(-errno, "cannot read the built-in programs");
	if (s->remove)
		uninstall(s->dir, o);
	else
		r = install(s, o);
	bpf_object__close(o);
	return r;
}

static void usage(FILE *out)
{
	fputs("dmmd-hooks [--group NAME] [--cgroup CGROUP] [--sockopt-cgroup CGROUP]...\n"
	      "           [--sockopt-everywhere] PINDIRECTORY\n"
	      "dmmd-hooks --remove PINDIRECTORY\n",
	      out);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"group", required_argument, NULL, 'g'},
		{"cgroup", required_argument, NULL, 'c'},
		{"sockopt-cgroup", required_argument, NULL, 's'},
		{"sockopt-everywhere", no_argument, NULL, 'e'},
		{"remove", no_argument, NULL, 'd'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{0},
	};
	struct settings s = {.gid = PIN_NO_GROUP};
	int o;

	log_init("dmmd-hooks", LOG_INFO);
	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (o) {
		case 'g':
			if (pin_group(optarg, &s.gid) < 0)
				return 1;
			break;
		case 'c':
			s.cgroup = optarg;
			break;
		case 's':
			if (s.n_sockopt == MAX_GROUPS) {
				log_error("more than %d times --sockopt-cgroup", MAX_GROUPS);
				return 2;
			}
			s.sockopt[s.n_sockopt++] = optarg;
			break;
		case 'e':
			s.everywhere = true;
			break;
		case 'd':
			s.remove = true;
			break;
		case 'h':
			usage(stdout);
			return 0;
		case 'V':
			puts("dmmd-hooks " DMMD_VERSION);
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
	s.dir = argv[optind];
	return run(&s) < 0 ? 1 : 0;
}
