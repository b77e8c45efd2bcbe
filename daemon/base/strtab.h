/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of enumerations.  Each enum ends in a _MAX member; its table stands next to it:
 *     DEFINE_STRTAB(link_state, "down", "up");
 * gives link_state_str(value) and link_state_parse(name).
 */
#pragma once

#include <stddef.h>
#include <string.h>

static inline const char *strtab_name(const char *const *tab, size_t n, int v)
{
	return v >= 0 && (size_t)v < n && tab[v] ? tab[v] : "unknown";
}

/* The value of a name, or -1. */
static inline int strtab_value(const char *const *tab, size_t n, const char *s)
{
	for (size_t i = 0; i < n; i++)
		if (tab[i] && strcmp(tab[i], s) == 0)
			return (int)i;
	return -1;
}

#define DECLARE_STRTAB(name) \
	const char *name##_str(int v); \
	int name##_parse(const char *s); \
	extern const char *const name##_names[]

#define DEFINE_STRTAB(name, ...) \
	const char *const name##_names[] = {__VA_ARGS__, NULL}; \
	const char *name##_str(int v) \
	{ \
		return strtab_name(name##_names, sizeof(name##_names) / sizeof(char *) - 1, v); \
	} \
	int name##_parse(const char *s) \
	{ \
		return strtab_value(name##_names, sizeof(name##_names) / sizeof(char *) - 1, s); \
	} \
	struct name##_swallow_semicolon
