/*
 * ring.c: see ring.h. Positions grow for ever and count bytes. Each record begins with 8 bytes: its
 * length, with one bit while it is still being written and one when it was given up, and a number
 * of the kernel's; it ends at the next multiple of 8.
 */
#include "collect/ebpf/ring.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"

#define LENGTH_MASK (~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT))

struct ring {
    uint64_t *consumer;       /* ours: written here, read by the kernel */
    const uint64_t *producer; /* the kernel's */
    const uint8_t *data;
    size_t bytes; /* of the data, a power of two */
    size_t page;
    bool mapped;
};

struct ring *ring_map_over(uint64_t *consumer, uint64_t *producer, const uint8_t *data,
                           size_t bytes)
{
    struct ring *r = mem_alloc(sizeof(*r));
    *r = (struct ring){.consumer = consumer, .producer = producer, .data = data, .bytes = bytes};
    return r;
}

int ring_map_new(int fd, size_t bytes, struct ring **ret)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *own = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (own == MAP_FAILED)
        return -errno;
    uint8_t *kernel = mmap(NULL, page + 2 * bytes, PROT_READ, MAP_SHARED, fd, (off_t)page);
    if (kernel == MAP_FAILED) {
        int err = -errno;
        munmap(own, page);
        return err;
    }
    *ret = ring_map_over(own, (uint64_t *)(void *)kernel, kernel + page, bytes);
    (*ret)->page = page;
    (*ret)->mapped = true;
    return 0;
}

void ring_map_free(struct ring *r)
{
    if (!r)
        return;
    if (r->mapped) {
        munmap(r->consumer, r->page);
        munmap((void *)(uintptr_t)r->producer, r->page + 2 * r->bytes);
    }
    free(r);
}

int ring_map_drain(struct ring *r, size_t most,
                   void (*take)(void *user, const uint8_t *data, size_t len), void *user)
{
    uint64_t at = *r->consumer;
    uint64_t end = __atomic_load_n(r->producer, __ATOMIC_ACQUIRE);
    size_t taken = 0;
    bool bad = end < at || end - at > r->bytes;
    while (!bad && at < end && taken < most) {
        const uint8_t *record = r->data + (at & (r->bytes - 1));
        uint32_t word = __atomic_load_n((const uint32_t *)(const void *)record, __ATOMIC_ACQUIRE);
        if (word & BPF_RINGBUF_BUSY_BIT)
            break; /* somebody is writing it: next time */
        size_t len = word & LENGTH_MASK;
        size_t step = (len + BPF_RINGBUF_HDR_SZ + 7) & ~(size_t)7;
        bad = step > end - at;
        if (bad)
            break;
        if (!(word & BPF_RINGBUF_DISCARD_BIT))
            take(user, record + BPF_RINGBUF_HDR_SZ, len);
        taken++;
        at += step;
    }
    __atomic_store_n(r->consumer, bad ? end : at, __ATOMIC_RELEASE);
    return bad ? -EBADMSG : (int)taken;
}
