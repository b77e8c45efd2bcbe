/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Single requests to the kernel. */
#pragma once

#include <libmnl/libmnl.h>

/* A request of that type, to be completed: its family header, zeroed, is the payload. */
struct nlmsghdr *netlink_message(void *buf, uint16_t type, uint16_t flags, size_t header);
/*
 * Send it and hand all answers to cb (may be NULL): until acknowledged (NLM_F_ACK), until the end of a dump, or until
 * cb returns MNL_CB_STOP.  0 or -errno.
 */
int netlink_talk(struct nlmsghdr *h, mnl_cb_t cb, void *user);
/* At the end. */
void netlink_talk_end(void);
/* The same of another family than NETLINK_ROUTE. */
int netlink_talk_to(int family, struct nlmsghdr *h, mnl_cb_t cb, void *user);
/* The same on a socket that is there already; cb must not stop before the end. */
int netlink_talk_on(struct mnl_socket *s, struct nlmsghdr *h, mnl_cb_t cb, void *user);

/* Messages that the kernel takes one after the other, whether or not others fail; only `len` has to be 0 at first. */
struct netlink_batch {
	size_t len;
	struct nlmsghdr *last;
	_Alignas(struct nlmsghdr) char buf[4096];
};
void netlink_batch_add(struct netlink_batch *b, const struct nlmsghdr *h);
/* All that were added; returns when the kernel has done them. */
void netlink_batch_send(struct netlink_batch *b);

/* Attributes by type, behind the family header; NULL where there is none.  tb has max + 1 entries. */
void netlink_attributes(const struct nlmsghdr *h, size_t header, const struct nlattr **tb,
			unsigned max);
