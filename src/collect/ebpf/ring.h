/*
 * ring.h: the consumer's end of a BPF ring buffer (kernel/bpf/ringbuf.c;
 * Documentation/bpf/ringbuf.rst): a page with our position, a page with the kernel's, and the data.
 * What lies in it is read as bytes of a stranger: lengths and positions are checked before they are
 * used. One thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct ring;

/* Maps the ring of this descriptor; `bytes` as it was made. 0 or -errno. */
int ring_map_new(int fd, size_t bytes, struct ring **ret);
/* The same over memory of the caller's, for tests: data holds `bytes`, a power of two. */
struct ring *ring_map_over(uint64_t *consumer, uint64_t *producer, const uint8_t *data,
                           size_t bytes);
void ring_map_free(struct ring *r); /* NULL allowed */

/*
 * Hands every record that is complete to `take`, which borrows it, `most` at most; they are the
 * kernel's again afterwards. How many; -EBADMSG when positions or lengths make no sense: all that
 * is in the ring is then skipped.
 */
int ring_map_drain(struct ring *r, size_t most,
                   void (*take)(void *user, const uint8_t *data, size_t len), void *user);
