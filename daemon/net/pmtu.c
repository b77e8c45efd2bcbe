/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What of the tunnels the data plane does not see: Packet Too Big, and packets that came in fragments.
 *
 * Path MTU (RFC 2473 section 7, RFC 8201): Packet Too Big about our outer packets
 * comes to the care-of address; the error queue of a raw socket for protocol 41 shows it.  The
 * route of every home address in that tunnel follows, and with it TCP's segment size.
 *
 * Such messages are unauthenticated.  They only ever lower the MTU, not below what every path
 * carries, and only for a packet that we could have sent; the next care-of address starts anew.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/icmpv6.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "net/datagram.h"
#include "net/internal.h"

/* Whose present path the packet has left by that an error is about; NULL: nobody's, an earlier one is no longer anybody's concern. */
static struct installed *concerned(struct net *n, const struct datagram *d)
{
	struct in6_addr home;

	if (d->len < IP6_HEADER_LEN || d->data[0] >> 4 != 6)
		return NULL;
	memcpy(&home, d->data + 8, sizeof(home));
	for (unsigned i = 0; i < CONF_MAX_HOMES; i++) {
		struct installed *h = &n->home[i];

		if (h->present && h->path.mode == PATH_TUNNEL && addr_equal(&h->path.home, &home) &&
		    addr_equal(&h->path.anchor, &d->src) && addr_equal(&h->path.coa, &d->dst))
			return h;
	}
	return NULL;
}

/* The route first: who is told sends again at once. */
static void receive_error(struct net *n, const struct datagram *d)
{
	struct installed *h;

	if (!d->error || d->error->ee_origin != SO_EE_ORIGIN_ICMP6 || !(h = concerned(n, d)))
		return;
	if (d->error->ee_type == ICMPV6_PKT_TOOBIG && d->error->ee_info >= TUNNEL_OVERHEAD)
		path_set_learnt_mtu(n, h, d->error->ee_info);
	if (n->plane->ops->leaves_errors)
		relay_error(n, d);
}

/* What is sent into the peer arrives on our device. */
void pmtu_inject(struct net *n, const uint8_t *packet, size_t len)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IPV6),
		.sll_ifindex = n->device_peer,
		.sll_halen = sizeof(n->device_mac),
	};

	memcpy(to.sll_addr, n->device_mac, sizeof(n->device_mac));
	if (sendto(n->packet_fd, packet, len, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		log_debug("a packet for our device is lost: %s", log_strerror(errno));
}

/* Nobody beyond the anchor sends from here, or from its own link. */
static bool is_credible(const struct in6_addr *src, const struct in6_addr *home)
{
	return !addr_is_linklocal(src) && !addr_is_multicast(src) && !addr_equal(src, home);
}

enum ecn { NOT_ECT, ECT_1, ECT_0, CE }; /* RFC 3168 section 5 */

/* What was marked on the way goes on with the packet inside (RFC 6040 section 4.2).  False: that is to be dropped. */
static bool carry_mark(enum ecn outer, uint8_t *inner)
{
	const unsigned shift = 4; /* in the second octet of the header */
	const enum ecn own = inner[1] >> shift & CE;

	if (outer == CE)
		inner[1] |= CE << shift;
	else if (outer == ECT_1 && own == ECT_0)
		inner[1] ^= (ECT_0 ^ ECT_1) << shift;
	return outer != CE || own != NOT_ECT;
}

/* By the rules that the plane has for what comes in one piece. */
static void reassembled(struct net *n, const struct datagram *d)
{
	struct in6_addr src, home;

	if (d->len < IP6_HEADER_LEN || d->data[0] >> 4 != 6)
		return;
	memcpy(&src, d->data + 8, sizeof(src));
	memcpy(&home, d->data + 24, sizeof(home));
	if (n->plane->ops->is_accepted(n->plane, &home, &d->src, &d->dst) &&
	    is_credible(&src, &home) && carry_mark(d->traffic_class & CE, d->data))
		pmtu_inject(n, d->data, d->len);
}

static int on_packet(sd_event_source *s, int fd, uint32_t revents, void *user)
{
	(void)s;
	if (revents & EPOLLERR)
		datagrams_receive(user, fd, MSG_ERRQUEUE, SIZE_MAX, receive_error);
	datagrams_receive(user, fd, 0, SIZE_MAX, reassembled);
	return 0;
}

int pmtu_open(struct net *n)
{
	int on = 1;

	n->pmtu_fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_IPV6);
	if (n->pmtu_fd < 0)
		return -errno;
	if (setsockopt(n->pmtu_fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)) < 0 ||
	    setsockopt(n->pmtu_fd, IPPROTO_IPV6, IPV6_RECVTCLASS, &on, sizeof(on)) < 0 ||
	    setsockopt(n->pmtu_fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on)) < 0)
		return -errno;
	return net_watch(n, n->pmtu_fd, on_packet);
}

static int hear_errors_only(int fd)
{
	struct sock_filter none = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog prog = {.len = 1, .filter = &none};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0 ? -errno : 0;
}

int pmtu_errors_only(struct net *n)
{
	return hear_errors_only(n->pmtu_fd);
}

/* All that the message has of a protected packet is its SPI: it is about all home addresses of that tunnel. */
static void protected_too_big(struct net *n, const struct datagram *d)
{
	const struct conf_esp *keys = conf_esp_of(n->conf, &d->src);
	uint32_t spi;

	if (!keys || d->len < sizeof(spi))
		return;
	memcpy(&spi, d->data, sizeof(spi));
	if (ntohl(spi) != keys->out.spi)
		return;
	for (unsigned i = 0; i < CONF_MAX_HOMES; i++) {
		struct installed *h = &n->home[i];

		if (h->present && h->path.mode == PATH_TUNNEL &&
		    addr_equal(&h->path.anchor, &d->src) && addr_equal(&h->path.coa, &d->dst))
			path_set_learnt_mtu(n, h, d->error->ee_info);
	}
}

static void receive_protected_error(struct net *n, const struct datagram *d)
{
	if (d->error && d->error->ee_origin == SO_EE_ORIGIN_ICMP6 &&
	    d->error->ee_type == ICMPV6_PKT_TOOBIG)
		protected_too_big(n, d);
}

static int on_protected(sd_event_source *s, int fd, uint32_t revents, void *user)
{
	(void)s, (void)revents;
	datagrams_receive(user, fd, MSG_ERRQUEUE, SIZE_MAX, receive_protected_error);
	return 0;
}

int pmtu_open_protected(struct net *n)
{
	int on = 1, r;

	if (n->esp_fd >= 0 || !conf_protects(n->conf))
		return 0;
	n->esp_fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ESP);
	if (n->esp_fd < 0)
		return -errno;
	r = hear_errors_only(n->esp_fd);
	if (r == 0 && (setsockopt(n->esp_fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)) < 0 ||
		       setsockopt(n->esp_fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on)) < 0))
		r = -errno;
	if (r == 0)
		r = net_watch(n, n->esp_fd, on_protected);
	if (r < 0) { /* to be tried again with the next configuration */
		close(n->esp_fd);
		n->esp_fd = -1;
	}
	return r;
}
