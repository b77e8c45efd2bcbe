/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tunnel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/icmpv6.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../common/peer.h"
#include "agent.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "binding.h"
#include "capture.h"
#include "icmp_error.h"
#include "outer.h"
#include "proto/ext.h"

#define DEVICE_QUEUE 10000
#define BATCH 64 /* packets handled before the loop looks at anything else */
#define MIN_MTU 1280
#define INNER_SOURCE 8 /* octets from the start of an IPv6 header */
#define INNER_DESTINATION 24

struct outer {
	struct tunnel *tunnel;
	struct in6_addr local;
	int fd;
	sd_event_source *source;
};

struct tunnel {
	struct agent *agent;
	int fd, ifindex;
	sd_event_source *source;
	int capture_fd;
	sd_event_source *capture_source;
	unsigned n_outer;
	struct outer outer[AGENT_MAX_ADDRESSES];
	uint8_t packet[PEER_PACKET_MAX];
};

static struct in6_addr address_at(const uint8_t *packet, size_t offset)
{
	struct in6_addr a;

	memcpy(&a, packet + offset, sizeof(a));
	return a;
}

static bool is_ipv6(const uint8_t *packet, ssize_t len)
{
	return len >= IP6_HEADER_LEN && packet[0] >> 4 == 6;
}

static bool carries(const struct tunnel *t)
{
	return !t->agent->faults.silent && !t->agent->faults.drop_data;
}

static int device_open(struct tunnel *t, const char *name)
{
	struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR};

	t->fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (t->fd < 0)
		return -errno;
	strncpy(request.ifr_name, name, sizeof(request.ifr_name) - 1);
	if (ioctl(t->fd, TUNSETIFF, &request) < 0)
		return -errno;
	t->ifindex = (int)if_nametoindex(request.ifr_name);
	return netlink_link_up(t->agent->netlink, t->ifindex, DEVICE_QUEUE);
}

static struct outer *outer_for(struct tunnel *t, const struct in6_addr *local)
{
	for (unsigned i = 0; i < t->n_outer; i++)
		if (addr_equal(&t->outer[i].local, local))
			return &t->outer[i];
	return NULL;
}

static int encapsulate(struct tunnel *t, const struct binding *b, const uint8_t *packet, size_t len,
		       unsigned *ret_mtu)
{
	const struct outer *o = outer_for(t, &b->agent);

	if (!o)
		return -EADDRNOTAVAIL;
	return outer_send(o->fd, &b->coa, packet, len, len <= MIN_MTU, ret_mtu);
}

int tunnel_send(struct tunnel *t, const struct binding *b, const uint8_t *packet, size_t len)
{
	unsigned mtu;

	return encapsulate(t, b, packet, len, &mtu);
}

static void forward_to_binding(struct tunnel *t, size_t len)
{
	struct agent *a = t->agent;
	struct in6_addr destination = address_at(t->packet, INNER_DESTINATION);
	struct binding *b = binding_find(a, &destination);
	unsigned mtu = 0;
	int r;

	if (!b || b->state != BINDING_BOUND) {
		a->counters.tunnel_no_binding++;
		return;
	}
	r = encapsulate(t, b, t->packet, len, &mtu);
	if (r == -EMSGSIZE && mtu > 0) {
		struct icmp_error too_big = {.type = ICMPV6_PKT_TOOBIG,
					     .word = mtu - IP6_HEADER_LEN};

		if (too_big.word < MIN_MTU)
			too_big.word = MIN_MTU;
		if (icmp_error_send(a, &b->agent, t->packet, len, &too_big) >= 0)
			a->counters.too_big_sent++;
		return;
	}
	if (r < 0) {
		a->counters.tunnel_send_failed++;
		log_debug("%s: tunnel: %s", ADDR_STR(&b->home), log_strerror(-r));
		return;
	}
	b->packets_out++;
	b->bytes_out += len;
	a->counters.tunnel_packets_out++;
	a->counters.tunnel_bytes_out += len;
}

static int on_device(sd_event_source *s, int fd, uint32_t revents, void *user)
{
	struct tunnel *t = user;

	(void)s;
	(void)revents;
	for (int i = 0; i < BATCH; i++) {
		struct virtio_net_hdr nothing; /* the kernel has done all before we read */
		struct iovec iov[] = {{&nothing, sizeof(nothing)}, {t->packet, sizeof(t->packet)}};
		ssize_t n = readv(fd, iov, 2) - (ssize_t)sizeof(nothing);

		if (n < 0)
			break;
		if (carries(t) && is_ipv6(t->packet, n))
			forward_to_binding(t, (size_t)n);
	}
	return 0;
}

