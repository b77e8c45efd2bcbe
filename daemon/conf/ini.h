/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines of an INI text as in systemd.syntax(7): [Section], Key=Value, comments after # and ; on
 * lines of their own, a backslash at the end of a line joins the next one.
 *
 * Knows nothing of what sections and keys mean.  A line that is wrong is given as such and
 * reading goes on behind it, so that one pass finds every error.
 */
#pragma once

#include <stddef.h>

enum ini_kind {
	INI_END,
	INI_SECTION,
	INI_ASSIGNMENT,
	INI_BAD_SECTION, /* whatever follows belongs to no known section */
	INI_BAD,
};

struct ini_line {
	enum ini_kind kind;
	unsigned number; /* of the first physical line, from 1 */
	char *name;      /* section without brackets, or key */
	char *value;     /* of an assignment, may be empty */
	const char *why; /* INI_BAD*: what is wrong */
};

/* Strings in lines point into the text of the reader and live as long as it does. */
struct ini_reader {
	char *text; /* own copy */
	char *next, *end;
	unsigned number; /* of the last line taken */
};

/* 0, or -ENOMEM. */
int ini_open(struct ini_reader *r, const char *text, size_t len);
void ini_close(struct ini_reader *r);
struct ini_line ini_next(struct ini_reader *r);
