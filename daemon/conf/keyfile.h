/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys of security associations: hexadecimal digits in a file, or in a credential of systemd. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"

#define KEYFILE_KEY_MIN 16 /* octets; at most CONF_KEY_MAX */

/*
 * Read the key from a path (regular, not a symbolic link, owned by root or the effective user, no
 * permission for others) or from credential:NAME in $CREDENTIALS_DIRECTORY, whose access systemd
 * guards.  0, or -errno with *ret_why telling what is wrong, without any of the content.
 */
int keyfile_read(const char *source, uint8_t key[CONF_KEY_MAX], size_t *ret_len,
		 const char **ret_why);

/* The text of such a file: digits, with blanks and newlines around them. */
int keyfile_parse(const char *text, size_t len, uint8_t key[CONF_KEY_MAX], size_t *ret_len,
		  const char **ret_why);

/* Octets of a row of hexadecimal digits, at most max: how many, or -EINVAL and nothing written. */
int keyfile_octets(const char *text, size_t len, uint8_t *ret, size_t max);
/* What is in such a file, less than size octets; the caller wipes it. */
int keyfile_text(const char *source, char *text, size_t size, size_t *ret_len,
		 const char **ret_why);
