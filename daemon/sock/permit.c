/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who may have what: the credentials of the peer against users and groups of the configuration. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>

#include "sock/internal.h"

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif
#define MAX_GROUPS 65536 /* NGROUPS_MAX of the kernel */

static bool has_user(const struct conf_permission *p, uid_t uid)
{
	for (unsigned i = 0; i < p->n_users; i++)
		if (p->user[i] == uid)
			return true;
	return false;
}

static bool has_group(const struct conf_permission *p, gid_t gid)
{
	for (unsigned i = 0; i < p->n_groups; i++)
		if (p->group[i] == gid)
			return true;
	return false;
}

static bool has_peer_group(const struct conf_permission *p, int fd)
{
	_cleanup_free_ gid_t *groups = NULL;
	socklen_t len = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &len) == 0 || errno != ERANGE ||
	    len > MAX_GROUPS * sizeof(gid_t))
		return false;
	groups = malloc(len);
	if (!groups || getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		return false;
	for (unsigned i = 0; i < len / sizeof(gid_t); i++)
		if (has_group(p, groups[i]))
			return true;
	return false;
}

bool permit_has(const struct conf_permission *p, const struct client *c)
{
	return p->all || c->user->uid == 0 || has_user(p, c->user->uid) ||
	       (p->n_groups && (has_group(p, c->gid) || has_peer_group(p, c->fd)));
}

static void add(uid_t uid, uid_t *ret, unsigned *n, unsigned max)
{
	for (unsigned i = 0; i < *n; i++)
		if (ret[i] == uid)
			return;
	if (*n < max)
		ret[(*n)++] = uid;
}

unsigned permit_users(const struct conf_permission *p, uid_t *ret, unsigned max)
{
	const struct passwd *user;
	const struct group *group;
	unsigned n = 0;

	add(0, ret, &n, max);
	for (unsigned i = 0; i < p->n_users; i++)
		add(p->user[i], ret, &n, max);
	for (unsigned i = 0; i < p->n_groups; i++) {
		group = getgrgid(p->group[i]);
		for (char **m = group ? group->gr_mem : NULL; m && *m; m++)
			if ((user = getpwnam(*m)))
				add(user->pw_uid, ret, &n, max);
	}
	if (p->n_groups) {
		setpwent();
		while ((user = getpwent()))
			if (has_group(p, user->pw_gid))
				add(user->pw_uid, ret, &n, max);
		endpwent();
	}
	return n;
}
