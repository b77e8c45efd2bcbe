/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dynamic home agent address discovery: RFC 6275 sections 6.5 and 6.6, RFC 3963 section 5.5. */
#include <errno.h>

#include "proto/icmp6.h"
#include "proto/nd.h"

#define ROUTER_FLAG 0x8000u /* RFC 3963: home agents that serve mobile routers */

/* Request and reply begin alike. */
static void transfer_header(struct wire *w, uint8_t type, uint16_t *identifier, bool *mobile_router)
{
	uint16_t word = *mobile_router ? ROUTER_FLAG : 0;

	icmp6_transfer(w, type, identifier, &word);
	*mobile_router = word & ROUTER_FLAG;
}

int dhaad_request_build(uint16_t identifier, bool mobile_router, uint8_t *buf, size_t cap)
{
	struct wire w = {.encoding = true, .w = writer_make(buf, cap)};

	transfer_header(&w, ICMP6_DHAAD_REQUEST, &identifier, &mobile_router);
	return wire_ok(&w) ? (int)w.w.len : -ENOBUFS;
}

int dhaad_request_parse(const uint8_t *buf, size_t len, uint16_t *ret_identifier,
			bool *ret_mobile_router)
{
	struct wire w = {.r = reader_make(buf, len)};
	uint16_t identifier = 0;
	bool mobile_router = false;

	transfer_header(&w, ICMP6_DHAAD_REQUEST, &identifier, &mobile_router);
	if (!wire_ok(&w))
		return -EBADMSG;
	*ret_identifier = identifier;
	*ret_mobile_router = mobile_router;
	return 0;
}

int dhaad_reply_build(const struct dhaad_reply *r, uint8_t *buf, size_t cap)
{
	struct wire w = {.encoding = true, .w = writer_make(buf, cap)};
	uint16_t identifier = r->identifier;
	bool mobile_router = r->mobile_router;

	if (r->n > DHAAD_MAX_AGENTS)
		return -EINVAL;
	transfer_header(&w, ICMP6_DHAAD_REPLY, &identifier, &mobile_router);
	write_bytes(&w.w, r->agent, r->n * sizeof(r->agent[0]));
	return wire_ok(&w) ? (int)w.w.len : -ENOBUFS;
}

int dhaad_reply_parse(const uint8_t *buf, size_t len, struct dhaad_reply *ret)
{
	struct wire w = {.r = reader_make(buf, len)};
	struct dhaad_reply reply;
	size_t n;

	memset(&reply, 0, sizeof(reply));
	transfer_header(&w, ICMP6_DHAAD_REPLY, &reply.identifier, &reply.mobile_router);
	n = w.r.left / sizeof(reply.agent[0]);
	if (!wire_ok(&w) || w.r.left % sizeof(reply.agent[0]))
		return -EBADMSG;
	reply.n = n < DHAAD_MAX_AGENTS ? (unsigned)n : DHAAD_MAX_AGENTS;
	read_copy(&w.r, reply.agent, reply.n * sizeof(reply.agent[0]));
	memcpy(ret, &reply, sizeof(*ret));
	return 0;
}

struct in6_addr dhaad_anycast(const struct ip6_prefix *home)
{
	static const uint8_t identifier[8] = {0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe};
	struct in6_addr a = home->addr;

	if (home->len <= 64) {
		memcpy(a.s6_addr + 8, identifier, sizeof(identifier));
		return a;
	}
	/* RFC 2526 without a 64-bit interface identifier: ones, then anycast identifier 126. */
	for (unsigned bit = home->len; bit < 128; bit++)
		a.s6_addr[bit / 8] |= (uint8_t)(0x80 >> (bit % 8));
	a.s6_addr[15] &= 0xfe;
	return a;
}
