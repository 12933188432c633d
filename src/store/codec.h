/*
 * codec.h: the envelope around everything packed: codec number, flags, the body (compressed when
 * that helps), a checksum. The number is the seam for better codecs: a reader dispatches on it.
 * A codec belongs to one thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define CODEC_PLAIN 1  /* varint columns, zstd: quick to write */
#define CODEC_PACKED 2 /* columns by their statistics (column_words.h): small, quick to read */
#define CODEC_GROUP 3  /* many packed ones (group.h) */

/* The first byte of a packed one in a group: with its flags, and without a checksum of its own. */
#define CODEC_BARE 0xc0

/* Against accidents, not against people. The same on every machine of little end first. */
uint32_t codec_checksum(const uint8_t *data, size_t len);
void codec_checksum_put(uint8_t out[4], uint32_t sum);
uint32_t codec_checksum_get(const uint8_t in[4]);
#define CODEC_CHECKSUM_BYTES 4

/* The double is a whole number that 53 bits hold, and not -0.0: (double)(int64_t)value gives the
 * same bits back. */
bool codec_is_whole(double value);

struct codec; /* compression contexts and scratch memory, made when first needed, kept */

struct codec *codec_new(void);
void codec_free(struct codec *codec); /* NULL allowed */

/* Appends an envelope to `out`. `flags` (at most 6 bits) are the caller's. */
void codec_wrap(struct codec *codec, uint8_t flags, const uint8_t *body, size_t len,
                struct buf *out);

/* The same for a body that is packed already. `count` (of ticks, of rows) is not stored, but in the
 * checksum: whoever opens it must know. */
void codec_wrap_packed(uint8_t flags, const uint8_t *body, size_t len, size_t count,
                       struct buf *out);

/*
 * Opens an envelope of CODEC_PLAIN whose body may have at most max_len bytes. The body is borrowed
 * from `data` or from the codec until its next call. 0, or -EBADMSG for damage and -ENOTSUP for
 * another codec.
 */
int codec_unwrap(struct codec *codec, const uint8_t *data, size_t len, size_t max_len,
                 uint8_t *ret_flags, const uint8_t **ret_body, size_t *ret_len);

/* The same for CODEC_PACKED: the body is borrowed from `data`, always. */
int codec_unwrap_packed(const uint8_t *data, size_t len, size_t count, uint8_t *ret_flags,
                        const uint8_t **ret_body, size_t *ret_len);
uint32_t codec_checksum_packed(const uint8_t *data, size_t len, size_t count);

/* Also bare ones. */
static inline bool codec_is_packed(const uint8_t *data, size_t len)
{
    return len > 0 && (data[0] == CODEC_PACKED || data[0] >= CODEC_BARE);
}

/* The flags and body of a packed envelope, whatever its checksum; false: too short for one. */
bool codec_peek_packed(const uint8_t *data, size_t len, uint8_t *ret_flags,
                       const uint8_t **ret_body, size_t *ret_len);

/* What packing and unpacking need room for; made when first needed. */
struct words_room *codec_words(struct codec *codec);

/* Memory for building a body of at most `size` bytes; valid until the next codec_scratch. */
uint8_t *codec_scratch(struct codec *codec, size_t size);
