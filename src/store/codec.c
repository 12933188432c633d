/*
 * codec.c: envelopes.
 *
 *   byte 0      codec number
 *   byte 1      bit 7: the body is a zstd frame (CODEC_PLAIN only); bits 0-5: the caller's flags
 *   varint      length of the body before compression, only with bit 7
 *   body
 *   4 bytes     checksum of all that, little end first; of packed ones also of how many ticks or
 *               rows there are, which is told from outside
 *
 * SQLite keeps no checksums of its pages. Without one of our own a flipped bit would be drawn as a
 * measurement; with it the chunk is refused and the chart shows a hole.
 *
 * Bodies are a few hundred bytes to a few dozen KiB: contexts are reused, and zstd shrinks its
 * tables to the size of the input, so one context needs about 100 KiB.
 */
#include "store/codec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/check.h"
#include "base/mem.h"
#include "store/column_words.h"
#include "store/varint.h"

#define FLAG_ZSTD 0x80
#define FLAGS_CALLER 0x3f
#define ZSTD_LEVEL 1
#define COMPRESS_FROM 48 /* bytes; zstd's own header eats what shorter bodies could win */

struct codec {
    ZSTD_CCtx *compressor;
    ZSTD_DCtx *decompressor;
    struct words_room *words;
    struct buf scratch;  /* bodies being built */
    struct buf unpacked; /* bodies that were compressed */
};

uint32_t codec_checksum(const uint8_t *data, size_t len)
{
    /* Eight bytes at a time: mixed in, spread upwards by an odd factor, spread downwards by a
     * shift. Each step is reversible, so a difference never vanishes before the last folding. */
    const uint64_t factor = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t sum = len * factor;
    for (; len > 0; data += 8, len -= MIN(len, 8U)) {
        uint64_t word = 0;
        memcpy(&word, data, MIN(len, 8U));
        sum = (sum ^ word) * factor;
        sum ^= sum >> 32;
    }
    return (uint32_t)(sum ^ sum >> 29);
}

void codec_checksum_put(uint8_t out[4], uint32_t sum)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(sum >> (8 * i));
}

uint32_t codec_checksum_get(const uint8_t in[4])
{
    return (uint32_t)in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
}

bool codec_is_whole(double value)
{
    const double limit = 4503599627370496.0; /* 2^52 */
    if (!(value > -limit && value < limit))
        return false;
    const union {
        double value;
        uint64_t bits;
    } given = {value}, back = {(double)(int64_t)value};
    return back.bits == given.bits;
}

struct codec *codec_new(void)
{
    return mem_alloc(sizeof(struct codec));
}

void codec_free(struct codec *codec)
{
    if (!codec)
        return;
    ZSTD_freeCCtx(codec->compressor);
    ZSTD_freeDCtx(codec->decompressor);
    words_room_free(codec->words);
    buf_fini(&codec->scratch);
    buf_fini(&codec->unpacked);
    free(codec);
}

/* Room in a buffer of ours; sizes are bounded by the callers, so refusal means no memory at all. */
static uint8_t *buf_room(struct buf *b, size_t size)
{
    uint8_t *room = (uint8_t *)buf_reserve(b, size);
    CHECK(room);
    return room;
}

struct words_room *codec_words(struct codec *codec)
{
    if (!codec->words)
        codec->words = words_room_new();
    return codec->words;
}

uint8_t *codec_scratch(struct codec *codec, size_t size)
{
    buf_clear(&codec->scratch);
    return buf_room(&codec->scratch, size);
}

/* Writes the compressed body to `at`; 0 when that is no gain. */
static size_t compress_body(struct codec *codec, uint8_t *at, size_t room, const uint8_t *body,
                            size_t len)
{
    if (len < COMPRESS_FROM)
        return 0;
    if (!codec->compressor)
        codec->compressor = ZSTD_createCCtx();
    CHECK(codec->compressor);
    size_t packed = ZSTD_compressCCtx(codec->compressor, at, room, body, len, ZSTD_LEVEL);
    return ZSTD_isError(packed) || packed + varint_size(len) >= len ? 0 : packed;
}

