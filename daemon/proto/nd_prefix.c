/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The prefix information option: RFC 4861 section 4.6.2, RFC 6275 section 7.2. */
#include "proto/nd_option.h"

#define ON_LINK 0x80u
#define AUTONOMOUS 0x40u
#define ROUTER 0x20u

static bool possible(const struct nd_prefix_info *p)
{
	return p->prefix.len <= 128 && p->preferred <= p->valid &&
	       !addr_is_linklocal(&p->prefix.addr) && !addr_is_multicast(&p->prefix.addr) &&
	       (!p->router_flag || prefix_contains(&p->prefix, &p->router_address));
}

static uint8_t flags_of(const struct nd_prefix_info *p)
{
	return (uint8_t)((p->on_link ? ON_LINK : 0) | (p->autonomous ? AUTONOMOUS : 0) |
			 (p->router_flag ? ROUTER : 0));
}

void nd_prefix_info_transfer(struct wire *w, struct nd_prefix_info *info)
{
	struct nd_prefix_info p;
	struct in6_addr addr = {0};
	uint8_t flags = 0;

	memset(&p, 0, sizeof(p));
	if (w->encoding) {
		p = *info;
		addr = p.router_flag ? p.router_address : p.prefix.addr;
		flags = flags_of(&p);
	}
	wire_u8(w, &p.prefix.len);
	wire_u8(w, &flags);
	wire_u32(w, &p.valid);
	wire_u32(w, &p.preferred);
	wire_reserved(w, 4);
	wire_bytes(w, &addr, sizeof(addr));
	if (!w->encoding) {
		p.on_link = flags & ON_LINK;
		p.autonomous = flags & AUTONOMOUS;
		p.router_flag = flags & ROUTER;
		p.prefix = prefix_make(&addr, p.prefix.len);
		if (p.router_flag)
			p.router_address = addr;
	}
	w->refused = !possible(&p);
	if (!w->encoding && wire_ok(w))
		memcpy(info, &p, sizeof(*info));
}
