/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/peer.h"
#include "proto/ext.h"

#define NEXT_HEADER_OFFSET 6

/* Offsets from the network header: link layers differ. */
static int filter_attach(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_HOST, 0, 3),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)(SKF_NET_OFF + NEXT_HEADER_OFFSET)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_IPV6, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = {.len = sizeof(code) / sizeof(*code), .filter = code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

static int set_option(int fd, int option)
{
	int one = 1;

	return setsockopt(fd, SOL_PACKET, option, &one, sizeof(one));
}

int capture_open(void)
{
	struct sockaddr_ll any = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IPV6)};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	peer_socket_buffers(fd);
	if (filter_attach(fd) < 0 || set_option(fd, PACKET_VNET_HDR) < 0 ||
	    set_option(fd, PACKET_AUXDATA) < 0 ||
	    bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0) {
		int r = -errno;

		close(fd);
		return r;
	}
	return fd;
}

/* How many octets of link layer stand in front of the network header. */
static size_t link_header_len(struct msghdr *m)
{
	struct tpacket_auxdata aux = {0};

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_AUXDATA)
			memcpy(&aux, CMSG_DATA(c), sizeof(aux));
	return aux.tp_net;
}

/* Offsets counted from the outermost header now count from the inner packet. */
static bool offload_shift(struct virtio_net_hdr *h, size_t stripped)
{
	if (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		if (h->csum_start < stripped)
			return false;
		h->csum_start = (uint16_t)(h->csum_start - stripped);
	}
	if (h->gso_type != VIRTIO_NET_HDR_GSO_NONE) {
		if (h->hdr_len < stripped)
			return false;
		h->hdr_len = (uint16_t)(h->hdr_len - stripped);
	}
	return true;
}

int capture_receive(int fd, uint8_t *buf, size_t cap, struct inner_packet *ret)
{
	char control[128];
	struct iovec iov[] = {{&ret->offload, sizeof(ret->offload)}, {buf, cap}};
	struct msghdr m = {.msg_iov = iov,
			   .msg_iovlen = 2,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(fd, &m, 0);
	size_t stripped, payload;

	if (n < 0)
		return -errno;
	stripped = link_header_len(&m) + IP6_HEADER_LEN;
	if ((m.msg_flags & MSG_TRUNC) || (size_t)n < sizeof(ret->offload) + stripped ||
	    !offload_shift(&ret->offload, stripped))
		return -EBADMSG;
	buf += stripped - IP6_HEADER_LEN;
	payload = (size_t)(buf[4] << 8 | buf[5]);
	ret->len = (size_t)n - sizeof(ret->offload) - stripped;
	if (payload > ret->len)
		return -EBADMSG;
	ret->len = payload;
	memcpy(&ret->outer_source, buf + 8, sizeof(ret->outer_source));
	memcpy(&ret->outer_destination, buf + 24, sizeof(ret->outer_destination));
	ret->octets = buf + IP6_HEADER_LEN;
	return 0;
}
