/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* RFC 5014 sections 7 and 8. */
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <unistd.h>

#include "../include/dmmsock.h"
#include "library.h"
#include "option.h"
#include "reader.h"
#include "source.h"

#ifndef SO_BINDTOIFINDEX
#define SO_BINDTOIFINDEX 62
#endif
#define EXPORT __attribute__((visibility("default")))
#define DISCARD_PORT 9
#define KNOWN_FLAGS \
	(IPV6_PREFER_SRC_TMP | IPV6_PREFER_SRC_PUBLIC | IPV6_PREFER_SRC_PUBTMP_DEFAULT | \
	 IPV6_PREFER_SRC_COA | IPV6_PREFER_SRC_HOME | IPV6_PREFER_SRC_CGA | \
	 IPV6_PREFER_SRC_NONCGA)

static int fail(int error)
{
	errno = -error;
	return -1;
}

static void copy_option(int from, int to, int level, int option)
{
	int value = 0;
	socklen_t length = sizeof(value);

	if (real.getsockopt(from, level, option, &value, &length) == 0 && value != 0)
		real.setsockopt(to, level, option, &value, sizeof(value));
}

/* The kernel's choice: a datagram socket that is connected sends nothing. */
static int kernel_choice(int fd, const struct sockaddr_in6 *destination, struct in6_addr *ret)
{
	int probe = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), r = 0;
	struct sockaddr_in6 to = *destination, local;

	if (probe < 0)
		return -errno;
	if (!to.sin6_port)
		to.sin6_port = htons(DISCARD_PORT);
	copy_option(fd, probe, IPPROTO_IPV6, IPV6_ADDR_PREFERENCES);
	copy_option(fd, probe, SOL_SOCKET, SO_MARK);
	copy_option(fd, probe, SOL_SOCKET, SO_BINDTOIFINDEX);
	if (real.connect(probe, (struct sockaddr *)&to, sizeof(to)) < 0)
		r = -errno;
	if (r == 0)
		r = source_local(probe, &local);
	if (r == 0)
		*ret = local.sin6_addr;
	close(probe);
	return r;
}

/* A service that was asked for counts for more than preferences (RFC 8653 section 4.4). */
static int service_choice(int fd, const struct sockaddr_in6 *destination, struct in6_addr *ret)
{
	struct dmm_service service = {0};
	socklen_t length = sizeof(service);
	struct choice choice = {.fd = fd, .to = destination, .may_wait = source_blocks(fd)};
	int r;

	if (option_get(fd, IPV6_DMM_SERVICE, &service, &length) < 0 ||
	    !choose_in_scope((const struct sockaddr *)destination, sizeof(*destination)))
		return 0;
	choice.type = service.type;
	choice.flags = service.flags;
	choice.timeout_ms = service.timeout_ms;
	choice.cookie = source_cookie(fd);
	r = choose(&choice);
	if (r > 0 && !source_device_fits(fd, &choice))
		r = choose_without(&choice, "bound to another device");
	if (r > 0)
		*ret = choice.address;
	return r;
}

EXPORT int bind2addrsel(int fd, const struct sockaddr *destination, socklen_t length)
{
	struct sockaddr_in6 to, local;
	struct in6_addr source;
	int saved = errno, r;

	library_start();
	if (!destination || length < sizeof(to))
		return fail(-EINVAL);
	if (destination->sa_family != AF_INET6)
		return fail(-EAFNOSUPPORT);
	memcpy(&to, destination, sizeof(to));
	r = source_local(fd, &local);
	if (r == 0 && (!IN6_IS_ADDR_UNSPECIFIED(&local.sin6_addr) || local.sin6_port))
		r = -EINVAL;
	if (r == 0)
		r = service_choice(fd, &to, &source);
	if (r == 0)
		r = kernel_choice(fd, &to, &source);
	if (r >= 0)
		r = source_assign(fd, &source);
	if (r < 0)
		return fail(r);
	errno = saved;
	return 0;
}

