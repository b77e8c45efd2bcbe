/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The few kernel objects that peers make, by rtnetlink.  All calls wait for the kernel's answer and
 * give 0 or a negative errno; adding what is there already and deleting what is gone succeed.
 */
#pragma once

#include <netinet/in.h>
#include <stdint.h>

#include "base/addr.h"

struct netlink;

int netlink_open(struct netlink **ret);
void netlink_close(struct netlink *nl);

/* Bring a link up with no address of its own (no link-local one) and this transmit queue. */
int netlink_link_up(struct netlink *nl, int ifindex, unsigned queue_len);

/* Addresses are added without duplicate address detection and without a prefix route. */
int netlink_addr_add(struct netlink *nl, int ifindex, const struct in6_addr *a);
int netlink_addr_del(struct netlink *nl, int ifindex, const struct in6_addr *a);

int netlink_route_add(struct netlink *nl, const struct ip6_prefix *dst, int ifindex);
int netlink_route_del(struct netlink *nl, const struct ip6_prefix *dst, int ifindex);

/* Proxy neighbour entries: the kernel answers solicitations for the address on that link. */
int netlink_proxy_add(struct netlink *nl, int ifindex, const struct in6_addr *a);
int netlink_proxy_del(struct netlink *nl, int ifindex, const struct in6_addr *a);
