/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "advertiser.h"

#include <errno.h>
#include <linux/icmpv6.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/event.h"
#include "../common/peer.h"
#include "base/log.h"

#define ND_ROUTER_SOLICIT_TYPE 133
#define ND_HOP_LIMIT 255
#define MESSAGE_MAX 1280

struct advertiser *advertiser_new(const char *ifname)
{
	struct advertiser *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	list_init(&a->node);
	a->fd = -1;
	strncpy(a->name, ifname, sizeof(a->name) - 1);
	a->ra.hop_limit = 64;
	a->ra.router_lifetime = 1800;
	return a;
}

void advertiser_free(struct advertiser *a)
{
	if (!a)
		return;
	list_remove(&a->node);
	sd_event_source_unref(a->source);
	sd_event_source_unref(a->timer);
	if (a->fd >= 0)
		close(a->fd);
	free(a);
}

int advertiser_add_option(struct advertiser *a, const char *hex)
{
	size_t n = strlen(hex) / 2;
	char *end, pair[3] = "";

	if (strlen(hex) % 16 || n == 0)
		return -EINVAL;
	if (a->extra_len + n > sizeof(a->extra))
		return -E2BIG;
	for (size_t i = 0; i < n; i++) {
		memcpy(pair, hex + 2 * i, 2);
		a->extra[a->extra_len + i] = (uint8_t)strtoul(pair, &end, 16);
		if (*end)
			return -EINVAL;
	}
	a->extra_len += n;
	return 0;
}

static int set_option(int fd, int option, int value)
{
	return setsockopt(fd, IPPROTO_IPV6, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int filter_solicitations(int fd)
{
	struct icmp6_filter filter;

	memset(&filter, 0xff, sizeof(filter));
	filter.data[ND_ROUTER_SOLICIT_TYPE >> 5] &= ~(1u << (ND_ROUTER_SOLICIT_TYPE & 31));
	return setsockopt(fd, IPPROTO_ICMPV6, ICMPV6_FILTER, &filter, sizeof(filter)) < 0 ? -errno
											  : 0;
}

static int join_all_routers(int fd, int ifindex)
{
	struct ipv6_mreq group = {.ipv6mr_interface = (unsigned)ifindex};

	addr_parse("ff02::2", &group.ipv6mr_multiaddr);
	return setsockopt(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &group, sizeof(group)) < 0 ? -errno
											    : 0;
}

static int socket_open(struct advertiser *a)
{
	int r;

	a->fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMPV6);
	if (a->fd < 0)
		return -errno;
	if (setsockopt(a->fd, SOL_SOCKET, SO_BINDTODEVICE, a->name,
		       (socklen_t)strlen(a->name) + 1) < 0)
		return -errno;
	r = filter_solicitations(a->fd);
	if (r >= 0)
		r = join_all_routers(a->fd, a->ifindex);
	if (r >= 0)
		r = set_option(a->fd, IPV6_MULTICAST_IF, a->ifindex);
	if (r >= 0)
		r = set_option(a->fd, IPV6_MULTICAST_HOPS, ND_HOP_LIMIT);
	if (r >= 0)
		r = set_option(a->fd, IPV6_UNICAST_HOPS, ND_HOP_LIMIT);
	if (r >= 0)
		r = set_option(a->fd, IPV6_RECVHOPLIMIT, 1);
	return r;
}

/* Read at each sending: a test may give the interface another address. */
static int read_lladdr(struct advertiser *a)
{
	struct ifreq request = {0};

	memcpy(request.ifr_name, a->name, sizeof(request.ifr_name));
	if (ioctl(a->fd, SIOCGIFHWADDR, &request) < 0)
		return -errno;
	memcpy(a->ra.lladdr, request.ifr_hwaddr.sa_data, 6);
	a->ra.lladdr_len = 6;
	return 0;
}

/* The kernel chooses the link-local source for a link-local destination, and sums. */
static int send_to(struct advertiser *a, const struct in6_addr *to)
{
	struct sockaddr_in6 dst = {
		.sin6_family = AF_INET6, .sin6_addr = *to, .sin6_scope_id = (uint32_t)a->ifindex};
	uint8_t message[MESSAGE_MAX];
	int len, r = read_lladdr(a);

	if (r < 0)
		return r;
	len = nd_router_advert_build(&a->ra, message, sizeof(message));
	if (len < 0)
		return len;
	if ((size_t)len + a->extra_len > sizeof(message))
		return -E2BIG;
	memcpy(message + len, a->extra, a->extra_len);
	len += (int)a->extra_len;
	if (sendto(a->fd, message, (size_t)len, 0, (struct sockaddr *)&dst, sizeof(dst)) < 0)
		return -errno;
	a->advertisements++;
	event_log("advertisement", "{s:s, s:o, s:i}", "interface", a->name, "to", json_addr(to),
		  "lifetime_s", a->ra.router_lifetime);
	return 0;
}

int advertiser_send(struct advertiser *a)
{
	struct in6_addr all_nodes;

	addr_parse("ff02::1", &all_nodes);
	return send_to(a, &all_nodes);
}

static void send_logged(struct advertiser *a, const struct in6_addr *to)
{
	int r = to ? send_to(a, to) : advertiser_send(a);

	/* An interface that is down or has no link-local address yet is part of many tests. */
	if (r < 0)
		log_debug("%s: advertisement: %s", a->name, log_strerror(-r));
}

static int on_interval(sd_event_source *s, uint64_t usec, void *user)
{
	struct advertiser *a = user;

	(void)s;
	if (!a->vanished)
		send_logged(a, NULL);
	return peer_timer_set(a->event, &a->timer, usec + a->interval, on_interval, a);
}

static int hop_limit_of(struct msghdr *m)
{
	int hops = -1;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT)
			memcpy(&hops, CMSG_DATA(c), sizeof(hops));
	return hops;
}

static int on_solicitation(sd_event_source *s, int fd, uint32_t revents, void *user)
{
	struct advertiser *a = user;
	struct sockaddr_in6 from = {0};
	uint8_t message[MESSAGE_MAX];
	char control[128];
	struct iovec iov = {message, sizeof(message)};
	struct msghdr m = {.msg_name = &from,
			   .msg_namelen = sizeof(from),
			   .msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
	bool multicast;

	(void)s;
	(void)revents;
	if (recvmsg(fd, &m, 0) < 8 || hop_limit_of(&m) != ND_HOP_LIMIT || message[1] != 0)
		return 0;
	a->solicitations++;
	event_log("solicitation", "{s:s, s:o}", "interface", a->name, "from",
		  json_addr(&from.sin6_addr));
	if (a->vanished)
		return 0;
	multicast = a->answer_multicast || addr_is_any(&from.sin6_addr);
	send_logged(a, multicast ? NULL : &from.sin6_addr);
	return 0;
}

int advertiser_start(struct advertiser *a, sd_event *event)
{
	int r;

	a->event = event;
	a->ifindex = (int)if_nametoindex(a->name);
	if (a->ifindex == 0)
		return -errno;
	r = socket_open(a);
	if (r >= 0)
		r = sd_event_add_io(event, &a->source, a->fd, EPOLLIN, on_solicitation, a);
	if (r >= 0 && a->interval > 0)
		r = peer_timer_set(event, &a->timer, peer_now(), on_interval, a);
	return r;
}
