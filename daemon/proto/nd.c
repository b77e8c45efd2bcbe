/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Router solicitations, neighbour solicitations and advertisements: RFC 4861 sections 4.1, 4.3 and 4.4. */
#include "proto/nd.h"

#include <errno.h>

#include <string.h>

#include "base/cursor.h"
#include "proto/nd_option.h"

enum {
	ND_ROUTER_SOLICIT = 133,
	ND_NEIGHBOUR_SOLICIT = 135,
	ND_NEIGHBOUR_ADVERT = 136,
};

#define NA_ROUTER 0x80000000u
#define NA_SOLICITED 0x40000000u
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
		write_lladdr(&w, ND_OPT_SOURCE_LLADDR, lladdr, lladdr_len);
	return w.failed ? -ENOBUFS : (int)w.len;
}

int nd_neighbour_solicit_build(const struct in6_addr *target, const uint8_t *lladdr,
			       size_t lladdr_len, uint8_t *buf, size_t cap)
{
	struct writer w = writer_make(buf, cap);

	if (lladdr && lladdr_len > MAX_LLADDR)
		return -EINVAL;
	write_header(&w, ND_NEIGHBOUR_SOLICIT, 0);
	write_bytes(&w, target, sizeof(*target));
	if (lladdr)
		write_lladdr(&w, ND_OPT_SOURCE_LLADDR, lladdr, lladdr_len);
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
		write_lladdr(&w, ND_OPT_TARGET_LLADDR, lladdr, lladdr_len);
	return w.failed ? -ENOBUFS : (int)w.len;
}

int nd_neighbour_advert_parse(const uint8_t *buf, size_t len, struct nd_neighbour_advert *ret)
{
	struct nd_neighbour_advert na = {0};
	struct reader r = reader_make(buf, len), data;
	uint8_t type = read_u8(&r), code = read_u8(&r);
	uint32_t flags;

	read_u16(&r); /* checksum */
	flags = read_u32(&r);
	read_copy(&r, &na.target, sizeof(na.target));
	if (r.failed || type != ND_NEIGHBOUR_ADVERT || code)
		return -EBADMSG;
	na.router = flags & NA_ROUTER;
	na.solicited = flags & NA_SOLICITED;
	while (nd_option_next(&r, &type, &data))
		if (type == ND_OPT_TARGET_LLADDR && data.left == sizeof(na.lladdr)) {
			na.has_lladdr = true;
			memcpy(na.lladdr, data.p, sizeof(na.lladdr));
		}
	if (r.failed)
		return -EBADMSG;
	*ret = na;
	return 0;
}
