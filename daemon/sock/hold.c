/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Datagram sockets that send from an address packet by packet.
 *
 * The kernel does not know the address of such a socket.  Who sends from one says so once, by the socket itself: after that
 * only the kernel's word counts, that the socket still lives.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sock/internal.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif
#define PRUNE_INTERVAL USEC_PER_SEC

static bool option_is(int fd, int option, int value)
{
	socklen_t len = sizeof(int);
	int v;

	return getsockopt(fd, SOL_SOCKET, option, &v, &len) == 0 && v == value;
}

int netns_cookie_of(int fd, uint64_t *ret)
{
	socklen_t len = sizeof(*ret);

	return getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, ret, &len) < 0 ? -errno : 0;
}

/* What it is not asked by file operations: those of a stranger's file can wait. */
static int check(const struct sock *s, int fd, uint64_t *ret_cookie)
{
	socklen_t len = sizeof(*ret_cookie);
	uint64_t netns;

	if (!option_is(fd, SO_DOMAIN, AF_INET6) || !option_is(fd, SO_TYPE, SOCK_DGRAM) ||
	    !option_is(fd, SO_PROTOCOL, IPPROTO_UDP))
		return -ENOTSOCK;
	if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, ret_cookie, &len) < 0)
		return -errno;
	if (s->netns_cookie && (netns_cookie_of(fd, &netns) < 0 || netns != s->netns_cookie))
		return -EXDEV;
	return 0;
}

/* --- the list -------------------------------------------------------------------------------------- */

static int compare_info(const void *a, const void *b)
{
	const struct session_info *x = a, *y = b;

	return (x->cookie > y->cookie) - (x->cookie < y->cookie);
}

/* All datagram sockets, by cookie. */
static int list_living(struct sock *s, struct session_info **ret, size_t *ret_n)
{
	int r = net_list_datagrams(s->net, ret, ret_n);

	if (r == 0 && *ret_n)
		qsort(*ret, *ret_n, sizeof(**ret), compare_info);
	return r;
}

static const struct session_info *find_living(const struct session_info *living, size_t n,
					      uint64_t cookie)
{
	const struct session_info key = {.cookie = cookie};

	return n ? bsearch(&key, living, n, sizeof(*living), compare_info) : NULL;
}

static void prune(struct holds *h, const struct session_info *living, size_t n_living)
{
	unsigned n = 0;

	for (unsigned i = 0; i < h->n; i++)
		if (find_living(living, n_living, h->hold[i].cookie))
			h->hold[n++] = h->hold[i];
	h->n = n;
}

static void make_room(struct sock *s)
{
	_cleanup_free_ struct session_info *living = NULL;
	const usec_t now = loop_now().mono;
	size_t n;

	if (s->holds.pruned_at && now - s->holds.pruned_at < PRUNE_INTERVAL)
		return;
	s->holds.pruned_at = now;
	if (list_living(s, &living, &n) == 0)
		prune(&s->holds, living, n);
}

static unsigned count_of(const struct holds *h, uid_t uid)
{
	unsigned n = 0;

	for (unsigned i = 0; i < h->n; i++)
		n += h->hold[i].uid == uid;
	return n;
}

static bool is_full(const struct holds *h, uid_t uid)
{
	return h->n == MAX_HOLDS || count_of(h, uid) >= MAX_HOLDS / USER_SHARE;
}

static int append(struct sock *s, const struct hold *new)
{
	struct holds *h = &s->holds;

	for (unsigned i = 0; i < h->n; i++)
		if (h->hold[i].cookie == new->cookie &&
		    addr_equal(&h->hold[i].address, &new->address))
			return 0;
	if (is_full(h, new->uid)) {
		make_room(s);
		if (is_full(h, new->uid))
			return -EAGAIN;
	}
	if (h->n == h->allocated) {
		unsigned want = h->allocated ? 2 * h->allocated : 64;
		struct hold *p = reallocarray(h->hold, want, sizeof(*p));

		if (!p)
			return -ENOMEM;
		h->hold = p;
		h->allocated = want;
	}
	h->hold[h->n++] = *new;
	return 0;
}

int hold_add(struct client *c, const struct dmm_request *q, int fd)
{
	struct hold new = {.address = q->address, .uid = c->user->uid};
	int r;

	if (fd < 0)
		return -EAGAIN;
	r = check(c->sock, fd, &new.cookie);
	if (r < 0) {
		dispose(c->user->uid, &fd, 1);
		return r;
	}
	close(fd);
	if (!offer_find(c->sock, &q->address))
		return -EADDRNOTAVAIL;
	return append(c->sock, &new);
}

/* --- for the engine ---------------------------------------------------------------------------------- */

static bool is_among(const struct in6_addr *a, const struct ip6_prefix *sources, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (prefix_contains(&sources[i], a))
			return true;
	return false;
}

/* Those on these sources to the front. */
static unsigned select_held(struct hold *hold, unsigned n, const struct ip6_prefix *sources,
			    unsigned n_sources)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < n; i++)
		if (is_among(&hold[i].address, sources, n_sources))
			hold[kept++] = hold[i];
	return kept;
}

/* Our own and those of the hooks.  One socket may be there for several addresses, and twice for one. */
static int collect(struct sock *s, const struct ip6_prefix *sources, unsigned n_sources,
		   struct hold **ret, unsigned *ret_n)
{
	struct hold *held = NULL, *all;
	unsigned n = 0;
	int r = s->hooks ? hooks_list_held(s->hooks, &held, &n) : 0;

	if (r < 0)
		return r;
	all = reallocarray(held, n + s->holds.n + 1, sizeof(*all));
	if (!all) {
		free(held);
		return -ENOMEM;
	}
	if (s->holds.n)
		memcpy(all + n, s->holds.hold, s->holds.n * sizeof(*all));
	*ret_n = select_held(all, n + s->holds.n, sources, n_sources);
	*ret = all;
	return 0;
}

static int compare_holds(const void *a, const void *b)
{
	const struct hold *x = a, *y = b;

	return (x->cookie > y->cookie) - (x->cookie < y->cookie);
}

int sock_list_held(struct sock *s, const struct ip6_prefix *sources, unsigned n_sources,
		   struct session_info **ret, size_t *ret_n)
{
	_cleanup_free_ struct session_info *living = NULL, *info = NULL;
	_cleanup_free_ struct hold *held = NULL;
	const struct session_info *one;
	size_t n = 0, n_living;
	unsigned n_held;
	int r;

	*ret = NULL;
	*ret_n = 0;
	if ((r = collect(s, sources, n_sources, &held, &n_held)) < 0 || n_held == 0)
		return r;
	if ((r = list_living(s, &living, &n_living)) < 0)
		return r;
	prune(&s->holds, living, n_living);
	info = calloc(n_held, sizeof(*info));
	if (!info)
		return -ENOMEM;
	qsort(held, n_held, sizeof(*held), compare_holds);
	for (unsigned i = 0; i < n_held; i++) {
		one = find_living(living, n_living, held[i].cookie);
		/* Of one that is bound the kernel says itself where it is. */
		if (!one || !addr_is_any(&one->source) ||
		    (n && info[n - 1].cookie == held[i].cookie))
			continue;
		info[n] = *one;
		info[n++].source = held[i].address;
	}
	*ret = TAKE_PTR(info);
	*ret_n = n;
	return 0;
}
