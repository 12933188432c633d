/*
 * deflate.c: zlib's raw deflate, a message at a time.
 *
 * Out: a message is deflated into scratch memory that is an eighth smaller than itself; when it
 * does not fit, it does not pay. What a flush puts at the end, 00 00 ff ff, is not sent. Level and
 * sizes are measured: docs/adr/030-permessage-deflate.md.
 *
 * In: payload, then those four bytes. Some encoders leave them in (a message whose last fragment is
 * empty), and some end with a final block, behind which another stream may begin that still refers
 * to the text before it. So the payload is read first; when it ends where a block ends, it is
 * complete; otherwise the four bytes must complete it. Output grows by pieces and is held against
 * its limits before the next piece: a bomb is found out by its first bytes beyond them.
 */
#include "wire/deflate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/check.h"
#include "base/defs.h"
#include "base/mem.h"
#include "wire/websocket.h"

#define WINDOW_RAW (-15) /* 32 KiB, no header */
#define WINDOW_BYTES 32768
#define LEVEL 4
#define MEMORY 8
#define STRATEGY Z_DEFAULT_STRATEGY

#define PACK_MIN_BYTES 256 /* below that what is saved is less than the packet's own head */
#define SCRATCH_KEPT_BYTES (256U << 10) /* of an unusual message the scratch is given back */
#define PIECE_BYTES 16384

static const uint8_t flush_end[4] = {0x00, 0x00, 0xff, 0xff};

/* ---- out ---- */

struct deflater {
    z_stream z;
    bool ready; /* z is initialised */
    struct buf scratch;
};

struct deflater *deflater_new(void)
{
    return mem_alloc(sizeof(struct deflater));
}

void deflater_free(struct deflater *d)
{
    if (!d)
        return;
    if (d->ready)
        deflateEnd(&d->z);
    buf_fini(&d->scratch);
    free(d);
}

static bool deflater_ready(struct deflater *d)
{
    if (d->ready)
        return deflateReset(&d->z) == Z_OK;
    d->ready = deflateInit2(&d->z, LEVEL, Z_DEFLATED, WINDOW_RAW, MEMORY, STRATEGY) == Z_OK;
    return d->ready;
}

/* The frame's payload; its header says how long itself is. */
static const uint8_t *frame_payload(const struct bytes *frame, size_t *ret_len)
{
    unsigned length = frame->data[1] & 0x7f;
    size_t header = length == 127 ? 10 : length == 126 ? 4 : 2;
    CHECK(frame->len >= header);
    *ret_len = frame->len - header;
    return frame->data + header;
}

struct bytes *deflater_pack(struct deflater *d, const struct bytes *frame)
{
    size_t len;
    const uint8_t *payload = frame_payload(frame, &len);
    if (len < PACK_MIN_BYTES || len > UINT32_MAX || !deflater_ready(d))
        return NULL;
    size_t room = len - len / 8;
    buf_clear(&d->scratch);
    uint8_t *out = (uint8_t *)buf_reserve(&d->scratch, room);
    if (!out) {
        buf_fini(&d->scratch);
        return NULL;
    }
    d->z.next_in = (Bytef *)(uintptr_t)payload; /* zlib only reads it */
    d->z.avail_in = (uInt)len;
    d->z.next_out = out;
    d->z.avail_out = (uInt)room;
    int result = deflate(&d->z, Z_SYNC_FLUSH);
    struct bytes *packed = NULL;
    if (result == Z_OK && d->z.avail_in == 0 && d->z.avail_out > 0) {
        size_t made = room - d->z.avail_out;
        CHECK(made > 4 && memcmp(out + made - 4, flush_end, 4) == 0);
        packed = ws_frame((enum ws_opcode)(frame->data[0] & 0x0f), out, made - 4);
        if (packed)
            packed->data[0] |= WS_BIT_COMPRESSED;
    }
    if (d->scratch.cap > SCRATCH_KEPT_BYTES)
        buf_fini(&d->scratch);
    return packed;
}

/* ---- in ---- */

struct inflater {
    z_stream z;
    bool ready;
};

struct inflater *inflater_new(void)
{
    return mem_alloc(sizeof(struct inflater));
}

void inflater_free(struct inflater *i)
{
    if (!i)
        return;
    if (i->ready)
        inflateEnd(&i->z);
    free(i);
}

static bool inflater_ready(struct inflater *i)
{
    if (i->ready)
        return inflateReset(&i->z) == Z_OK;
    i->ready = inflateInit2(&i->z, WINDOW_RAW) == Z_OK;
    return i->ready;
}

/* A message under way. */
struct unpacking {
    z_stream *z;
    struct buf *out;
    size_t start;  /* length of `out` before */
    size_t most;   /* bytes it may have */
    int too_large; /* the error for more */
    bool ended;    /* the last block was a final one, and nothing came behind it */
};

/* Behind a final block a new stream begins, with the text before it still in reach. */
static bool begin_again(struct unpacking *u)
{
    size_t made = u->out->len - u->start;
    size_t window = MIN(made, (size_t)WINDOW_BYTES);
    if (inflateReset(u->z) != Z_OK)
        return false;
    return window == 0 ||
           inflateSetDictionary(u->z, (const Bytef *)u->out->data + u->out->len - window,
                                (uInt)window) == Z_OK;
}

static int take(struct unpacking *u, const uint8_t *data, size_t len)
{
    z_stream *z = u->z;
    z->next_in = (Bytef *)(uintptr_t)data;
    z->avail_in = (uInt)len;
    for (;;) {
        size_t left = u->most - (u->out->len - u->start);
        /* One byte more than allowed tells that there is more. */
        size_t room = MIN(left + 1, MIN((size_t)z->avail_in * 8 + 64, (size_t)PIECE_BYTES));
        uint8_t *out = (uint8_t *)buf_reserve(u->out, room);
        if (!out)
            return -ENOMEM;
        z->next_out = out;
        z->avail_out = (uInt)room;
        int result = inflate(z, Z_SYNC_FLUSH);
        size_t made = room - z->avail_out;
        if (made > left)
            return u->too_large;
        u->out->len += made;
        if (result == Z_MEM_ERROR)
            return -ENOMEM;
        u->ended = result == Z_STREAM_END && z->avail_in == 0;
        if (u->ended)
            return 0;
        if (result == Z_STREAM_END) {
            if (!begin_again(u))
                return -EBADMSG;
            continue;
        }
        if (result != Z_OK && result != Z_BUF_ERROR)
            return -EBADMSG;
        if (z->avail_out > 0) /* all that these bytes say has been said */
            return z->avail_in == 0 ? 0 : -EBADMSG;
    }
}

/* 128 is zlib's note that it stands between two blocks. */
static bool is_complete(const struct unpacking *u)
{
    return u->ended || (u->z->data_type & 128);
}

int inflater_unpack(struct inflater *i, const void *payload, size_t len, size_t most,
                    struct buf *out)
{
    if (len == 0)
        return 0;
    if (len > UINT32_MAX)
        return -EMSGSIZE;
    if (!inflater_ready(i))
        return -ENOMEM;
    size_t inflated_most = MAX((size_t)INFLATE_FREE_BYTES, len * INFLATE_RATIO_MAX);
    struct unpacking u = {.z = &i->z,
                          .out = out,
                          .start = out->len,
                          .most = MIN(most, inflated_most),
                          .too_large = most <= inflated_most ? -EMSGSIZE : -ERANGE};
    int error = take(&u, payload, len);
    if (error || is_complete(&u))
        return error;
    error = take(&u, flush_end, sizeof(flush_end));
    return error ? error : is_complete(&u) ? 0 : -EBADMSG;
}
