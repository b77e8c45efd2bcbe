/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Control groups that get a type of service by the kernel's hooks, as dmm-run(1) asks for its own.
 *
 * Nobody can ask for a group whose directory is somebody else's: to be in one is not to own it.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/bpf.h"
#include "sock/hooks.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif
#define NOBODY ((uid_t)-1)
#define TYPE_BITS 0xff

static int append(struct hooks *h, uint64_t id, uid_t uid)
{
	if (h->n_groups == h->groups_allocated) {
		unsigned want = h->groups_allocated ? 2 * h->groups_allocated : 16;
		struct group *p = reallocarray(h->group, want, sizeof(*p));

		if (!p)
			return -ENOMEM;
		h->group = p;
		h->groups_allocated = want;
	}
	h->group[h->n_groups++] = (struct group){id, uid};
	return 0;
}

int groups_load(struct hooks *h)
{
	uint64_t key, next;
	int added = 0, r = bpf_map_next(h->map[MAP_GROUPS], NULL, &next);

	for (unsigned i = 0; r == 0 && added == 0 && i < HOOKS_MAX_GROUPS; i++) {
		key = next;
		added = append(h, key, NOBODY);
		r = bpf_map_next(h->map[MAP_GROUPS], &key, &next);
	}
	return added;
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

void groups_prune(struct hooks *h)
{
	_cleanup_free_ uint64_t *living = NULL;
	unsigned kept = 0;
	size_t n;

	if (h->n_groups == 0 || net_list_control_groups(&living, &n) < 0)
		return;
	if (n)
		qsort(living, n, sizeof(*living), compare);
	for (unsigned i = 0; i < h->n_groups; i++) {
		if (n && bsearch(&h->group[i].id, living, n, sizeof(*living), compare))
			h->group[kept++] = h->group[i];
		else
			bpf_map_delete(h->map[MAP_GROUPS], &h->group[i].id);
	}
	h->n_groups = kept;
}

unsigned groups_types(const struct hooks *h)
{
	enum service_type type;
	unsigned types = 0;
	uint32_t value;

	for (unsigned i = 0; i < h->n_groups; i++)
		if (bpf_map_get(h->map[MAP_GROUPS], &h->group[i].id, &value) == 0 &&
		    type_from_library(value & TYPE_BITS, &type))
			types |= 1u << type;
	return types;
}

static unsigned count_of(const struct hooks *h, uid_t uid)
{
	unsigned n = 0;

	for (unsigned i = 0; i < h->n_groups; i++)
		n += h->group[i].uid == uid;
	return n;
}

static bool is_known(const struct hooks *h, uint64_t id)
{
	for (unsigned i = 0; i < h->n_groups; i++)
		if (h->group[i].id == id)
			return true;
	return false;
}

/* Did the process that connected live until now?  Its number may be another's since; without a way to know, it counts. */
static bool still_lives(const struct client *c)
{
	_cleanup_close_ int pidfd = -1;
	socklen_t len = sizeof(pidfd);
	struct pollfd p = {.events = POLLIN};

	if (getsockopt(c->fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &len) < 0)
		return errno == ENOPROTOOPT;
	p.fd = pidfd;
	return poll(&p, 1, 0) == 0;
}

static int make_room(struct hooks *h, uid_t uid)
{
	const unsigned share = HOOKS_MAX_GROUPS / USER_SHARE;

	if (h->n_groups < share)
		return 0;
	groups_prune(h);
	return h->n_groups < HOOKS_MAX_GROUPS && count_of(h, uid) < share ? 0 : -EAGAIN;
}

int groups_add(struct hooks *h, struct client *c, enum service_type type, bool udp)
{
	const uint32_t value = type_to_library(type) | (udp ? HOOKS_GROUP_UDP : 0);
	uint64_t id;
	int r = net_control_group_of(c->pid, c->user->uid, &id);

	if (r < 0)
		return r;
	if (!still_lives(c))
		return -ESRCH;
	if (!is_known(h, id) &&
	    ((r = make_room(h, c->user->uid)) < 0 || (r = append(h, id, c->user->uid)) < 0))
		return r;
	r = bpf_map_put(h->map[MAP_GROUPS], &id, &value);
	if (r == 0 && type != SERVICE_NON_PERSISTENT)
		sock_want(h->sock, type);
	return r;
}
