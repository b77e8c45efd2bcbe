/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A few calls of the kernel: not worth the memory of a library in the daemon; the loader uses
 * libbpf. */
#include "net/bpf.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

static int sys_bpf(enum bpf_cmd cmd, union bpf_attr *attr)
{
	long r = syscall(SYS_bpf, cmd, attr, sizeof(*attr));

	return r < 0 ? -errno : (int)r;
}

int bpf_pin_lock(const char *directory)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	r = errno == EWOULDBLOCK ? -EBUSY : -errno;
	close(fd);
	return r;
}

int bpf_pin_open(const char *directory, const char *name)
{
	union bpf_attr attr = {0};
	char path[512];

	if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	attr.pathname = (uintptr_t)path;
	return sys_bpf(BPF_OBJ_GET, &attr);
}

int bpf_map_put(int map, const void *key, const void *value)
{
	union bpf_attr attr = {0};

	attr.map_fd = (uint32_t)map;
	attr.key = (uintptr_t)key;
	attr.value = (uintptr_t)value;
	attr.flags = BPF_ANY;
	return sys_bpf(BPF_MAP_UPDATE_ELEM, &attr);
}

int bpf_map_get(int map, const void *key, void *ret_value)
{
	union bpf_attr attr = {0};

	attr.map_fd = (uint32_t)map;
	attr.key = (uintptr_t)key;
	attr.value = (uintptr_t)ret_value;
	return sys_bpf(BPF_MAP_LOOKUP_ELEM, &attr);
}

int bpf_map_delete(int map, const void *key)
{
	union bpf_attr attr = {0};

	attr.map_fd = (uint32_t)map;
	attr.key = (uintptr_t)key;
	return sys_bpf(BPF_MAP_DELETE_ELEM, &attr);
}

int bpf_map_next(int map, const void *key, void *ret_key)
{
	union bpf_attr attr = {0};

	attr.map_fd = (uint32_t)map;
	attr.key = (uintptr_t)key;
	attr.next_key = (uintptr_t)ret_key;
	return sys_bpf(BPF_MAP_GET_NEXT_KEY, &attr);
}

int bpf_info(int fd, struct bpf_object_info *ret)
{
	struct bpf_map_info info = {0}; /* that of a program begins with type and number as well */
	union bpf_attr attr = {0};
	int r;

	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info = (uintptr_t)&info;
	attr.info.info_len = offsetof(struct bpf_map_info, map_flags);
	r = sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &attr);
	if (r < 0)
		return r;
	*ret = (struct bpf_object_info){
		.type = info.type,
		.id = info.id,
		.key_size = info.key_size,
		.value_size = info.value_size,
		.max_entries = info.max_entries,
	};
	return 0;
}

unsigned bpf_possible_cpus(void)
{
	unsigned last = 0, n;
	FILE *f = fopen("/sys/devices/system/cpu/possible", "re");

	if (!f)
		return (unsigned)sysconf(_SC_NPROCESSORS_CONF);
	/* A list of numbers and ranges, in order: the last number counts. */
	while (fscanf(f, "%u%*[,-]", &n) == 1)
		last = n;
	fclose(f);
	return last + 1;
}
