/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "option.h"

#include <errno.h>
#include <string.h>

#include "../protocol.h"
#include "choose.h"
#include "debug.h"
#include "library.h"
#include "reader.h"
#include "source.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#define FLAGS (DMM_F_REQUIRE | DMM_F_NOWAIT | DMM_F_NEW)

static int get_number(int fd, int option, int *ret)
{
	socklen_t length = sizeof(*ret);

	return real.getsockopt(fd, SOL_SOCKET, option, ret, &length) < 0 ? -errno : 0;
}

/* An IPv6 socket of a protocol that has connections or datagrams of its own.  Others: as a kernel without the option. */
static int check_socket(int fd, bool *datagram)
{
	int domain, type, protocol, r;

	r = get_number(fd, SO_DOMAIN, &domain);
	if (r < 0)
		return r; /* not a socket */
	if (domain == AF_UNIX)
		return -EOPNOTSUPP;
	if (domain != AF_INET6 || get_number(fd, SO_TYPE, &type) < 0 ||
	    get_number(fd, SO_PROTOCOL, &protocol) < 0)
		return -ENOPROTOOPT;
	*datagram = type == SOCK_DGRAM;
	switch (protocol) {
	case IPPROTO_TCP:
	case IPPROTO_MPTCP:
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		return type == SOCK_STREAM || type == SOCK_DGRAM ? 0 : -ENOPROTOOPT;
	default:
		return -ENOPROTOOPT;
	}
}

static int parse(const void *value, socklen_t length, struct dmm_service *ret)
{
	struct dmm_service service = {0};

	if (length == sizeof(service))
		memcpy(&service, value, sizeof(service));
	else if (length == sizeof(int))
		memcpy(&service.type, value, sizeof(service.type));
	else
		return -EINVAL;
	if (service.type > DMM_SC_GRACEFUL_REPLACEMENT || service.flags & ~FLAGS ||
	    service.reserved)
		return -EINVAL;
	if (service.timeout_ms > DMM_TIMEOUT_MAX_MS)
		service.timeout_ms = DMM_TIMEOUT_MAX_MS;
	*ret = service;
	return 0;
}

static int set(int fd, const void *value, socklen_t length)
{
	struct sockaddr_storage peer;
	socklen_t peer_length = sizeof(peer);
	struct dmm_service service;
	struct state state;
	uint64_t cookie;
	bool datagram;
	int r = check_socket(fd, &datagram);

	if (r < 0)
		return r;
	reader_refresh(true);
	if (!choose_is_here(fd))
		return -ENOPROTOOPT;
	r = parse(value, length, &service);
	if (r < 0)
		return r;
	if (getpeername(fd, (struct sockaddr *)&peer, &peer_length) == 0)
		return -EISCONN;
	cookie = source_cookie(fd);
	if (!cookie)
		return -ENOPROTOOPT;
	state_get(cookie, &state);
	source_remember_v6only(fd, &state);
	state.type = service.type & 7;
	state.flags = service.flags & 7;
	state.timeout_ms = service.timeout_ms & 0xffff;
	state.datagram = datagram;
	state_put(cookie, state);
	DEBUG("fd %d: %s asked, flags %u", fd, debug_type(service.type), service.flags);
	return 0;
}

/* What the kernel was asked for itself is no matter of the environment's any more. */
static void leave_to_kernel(int fd, const void *value, socklen_t length)
{
	struct dmm_service service;
	struct state state;
	uint64_t cookie;

	if (library.policy_type == DMM_SC_UNSPEC || parse(value, length, &service) < 0)
		return;
	cookie = source_cookie(fd);
	state_get(cookie, &state);
	state.type = service.type ? DMM_SC_NON_PERSISTENT : DMM_SC_UNSPEC;
	state_put(cookie, state);
}

int option_set(int fd, const void *value, socklen_t length)
{
	int saved = errno, r;

	if (!value) {
		errno = EFAULT;
		return -1;
	}
	r = real.setsockopt(fd, IPPROTO_IPV6, IPV6_DMM_SERVICE, value, length);
	if (r == 0) {
		DEBUG("fd %d: the kernel takes the request, or an object that is preloaded", fd);
		leave_to_kernel(fd, value, length);
	}
	if (r == 0 || (errno != ENOPROTOOPT && errno != EOPNOTSUPP))
		return r;
	r = set(fd, value, length);
	if (r < 0)
		DEBUG("fd %d: request refused: error %d", fd, -r);
	errno = r < 0 ? -r : saved;
	return r < 0 ? -1 : 0;
}

static struct dmm_status status_of(int fd, const struct state *state)
{
	struct dmm_status status = {.requested = (uint32_t)state->type, .flags = DMM_S_EMULATED};
	struct dmm_table_entry entry;
	struct sockaddr_in6 local;
	struct reader_facts facts;

	if (reader_facts(&facts))
		status.generation = facts.generation;
	if (source_local(fd, &local) < 0 || IN6_IS_ADDR_UNSPECIFIED(&local.sin6_addr))
		return status;
	status.address = local.sin6_addr;
	if (reader_find(&local.sin6_addr, &entry) < 0)
		return status;
	status.effective = entry.type;
	status.ifindex = entry.ifindex;
	if (entry.state == DMM_ENTRY_DRAINING)
		status.flags |= DMM_S_DRAINING;
	if (entry.flags & DMM_ENTRY_TUNNELLED)
		status.flags |= DMM_S_TUNNELLED;
	return status;
}

/* As much as fits and makes sense: a whole structure, or the type alone. */
static int copy_out(const void *from, size_t size, bool number_too, void *value, socklen_t *length)
{
	if (*length >= size)
		*length = (socklen_t)size;
	else if (number_too && *length >= sizeof(int))
		*length = sizeof(int);
	else
		return -EINVAL;
	memcpy(value, from, *length);
	return 0;
}

static int get(int fd, int option, void *value, socklen_t *length)
{
	struct dmm_service service = {0};
	struct dmm_status status;
	struct state state;
	bool datagram;
	int r = check_socket(fd, &datagram);

	if (r < 0)
		return r;
	reader_refresh(false);
	if (!state_get(source_cookie(fd), &state) && !choose_is_here(fd))
		return -ENOPROTOOPT;
	if (option == IPV6_DMM_STATUS) {
		status = status_of(fd, &state);
		return copy_out(&status, sizeof(status), false, value, length);
	}
	service.type = (uint32_t)state.type;
	service.flags = (uint32_t)state.flags;
	service.timeout_ms = (uint32_t)state.timeout_ms;
	return copy_out(&service, sizeof(service), true, value, length);
}

int option_get(int fd, int option, void *value, socklen_t *length)
{
	int saved = errno, r;

	if (!value || !length) {
		errno = EFAULT;
		return -1;
	}
	r = real.getsockopt(fd, IPPROTO_IPV6, option, value, length);
	if (r == 0 || (errno != ENOPROTOOPT && errno != EOPNOTSUPP))
		return r;
	r = get(fd, option, value, length);
	errno = r < 0 ? -r : saved;
	return r < 0 ? -1 : 0;
}
