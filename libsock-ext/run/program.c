/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#define SCRIPT_LINE 256 /* BINPRM_BUF_SIZE: the kernel reads no further */
#define DEFAULT_PATH "/bin:/usr/bin"

#if defined(__x86_64__)
#define NATIVE_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define NATIVE_MACHINE EM_AARCH64
#elif defined(__riscv)
#define NATIVE_MACHINE EM_RISCV
#elif defined(__arm__)
#define NATIVE_MACHINE EM_ARM
#elif defined(__i386__)
#define NATIVE_MACHINE EM_386
#else
#define NATIVE_MACHINE EM_NONE
#endif
#define NATIVE_CLASS (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32)
#define NATIVE_DATA (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB)

static bool read_at(int fd, void *to, size_t size, uint64_t offset)
{
	if (offset > INT64_MAX - size)
		return false;
	return pread(fd, to, size, (off_t)offset) == (ssize_t)size;
}

/* Program headers of both classes begin with p_type. */
static bool has_interpreter(int fd, uint64_t offset, size_t entry_size, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint32_t type;

		if (offset > UINT64_MAX - i * entry_size ||
		    !read_at(fd, &type, sizeof(type), offset + i * entry_size))
			return false;
		if (type == PT_INTERP)
			return true;
	}
	return false;
}

static enum program_kind elf_kind(int fd)
{
	union {
		unsigned char ident[EI_NIDENT];
		Elf64_Ehdr elf64;
		Elf32_Ehdr elf32;
	} head = {0};
	bool wide;

	if (!read_at(fd, &head.elf32, sizeof(head.elf32), 0))
		return PROGRAM_DYNAMIC;
	wide = head.ident[EI_CLASS] == ELFCLASS64;
	if (head.ident[EI_CLASS] != NATIVE_CLASS || head.ident[EI_DATA] != NATIVE_DATA ||
	    (NATIVE_MACHINE != EM_NONE && head.elf32.e_machine != NATIVE_MACHINE))
		return PROGRAM_FOREIGN;
	if (wide && !read_at(fd, &head.elf64, sizeof(head.elf64), 0))
		return PROGRAM_DYNAMIC;
	if (wide)
		return has_interpreter(fd, head.elf64.e_phoff, head.elf64.e_phentsize,
				       head.elf64.e_phnum)
			       ? PROGRAM_DYNAMIC
			       : PROGRAM_STATIC;
	return has_interpreter(fd, head.elf32.e_phoff, head.elf32.e_phentsize, head.elf32.e_phnum)
		       ? PROGRAM_DYNAMIC
		       : PROGRAM_STATIC;
}

/* "#!", blanks, the interpreter, then a blank and an argument or the end of the line. */
static int script_interpreter(const char *line, char interpreter[PATH_MAX])
{
	const char *begin = line + 2 + strspn(line + 2, " \t");
	size_t length = strcspn(begin, " \t\n");

	if (length == 0)
		return -ENOEXEC;
	memcpy(interpreter, begin, length);
	interpreter[length] = '\0';
	return 0;
}

/* The kind of an open file; *interpreter, if it is a script, else "". */
static int look_at(int fd, enum program_kind *kind, char interpreter[PATH_MAX])
{
	char head[SCRIPT_LINE + 1] = {0};
	ssize_t n = pread(fd, head, SCRIPT_LINE, 0);

	if (n < 0)
		return -errno;
	if (n > 2 && memcmp(head, "#!", 2) == 0)
		return script_interpreter(head, interpreter);
	interpreter[0] = '\0';
	*kind = n >= SELFMAG && memcmp(head, ELFMAG, SELFMAG) == 0 ? elf_kind(fd) : PROGRAM_DYNAMIC;
	return 0;
}

/* Only what changes the rights of this very process counts: root does not gain any. */
static bool gains_rights(const char *path)
{
	struct stat st;
	struct statvfs vfs;

	if (stat(path, &st) < 0 || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ||
	    (statvfs(path, &vfs) == 0 && (vfs.f_flag & ST_NOSUID)))
		return false;
	return ((st.st_mode & S_ISUID) && st.st_uid != getuid()) ||
	       ((st.st_mode & S_ISGID) && (st.st_mode & S_IXGRP) && st.st_gid != getgid()) ||
	       (getuid() != 0 && getxattr(path, "security.capability", NULL, 0) > 0);
}

static bool executable(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

static int find(const char *name, char path[PATH_MAX])
{
	const char *list = getenv("PATH"), *end;

	if (strchr(name, '/')) {
		if (strlen(name) >= PATH_MAX)
			return -ENAMETOOLONG;
		strcpy(path, name);
		return executable(path) ? 0 : access(path, F_OK) == 0 ? -EACCES : -ENOENT;
	}
	for (list = list ? list : DEFAULT_PATH;; list = end + 1) {
		int length;

		end = strchrnul(list, ':');
		/* An empty element is the working directory. */
		length = snprintf(path, PATH_MAX, "%.*s%s%s", (int)(end - list), list,
				  end == list ? "./" : "/", name);
		if (length < PATH_MAX && executable(path))
			return 0;
		if (*end == '\0')
			return -ENOENT;
	}
}

int program_examine(const char *name, struct program *program)
{
	struct program found = {.kind = PROGRAM_DYNAMIC};
	char interpreter[PATH_MAX];
	int r = find(name, found.path);

	if (r < 0)
		return r;
	for (int level = 0; level <= PROGRAM_MAX_INTERPRETERS; level++) {
		int fd = open(found.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

		/* It may be executable without being readable. */
		if (fd < 0)
			break;
		r = look_at(fd, &found.kind, interpreter);
		close(fd);
		if (r < 0 || interpreter[0] == '\0')
			break;
		strcpy(found.path, interpreter);
	}
	found.privileged = gains_rights(found.path);
	*program = found;
	return 0;
}
