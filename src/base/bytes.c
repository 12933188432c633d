/* bytes.c: release order matters: the last holder must see everything the others did. */
#include "base/bytes.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

struct bytes *bytes_new(size_t len)
{
    if (len > SIZE_MAX - sizeof(struct bytes))
        return NULL;
    struct bytes *b = malloc(sizeof(*b) + len);
    if (!b)
        return NULL;
    atomic_init(&b->refs, 1);
    b->len = len;
    return b;
}

struct bytes *bytes_copy(const void *data, size_t len)
{
    struct bytes *b = bytes_new(len);
    if (b && len)
        memcpy(b->data, data, len);
    return b;
}

struct bytes *bytes_ref(struct bytes *b)
{
    unsigned before = atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    CHECK(before > 0);
    return b;
}

struct bytes *bytes_unref(struct bytes *b)
{
    if (!b)
        return NULL;
    unsigned before = atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel);
    CHECK(before > 0);
    if (before == 1)
        free(b);
    return NULL;
}