void codec_wrap(struct codec *codec, uint8_t flags, const uint8_t *body, size_t len,
                struct buf *out)
{
    CHECK((flags & ~FLAGS_CALLER) == 0);
    size_t room = ZSTD_compressBound(len);
    uint8_t *start = buf_room(out, 2 + VARINT_MAX + room + CODEC_CHECKSUM_BYTES);
    start[0] = CODEC_PLAIN;
    start[1] = flags | FLAG_ZSTD;
    uint8_t *at = varint_put(start + 2, len);
    size_t packed = compress_body(codec, at, room, body, len);
    if (packed) {
        at += packed;
    } else {
        start[1] = flags;
        if (len)
            memcpy(start + 2, body, len);
        at = start + 2 + len;
    }
    codec_checksum_put(at, codec_checksum(start, (size_t)(at - start)));
    out->len += (size_t)(at - start) + CODEC_CHECKSUM_BYTES;
}

uint32_t codec_checksum_packed(const uint8_t *data, size_t len, size_t count)
{
    /* An odd factor: no two counts (of 32 bits) give the same. */
    return codec_checksum(data, len) ^ (uint32_t)count * UINT32_C(0x9e3779b1);
}

void codec_wrap_packed(uint8_t flags, const uint8_t *body, size_t len, size_t count,
                       struct buf *out)
{
    CHECK((flags & ~FLAGS_CALLER) == 0);
    uint8_t *start = buf_room(out, 2 + len + CODEC_CHECKSUM_BYTES);
    start[0] = CODEC_PACKED;
    start[1] = flags;
    if (len)
        memcpy(start + 2, body, len);
    codec_checksum_put(start + 2 + len, codec_checksum_packed(start, 2 + len, count));
    out->len += 2 + len + CODEC_CHECKSUM_BYTES;
}

bool codec_peek_packed(const uint8_t *data, size_t len, uint8_t *ret_flags,
                       const uint8_t **ret_body, size_t *ret_len)
{
    if (!codec_is_packed(data, len))
        return false;
    bool bare = data[0] >= CODEC_BARE;
    size_t around = bare ? 1 : 2 + CODEC_CHECKSUM_BYTES;
    if (len < around)
        return false;
    *ret_flags = bare ? data[0] & FLAGS_CALLER : data[1];
    *ret_body = data + (bare ? 1 : 2);
    *ret_len = len - around;
    return true;
}

int codec_unwrap_packed(const uint8_t *data, size_t len, size_t count, uint8_t *ret_flags,
                        const uint8_t **ret_body, size_t *ret_len)
{
    if (len && data[0] >= CODEC_BARE)
        return codec_peek_packed(data, len, ret_flags, ret_body, ret_len) ? 0 : -EBADMSG;
    if (len < 2 + CODEC_CHECKSUM_BYTES)
        return -EBADMSG;
    size_t covered = len - CODEC_CHECKSUM_BYTES;
    bool packed = data[0] == CODEC_PACKED;
    uint32_t sum = codec_checksum_packed(data, covered, packed ? count : 0);
    if (sum != codec_checksum_get(data + covered))
        return -EBADMSG;
    if (!packed)
        return -ENOTSUP;
    *ret_flags = data[1];
    *ret_body = data + 2;
    *ret_len = covered - 2;
    return data[1] & ~FLAGS_CALLER ? -EBADMSG : 0;
}

int codec_unwrap(struct codec *codec, const uint8_t *data, size_t len, size_t max_len,
                 uint8_t *ret_flags, const uint8_t **ret_body, size_t *ret_len)
{
    if (len < 2 + CODEC_CHECKSUM_BYTES)
        return -EBADMSG;
    size_t covered = len - CODEC_CHECKSUM_BYTES;
    if (codec_checksum(data, covered) != codec_checksum_get(data + covered))
        return -EBADMSG;
    if (data[0] != CODEC_PLAIN)
        return -ENOTSUP;
    struct cursor c = cursor_over(data + 2, covered - 2);
    *ret_flags = data[1] & FLAGS_CALLER;
    if (!(data[1] & FLAG_ZSTD)) {
        *ret_body = c.at;
        *ret_len = cursor_left(&c);
        return *ret_len <= max_len ? 0 : -EBADMSG;
    }

    uint64_t unpacked_len = cursor_varint(&c);
    if (c.bad || unpacked_len > max_len)
        return -EBADMSG;
    if (!codec->decompressor)
        codec->decompressor = ZSTD_createDCtx();
    CHECK(codec->decompressor);
    buf_clear(&codec->unpacked);
    uint8_t *room = buf_room(&codec->unpacked, (size_t)unpacked_len + 1);
    size_t got =
        ZSTD_decompressDCtx(codec->decompressor, room, (size_t)unpacked_len, c.at, cursor_left(&c));
    if (ZSTD_isError(got) || got != unpacked_len)
        return -EBADMSG;
    *ret_body = room;
    *ret_len = got;
    return 0;
}
