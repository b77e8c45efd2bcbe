/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An optimistic address (RFC 4429) may be used as soon as the kernel has made it of an advertisement.  It tells so only from a
 * work queue, when duplicate address detection begins, and all that asks by netlink waits for that too; its table of addresses
 * does not.  What is not in the table (lifetimes) netlink tells a moment later; until then nothing is delivered to the address.
 */
#include <errno.h>
#include <linux/if_addr.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mobility/link.h"
#include "net/internal.h"
#include "proto/nd.h"

#define TABLE "/proc/self/net/if_inet6"
#define TABLE_SIZE 16384 /* some 300 addresses; of further ones netlink tells */
#define BANNED (IFA_F_DADFAILED | IFA_F_DEPRECATED)
#define MAKING (IFA_F_TENTATIVE | IFA_F_OPTIMISTIC)

static unsigned digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

static bool parse_address(const char *hex, struct in6_addr *ret)
{
	for (unsigned i = 0; i < sizeof(ret->s6_addr); i++) {
		unsigned high = digit(hex[2 * i]), low = high < 16 ? digit(hex[2 * i + 1]) : 16;

		if (low >= 16)
			return false;
		ret->s6_addr[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* Until when an address made of the advertisement is valid; 0: it is not of it. */
static usec_t valid_until(const struct nd_router_advert *ra, const struct in6_addr *addr)
{
	for (unsigned i = 0; i < ra->n_prefixes; i++) {
		const struct nd_prefix_info *info = &ra->prefix[i];

		if (info->autonomous && prefix_contains(&info->prefix, addr))
			return nd_lifetime_end(loop_now().mono, info->valid);
	}
	return 0;
}

/* One that is not known yet and may be used. */
static bool parse_line(const struct link *l, const struct nd_router_advert *ra, const char *line,
		       struct address_event *ret)
{
	unsigned long ifindex, plen, flags;
	char *end;

	/* Address, interface, prefix length, scope, flags, name. */
	if (!parse_address(line, &ret->addr))
		return false;
	ifindex = strtoul(line + 2 * sizeof(ret->addr), &end, 16);
	plen = strtoul(end, &end, 16);
	strtoul(end, &end, 16);
	flags = strtoul(end, &end, 16);
	if (*end != ' ' || ifindex != (unsigned)l->ifindex || plen > 128 || (flags & BANNED) ||
	    (flags & MAKING) != MAKING)
		return false;
	ret->ifindex = l->ifindex;
	ret->plen = (uint8_t)plen;
	ret->tentative = ret->optimistic = ret->early = true;
	ret->temporary = flags & IFA_F_TEMPORARY;
	ret->is_slaac = !(flags & IFA_F_PERMANENT);
	ret->is_static = !ret->is_slaac;
	ret->valid_until = valid_until(ra, &ret->addr);
	return ret->valid_until && !link_find_address(l, &ret->addr);
}

void new_address_open(struct net *n)
{
	n->addresses_fd = open(TABLE, O_RDONLY | O_CLOEXEC);
	if (n->addresses_fd < 0)
		log_debug("%s: %s", TABLE, log_strerror(errno));
}

/* As a string, or what fits of it. */
static void read_table(int fd, char *ret, size_t size)
{
	size_t len = 0;
	ssize_t r = lseek(fd, 0, SEEK_SET);

	while (r >= 0 && len < size - 1 && (r = read(fd, ret + len, size - 1 - len)) > 0)
		len += (size_t)r;
	ret[len] = '\0';
}

void new_address_look(struct net *n, int ifindex, const struct nd_router_advert *ra,
		      struct in6_addr *ret)
{
	const struct link *l = engine_find_link(n->engine, ifindex);
	char table[TABLE_SIZE], *save, *line;

	*ret = in6addr_any;
	if (!l || l->state != LINK_CONFIGURING)
		return;
	read_table(n->addresses_fd, table, sizeof(table));
	for (line = strtok_r(table, "\n", &save); line && l->state == LINK_CONFIGURING;
	     line = strtok_r(NULL, "\n", &save)) {
		struct address_event ev = {0};

		if (!parse_line(l, ra, line, &ev))
			continue;
		engine_address(n->engine, loop_now(), &ev);
		*ret = ev.addr;
	}
}

void new_address_listen(struct net *n, int ifindex, const struct in6_addr *addr)
{
	struct uplink *u = uplink_find(n, ifindex);

	if (!u || addr_is_any(addr))
		return;
	new_address_known(n, u);
	u->early = *addr;
	nd_listen(n, ifindex, addr, true);
}

void new_address_known(struct net *n, struct uplink *u)
{
	if (addr_is_any(&u->early))
		return;
	nd_listen(n, u->ifindex, &u->early, false);
	u->early = in6addr_any;
}
