/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proto/ext.h"

#include <errno.h>

#include "base/addr.h"
#include "base/cursor.h"

enum {
	NH_HOP_BY_HOP = 0,
	NH_ROUTING = 43,
	NH_FRAGMENT = 44,
	NH_ESP = 50,
	NH_AH = 51,
	NH_DESTINATION = 60,
	NH_HIP = 139,
	NH_SHIM6 = 140,
	NH_EXPERIMENT_1 = 253,
	NH_EXPERIMENT_2 = 254,
};

enum {
	OPT_PAD1 = 0,
	OPT_PADN = 1,
	OPT_HOME_ADDRESS = 0xc9,
	OPT_UNKNOWN_ACTION = 0xc0, /* the two bits say what to do; zero is skip */
};

#define ROUTING_TYPE_2 2
#define ADDR_LEN sizeof(struct in6_addr)

const struct in6_addr *ip6_packet_source(const struct ip6_packet *p)
{
	return p->has_home_option ? &p->home : &p->src;
}

const struct in6_addr *ip6_packet_destination(const struct ip6_packet *p)
{
	return p->has_rh2 ? &p->home : &p->dst;
}

/* A mobile node has one home address in a packet, at one end of it. */
static int take_home(struct reader *r, struct ip6_packet *p, bool *which)
{
	if (*which)
		return -EBADMSG;
	if (p->has_home_option || p->has_rh2)
		return -EOPNOTSUPP;
	read_copy(r, &p->home, ADDR_LEN);
	if (r->failed || !addr_is_routable(&p->home))
		return -EBADMSG;
	*which = true;
	return 0;
}

/* The options of a hop-by-hop or destination options header. */
static int parse_options(struct reader *r, bool destination, struct ip6_packet *p)
{
	while (r->left) {
		uint8_t type = read_u8(r), len;
		struct reader data;
		int err;

		if (type == OPT_PAD1)
			continue;
		len = read_u8(r);
		data = read_sub(r, len);
		if (r->failed)
			return -EBADMSG;
		if (type == OPT_HOME_ADDRESS && destination) {
			err = len == ADDR_LEN ? take_home(&data, p, &p->has_home_option) : -EBADMSG;
			if (err < 0)
				return err;
		} else if (type & OPT_UNKNOWN_ACTION) {
			return -EOPNOTSUPP;
		}
	}
	return 0;
}

static int parse_routing(struct reader *r, struct ip6_packet *p)
{
	uint8_t type = read_u8(r), segments_left = read_u8(r);

	if (type != ROUTING_TYPE_2)
		return segments_left ? -EOPNOTSUPP : 0;
	read_bytes(r, 4);
	if (segments_left != 1 || r->left != ADDR_LEN)
		return -EBADMSG;
	return take_home(r, p, &p->has_rh2);
}

/* The extension headers in front of the payload; r is left at the payload. */
static int parse_extensions(struct reader *r, uint8_t next_header, struct ip6_packet *p)
{
	bool first = true;

	for (;; first = false) {
		uint8_t type = next_header, len;
		struct reader ext;
		int err;

		switch (type) {
		case NH_HOP_BY_HOP:
			if (!first)
				return -EBADMSG;
			break;
		case NH_DESTINATION:
		case NH_ROUTING:
			break;
		case NH_FRAGMENT:
		case NH_ESP:
		case NH_AH:
		case NH_HIP:
		case NH_SHIM6:
		case NH_EXPERIMENT_1:
		case NH_EXPERIMENT_2:
			return -EOPNOTSUPP;
		default:
			p->next_header = type;
			return 0;
		}
		next_header = read_u8(r);
		len = read_u8(r);
		ext = read_sub(r, len * 8u + 6);
		if (r->failed)
			return -EBADMSG;
		err = type == NH_ROUTING ? parse_routing(&ext, p)
					 : parse_options(&ext, type == NH_DESTINATION, p);
		if (err < 0)
			return err;
	}
}

int ip6_packet_parse(const uint8_t *buf, size_t len, struct ip6_packet *ret)
{
	struct reader r = reader_make(buf, len), payload;
	struct ip6_packet p;
	uint32_t word = read_u32(&r);
	uint16_t payload_len = read_u16(&r);
	uint8_t next_header = read_u8(&r);
	int err;

	memset(&p, 0, sizeof(p));
	p.hop_limit = read_u8(&r);
	read_copy(&r, &p.src, ADDR_LEN);
	read_copy(&r, &p.dst, ADDR_LEN);
	payload = read_sub(&r, payload_len);
	if (r.failed || word >> 28 != 6)
		return -EBADMSG;
	p.traffic_class = (uint8_t)(word >> 20);
	p.flow_label = word & 0xfffff;
	err = parse_extensions(&payload, next_header, &p);
	if (err < 0)
		return err;
	p.payload = payload.p;
	p.payload_len = payload.left;
	memcpy(ret, &p, sizeof(*ret));
	return 0;
}

static void write_home_option(struct writer *w, const struct ip6_packet *p)
{
	write_u8(w, p->next_header);
	write_u8(w, HAO_HEADER_LEN / 8 - 1);
	write_u8(w, OPT_PADN); /* brings the option to 8n+6 */
	write_u8(w, 2);
	write_u16(w, 0);
	write_u8(w, OPT_HOME_ADDRESS);
	write_u8(w, ADDR_LEN);
	write_bytes(w, &p->home, ADDR_LEN);
}

static void write_rh2(struct writer *w, const struct ip6_packet *p)
{
	write_u8(w, p->next_header);
	write_u8(w, RH2_HEADER_LEN / 8 - 1);
	write_u8(w, ROUTING_TYPE_2);
	write_u8(w, 1); /* segments left */
	write_u32(w, 0);
	write_bytes(w, &p->home, ADDR_LEN);
}

int ip6_packet_build(const struct ip6_packet *p, uint8_t *buf, size_t cap)
{
	struct writer w = writer_make(buf, cap);
	size_t ext_len = p->has_home_option ? HAO_HEADER_LEN : p->has_rh2 ? RH2_HEADER_LEN : 0;

	if (p->has_home_option && p->has_rh2)
		return -EINVAL;
	if (p->payload_len > UINT16_MAX - ext_len)
		return -ENOBUFS;
	write_u32(&w, 6u << 28 | (uint32_t)p->traffic_class << 20 | (p->flow_label & 0xfffff));
	write_u16(&w, (uint16_t)(ext_len + p->payload_len));
	write_u8(&w, p->has_home_option ? NH_DESTINATION
		     : p->has_rh2       ? NH_ROUTING
					: p->next_header);
	write_u8(&w, p->hop_limit);
	write_bytes(&w, &p->src, ADDR_LEN);
	write_bytes(&w, &p->dst, ADDR_LEN);
	if (p->has_home_option)
		write_home_option(&w, p);
	else if (p->has_rh2)
		write_rh2(&w, p);
	write_bytes(&w, p->payload, p->payload_len);
	return w.failed ? -ENOBUFS : (int)w.len;
}
