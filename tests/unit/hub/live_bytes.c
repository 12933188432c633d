/*
 * live_bytes.c: malloc and its family, defined by the program itself: the dynamic linker gives them
 * to the shared libraries, too, which the linker's --wrap would not. Each call goes on to glibc;
 * beside it stands a table of what was asked for, by address: open addressing, in static memory
 * since it cannot ask an allocator. The allocator's own account (mallinfo2) would not do: a block
 * is sometimes given out a few bytes larger than asked for, because its rest is too small to be
 * one, and that depends on everything that was freed before.
 *
 * Addresses that the table does not know (of before the program was linked, of calls that are not
 * here) are passed on and do not count. A table that is full ends the program: a wrong number would
 * be worse.
 */
#include "live_bytes.h"

#include <stdlib.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif

#ifdef SANITIZED

size_t __sanitizer_get_current_allocated_bytes(void);

size_t live_bytes(void)
{
    return __sanitizer_get_current_allocated_bytes();
}

#elif defined(__GLIBC__)

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define PLACES (1U << 18) /* a power of two */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *p);

static struct {
    pthread_mutex_t lock; /* guards all below */
    void *addresses[PLACES];
    size_t sizes[PLACES];
    size_t count, bytes;
} live = {.lock = PTHREAD_MUTEX_INITIALIZER};

static size_t home(const void *p)
{
    return (size_t)(((uint64_t)(uintptr_t)p >> 4) * 0x9e3779b97f4a7c15U >> 32) & (PLACES - 1);
}

/* Where it is, or the free place where it would be. */
static size_t place_of(const void *p)
{
    size_t at = home(p);
    while (live.addresses[at] && live.addresses[at] != p)
        at = (at + 1) & (PLACES - 1);
    return at;
}

/* What follows moves up, so that no search ends too early at the place that becomes free. */
static void forget(const void *p)
{
    size_t hole = place_of(p);
    if (!live.addresses[hole])
        return;
    live.bytes -= live.sizes[hole];
    live.count--;
    for (size_t at = (hole + 1) & (PLACES - 1); live.addresses[at]; at = (at + 1) & (PLACES - 1)) {
        size_t wanted = home(live.addresses[at]);
        if (((at - wanted) & (PLACES - 1)) < ((at - hole) & (PLACES - 1)))
            continue; /* its own place is behind the hole */
        live.addresses[hole] = live.addresses[at];
        live.sizes[hole] = live.sizes[at];
        hole = at;
    }
    live.addresses[hole] = NULL;
}

static void *note(void *p, size_t size)
{
    if (!p)
        return NULL;
    pthread_mutex_lock(&live.lock);
    if (live.count >= PLACES / 4 * 3)
        abort();
    size_t at = place_of(p);
    if (live.addresses[at])
        abort(); /* given back by a way that is not counted here */
    live.addresses[at] = p;
    live.sizes[at] = size;
    live.count++;
    live.bytes += size;
    pthread_mutex_unlock(&live.lock);
    return p;
}

/* Before it is given back: afterwards another thread may be given the same address. */
static void drop(const void *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&live.lock);
    forget(p);
    pthread_mutex_unlock(&live.lock);
}

size_t live_bytes(void)
{
    pthread_mutex_lock(&live.lock);
    size_t bytes = live.bytes;
    pthread_mutex_unlock(&live.lock);
    return bytes;
}

void *malloc(size_t size)
{
    return note(__libc_malloc(size), size);
}

void *calloc(size_t count, size_t size)
{
    return note(__libc_calloc(count, size), count * size); /* no overflow: it is NULL then */
}

void *realloc(void *old, size_t size)
{
    /* By hand, since the old address may belong to somebody else the moment it is given back, but
     * must stay in the table when there is no room for the new one. */
    size_t old_size = 0;
    bool known = false;
    if (old) {
        pthread_mutex_lock(&live.lock);
        size_t at = place_of(old);
        known = live.addresses[at];
        old_size = known ? live.sizes[at] : 0;
        forget(old);
        pthread_mutex_unlock(&live.lock);
    }
    void *p = __libc_realloc(old, size);
    if (p)
        return note(p, size);
    if (known && size)
        note(old, old_size);
    return NULL;
}

void free(void *p)
{
    int err = errno; /* which free leaves as it is */
    drop(p);
    __libc_free(p);
    errno = err;
}

void *memalign(size_t alignment, size_t size);
void *memalign(size_t alignment, size_t size)
{
    return note(__libc_memalign(alignment, size), size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **ret, size_t alignment, size_t size)
{
    void *p = memalign(alignment, size);
    if (!p)
        return ENOMEM;
    *ret = p;
    return 0;
}

#else

size_t live_bytes(void)
{
    return 0;
}

#endif

const char *live_bytes_missing(void)
{
    void *(*volatile take)(size_t) = malloc; /* volatile: or it is the one of this file, inlined */
    void (*volatile give)(void *) = free;
    size_t before = live_bytes();
    void *one = take(1);
    size_t after = live_bytes();
    give(one);
    return after > before ? NULL : "the allocator is another one, valgrind's for instance";
}
