/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Defence of home addresses on the home link while their mobile node is away (RFC 6275 section
 * 10.4.1): the kernel answers solicitations by proxy, an unsolicited advertisement with the
 * override flag corrects what the neighbours remember.  Before a binding is made, duplicate
 * address detection.
 */
#pragma once

#include <netinet/in.h>

struct agent;
struct binding;
struct home_link;

/* Turns on proxy answers, without delay, on the link: 0 or a negative errno, logged. */
int home_link_open(struct agent *a, const char *ifname, struct home_link **ret);
void home_link_close(struct home_link *h);
int home_link_index(const struct home_link *h);

/*
 * Ask whether anybody on the link has this address (RFC 4862 section 5.4): binding_duplicate() for
 * its tentative binding when somebody does.
 */
void home_link_probe(struct home_link *h, const struct in6_addr *address);

/* The home address, and the link-local one where the update had the L flag. */
int home_link_defend(struct home_link *h, const struct binding *b);
void home_link_release(struct home_link *h, const struct binding *b);
