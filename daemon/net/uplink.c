/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* Interfaces that can carry IPv6 of their own; tunnels of others and the loopback are no uplinks.
 */
static bool usable_type(unsigned short type)
{
	return type == ARPHRD_ETHER || type == ARPHRD_NONE || type == ARPHRD_PPP ||
	       type == ARPHRD_RAWIP;
}

static int write_sysctl(const char *ifname, const char *key)
{
	_cleanup_close_ int fd = -1;
	char path[128];

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/%s", ifname, key);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "1", 1) != 1)
		return -errno;
	return 0;
}

/*
 * Optimistic DAD (RFC 4429): a new address may be used at once, and is announced to us at once.  A
 * hardened service cannot write here; then the administrator's sysctl.d decides.
 */
static void ask_optimistic_dad(struct uplink *u, const struct conf_link *c)
{
	int r;

	if (u->dad_asked || !c->optimistic_dad)
		return;
	u->dad_asked = true;
	r = write_sysctl(u->name, "optimistic_dad");
	if (r == 0)
		r = write_sysctl(u->name, "use_optimistic");
	if (r < 0)
		log_debug("%s: optimistic DAD is left as it is: %s", u->name, log_strerror(-r));
}

struct uplink *uplink_get(struct net *n, int ifindex, const char *name, unsigned short type)
{
	const struct conf_link *c = conf_link_find(n->conf, name);
	struct uplink *u = uplink_find(n, ifindex);

	if (!u) {
		u = calloc(1, sizeof(*u));
		if (!u)
			return NULL;
		u->ifindex = ifindex;
		list_append(&n->uplinks, &u->node);
	}
	snprintf(u->name, sizeof(u->name), "%s", name);
	u->type = type;
	u->usable_type = usable_type(type);
	u->use = u->usable_type && c->use;
	if (u->use)
		ask_optimistic_dad(u, c);
	return u;
}

void uplink_remove(struct net *n, int ifindex)
{
	struct uplink *u = uplink_find(n, ifindex);

	if (!u)
		return;
	list_remove(&u->node);
	free(u);
}

void uplinks_free(struct net *n)
{
	struct uplink *u, *t;

	list_for_each_safe(u, t, &n->uplinks, node) {
		list_remove(&u->node);
		free(u);
	}
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
	return 0;
}
