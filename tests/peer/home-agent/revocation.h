/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Binding revocation (RFC 5846), as the home agent that revokes. */
#pragma once

#include <stdint.h>

#include "notice.h"
#include "proto/ext.h"

struct agent;
struct binding;

#define REVOCATION_PROXY 0x8000u
#define REVOCATION_IPV4 0x4000u
#define REVOCATION_GLOBAL 0x2000u

/* Send a binding revocation indication; the binding goes when it is acknowledged, or after 3 s. */
int revocation_send(struct agent *a, const struct binding *b, uint8_t trigger, uint16_t flags,
		    const struct notice_options *o);

/* A packet to one of our addresses that carries a binding revocation message. */
void revocation_receive(struct agent *a, const struct ip6_packet *p);
