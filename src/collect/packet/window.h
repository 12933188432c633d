/*
 * window.h: a regular file through a window: what is looked at lies in one piece in memory, however
 * large the file is. Not mapped, because a mapped file that somebody cuts short ends the process.
 * One owner, one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define WINDOW_BYTES (512 * 1024)

/* The largest packet that is handed out, as libpcap has it for what is not USB or D-Bus: with its
 * headers it fits into the window. */
#define WINDOW_PACKET_MAX 262144

struct window {
    int fd;         /* the caller's */
    size_t at, len; /* the next byte, and how many there are */
    uint8_t bytes[WINDOW_BYTES];
};

static inline const uint8_t *window_at(const struct window *w)
{
    return w->bytes + w->at;
}

static inline size_t window_left(const struct window *w)
{
    return w->len - w->at;
}

/* So many bytes from the next one on, WINDOW_BYTES at most, or fewer at the end of the file: then
 * window_left tells. What was at window_at may lie elsewhere afterwards. 0 or -errno. */
int window_need(struct window *w, size_t bytes);

/* Goes on by so many bytes, also past the file's end, where nothing is left. 0 or -errno. */
int window_skip(struct window *w, uint64_t bytes);

/* Numbers of a file: of this machine's byte order or of the other. */

static inline uint16_t window_u16(bool swapped, const uint8_t *at)
{
    uint16_t n;
    memcpy(&n, at, sizeof(n));
    return swapped ? __builtin_bswap16(n) : n;
}

static inline uint32_t window_u32(bool swapped, const uint8_t *at)
{
    uint32_t n;
    memcpy(&n, at, sizeof(n));
    return swapped ? __builtin_bswap32(n) : n;
}

static inline uint64_t window_u64(bool swapped, const uint8_t *at)
{
    uint64_t n;
    memcpy(&n, at, sizeof(n));
    return swapped ? __builtin_bswap64(n) : n;
}
