/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs attached to control groups by links that are pinned: they stay when this process ends, and another program
 * takes the place of the first without a moment in between.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bpf/libbpf.h>

/* An open control group of the version 2 hierarchy. */
struct attach_group {
	const char *path;
	int fd;
	uint64_t id;
};

/* Where that hierarchy is mounted: to be freed; logs that it is not. */
int attach_find_root(char **ret);
/* Keeps `path`; logs what is wrong with it. */
int attach_open(const char *path, struct attach_group *ret);

/* Attached there already: put in the place of what is.  Logs failures. */
int attach_program(const char *dir, const struct bpf_program *program,
		   const struct attach_group *group);
/* The pin of that link. */
int attach_name(const char *program, const struct attach_group *group, char *ret, size_t size);

/* Unpin, and so detach, links in `dir` for which keep() is false; NULL keeps none. */
void attach_detach(const char *dir, bool (*keep)(const char *name, const void *data),
		   const void *data);
/* Is there any link in `dir`? */
bool attach_any(const char *dir);
