/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *addr_to_str(const struct in6_addr *a, struct addr_buf *buf)
{
	if (!inet_ntop(AF_INET6, a, buf->s, sizeof(buf->s)))
		snprintf(buf->s, sizeof(buf->s), "?");
	return buf->s;
}

const char *prefix_to_str(const struct ip6_prefix *p, struct addr_buf *buf)
{
	struct addr_buf a;

	snprintf(buf->s, sizeof(buf->s), "%.*s/%u", INET6_ADDRSTRLEN - 1, addr_to_str(&p->addr, &a),
		 p->len);
	return buf->s;
}

int addr_parse(const char *s, struct in6_addr *ret)
{
	struct in6_addr a;

	if (inet_pton(AF_INET6, s, &a) != 1)
		return -EINVAL;
	*ret = a;
	return 0;
}

int prefix_parse(const char *s, struct ip6_prefix *ret)
{
	const char *slash = strchr(s, '/');
	char text[INET6_ADDRSTRLEN];
	struct in6_addr a;
	char *end;
	long len;

	if (!slash || (size_t)(slash - s) >= sizeof(text) || slash[1] < '0' || slash[1] > '9')
		return -EINVAL;
	memcpy(text, s, (size_t)(slash - s));
	text[slash - s] = '\0';
	len = strtol(slash + 1, &end, 10);
	if (*end || len < 0 || len > 128 || addr_parse(text, &a) < 0)
		return -EINVAL;
	*ret = prefix_make(&a, (unsigned)len);
	return 0;
}

bool addr_is_any(const struct in6_addr *a)
{
	return IN6_IS_ADDR_UNSPECIFIED(a);
}

bool addr_is_linklocal(const struct in6_addr *a)
{
	return IN6_IS_ADDR_LINKLOCAL(a);
}

bool addr_is_multicast(const struct in6_addr *a)
{
	return IN6_IS_ADDR_MULTICAST(a);
}

bool addr_is_routable(const struct in6_addr *a)
{
	return !IN6_IS_ADDR_UNSPECIFIED(a) && !IN6_IS_ADDR_LOOPBACK(a) &&
	       !IN6_IS_ADDR_MULTICAST(a) && !IN6_IS_ADDR_LINKLOCAL(a) && !IN6_IS_ADDR_V4MAPPED(a);
}

/* Of the octet in which a prefix of that length ends: the bits that belong to it. */
static uint8_t bits_of(unsigned len)
{
	return (uint8_t)(0xff00 >> (len % 8));
}

struct ip6_prefix prefix_make(const struct in6_addr *a, unsigned len)
{
	struct ip6_prefix p = {.addr = *a, .len = (uint8_t)len};

	if (len >= 128)
		return p;
	p.addr.s6_addr[len / 8] &= bits_of(len);
	memset(p.addr.s6_addr + len / 8 + 1, 0, 15 - len / 8);
	return p;
}

bool prefix_contains(const struct ip6_prefix *p, const struct in6_addr *a)
{
	unsigned whole = p->len / 8;

	return memcmp(&p->addr, a, whole) == 0 &&
	       (p->len % 8 == 0 || p->addr.s6_addr[whole] == (a->s6_addr[whole] & bits_of(p->len)));
}