static void forward_to_network(struct tunnel *t, struct inner_packet *p)
{
	struct agent *a = t->agent;
	struct iovec iov[] = {{&p->offload, sizeof(p->offload)},
			      {(void *)(uintptr_t)p->octets, p->len}};
	struct in6_addr home;
	struct binding *b;

	if (!carries(t) || !is_ipv6(p->octets, (ssize_t)p->len))
		return;
	home = address_at(p->octets, INNER_SOURCE);
	b = binding_find(a, &home);
	if (!b || !binding_source_ok(b, &p->outer_source)) {
		a->counters.tunnel_source_refused++;
		return;
	}
	if (writev(t->fd, iov, 2) < 0) {
		a->counters.tunnel_send_failed++;
		return;
	}
	b->packets_in++;
	b->bytes_in += p->len;
	a->counters.tunnel_packets_in++;
	a->counters.tunnel_bytes_in += p->len;
}

static int on_capture(sd_event_source *s, int fd, uint32_t revents, void *user)
{
	struct tunnel *t = user;

	(void)s;
	(void)revents;
	for (int i = 0; i < BATCH; i++) {
		struct inner_packet p;
		int r = capture_receive(fd, t->packet, sizeof(t->packet), &p);

		if (r == -EAGAIN)
			break;
		if (r >= 0 && agent_has_address(t->agent, &p.outer_destination))
			forward_to_network(t, &p);
	}
	return 0;
}

/* Only what came in fragments; with IPsec all. */
static int on_outer(sd_event_source *s, int fd, uint32_t revents, void *user)
{
	struct outer *o = user;
	struct tunnel *t = o->tunnel;

	(void)s;
	(void)revents;
	for (int i = 0; i < BATCH; i++) {
		struct inner_packet p = {.octets = t->packet};
		ssize_t n = outer_receive(fd, t->packet, sizeof(t->packet), &p.outer_source);

		if (n == -EAGAIN)
			break;
		p.len = n < 0 ? 0 : (size_t)n;
		forward_to_network(t, &p);
	}
	return 0;
}

static int capture_add(struct tunnel *t)
{
	t->capture_fd = capture_open();
	if (t->capture_fd < 0)
		return log_errno(t->capture_fd, "packet socket of the tunnel");
	return sd_event_add_io(t->agent->event, &t->capture_source, t->capture_fd, EPOLLIN,
			       on_capture, t);
}

static int outer_add(struct tunnel *t, const struct in6_addr *local)
{
	struct outer *o = &t->outer[t->n_outer];
	/* Where the firewall does not take away what is captured, it would be heard twice. */
	int fd = outer_open(local, !t->agent->firewall_up && !t->agent->config.ipsec);

	if (fd < 0)
		return log_errno(fd, "%s: tunnel socket", ADDR_STR(local));
	if (t->agent->config.ipsec)
		outer_fragment(fd);
	*o = (struct outer){.tunnel = t, .local = *local, .fd = fd};
	t->n_outer++;
	return sd_event_add_io(t->agent->event, &o->source, fd, EPOLLIN, on_outer, o);
}

int tunnel_open(struct agent *a, struct tunnel **ret)
{
	struct tunnel *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return -ENOMEM;
	t->agent = a;
	t->fd = t->capture_fd = -1;
	r = device_open(t, a->config.tunnel_device);
	if (r < 0)
		log_errno(r, "tunnel device %s", a->config.tunnel_device);
	else
		r = sd_event_add_io(a->event, &t->source, t->fd, EPOLLIN, on_device, t);
	/* Packet sockets hear what IPsec refuses, and not what it has taken apart. */
	if (r >= 0 && !a->config.ipsec)
		r = capture_add(t);
	for (unsigned i = 0; r >= 0 && i < a->config.n_addresses; i++)
		r = outer_add(t, &a->config.address[i]);
	if (r < 0) {
		tunnel_close(t);
		return r;
	}
	*ret = t;
	return 0;
}

void tunnel_close(struct tunnel *t)
{
	if (!t)
		return;
	for (unsigned i = 0; i < t->n_outer; i++) {
		sd_event_source_unref(t->outer[i].source);
		close(t->outer[i].fd);
	}
	sd_event_source_unref(t->capture_source);
	cleanup_close(&t->capture_fd);
	sd_event_source_unref(t->source);
	cleanup_close(&t->fd);
	free(t);
}

int tunnel_route_add(struct tunnel *t, const struct in6_addr *home)
{
	struct ip6_prefix dst = prefix_make(home, 128);

	return netlink_route_add(t->agent->netlink, &dst, t->ifindex);
}

void tunnel_route_del(struct tunnel *t, const struct in6_addr *home)
{
	struct ip6_prefix dst = prefix_make(home, 128);

	netlink_route_del(t->agent->netlink, &dst, t->ifindex);
}
