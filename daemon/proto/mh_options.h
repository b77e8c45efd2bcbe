/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mobility options (RFC 6275 section 6.2) of a message whose body mh.c has dealt with. */
#pragma once

#include "proto/mh.h"
#include "proto/wire.h"

/*
 * Read the options at r, which ends with the message, into m->opt; base is the first octet of the
 * header. 0 or -EBADMSG.
 */
int mh_options_decode(struct reader *r, const uint8_t *base, struct mh_message *m);

/* Write m->opt and the padding that ends the message.  0, -EINVAL or -ENOBUFS. */
int mh_options_encode(struct wire *w, struct mh_message *m);
