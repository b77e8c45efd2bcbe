/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What programs call: dmmsock(3). */
#include <errno.h>
#include <stddef.h>

#include "../include/dmmsock.h"
#include "../protocol.h"
#include "client.h"
#include "datagram.h"
#include "debug.h"
#include "library.h"
#include "option.h"
#include "reader.h"
#include "source.h"

#define EXPORT __attribute__((visibility("default")))

_Static_assert(sizeof(struct dmm_event) == sizeof(struct dmm_reply) &&
		       offsetof(struct dmm_event, generation) ==
			       offsetof(struct dmm_reply, generation),
	       "what dmmd sends is what an application reads");

__attribute__((constructor)) static void start(void)
{
	library_start();
}

EXPORT int dmm_set_service(int fd, const struct dmm_service *service)
{
	library_start();
	return option_set(fd, service, sizeof(*service));
}

EXPORT int dmm_connect(int fd, const struct sockaddr *address, socklen_t length)
{
	return library_asked() ? source_connect(fd, address, length)
			       : real.connect(fd, address, length);
}

EXPORT ssize_t dmm_sendmsg(int fd, const struct msghdr *message, int flags)
{
	return library_asked() ? datagram_sendmsg(fd, message, flags)
			       : real.sendmsg(fd, message, flags);
}

EXPORT int dmm_status(int fd, struct dmm_status *status)
{
	struct dmm_status found;
	socklen_t length = sizeof(found);

	library_start();
	if (option_get(fd, IPV6_DMM_STATUS, &found, &length) < 0)
		return -1;
	*status = found;
	return 0;
}

static int fail(int error)
{
	errno = -error;
	return -1;
}

EXPORT int dmm_setsc(int fd, struct in6_addr *source, int type, unsigned timeout_ms)
{
	struct dmm_service service = {.type = (uint32_t)type, .timeout_ms = timeout_ms};
	struct choice choice = {.fd = fd,
				.type = (unsigned)type,
				.flags = DMM_F_REQUIRE,
				.timeout_ms = timeout_ms,
				.may_wait = true};
	struct sockaddr_in6 local;
	int saved = errno, r;

	library_start();
	if (type == DMM_SC_UNSPEC)
		return fail(-EINVAL);
	r = source_local(fd, &local);
	if (r == 0 && (!IN6_IS_ADDR_UNSPECIFIED(&local.sin6_addr) || local.sin6_port))
		return fail(-EINVAL);
	if (option_set(fd, &service, sizeof(service)) < 0)
		return -1;
	if (r < 0)
		return fail(r);
	choice.cookie = source_cookie(fd);
	r = choose(&choice);
	if (r > 0)
		r = source_device_fits(fd, &choice) ? source_assign(fd, &choice.address)
						    : -EADDRNOTAVAIL;
	if (r < 0)
		return fail(r);
	if (source)
		*source = choice.address; /* :: for what is left to the kernel */
	errno = saved;
	return 0;
}

EXPORT int dmm_event_fd(void)
{
	int fd, saved = errno;

	library_start();
	reader_refresh(true);
	fd = client_subscribe();
	if (fd < 0)
		return fail(fd);
	errno = saved;
	return fd;
}
