/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Router solicitations and neighbour advertisements: RFC 4861 sections 4.1 and 4.4. */
#include "proto/nd.h"

#include <errno.h>

#include "base/cursor.h"

enum {
	ND_ROUTER_SOLICIT = 133,
	ND_NEIGHBOUR_SOLICIT = 135,
	ND_NEIGHBOUR_ADVERT = 136,
};

enum {
	OPT_SOURCE_LLADDR = 1,
	OPT_TARGET_LLADDR = 2,
};

#define NA_OVERRIDE 0x20000000u
#define MAX_LLADDR (255 * 8 - 2)

static void write_header(struct writer *w, uint8_t type, uint32_t flags)
{
	write_u8(w, type);
	write_u8(w, 0);  /* code */
	write_u16(w, 0); /* checksum */
	write_u32(w, flags);
}

/* RFC 4861 section 4.6.1; the address is padded to units of 8 octets. */
static void write_lladdr(struct writer *w, uint8_t type, const uint8_t *lladdr, size_t len)
{
	size_t units = (2 + len + 7) / 8;

	write_u8(w, type);
	write_u8(w, (uint8_t)units);
	write_bytes(w, lladdr, len);
	write_room(w, units * 8 - 2 - len);
}

int nd_router_solicit_build(const uint8_t *lladdr, size_t lladdr_len, uint8_t *buf, size_t cap)
{
	struct writer w = writer_make(buf, cap);

	if (lladdr && lladdr_len > MAX_LLADDR)
		return -EINVAL;
	write_header(&w, ND_ROUTER_SOLICIT, 0);
	if (lladdr)
		write_lladdr(&w, OPT_SOURCE_LLADDR, lladdr, lladdr_len);
	return w.failed ? -ENOBUFS : (int)w.len;
}

int nd_neighbour_solicit_build(const struct in6_addr *target, uint8_t *buf, size_t cap)
{
	struct writer w = writer_make(buf, cap);

	write_header(&w, ND_NEIGHBOUR_SOLICIT, 0);
	write_bytes(&w, target, sizeof(*target));
	return w.failed ? -ENOBUFS : (int)w.len;
}

int nd_neighbour_advert_build(const struct in6_addr *target, const uint8_t *lladdr,
			      size_t lladdr_len, uint8_t *buf, size_t cap)
{
	struct writer w = writer_make(buf, cap);

	if (lladdr && lladdr_len > MAX_LLADDR)
		return -EINVAL;
	write_header(&w, ND_NEIGHBOUR_ADVERT, NA_OVERRIDE);
	write_bytes(&w, target, sizeof(*target));
	if (lladdr)
		write_lladdr(&w, OPT_TARGET_LLADDR, lladdr, lladdr_len);
	return w.failed ? -ENOBUFS : (int)w.len;
}
