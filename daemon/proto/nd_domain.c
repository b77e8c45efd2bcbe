/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The provisioning domain option: RFC 8801 section 3.1, with a name as in RFC 1035 section 3.1. */
#include <ctype.h>

#include "proto/nd_option.h"

#define HTTP 0x8000u
#define LEGACY 0x4000u
#define HEADER 0x2000u
#define DELAY 0x000fu
#define MAX_LABEL 63 /* above are compression and what was never defined */
#define NAME_AT 6    /* from the start of the option */

/* Names of hosts: with other octets, two different names could look the same in text. */
static bool label_possible(const uint8_t *label, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isalnum(label[i]) && label[i] != '-' && label[i] != '_')
			return false;
	return true;
}

/* Octets of the name on the wire, 0 when it cannot be. */
static size_t read_name(struct reader *r, char name[static 254])
{
	size_t n = 0;
	uint8_t len;

	while ((len = read_u8(r)) > 0) {
		const uint8_t *label = len <= MAX_LABEL ? read_bytes(r, len) : NULL;

		if (!label || !label_possible(label, len) || n + len + (n > 0) > 253)
			return 0;
		if (n)
			name[n++] = '.';
		for (size_t i = 0; i < len; i++)
			name[n++] = (char)tolower(label[i]);
	}
	name[n] = '\0';
	return r->failed || n == 0 ? 0 : n + 2;
}

static size_t write_name(struct writer *w, const char *name)
{
	const char *label = name;

	for (;;) {
		size_t len = strcspn(label, ".");

		if (len == 0 || len > MAX_LABEL || !label_possible((const uint8_t *)label, len))
			return 0;
		write_u8(w, (uint8_t)len);
		write_bytes(w, label, len);
		label += len;
		if (*label == '\0')
			break;
		label++;
	}
	write_u8(w, 0);
	return strlen(name) + 2;
}

void nd_domain_transfer(struct wire *w, struct nd_domain *d, bool *has_header)
{
	uint16_t flags = (uint16_t)((d->http ? HTTP : 0) | (d->legacy ? LEGACY : 0) |
				    (*has_header ? HEADER : 0) | (d->delay & DELAY));
	size_t name_len;

	wire_u16(w, &flags);
	wire_u16(w, &d->sequence);
	d->http = flags & HTTP;
	d->legacy = flags & LEGACY;
	d->delay = flags & DELAY;
	*has_header = flags & HEADER;
	name_len = w->encoding ? write_name(&w->w, d->name) : read_name(&w->r, d->name);
	w->refused |= name_len == 0;
	wire_reserved(w, -(NAME_AT + name_len) % ND_OPT_UNIT);
}
