/*
 * varint.h: whole numbers in as few bytes as they need. Seven bits a byte, low bits first, the
 * high bit says that more follow; zigzag folds signed numbers so that small ones stay small.
 *
 * Writing goes through a bare pointer into memory that the caller sized with VARINT_MAX per
 * number. Reading goes through a cursor that never leaves its range: past the end, or in a number
 * that does not fit into 64 bits, it turns `bad` and yields zeros from then on, so that decoders
 * check once at the end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define VARINT_MAX 10 /* bytes of the longest */

static inline uint8_t *varint_put(uint8_t *at, uint64_t value)
{
    while (value >= 0x80) {
        *at++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *at++ = (uint8_t)value;
    return at;
}

static inline size_t varint_size(uint64_t value)
{
    size_t bits = 64 - (size_t)__builtin_clzll(value | 1);
    return (bits + 6) / 7;
}

/* The difference a - b modulo 2^64, folded: every pair of numbers round-trips. */
static inline uint64_t zigzag(uint64_t difference)
{
    return (difference << 1) ^ (0 - (difference >> 63));
}

static inline uint64_t unzigzag(uint64_t folded)
{
    return (folded >> 1) ^ (0 - (folded & 1));
}

struct cursor {
    const uint8_t *at, *end;
    bool bad;
};

static inline struct cursor cursor_over(const uint8_t *data, size_t len)
{
    return (struct cursor){.at = data, .end = data + len};
}

static inline size_t cursor_left(const struct cursor *c)
{
    return (size_t)(c->end - c->at);
}

static inline uint64_t cursor_fail(struct cursor *c)
{
    c->bad = true;
    c->at = c->end;
    return 0;
}

static inline uint8_t cursor_byte(struct cursor *c)
{
    return c->at < c->end ? *c->at++ : (uint8_t)cursor_fail(c);
}

static inline uint64_t cursor_varint(struct cursor *c)
{
    /* Most numbers are short: try one byte before the loop. */
    if (c->at < c->end && *c->at < 0x80)
        return *c->at++;
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (c->at == c->end)
            return cursor_fail(c);
        uint64_t byte = *c->at++;
        if (shift == 63 && byte > 1)
            return cursor_fail(c);
        value |= (byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    return cursor_fail(c);
}

/* `len` bytes, or NULL. */
static inline const uint8_t *cursor_bytes(struct cursor *c, uint64_t len)
{
    if (len > cursor_left(c)) {
        cursor_fail(c);
        return NULL;
    }
    const uint8_t *data = c->at;
    c->at += len;
    return data;
}
