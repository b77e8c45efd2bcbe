/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bidirectional tunnelling (RFC 6275 sections 10.4.2 to 10.4.5, RFC 2473): packets that the kernel
 * routes into a TUN device leave as IPv6-in-IPv6 to the care-of address; what comes back is checked
 * against the binding cache and written to the device for the kernel to route.
 */
#pragma once

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

struct agent;
struct binding;
struct tunnel;

int tunnel_open(struct agent *a, struct tunnel **ret);
/* The device goes, and its routes with it. */
void tunnel_close(struct tunnel *t);

int tunnel_route_add(struct tunnel *t, const struct in6_addr *home);
void tunnel_route_del(struct tunnel *t, const struct in6_addr *home);

/*
 * Encapsulate one packet for a binding.  -EMSGSIZE: larger than the path allows and not below 1280
 * octets, where the outer packet is fragmented instead.
 */
int tunnel_send(struct tunnel *t, const struct binding *b, const uint8_t *packet, size_t len);
