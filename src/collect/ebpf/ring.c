/*
 * ring.c: see ring.h. Positions grow for ever and count bytes. Each record begins with 8 bytes: its
 * length, with one bit while it is still being written and one when it was given up, and a number
 * of the kernel's; it ends at the next multiple of 8.
 *
 * The kernel would map the data twice in a row, so that no record looks cut; both count as resident
 * memory, and the second time they would be 2 MiB for a copy of some hundred bytes once a turn. So
 * the data is mapped once, and the record that goes around the end is put together here.
 */
#include "collect/ebpf/ring.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/defs.h"
#include "base/mem.h"
#include "bpf/abi.h"

/* No record of ours is longer. */
#define WHOLE_BYTES 512
_Static_assert(sizeof(struct bpf_record_dns) <= WHOLE_BYTES, "records fit");
_Static_assert(sizeof(struct bpf_record_socket) <= WHOLE_BYTES, "records fit");

#define LENGTH_MASK (~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT))

struct ring {
    uint64_t *consumer;       /* ours: written here, read by the kernel */
    const uint64_t *producer; /* the kernel's */
    const uint8_t *data;
    size_t bytes; /* of the data, a power of two */
    size_t page;
    bool mapped;
    uint8_t whole[WHOLE_BYTES]; /* a record from both ends of the data */
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
    uint8_t *kernel = mmap(NULL, page + bytes, PROT_READ, MAP_SHARED, fd, (off_t)page);
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
        munmap((void *)(uintptr_t)r->producer, r->page + r->bytes);
    }
    free(r);
}

/* The record at this place; one that would have to be put together and is longer than any of ours
 * is handed over as none at all, which no reader takes for one. */
static const uint8_t *ring_record(struct ring *r, size_t place, size_t *len)
{
    size_t first = r->bytes - place;
    if (*len <= first)
        return r->data + place;
    *len = *len > WHOLE_BYTES ? 0 : *len;
    first = MIN(first, *len);
    memcpy(r->whole, r->data + place, first);
    memcpy(r->whole + first, r->data, *len - first);
    return r->whole;
}

int ring_map_drain(struct ring *r, size_t most,
                   void (*take)(void *user, const uint8_t *data, size_t len), void *user)
{
    uint64_t at = *r->consumer;
    uint64_t end = __atomic_load_n(r->producer, __ATOMIC_ACQUIRE);
    size_t taken = 0;
    bool bad = end < at || end - at > r->bytes || at % 8; /* so a head is never cut */
    while (!bad && at < end && taken < most) {
        const uint8_t *head = r->data + (at & (r->bytes - 1));
        uint32_t word = __atomic_load_n((const uint32_t *)(const void *)head, __ATOMIC_ACQUIRE);
        if (word & BPF_RINGBUF_BUSY_BIT)
            break; /* somebody is writing it: next time */
        size_t len = word & LENGTH_MASK;
        size_t step = (len + BPF_RINGBUF_HDR_SZ + 7) & ~(size_t)7;
        bad = step > end - at;
        if (bad)
            break;
        if (!(word & BPF_RINGBUF_DISCARD_BIT)) {
            const uint8_t *record =
                ring_record(r, (at + BPF_RINGBUF_HDR_SZ) & (r->bytes - 1), &len);
            take(user, record, len);
        }
        taken++;
        at += step;
    }
    __atomic_store_n(r->consumer, bad ? end : at, __ATOMIC_RELEASE);
    return bad ? -EBADMSG : (int)taken;
}
