/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "transmit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../common/peer.h"
#include "agent.h"
#include "base/log.h"
#include "binding.h"
#include "proto/ext.h"
#include "tunnel.h"

#define HOP_LIMIT 64
#define AUTH_SUBTYPE_MN_HA 1
#define MESSAGE_PACKET_MAX (IP6_HEADER_LEN + RH2_HEADER_LEN + MH_MAX_LEN)

struct message_buffer {
	uint8_t octets[MH_MAX_LEN];
	size_t len;
};

struct held_packet {
	struct list node;
	struct agent *agent;
	sd_event_source *timer;
	size_t len;
	uint8_t packet[];
};

int transmit_packet(const struct agent *a, const uint8_t *packet, size_t len)
{
	struct sockaddr_in6 to = {.sin6_family = AF_INET6};

	memcpy(&to.sin6_addr, packet + 24, sizeof(to.sin6_addr));
	if (sendto(a->raw_fd, packet, len, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	return 0;
}

static void held_packet_free(struct held_packet *h)
{
	list_remove(&h->node);
	sd_event_source_unref(h->timer);
	free(h);
}

static int on_held(sd_event_source *s, uint64_t usec, void *user)
{
	struct held_packet *h = user;
	int r = transmit_packet(h->agent, h->packet, h->len);

	(void)s;
	(void)usec;
	if (r < 0)
		log_errno(r, "late acknowledgement");
	held_packet_free(h);
	return 0;
}

static int hold_packet(struct agent *a, const uint8_t *packet, size_t len)
{
	struct held_packet *h = calloc(1, sizeof(*h) + len);
	int r;

	if (!h)
		return -ENOMEM;
	h->agent = a;
	h->len = len;
	memcpy(h->packet, packet, len);
	list_append(&a->held_packets, &h->node);
	r = peer_timer_set(a->event, &h->timer,
			   peer_now() + a->faults.mutate_delay_ms * USEC_PER_MSEC, on_held, h);
	if (r < 0)
		held_packet_free(h);
	return r;
}

void transmit_discard_held(struct agent *a)
{
	struct held_packet *h, *next;

	list_for_each_safe(h, next, &a->held_packets, node)
		held_packet_free(h);
}

/* Encode and sign.  The authenticator covers the header with its final length. */
static int prepare(const struct transmit_auth *auth, struct mh_message *m, enum message_fault fault,
		   struct message_buffer *ret)
{
	struct mip_sa sa = {0};
	int r;

	if (auth->sa) {
		sa = *auth->sa;
		fault_spi(fault, &sa.spi);
		m->opt.has_auth = true;
		m->opt.auth_subtype = AUTH_SUBTYPE_MN_HA;
		m->opt.auth_spi = sa.spi;
		m->opt.auth_len = (uint8_t)mip_auth_len(sa.alg);
	}
	fault_message(fault, m);
	r = mh_encode(m, ret->octets, sizeof(ret->octets));
	if (r >= 0) {
		ret->len = (size_t)r;
		fault_encoded(fault, m, ret->octets, &ret->len, sizeof(ret->octets));
		if (m->opt.has_auth)
			r = mip_auth_sign(&sa, &auth->coa, &auth->home, m, ret->octets, ret->len);
		fault_signed(fault, m, ret->octets);
	}
	explicit_bzero(&sa, sizeof(sa));
	return r < 0 ? r : 0;
}

static int wrap(const struct transmit_route *route, struct message_buffer *m,
		enum message_fault fault, uint8_t *packet, size_t cap)
{
	struct ip6_packet p = {
		.src = route->from,
		.dst = route->to,
		.home = route->home,
		.has_rh2 = route->with_rh2,
		.hop_limit = HOP_LIMIT,
		.next_header = MH_NEXT_HEADER,
		.payload = m->octets,
	};

	fault_addresses(fault, &p);
	fault_sized(fault, m->octets, &m->len, sizeof(m->octets));
	mh_set_checksum(ip6_packet_source(&p), ip6_packet_destination(&p), m->octets, m->len);
	fault_summed(fault, m->octets);
	p.payload_len = m->len;
	return ip6_packet_build(&p, packet, cap);
}

static int send_acknowledgement(struct agent *a, const struct transmit_route *route,
				const uint8_t *packet, size_t len, enum message_fault fault)
{
	struct binding *b = binding_find(a, &route->home);
	int r = 0;

	if (fault == MESSAGE_FAULT_REPLAYED && b && b->last_ack)
		return transmit_packet(a, b->last_ack, b->last_ack_len);
	if (fault == MESSAGE_FAULT_DELAYED)
		return hold_packet(a, packet, len);
	if (fault == MESSAGE_FAULT_DUPLICATE)
		r = transmit_packet(a, packet, len);
	if (r >= 0)
		r = transmit_packet(a, packet, len);
	if (fault == MESSAGE_FAULT_NONE && b) {
		uint8_t *copy = malloc(len);

		if (!copy)
			return -ENOMEM;
		free(b->last_ack);
		b->last_ack = memcpy(copy, packet, len);
		b->last_ack_len = len;
	}
	return r;
}

int transmit_message(struct agent *a, const struct transmit_route *route,
		     const struct transmit_auth *auth, struct mh_message *m,
		     enum message_fault fault)
{
	uint8_t packet[MESSAGE_PACKET_MAX];
	struct message_buffer buffer;
	int r, len;

	r = prepare(auth, m, fault, &buffer);
	if (r < 0)
		return log_errno(r, "%s: message type %u", ADDR_STR(&route->home), m->type);
	len = wrap(route, &buffer, fault, packet, sizeof(packet));
	if (len < 0)
		r = len;
	else if (route->tunnel)
		r = tunnel_send(a->tunnel, route->tunnel, packet, (size_t)len);
	else if (m->type == MH_BA)
		r = send_acknowledgement(a, route, packet, (size_t)len, fault);
	else
		r = transmit_packet(a, packet, (size_t)len);
	if (r < 0)
		return log_errno(r, "%s: message type %u", ADDR_STR(&route->home), m->type);
	return 0;
}