/* The flags of one address message: 1 = it is about this address. */
static int read_address(const struct nlmsghdr *message, const struct sockaddr_in6 *wanted,
			uint32_t *flags)
{
	const struct ifaddrmsg *about = NLMSG_DATA(message);
	int length = (int)IFA_PAYLOAD(message);
	const struct rtattr *a = IFA_RTA(about);
	const void *address = NULL, *local = NULL;
	uint32_t found = about->ifa_flags;

	if (about->ifa_family != AF_INET6 ||
	    (IN6_IS_ADDR_LINKLOCAL(&wanted->sin6_addr) && wanted->sin6_scope_id &&
	     wanted->sin6_scope_id != about->ifa_index))
		return 0;
	for (; RTA_OK(a, length); a = RTA_NEXT(a, length)) {
		size_t size = RTA_PAYLOAD(a);

		if (a->rta_type == IFA_ADDRESS && size == sizeof(struct in6_addr))
			address = RTA_DATA(a);
		else if (a->rta_type == IFA_LOCAL && size == sizeof(struct in6_addr))
			local = RTA_DATA(a);
		else if (a->rta_type == IFA_FLAGS && size == sizeof(found))
			memcpy(&found, RTA_DATA(a), sizeof(found));
	}
	if (local) /* the other end of a link is no address of this host */
		address = local;
	if (!address || memcmp(address, &wanted->sin6_addr, sizeof(struct in6_addr)) != 0)
		return 0;
	*flags = found;
	return 1;
}

/* One packet of the dump.  1 = found, 0 = go on, or -EADDRNOTAVAIL at its end. */
static int read_packet(struct nlmsghdr *message, size_t size, const struct sockaddr_in6 *wanted,
		       uint32_t *flags)
{
	for (unsigned left = (unsigned)size; NLMSG_OK(message, left);
	     message = NLMSG_NEXT(message, left)) {
		if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR)
			return -EADDRNOTAVAIL;
		if (message->nlmsg_type == RTM_NEWADDR &&
		    message->nlmsg_len >= NLMSG_LENGTH(sizeof(struct ifaddrmsg)) &&
		    read_address(message, wanted, flags) > 0)
			return 1;
	}
	return 0;
}

static int address_flags(const struct sockaddr_in6 *wanted, uint32_t *ret)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), r = 0;
	struct {
		struct nlmsghdr header;
		struct ifaddrmsg about;
	} request = {.header = {.nlmsg_len = sizeof(request),
				.nlmsg_type = RTM_GETADDR,
				.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		     .about = {.ifa_family = AF_INET6}};
	union {
		struct nlmsghdr header;
		char octets[8192];
	} answer;

	if (fd < 0)
		return -errno;
	if (send(fd, &request, sizeof(request), MSG_NOSIGNAL) < 0)
		r = -errno;
	while (r == 0) {
		ssize_t n = recv(fd, &answer, sizeof(answer), 0);

		if (n <= 0)
			r = n < 0 && errno == EINTR ? 0 : -EIO;
		else
			r = read_packet(&answer.header, (size_t)n, wanted, ret);
	}
	close(fd);
	return r > 0 ? 0 : r;
}

static bool contradictory(uint32_t flags)
{
	uint32_t age = flags & (IPV6_PREFER_SRC_TMP | IPV6_PREFER_SRC_PUBLIC |
				IPV6_PREFER_SRC_PUBTMP_DEFAULT);

	return (age & (age - 1)) != 0 ||
	       (flags & IPV6_PREFER_SRC_HOME && flags & IPV6_PREFER_SRC_COA) ||
	       (flags & IPV6_PREFER_SRC_CGA && flags & IPV6_PREFER_SRC_NONCGA);
}

/*
 * A home address at home is a care-of address as well, and where nothing is known of mobility every address is both.
 * Whether an address was made of a key cannot be seen.
 */
static bool has_properties(const struct in6_addr *address, uint32_t have, uint32_t asked)
{
	struct dmm_table_entry entry = {0};
	bool known = reader_find(address, &entry) == 0;
	bool home = have & IFA_F_HOMEADDRESS || (known && entry.type == DMM_SC_FIXED);
	bool away = known ? (entry.flags & DMM_ENTRY_TUNNELLED) != 0 : home;
	bool temporary = have & IFA_F_TEMPORARY;

	if ((asked & IPV6_PREFER_SRC_TMP && !temporary) ||
	    (asked & IPV6_PREFER_SRC_PUBLIC && temporary) || asked & IPV6_PREFER_SRC_CGA)
		return false;
	if (asked & IPV6_PREFER_SRC_HOME)
		return home || !reader_usable();
	return !(asked & IPV6_PREFER_SRC_COA) || !away;
}

EXPORT int inet6_is_srcaddr(const struct sockaddr_in6 *address, uint32_t flags)
{
	int saved = errno, r;
	uint32_t have;

	library_start();
	if (!address || address->sin6_family != AF_INET6 || flags & ~(uint32_t)KNOWN_FLAGS ||
	    contradictory(flags))
		return fail(-EINVAL);
	r = address_flags(address, &have);
	if (r < 0)
		return fail(r);
	reader_refresh(false);
	errno = saved;
	return has_properties(&address->sin6_addr, have, flags);
}
