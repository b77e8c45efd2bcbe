/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/plane.h"

#include <errno.h>
#include <net/if.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "net/bpf/plane.h"
#include "net/internal.h"
#include "net/tc.h"
#include "net/tunnel.h"

const char *program_path(const char *name, const char *variable, char *buf, size_t size)
{
	const char *env = secure_getenv(variable);
	ssize_t n = readlink("/proc/self/exe", buf, size - strlen(name) - 1);
	char *slash;

	if (env)
		return env;
	if (n > 0) {
		buf[n] = '\0';
		slash = strrchr(buf, '/');
		if (slash) {
			strcpy(slash + 1, name);
			if (access(buf, X_OK) == 0)
				return buf;
		}
	}
	snprintf(buf, size, DMMD_LIBEXECDIR "/%s", name);
	return buf;
}

static int run_loader(const char *option, const char *directory)
{
	char buf[4096];
	const char *loader = program_path("dmmd-loader", "DMMD_LOADER", buf, sizeof(buf));
	char *argv[] = {(char *)"dmmd-loader", (char *)option, (char *)directory, NULL};
	int status, r;
	pid_t pid;

	r = posix_spawn(&pid, loader, NULL, NULL, argv, environ);
	if (r)
		return log_errno(-r, "cannot run %s", loader);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EPERM;
}

void plane_unload(const struct conf *conf)
{
	/* Run by the service, the loader has its own unit, and the directory is not ours to change. */
	if (access(conf->pin_directory, W_OK) == 0)
		run_loader("--remove", conf->pin_directory);
}

static int open_bpf(const struct conf *conf, struct plane **ret)
{
	int r = plane_bpf_open(conf, ret);

	if (r == -ENOENT || r == -EPROTONOSUPPORT) {
		r = run_loader("--keep", conf->pin_directory);
		if (r == 0)
			r = plane_bpf_open(conf, ret);
	}
	return r;
}

/* Maps of another version cannot be asked which uplinks have its programs. */
static void detach_everywhere(void)
{
	struct if_nameindex *all = if_nameindex();

	for (const struct if_nameindex *i = all; i && i->if_index; i++)
		tc_detach((int)i->if_index, TC_INGRESS, false);
	if (all)
		if_freenameindex(all);
}

/* What an earlier run has hung into interfaces would take the packets that the other plane is to get. */
static void leave_bpf(const struct conf *conf, struct plane *now)
{
	struct plane *old;
	char far_end[IFNAMSIZ + 1];
	uint32_t undo;
	int ifindex, r;

	if (access(conf->pin_directory, F_OK) < 0)
		return;
	r = plane_bpf_open(conf, &old);
	if (r == -EBUSY)
		return;
	if (r == 0) {
		while (old->ops->undo(old, &ifindex, &undo) == 0)
			now->ops->remember(now, ifindex, undo & ~PLANE_UPLINK_QUEUE);
		old->ops->teardown(old);
		old->ops->free(old);
	} else {
		detach_everywhere();
	}
	if ((ifindex = link_index(conf->device)) > 0)
		tc_detach(ifindex, TC_EGRESS, true);
	snprintf(far_end, sizeof(far_end), "%sp", conf->device);
	if ((ifindex = link_index(far_end)) > 0)
		tc_detach(ifindex, TC_INGRESS, true);
	plane_unload(conf);
}

static int open_kernel(const struct conf *conf, struct plane **ret, char *why, size_t size)
{
	int r = plane_kernel_open(conf, ret, why, size);

	if (r == 0)
		leave_bpf(conf, *ret);
	return r;
}

int plane_open(const struct conf *conf, struct plane **ret)
{
	bool protects = conf->plane == CONF_PLANE_AUTO && conf_protects(conf);
	char why[128] = "";
	int r = -EPROTONOSUPPORT, bpf = 0;

	if (protects) {
		log_info("payload is to be protected: only tunnels of the kernel do that");
	} else if (conf->plane != CONF_PLANE_KERNEL) {
		r = bpf = open_bpf(conf, ret);
		if (r == 0)
			plane_kernel_remove(conf);
	}
	if (r < 0 && r != -EBUSY && conf->plane != CONF_PLANE_BPF)
		r = open_kernel(conf, ret, why, sizeof(why));
	if (r == 0) {
		log_info("data plane: %s", (*ret)->ops->name);
		return 0;
	}
	if (bpf == -EBUSY)
		log_error("no data plane: PinDirectory=%s is that of another dmmd, each needs one "
			  "of its own",
			  conf->pin_directory);
	else if (bpf)
		log_error("no data plane: the BPF programs in %s cannot be used (%s); as a "
			  "service, dmmd-loader.service loads them",
			  conf->pin_directory, log_strerror(-bpf));
	if (why[0] && protects)
		log_error("no data plane: PayloadProtection=esp needs the tunnels of the kernel, "
			  "which cannot be used: %s",
			  why);
	else if (why[0])
		log_error("no data plane: the tunnels of the kernel cannot be used: %s", why);
	return r;
}
