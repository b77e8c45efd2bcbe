/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "receive.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent.h"
#include "base/log.h"
#include "discovery.h"
#include "icmp_error.h"
#include "prefix_discovery.h"
#include "proto/ext.h"
#include "registration.h"
#include "revocation.h"

#define BATCH 64
#define NEXT_HEADER_OFFSET 6
#define MH_TYPE_OFFSET 2
#define PACKET_MAX 4096 /* far above any binding update */

struct receiver {
	struct agent *agent;
	int fd;
	sd_event_source *source;
};

/*
 * Only packets that came in and go on with destination options, a mobility header, or ICMPv6 of
 * type 144 or 146; everything else is the kernel's alone.
 */
static int filter_attach(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 7, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, NEXT_HEADER_OFFSET),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_DSTOPTS, 6, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MH_NEXT_HEADER, 5, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMPV6, 0, 3),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, IP6_HEADER_LEN),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ICMP6_DHAAD_REQUEST, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ICMP6_MPS, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	struct sock_fprog program = {.len = sizeof(code) / sizeof(*code), .filter = code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ? -errno
											   : 0;
}

static bool answered_by_error(struct agent *a, const struct ip6_packet *p, const uint8_t *buf,
			      size_t len)
{
	if (a->faults.icmp_count == 0 || a->faults.silent)
		return false;
	a->faults.icmp_count--;
	a->counters.updates_ignored++;
	if (icmp_error_send(a, &p->dst, buf, len, &a->faults.icmp) >= 0)
		a->counters.icmp_errors_sent++;
	return true;
}

static void mobility_receive(struct agent *a, const struct ip6_packet *p, const uint8_t *buf,
			     size_t len)
{
	if (p->payload_len <= MH_TYPE_OFFSET)
		return;
	if (p->payload[MH_TYPE_OFFSET] == MH_BREV)
		revocation_receive(a, p);
	else if (p->payload[MH_TYPE_OFFSET] == MH_BU && !answered_by_error(a, p, buf, len))
		registration_receive(a, p);
}

static void dispatch(struct agent *a, const uint8_t *buf, size_t len)
{
	struct ip6_packet p;

	if (ip6_packet_parse(buf, len, &p) < 0)
		return;
	if (p.next_header == IPPROTO_ICMPV6 && p.payload_len > 0 && p.payload[0] == ICMP6_MPS)
		prefix_discovery_receive(a, &p);
	else if (p.next_header == IPPROTO_ICMPV6)
		discovery_receive(a, &p);
	else if (p.next_header == MH_NEXT_HEADER && !p.has_rh2 && agent_has_address(a, &p.dst))
		mobility_receive(a, &p, buf, len);
}

static int on_packet(sd_event_source *s, int fd, uint32_t revents, void *user)
{
	struct receiver *r = user;

	(void)s;
	(void)revents;
	for (int i = 0; i < BATCH; i++) {
		uint8_t buf[PACKET_MAX];
		ssize_t n = recv(fd, buf, sizeof(buf), MSG_TRUNC);

		if (n < 0)
			break;
		if ((size_t)n <= sizeof(buf))
			dispatch(r->agent, buf, (size_t)n);
	}
	return 0;
}

int receiver_open(struct agent *a, struct receiver **ret)
{
	struct sockaddr_ll any = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IPV6)};
	struct receiver *r = calloc(1, sizeof(*r));
	int e = 0;

	if (!r)
		return -ENOMEM;
	r->agent = a;
	/* Protocol 0 receives nothing until the filter is in place. */
	r->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (r->fd < 0)
		e = -errno;
	if (e >= 0)
		e = filter_attach(r->fd);
	if (e >= 0 && bind(r->fd, (struct sockaddr *)&any, sizeof(any)) < 0)
		e = -errno;
	if (e >= 0)
		e = sd_event_add_io(a->event, &r->source, r->fd, EPOLLIN, on_packet, r);
	if (e >= 0) /* an update that has come with the data behind it is the first of them */
		e = sd_event_source_set_priority(r->source, SD_EVENT_PRIORITY_IMPORTANT);
	if (e < 0) {
		receiver_close(r);
		return log_errno(e, "packet socket");
	}
	*ret = r;
	return 0;
}

void receiver_close(struct receiver *r)
{
	if (!r)
		return;
	sd_event_source_unref(r->source);
	if (r->fd >= 0)
		close(r->fd);
	free(r);
}
