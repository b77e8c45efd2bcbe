/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/plane_ring.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "net/bpf.h"

static unsigned long position(const unsigned long *at)
{
	return __atomic_load_n(at, __ATOMIC_ACQUIRE);
}

int ring_open(int map, struct ring *ret)
{
	struct bpf_object_info info;
	struct ring r = {.page = (size_t)sysconf(_SC_PAGESIZE)};
	void *consumer, *producer;
	int e = bpf_info(map, &info);

	if (e < 0)
		return e;
	r.size = info.max_entries;
	consumer = mmap(NULL, r.page, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);
	if (consumer == MAP_FAILED)
		return -errno;
	/* The data are there twice in a row: a record that goes over the end is in one piece. */
	producer = mmap(NULL, r.page + 2 * r.size, PROT_READ, MAP_SHARED, map, (off_t)r.page);
	if (producer == MAP_FAILED) {
		e = -errno;
		munmap(consumer, r.page);
		return e;
	}
	r.consumer = consumer;
	r.producer = producer;
	r.data = (const uint8_t *)producer + r.page;
	__atomic_store_n(r.consumer, position(r.producer), __ATOMIC_RELEASE);
	*ret = r;
	return 0;
}

bool ring_next(struct ring *r, void *ret, size_t size)
{
	unsigned long at = position(r->consumer), end = position(r->producer);

	while (at < end) {
		const uint8_t *record = r->data + (at & (r->size - 1));
		uint32_t head =
			__atomic_load_n((const uint32_t *)(const void *)record, __ATOMIC_ACQUIRE);
		uint32_t len = head & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
		bool wanted = !(head & BPF_RINGBUF_DISCARD_BIT) && len == size;

		if (head & BPF_RINGBUF_BUSY_BIT)
			return false;
		if (wanted)
			memcpy(ret, record + BPF_RINGBUF_HDR_SZ, size);
		at += (len + BPF_RINGBUF_HDR_SZ + 7) / 8 * 8;
		__atomic_store_n(r->consumer, at, __ATOMIC_RELEASE);
		if (wanted)
			return true;
	}
	return false;
}

void ring_close(struct ring *r)
{
	if (!r->consumer)
		return;
	munmap(r->consumer, r->page);
	munmap((void *)(uintptr_t)r->producer, r->page + 2 * r->size);
	r->consumer = NULL;
}
