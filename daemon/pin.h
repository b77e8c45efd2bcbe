/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What dmmd-loader and dmmd-hooks share: objects pinned in a directory of a bpf file system, and given to a group.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <sys/types.h>

#include <bpf/libbpf.h>

#define PIN_NO_GROUP ((gid_t)-1)

/* A compiled object as part of this binary: `name` to `name`_end. */
#define PIN_EMBED(name, file) \
	__asm__(".section .rodata\n" \
		".balign 8\n" #name ": .incbin \"" file "\"\n" #name "_end:\n" \
		".previous\n"); \
	extern const char name[], name##_end[]

int pin_path(const char *dir, const char *name, char *ret, size_t size);
/* A new descriptor of what is pinned there, or negative errno. */
int pin_open(const char *dir, const char *name);
int pin_unlink(const char *dir, const char *name);
/* Group and mode 0660; nothing with PIN_NO_GROUP. */
int pin_give(const char *path, gid_t gid);
/* Pin and give. */
int pin_map(const char *dir, struct bpf_map *map, gid_t gid);
int pin_program(const char *dir, struct bpf_program *program, gid_t gid);
/* All maps and programs of the object, by their names. */
void pin_unlink_all(const char *dir, struct bpf_object *object);

/* Before a value is read or the daemon takes it: what is pinned has the shape that this program would give it. */
bool pin_same_shape(int fd, const struct bpf_map *map);

/* The parent directory must be in a bpf file system, or an error is logged: nothing is made or removed anywhere else. */
int pin_check_directory(const char *dir);
int pin_make_directory(const char *dir, gid_t gid);

/* A group's number by its name; logs that there is none. */
int pin_group(const char *name, gid_t *ret);
/* For libbpf_set_print(): warnings alone. */
int pin_print_warnings(enum libbpf_print_level level, const char *format, va_list arguments);
