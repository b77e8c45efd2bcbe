/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "home_link.h"

#include <errno.h>
#include <linux/icmpv6.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent.h"
#include "base/log.h"
#include "binding.h"
#include "proto/ext.h"

#define ND_ADVERT_TYPE 136
#define ND_ADVERT_LEN 24
#define ND_ADVERT_OVERRIDE 0x20

struct home_link {
	struct agent *agent;
	int ifindex;
	int icmp_fd; /* sends; hears neighbour advertisements */
	sd_event_source *source;
	uint8_t lladdr[6];
};

static int open_icmp(int ifindex, const char *ifname)
{
	int fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMPV6);
	struct icmp6_filter adverts;
	int hops = 255, off = 0;

	if (fd < 0)
		return -errno;
	memset(&adverts, 0xff, sizeof(adverts));
	adverts.data[ND_ADVERT_TYPE >> 5] &= ~(1u << (ND_ADVERT_TYPE & 31));
	if (setsockopt(fd, IPPROTO_ICMPV6, ICMPV6_FILTER, &adverts, sizeof(adverts)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, ifname, (socklen_t)strlen(ifname) + 1) <
		    0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, &off, sizeof(off)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &ifindex, sizeof(ifindex)) < 0) {
		int r = -errno;

		close(fd);
		return r;
	}
	return fd;
}

static int read_lladdr(int fd, const char *ifname, uint8_t *ret)
{
	struct ifreq request = {0};

	strncpy(request.ifr_name, ifname, sizeof(request.ifr_name) - 1);
	if (ioctl(fd, SIOCGIFHWADDR, &request) < 0)
		return -errno;
	memcpy(ret, request.ifr_hwaddr.sa_data, 6);
	return 0;
}

/*
 * A fellow home agent that still defends the address does so by proxy, without the override flag
 * (RFC 4861 section 7.2.8): the mobile node has come from there to us.
 */
static bool is_proxy(const struct home_link *h, const uint8_t *advert)
{
	return h->agent->config.n_agents > 1 && !(advert[4] & ND_ADVERT_OVERRIDE);
}

static int on_advert(sd_event_source *s, int fd, uint32_t revents, void *user)
{
	struct home_link *h = user;
	struct in6_addr target;
	struct binding *b;
	uint8_t advert[256];
	ssize_t n = recv(fd, advert, sizeof(advert), 0);

	(void)s;
	(void)revents;
	if (n < ND_ADVERT_LEN)
		return 0;
	memcpy(&target, advert + 8, sizeof(target));
	b = binding_find(h->agent, &target);
	if (b && b->state == BINDING_TENTATIVE && !is_proxy(h, advert))
		binding_duplicate(b);
	return 0;
}

int home_link_open(struct agent *a, const char *ifname, struct home_link **ret)
{
	struct home_link *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return -ENOMEM;
	*h = (struct home_link){.agent = a, .ifindex = (int)if_nametoindex(ifname), .icmp_fd = -1};
	if (h->ifindex == 0) {
		r = log_errno(-errno, "home link %s", ifname);
		goto fail;
	}
	r = h->icmp_fd = open_icmp(h->ifindex, ifname);
	if (r >= 0)
		r = sd_event_add_io(a->event, &h->source, h->icmp_fd, EPOLLIN, on_advert, h);
	if (r >= 0)
		r = read_lladdr(h->icmp_fd, ifname, h->lladdr);
	if (r >= 0)
		r = sysctl_set(&a->sysctls, "1", "conf/%s/proxy_ndp", ifname);
	/* A neighbour that has just lost the mobile node must not wait for the random delay. */
	if (r >= 0)
		r = sysctl_set(&a->sysctls, "0", "neigh/%s/proxy_delay", ifname);
	if (r < 0) {
		log_errno(r, "home link %s", ifname);
		goto fail;
	}
	*ret = h;
	return 0;
fail:
	home_link_close(h);
	return r;
}

void home_link_close(struct home_link *h)
{
	if (!h)
		return;
	sd_event_source_unref(h->source);
	if (h->icmp_fd >= 0)
		close(h->icmp_fd);
	free(h);
}

int home_link_index(const struct home_link *h)
{
	return h->ifindex;
}

static void announce(struct home_link *h, const struct in6_addr *target)
{
	struct sockaddr_in6 all_nodes = {.sin6_family = AF_INET6};
	uint8_t message[64];
	int len = nd_neighbour_advert_build(target, h->lladdr, sizeof(h->lladdr), message,
					    sizeof(message));

	if (len < 0)
		return;
	addr_parse("ff02::1", &all_nodes.sin6_addr);
	all_nodes.sin6_scope_id = (uint32_t)h->ifindex;
	if (sendto(h->icmp_fd, message, (size_t)len, 0, (struct sockaddr *)&all_nodes,
		   sizeof(all_nodes)) < 0)
		/* Nobody to hear it: the mobile node was the only one on the link. */
		log_debug("home link: advertisement: %s", log_strerror(errno));
	else
		h->agent->counters.neighbour_advertisements++;
}

/* The source is unspecified: only a raw socket that writes whole packets can send that. */
void home_link_probe(struct home_link *h, const struct in6_addr *address)
{
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_scope_id = (uint32_t)h->ifindex};
	struct ip6_packet p = {.hop_limit = 255, .next_header = IPPROTO_ICMPV6};
	uint8_t message[64], packet[IP6_HEADER_LEN + sizeof(message)];
	int len = nd_neighbour_solicit_build(address, NULL, 0, message, sizeof(message));

	if (len < 0)
		return;
	addr_parse("ff02::1:ff00:0", &p.dst);
	memcpy(p.dst.s6_addr + 13, address->s6_addr + 13, 3);
	icmp6_set_checksum(&p.src, &p.dst, message, (size_t)len);
	p.payload = message;
	p.payload_len = (size_t)len;
	len = ip6_packet_build(&p, packet, sizeof(packet));
	to.sin6_addr = p.dst;
	if (len < 0 ||
	    setsockopt(h->agent->raw_fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &h->ifindex,
		       sizeof(h->ifindex)) < 0 ||
	    sendto(h->agent->raw_fd, packet, (size_t)len, 0, (struct sockaddr *)&to, sizeof(to)) <
		    0)
		log_debug("home link: duplicate address detection: %s", log_strerror(errno));
}

static struct in6_addr linklocal_of(const struct in6_addr *home)
{
	struct in6_addr a = *home;

	memset(a.s6_addr, 0, 8);
	a.s6_addr[0] = 0xfe;
	a.s6_addr[1] = 0x80;
	return a;
}

static int defend(struct home_link *h, const struct in6_addr *address)
{
	int r = netlink_proxy_add(h->agent->netlink, h->ifindex, address);

	if (r >= 0)
		announce(h, address);
	return r;
}

int home_link_defend(struct home_link *h, const struct binding *b)
{
	struct in6_addr linklocal = linklocal_of(&b->home);
	int r = defend(h, &b->home);

	if (r >= 0 && (b->flags & BU_LINKLOCAL))
		r = defend(h, &linklocal);
	return r;
}

void home_link_release(struct home_link *h, const struct binding *b)
{
	struct in6_addr linklocal = linklocal_of(&b->home);

	netlink_proxy_del(h->agent->netlink, h->ifindex, &b->home);
	netlink_proxy_del(h->agent->netlink, h->ifindex, &linklocal);
}
