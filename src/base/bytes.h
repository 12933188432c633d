/*
 * bytes.h: immutable bytes shared by counted reference, e.g. one encoded frame in the queues of a
 * thousand connections. Written once by the maker between bytes_new and the first sharing; frozen
 * afterwards. The count is atomic: references may be dropped on any thread.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

struct bytes {
    atomic_uint refs;
    size_t len;
    uint8_t data[];
};

struct bytes *bytes_new(size_t len); /* one reference, content undefined; NULL: no memory */
struct bytes *bytes_copy(const void *data, size_t len); /* NULL: no memory */
struct bytes *bytes_ref(struct bytes *b);               /* returns b */
struct bytes *bytes_unref(struct bytes *b);             /* NULL is allowed; returns NULL */
