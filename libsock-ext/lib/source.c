/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A socket that is bound without a port (IP_BIND_ADDRESS_NO_PORT) can be bound anew until it is connected.  That is how a
 * source is taken back when the next destination is out of scope, or another service is asked for.  bind(2) to an IPv6
 * address also turns IPV6_V6ONLY on, for good: its former value is restored then.
 */
#include "source.h"

#include <errno.h>
#include <fcntl.h>

#include "debug.h"
#include "library.h"

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif
#ifndef SO_BINDTOIFINDEX
#define SO_BINDTOIFINDEX 62
#endif

static _Atomic bool device_used;

uint64_t source_cookie(int fd)
{
	uint64_t cookie = 0;
	socklen_t length = sizeof(cookie);

	return real.getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &length) < 0 ? 0 : cookie;
}

void source_state(int fd, struct state *ret, uint64_t *cookie)
{
	*cookie = 0;
	*ret = (struct state){0};
	if (atomic_load_explicit(&library_active, memory_order_relaxed) & LIBRARY_STATE) {
		*cookie = source_cookie(fd);
		state_get(*cookie, ret);
	}
}

bool source_blocks(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && !(flags & O_NONBLOCK);
}

int source_local(int fd, struct sockaddr_in6 *ret)
{
	struct sockaddr_in6 local = {.sin6_family = AF_UNSPEC};
	socklen_t length = sizeof(local);

	if (getsockname(fd, (struct sockaddr *)&local, &length) < 0)
		return -errno;
	if (local.sin6_family != AF_INET6)
		return -EAFNOSUPPORT;
	*ret = local;
	return 0;
}

void source_device_used(void)
{
	atomic_store(&device_used, true);
}

bool source_device_fits(int fd, const struct choice *choice)
{
	int ifindex = 0;
	socklen_t length = sizeof(ifindex);

	if (real.sees_all && !atomic_load_explicit(&device_used, memory_order_relaxed))
		return true;
	return real.getsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &ifindex, &length) < 0 ||
	       ifindex == 0 || (uint32_t)ifindex == choice->ifindex;
}

void source_remember_v6only(int fd, struct state *state)
{
	int only = 0;
	socklen_t length = sizeof(only);

	if (state->bound || (state->v6only_known && real.sees_all) ||
	    real.getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &length) < 0)
		return;
	state->v6only_known = 1;
	state->v6only = only != 0;
}

void source_v6only_set(int fd, bool value)
{
	struct state state;
	uint64_t cookie;

	source_state(fd, &state, &cookie);
	if (!state.v6only_known)
		return;
	state.v6only = value;
	state_put(cookie, state);
}

int source_assign(int fd, const struct in6_addr *address)
{
	struct sockaddr_in6 source = {.sin6_family = AF_INET6, .sin6_addr = *address};
	int on = 1;

	if (real.setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) < 0)
		return -errno;
	return real.bind(fd, (struct sockaddr *)&source, sizeof(source)) < 0 ? -errno : 0;
}

/* Not bound any more: 0, or -EINVAL if it is connected or about to be. */
static int undo(int fd, struct state *state, uint64_t cookie)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6};
	int only = state->v6only;

	if (real.bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0)
		return -errno;
	real.setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only));
	state->bound = 0;
	state_put(cookie, *state);
	return 0;
}

/* 1 = nobody has bound it; 0 = the application has; or -EADDRNOTAVAIL. */
static int check_unbound(const struct choice *choice)
{
	struct sockaddr_in6 local;

	if (source_local(choice->fd, &local) < 0)
		return 0;
	if (!IN6_IS_ADDR_UNSPECIFIED(&local.sin6_addr)) {
		DEBUG("fd %d: bound by the application to %s", choice->fd,
		      debug_address(&local.sin6_addr).s);
		return 0;
	}
	/* The port of a connection that failed is still told; what counts is whether bind(2) can be done. */
	return 1;
}

