/*
 * buf.h: a byte buffer that grows, for text and frames being built. One owner, one thread.
 * A failed growth makes the buffer `failed`: later writes do nothing, and whoever takes the
 * result checks once (buf_ok) instead of after every append.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/defs.h"

struct buf {
    char *data;  /* not terminated unless buf_text was called; may be NULL when empty */
    size_t len;  /* bytes in use */
    size_t cap;  /* bytes allocated */
    bool failed; /* memory was refused once; the content is not to be used */
};

#define BUF_INIT ((struct buf){0})

void buf_fini(struct buf *b);  /* frees, leaves an empty buffer; also for CLEANUP */
void buf_clear(struct buf *b); /* keeps the memory for the next use */
bool buf_ok(const struct buf *b);

/* Room for `len` more bytes at the end, not yet counted in len; NULL when memory is refused. */
char *buf_reserve(struct buf *b, size_t len);
void buf_append(struct buf *b, const void *data, size_t len);
void buf_text(struct buf *b, const char *text);
void buf_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);
void buf_u64(struct buf *b, uint64_t value); /* decimal */
void buf_i64(struct buf *b, int64_t value);  /* decimal */

/* Drops the first `len` bytes. */
void buf_consume(struct buf *b, size_t len);

/* The content with a terminating NUL that len does not count; "" for an empty buffer. Borrowed. */
const char *buf_string(struct buf *b);
