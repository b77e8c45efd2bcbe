/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <stdio.h>

#include "bus/internal.h"

void path_escape(const char *s, char label[static BUS_LABEL_LEN])
{
	static const char hex[] = "0123456789abcdef";
	size_t n = 0;

	if (!*s)
		label[n++] = '_';
	for (const char *p = s; *p; p++) {
		unsigned char c = (unsigned char)*p;
		/* A leading digit is legal, but sd_bus_path_encode(3) escapes it. */
		bool plain = isascii(c) && (isalpha(c) || (isdigit(c) && p > s));

		if (n + (plain ? 1 : 3) >= BUS_LABEL_LEN)
			break;
		if (plain) {
			label[n++] = (char)c;
		} else {
			label[n++] = '_';
			label[n++] = hex[c >> 4];
			label[n++] = hex[c & 15];
		}
	}
	label[n] = '\0';
}

const char *path_of(const struct bus_kind *kind, const void *object, struct path_buf *buf)
{
	char label[BUS_LABEL_LEN];

	if (!object) {
		snprintf(buf->s, sizeof(buf->s), "/");
	} else if (!kind->label) {
		snprintf(buf->s, sizeof(buf->s), "%s", BUS_PATH);
	} else {
		kind->label(object, label);
		snprintf(buf->s, sizeof(buf->s), BUS_PATH "/%s/%s", kind->noun, label);
	}
	return buf->s;
}
