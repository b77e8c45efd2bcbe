/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/bpf/plane.h"
#include "net/internal.h"

#ifndef ARPHRD_RAWIP
#define ARPHRD_RAWIP 519
#endif

struct uplink *uplink_find(struct net *n, int ifindex)
{
	struct uplink *u;

	list_for_each(u, &n->uplinks, node)
		if (u->ifindex == ifindex)
			return u;
	return NULL;
}

bool uplink_has_mac(const struct uplink *u)
{
	return u->type == ARPHRD_ETHER;
}

/* The kernel goes by it when it sends itself; what the data plane has made is sent as it is. */
void uplink_advertised_mtu(struct net *n, int ifindex, uint32_t mtu)
{
	struct uplink *u = uplink_find(n, ifindex);

	if (!u || mtu == u->advertised_mtu || mtu < MIN_OUTER_MTU || mtu > u->mtu)
		return; /* RFC 4861 section 6.3.4 */
	u->advertised_mtu = mtu;
	path_follow_mtu(n, u);
}

uint32_t uplink_mtu(const struct uplink *u)
{
	return u->advertised_mtu ? u->advertised_mtu : u->mtu;
}

/* Interfaces that can carry IPv6 of their own; tunnels of others and the loopback are no uplinks.
 */
static bool usable_type(unsigned short type)
{
	return type == ARPHRD_ETHER || type == ARPHRD_NONE || type == ARPHRD_PPP ||
	       type == ARPHRD_RAWIP;
}

static int open_sysctl(const char *ifname, const char *key, int flags)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/%s", ifname, key);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

bool uplink_sysctl(struct uplink *u, enum uplink_sysctl which)
{
	static const char *const keys[] = {
		[SYSCTL_ACCEPT_RA] = "accept_ra", [SYSCTL_DISABLE_IPV6] = "disable_ipv6"};
	int *fd = &u->sysctl_fd[which];
	char now;

	/* The files of an interface are others when it has got another name. */
	for (unsigned tries = 0; tries < 2; tries++) {
		if (*fd < 0 && (*fd = open_sysctl(u->name, keys[which], O_RDONLY)) < 0)
			return false;
		if (pread(*fd, &now, 1, 0) == 1)
			return now != '0';
		close(*fd);
		*fd = -1;
	}
	return false;
}

/* Switch it on or off: 1 if that changed something, 0 if it was so already, -errno. */
static int set_sysctl(const char *ifname, const char *key, bool on)
{
	_cleanup_close_ int fd = open_sysctl(ifname, key, O_RDWR);
	char now = '\0';

	if (fd < 0)
		return fd;
	if (read(fd, &now, 1) == 1 && (now != '0') == on)
		return 0;
	return pwrite(fd, on ? "1" : "0", 1, 0) == 1 ? 1 : -errno;
}

static const struct {
	const char *name;
	uint32_t undo;
} dad_sysctls[] = {
	{"optimistic_dad", PLANE_UPLINK_OPTIMISTIC_DAD},
	{"use_optimistic", PLANE_UPLINK_USE_OPTIMISTIC},
};
#define DAD_SYSCTLS (sizeof(dad_sysctls) / sizeof(*dad_sysctls))

/*
 * Optimistic DAD (RFC 4429): a new address may be used at once, and is announced to us at once.  Where we may not write, the
 * administrator's sysctl.d decides.
 */
static void ask_optimistic_dad(struct net *n, struct uplink *u, const struct conf_link *c)
{
	if (u->dad_asked || !c->optimistic_dad)
		return;
	u->dad_asked = true;
	for (unsigned i = 0; i < DAD_SYSCTLS; i++) {
		int r = set_sysctl(u->name, dad_sysctls[i].name, true);

		if (r > 0)
			n->plane->ops->remember(n->plane, u->ifindex, dad_sysctls[i].undo);
		else if (r < 0)
			log_debug("%s: %s is left as it is: %s", u->name, dad_sysctls[i].name,
				  log_strerror(-r));
	}
}

void uplinks_undo(struct net *n)
{
	char name[IFNAMSIZ];
	uint32_t undo;
	int ifindex;

	while (n->plane->ops->undo(n->plane, &ifindex, &undo) == 0)
		for (unsigned i = 0; i < DAD_SYSCTLS; i++)
			if ((undo & dad_sysctls[i].undo) && if_indextoname((unsigned)ifindex, name))
				set_sysctl(name, dad_sysctls[i].name, false);
}

void uplink_configure(struct net *n, struct uplink *u)
{
	const struct conf_link *c = conf_link_find(n->conf, u->name);

	u->use = u->usable_type && c->use;
	if (u->use)
		ask_optimistic_dad(n, u, c);
}

static void close_sysctls(struct uplink *u)
{
	for (unsigned i = 0; i < SYSCTLS; i++) {
		close_fd(u->sysctl_fd[i]);
		u->sysctl_fd[i] = -1;
	}
}

struct uplink *uplink_get(struct net *n, int ifindex, const char *name, unsigned short type)
{
	struct uplink *u = uplink_find(n, ifindex);

	if (!u) {
		u = calloc(1, sizeof(*u));
		if (!u)
			return NULL;
		u->ifindex = ifindex;
		for (unsigned i = 0; i < SYSCTLS; i++)
			u->sysctl_fd[i] = -1;
		list_append(&n->uplinks, &u->node);
	}
	/* Another interface may have had the old name already when they were opened. */
	if (strcmp(u->name, name) != 0)
		close_sysctls(u);
	snprintf(u->name, sizeof(u->name), "%s", name);
	u->type = type;
	u->usable_type = usable_type(type);
	uplink_configure(n, u);
	return u;
}

static void uplink_free(struct uplink *u)
{
	close_sysctls(u);
	list_remove(&u->node);
	free(u);
}

void uplink_remove(struct net *n, int ifindex)
{
	struct uplink *u = uplink_find(n, ifindex);

	if (!u)
		return;
	n->plane->ops->uplink_gone(n->plane, ifindex);
	new_address_known(n, u);
	uplink_free(u);
}

void uplinks_free(struct net *n)
{
	struct uplink *u, *t;

	list_for_each_safe(u, t, &n->uplinks, node)
		uplink_free(u);
}

int uplink_attach(struct net *n, struct uplink *u)
{
	int r;

	if (u->attached)
		return 0;
	r = n->plane->ops->attach(n->plane, u->ifindex, uplink_has_mac(u));
	if (r < 0)
		return log_errno(r, "%s: cannot attach the data plane", u->name);
	u->attached = true;
	u->want_attached = false;
	return 0;
}
