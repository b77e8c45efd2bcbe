/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loop/footprint.h"

#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

struct mapping {
	unsigned long start, end;
	char flags[5];
	unsigned long inode;
	unsigned long anonymous; /* kB that exist nowhere but here */
};

static void give_back(const struct mapping *m)
{
	if (m->inode && m->flags[1] != 'w' && m->flags[3] == 'p' && m->anonymous == 0)
		madvise((void *)m->start, m->end - m->start, MADV_DONTNEED);
}

void footprint_trim(void)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	struct mapping m = {0}, next = {0};
	char line[512];

	malloc_trim(0);
	if (!f)
		return;
	/* Each mapping is a line with its range, then lines with its figures. */
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx %4s %*x %*s %lu", &next.start, &next.end, next.flags,
			   &next.inode) == 4) {
			give_back(&m);
			m = next;
			m.anonymous = 0;
		} else if (strncmp(line, "Anonymous:", 10) == 0) {
			sscanf(line + 10, "%lu", &m.anonymous);
		}
	}
	give_back(&m);
	fclose(f);
}