static int assign(struct choice *choice, struct state *state)
{
	int r;

	if (!source_device_fits(choice->fd, choice))
		return choose_without(choice, "bound to another device");
	source_remember_v6only(choice->fd, state);
	r = source_assign(choice->fd, &choice->address);
	if (r < 0)
		return choose_without(choice, r == -EADDRNOTAVAIL ? "the address has gone"
								  : "cannot be bound");
	if (!choice->cookie)
		choice->cookie = source_cookie(choice->fd);
	state->bound = 1;
	state_put(choice->cookie, *state);
	return 0;
}

static int prepare(int fd, const struct sockaddr *to, socklen_t length, bool may_wait)
{
	const struct sockaddr_in6 *to6 = (const struct sockaddr_in6 *)to;
	bool in_scope = choose_in_scope(to, length);
	struct choice choice = {.fd = fd, .to = to6};
	struct state state;
	int r;

	source_state(fd, &state, &choice.cookie);
	if (state.bound && undo(fd, &state, choice.cookie) < 0)
		return 0; /* connected, or about to be: its source stays, as it does without us */
	if (!in_scope)
		return 0;
	choice.type = state.type;
	choice.flags = state.flags;
	choice.timeout_ms = state.timeout_ms;
	if (choice.type == DMM_SC_UNSPEC)
		choice.type = choose_policy(fd, to6);
	if (choice.type == DMM_SC_UNSPEC || choice.type == DMM_SC_NON_PERSISTENT)
		return 0;
	r = check_unbound(&choice);
	if (r <= 0)
		return r;
	choice.may_wait = may_wait && source_blocks(fd);
	r = choose(&choice);
	return r > 0 ? assign(&choice, &state) : r;
}

int source_prepare(int fd, const struct sockaddr *to, socklen_t length, bool may_wait)
{
	int saved = errno, r = prepare(fd, to, length, may_wait);

	errno = r < 0 ? -r : saved;
	return r < 0 ? -1 : 0;
}

int source_connect(int fd, const struct sockaddr *to, socklen_t length)
{
	struct state state;
	uint64_t cookie;
	int saved = errno;

	if (!to || length < sizeof(to->sa_family))
		return real.connect(fd, to, length);
	if (to->sa_family == AF_INET6 && source_prepare(fd, to, length, true) < 0)
		return -1;
	if (real.connect(fd, to, length) < 0)
		return -1;
	if (to->sa_family == AF_UNSPEC) { /* disconnected: its source is open again */
		source_state(fd, &state, &cookie);
		if (state.bound)
			undo(fd, &state, cookie);
		errno = saved;
	}
	return 0;
}

/* A server, or a client with a port of its own: what it asked for is the address to be known by. */
static int bind_chosen(int fd, const struct sockaddr_in6 *address, const struct state *state,
		       uint64_t cookie)
{
	struct choice choice = {.fd = fd,
				.type = state->type,
				.flags = state->flags,
				.timeout_ms = state->timeout_ms,
				.cookie = cookie,
				.may_wait = source_blocks(fd)};
	struct sockaddr_in6 chosen = *address;
	int r = choose(&choice);

	if (r <= 0)
		return r;
	if (!source_device_fits(fd, &choice))
		return choose_without(&choice, "bound to another device");
	chosen.sin6_addr = choice.address;
	if (real.bind(fd, (struct sockaddr *)&chosen, sizeof(chosen)) == 0)
		return 1;
	if (errno != EADDRNOTAVAIL) /* the port is in use, the socket bound already */
		return -errno;
	return choose_without(&choice, "the address has gone");
}

int source_bind(int fd, const struct sockaddr *address, socklen_t length)
{
	const struct sockaddr_in6 *address6 = (const struct sockaddr_in6 *)address;
	int saved = errno, r = 0;
	struct state state;
	uint64_t cookie;

	if (!address || length < sizeof(*address6) || address->sa_family != AF_INET6)
		return real.bind(fd, address, length);
	source_state(fd, &state, &cookie);
	if (state.bound) /* from here on it is the application's own */
		undo(fd, &state, cookie);
	if (state.type != DMM_SC_UNSPEC && IN6_IS_ADDR_UNSPECIFIED(&address6->sin6_addr))
		r = bind_chosen(fd, address6, &state, cookie);
	errno = saved;
	if (r > 0)
		return 0;
	if (r < 0) {
		errno = -r;
		return -1;
	}
	return real.bind(fd, address, length);
}
