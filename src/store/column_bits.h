/*
 * column_bits.h: a stream of bits, the lowest of each byte first. Writing goes through a bare
 * pointer into memory that the caller sized. Reading never leaves its range: past the end it turns
 * `bad` and yields zeros, so that decoders check once at the end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/defs.h"

struct bit_writer {
    uint8_t *at;
    uint64_t held; /* `count` bits that are not written yet, fewer than eight */
    unsigned count;
};

static inline uint64_t bits_low(uint64_t value, unsigned count)
{
    return count < 64 ? value & ((UINT64_C(1) << count) - 1) : value;
}

/* The number of bits that a number needs: 0 for 0. */
static inline unsigned bits_length(uint64_t value)
{
    return value ? 64 - (unsigned)__builtin_clzll(value) : 0;
}

/* count: 32 at most. */
static inline void bits_put_few(struct bit_writer *w, uint64_t value, unsigned count)
{
    w->held |= bits_low(value, count) << w->count;
    w->count += count;
    while (w->count >= 8) {
        *w->at++ = (uint8_t)w->held;
        w->held >>= 8;
        w->count -= 8;
    }
}

static inline void bits_put(struct bit_writer *w, uint64_t value, unsigned count)
{
    bits_put_few(w, value, MIN(count, 32U));
    if (count > 32)
        bits_put_few(w, value >> 32, count - 32);
}

/* The rest of the last byte is zeros. Returns where the next byte goes. */
static inline uint8_t *bits_flush(struct bit_writer *w)
{
    if (w->count)
        *w->at++ = (uint8_t)w->held;
    w->held = 0;
    w->count = 0;
    return w->at;
}

struct bit_reader {
    const uint8_t *data;
    uint64_t at, end; /* in bits */
    bool bad;
};

static inline struct bit_reader bits_over(const uint8_t *data, size_t len)
{
    return (struct bit_reader){.data = data, .end = 8 * (uint64_t)len};
}

/* Eight bytes from the one on that holds the next bit; zeros beyond the end. */
static inline uint64_t bits_window(const struct bit_reader *r)
{
    uint64_t first = r->at / 8, bytes = r->end / 8, window = 0;
    if (first + sizeof(window) <= bytes)
        memcpy(&window, r->data + first, sizeof(window));
    else if (first < bytes)
        memcpy(&window, r->data + first, (size_t)(bytes - first));
    return window;
}

static inline uint64_t bits_get(struct bit_reader *r, unsigned count)
{
    if (count > r->end - r->at) {
        r->bad = true;
        r->at = r->end;
        return 0;
    }
    uint64_t value = 0;
    unsigned done = 0;
    while (count > 56) { /* a window has that many for sure */
        value = bits_low(bits_window(r) >> (r->at & 7), 32);
        r->at += 32;
        count -= 32;
        done = 32;
    }
    value |= bits_low(bits_window(r) >> (r->at & 7), count) << done;
    r->at += count;
    return value;
}

/* Bytes that were begun. */
static inline size_t bits_bytes(const struct bit_reader *r)
{
    return (size_t)((r->at + 7) / 8);
}

/* Numbers from 1, the small ones in few bits (Elias' gamma code). */
static inline unsigned gamma_size(uint64_t value)
{
    return 2 * bits_length(value) - 1;
}

static inline void gamma_put(struct bit_writer *w, uint64_t value)
{
    unsigned more = bits_length(value | 1) - 1;
    bits_put(w, UINT64_C(1) << more, more + 1); /* so many zeros, then a one */
    bits_put(w, value, more);                   /* all but the highest bit */
}

static inline uint64_t gamma_get(struct bit_reader *r)
{
    unsigned more = 0;
    while (!r->bad && more < 63 && !bits_get(r, 1))
        more++;
    return UINT64_C(1) << more | bits_get(r, more);
}
