/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf/suggest.h"

#include <ctype.h>
#include <string.h>

#define NAME_LONGEST 32

static unsigned smallest(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

static bool same_letter(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/*
 * Letters to insert, drop, replace or swap with their neighbour (optimal string alignment); upper
 * and lower case are the same.  Three rows of the table are enough, as a swap looks two back.
 */
static unsigned distance(const char *a, size_t na, const char *b, size_t nb)
{
	unsigned rows[3][NAME_LONGEST + 1];

	for (unsigned j = 0; j <= nb; j++)
		rows[0][j] = j;
	for (unsigned i = 1; i <= na; i++) {
		unsigned *row = rows[i % 3];
		const unsigned *up = rows[(i + 2) % 3], *upper = rows[(i + 1) % 3];

		row[0] = i;
		for (unsigned j = 1; j <= nb; j++) {
			unsigned differ = same_letter(a[i - 1], b[j - 1]) ? 0 : 1;

			row[j] = smallest(up[j] + 1, row[j - 1] + 1, up[j - 1] + differ);
			if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) &&
			    same_letter(a[i - 2], b[j - 1]) && upper[j - 2] + 1 < row[j])
				row[j] = upper[j - 2] + 1;
		}
	}
	return rows[na % 3][nb];
}

void suggestion_offer(struct suggestion *s, const char *typed, const char *candidate)
{
	size_t nt = strlen(typed), nc = strlen(candidate);
	unsigned d;

	if (nt > NAME_LONGEST || nc > NAME_LONGEST)
		return;
	d = distance(typed, nt, candidate, nc);
	/* More than a third wrong is another word. */
	if (d > nc / 3 || (s->name && d >= s->distance))
		return;
	*s = (struct suggestion){.name = candidate, .distance = d};
}
